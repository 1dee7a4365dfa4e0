"""A deployment that only notes what a command asks of it, and plans to give it."""

import io
from collections.abc import Collection
from types import SimpleNamespace

import pytest

from deployer.changes import Action, Change, StackPlan
from deployer.events import Listener, Progress
from deployer.plan import Kind, Plan


def plan(*changes: Change, empty: bool = False) -> Plan:
    stacks = StackPlan("millrace-dev", changes)
    return Plan("dev", "millrace-dev", Kind.UPDATE, stacks, None if empty else "c", "s", "millrace-deploy-1")


ADDS = plan(Change("Queue", "AWS::SQS::Queue", Action.ADD))
MODIFIES = plan(Change("Queue", "AWS::SQS::Queue", Action.MODIFY))
DESTROYS = plan(Change("Table", "AWS::DynamoDB::Table", Action.REMOVE, policy_action="Delete"))
EMPTY = plan(empty=True)


class FakeDeployment:
    """The library as the commands see it, and what they asked of it."""

    stack_name = "millrace-dev"
    bootstrap_name = "millrace-dev-bootstrap"
    target = SimpleNamespace(environment=SimpleNamespace(name="dev", account="111122223333"))

    def __init__(self) -> None:
        self.made = ADDS
        self.did: list[str] = []
        self.error: BaseException | None = None
        self.breaks: BaseException | None = None  # what ends an apply
        self.fresh: bool | None = None  # whether the applied plan was this command's own

    def plan(self, *, image_digest: str | None = None, watched: bool = True) -> Plan:
        self.did.append(f"plan {image_digest}" if watched else f"plan {image_digest} unwatched")
        if self.error is not None:
            raise self.error
        return self.made

    def plan_bootstrap(self) -> Plan:
        self.did.append("plan bootstrap")
        return self.made

    def read_plan(self, name: str) -> Plan:
        self.did.append(f"read {name}")
        return self.made

    def apply(
        self, made: Plan, listener: Listener, *, accepted: Collection[tuple[str, ...]], fresh: bool
    ) -> None:
        words = ["apply", str(made.change_set_id), *sorted(map("/".join, accepted))]
        self.did.append(" ".join(words))
        self.fresh = fresh
        if self.breaks is not None:
            raise self.breaks
        listener(Progress((), "Queue", "AWS::SQS::Queue", "CREATE_COMPLETE", "", 1.0))

    def discard(self, made: Plan) -> None:
        self.did.append(f"discard {made.change_set_id}")

    def outputs(self, stack_name: str = "millrace-dev") -> dict[str, str]:
        return {"VpcId": "vpc-1"} if stack_name == "millrace-dev" else {"ArtefactBucket": "artefacts"}


def put_in(monkeypatch: pytest.MonkeyPatch) -> FakeDeployment:
    """In the place of the library, without a terminal, and with nothing under way."""
    fake = FakeDeployment()
    monkeypatch.setattr("deployer.commands.invocation.Deployment", lambda *_, **__: fake)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.delenv("IMAGE_DIGEST", raising=False)
    monkeypatch.setattr("deployer.waiting.settle", lambda *_: None)
    return fake


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    screen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", screen)
    return screen
