import io
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployer import commands, first_rotation, preconditions, stack, steadiness, waiting
from deployer.changes import Action, Change, PropertyChange, StackPlan
from deployer.clock import FakeClock
from deployer.errors import NotApproved
from deployer.events import Listener, Silence
from deployer.images import delivery
from deployer.images.delivery import Delivered
from deployer.images.scan import Scan
from deployer.plan import Kind, Plan
from deployer.preconditions import Met
from deployer.stack import Stack
from deployer.steadiness import Steadiness
from deployer.up import NeedsReview, Up, climb

ROTATED = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = f"sha256:{'a' * 64}"
BOOTSTRAP, PLATFORM = "millrace-dev-bootstrap", "millrace-dev"
EFFECTS = ["role", "foundation", "bootstrap", "image", "platform", "rotation", "service"]


class Killed(BaseException):
    """What SIGKILL leaves of a process: nothing that it could still do."""


class World:
    """An account and all that `up` asks of it. What took effect stays, whoever is killed."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.kill_after: str | None = None
        self.moving: dict[str, int] = {}  # a stack: for how many more looks
        self.bootstrap_name, self.stack_name = BOOTSTRAP, PLATFORM
        self.changes = (Change("Queue", "AWS::SQS::Queue", Action.ADD),)
        self.parameters: dict[str, str] = {}
        environment = SimpleNamespace(name="dev", account="111122223333")
        clients = SimpleNamespace(cloudformation=None)
        self.target: Any = SimpleNamespace(
            environment=environment,
            clients=clients,
            clock=FakeClock(),
            poll=5.0,
            stack_name=PLATFORM,
            check_account=lambda: None,
        )

    def has(self, effect: str) -> bool:
        return effect in self.effects

    def effect(self, name: str) -> None:
        if not self.has(name):
            self.effects.append(name)
        if self.kill_after == name:
            self.kill_after = None
            raise Killed

    def plan_of(self, effect: str, name: str, kind: Kind = Kind.CREATE) -> Plan:
        if self.has(effect):
            return Plan("dev", name, kind, StackPlan(name))
        return Plan("dev", name, kind, StackPlan(name, self.changes), "c", "s", "t")

    # What a deployment offers.

    def plan_bootstrap(self) -> Plan:
        if not self.has("foundation"):
            return self.plan_of("foundation", BOOTSTRAP)
        return self.plan_of("bootstrap", BOOTSTRAP, Kind.UPDATE)

    def plan(self, *, image_digest: str | None = None) -> Plan:
        assert self.has("bootstrap")
        assert image_digest is not None or self.has("platform")
        return self.plan_of("platform", PLATFORM)

    def apply(self, made: Plan, listener: Listener) -> None:
        if not made.is_empty:
            self.moving[made.stack_name] = 3  # a killed deployer does not stop AWS
            first = "foundation" if made.kind is Kind.CREATE else "bootstrap"
            self.effect(first if made.stack_name == BOOTSTRAP else "platform")
            self.moving[made.stack_name] = 0  # followed to its end

    def discard(self, made: Plan) -> None:
        self.effects.append("discarded")

    def outputs(self) -> dict[str, str]:
        assert self.has("platform")
        return {
            "DbSecretArn": "secret",
            "MigratorSecretArn": "release",
            "EcsClusterName": "cluster",
            "EcsServiceName": "service",
        }

    # What the steps ask beside it.

    def find(self, _: Any, name: str) -> Stack | None:
        if not self.has("foundation" if name == BOOTSTRAP else "platform"):
            return None
        left = self.moving[name] = max(self.moving.get(name, 0) - 1, 0)
        status = "CREATE_IN_PROGRESS" if left else "CREATE_COMPLETE"
        return Stack(name, name, status, parameters=self.parameters)

    def settle(self, _: Any, name: str, *, wait: bool, listener: Listener) -> None:
        assert wait
        while (present := self.find(None, name)) and present.is_moving:
            self.target.clock.sleep(self.target.poll)

    def ensure(self, _: Any, directory: Path) -> Met:
        made = not self.has("role")
        self.effect("role")
        return Met(made, "the role")

    def deliver(self) -> str:
        self.effect("image")
        return DIGEST

    def rotated(self, *_: Any) -> datetime | None:
        return ROTATED if self.has("rotation") else None

    def rotate(self, _: Any, secret: str, tell: Callable[[str], None]) -> datetime:
        tell(f"{secret}: not yet")
        self.effect("rotation")
        return ROTATED

    def look(self, *_: Any) -> Steadiness:
        return Steadiness(self.has("service"), "2 of 2 running")

    def steady(self, *_: Any) -> Steadiness:
        self.effect("service")
        return self.look()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(preconditions, "ensure", made.ensure)
    monkeypatch.setattr(stack, "find", made.find)
    monkeypatch.setattr(waiting, "settle", made.settle)
    monkeypatch.setattr(first_rotation, "rotated", made.rotated)
    monkeypatch.setattr(first_rotation, "wait", made.rotate)
    monkeypatch.setattr(steadiness, "look", made.look)
    monkeypatch.setattr(steadiness, "wait", made.steady)
    return made


def up(world: Any, *, image: str | None = None, approve: Any = lambda _: None, keep: bool = True) -> Up:
    return Up(
        deployment=world,
        templates=Path(),
        image=image,
        deliver=world.deliver,
        approve=approve,
        screen=lambda: nullcontext(Silence()),
        keep_deployed=keep,
    )


def run(world: World, **options: Any) -> list[str]:
    told: list[str] = []
    climb(up(world, **options).steps(), world.target.clock, told.append)
    return told


def test_an_empty_account_to_a_running_platform(world: World) -> None:
    told = run(world)

    assert world.effects == EFFECTS
    assert told == [
        "as it was  account             0.0s  111122223333",
        "done       preconditions       0.0s  the role",
        "done       bootstrap           0.0s  2 to add, 0 to modify, 0 to remove",
        f"done       image               0.0s  {DIGEST}",
        "done       platform            0.0s  1 to add, 0 to modify, 0 to remove",
        "done       first rotation      0.0s  2026-01-01 00:00 UTC",
        "done       service             0.0s  2 of 2 running",
    ]


def test_what_goes_wrong_in_the_first_rotation_is_told_while_it_is_waited_for(world: World) -> None:
    steps, told = up(world), list[str]()
    steps.tell = told.append

    climb(steps.steps(), world.target.clock, lambda line: None)

    assert told == ["secret: not yet", "release: not yet"]


def test_what_runs_already_is_left_as_it_was(world: World) -> None:
    run(world)
    world.parameters = {"ImageDigest": DIGEST}

    again = run(world)

    assert world.effects == EFFECTS
    assert {line[:9] for line in again} == {"as it was"}


@pytest.mark.parametrize("effect", EFFECTS)
def test_up_is_restartable_at_every_point_within_a_step(world: World, effect: str) -> None:
    world.kill_after = effect
    with pytest.raises(Killed):
        run(world)

    run(world)

    assert world.effects == EFFECTS


@pytest.mark.parametrize("steps", range(7))
def test_up_is_restartable_between_every_two_steps(world: World, steps: int) -> None:
    climb(up(world).steps()[: steps + 1], world.target.clock, lambda _: None)

    run(world)

    assert world.effects == EFFECTS


def test_what_an_earlier_run_began_is_waited_for(world: World) -> None:
    world.kill_after = "platform"
    with pytest.raises(Killed):
        run(world)
    begun = world.target.clock.now()

    told = run(world)

    assert world.target.clock.now() > begun
    assert told[4].startswith("as it was  platform")


def test_a_given_image_is_run_and_none_is_built(world: World) -> None:
    run(world, image="sha256:given")

    assert "image" not in world.effects


def test_an_archive_replaces_what_is_deployed(world: World) -> None:
    run(world)
    world.effects.remove("image")
    world.parameters = {"ImageDigest": "sha256:old"}

    run(world, keep=False)

    assert world.effects[-1] == "image"


def test_without_approval_up_stops_at_the_platform(world: World) -> None:
    def refuse(_: Plan) -> None:
        raise NotApproved

    told: list[str] = []
    with pytest.raises(NotApproved):
        climb(up(world, approve=refuse).steps(), world.target.clock, told.append)

    assert world.effects == ["role", "foundation", "bootstrap", "image"]
    assert told[-1] == "stopped    platform            0.0s  see below"


def test_up_never_loses_data(world: World) -> None:
    world.changes = (Change("Table", "AWS::DynamoDB::Table", Action.REMOVE, policy_action="Delete"),)

    with pytest.raises(NeedsReview, match=r"python deploy\.py apply dev.*python deploy\.py up dev"):
        run(world)

    assert world.effects == ["role", "discarded"]


def test_a_stack_without_these_outputs_has_nothing_to_wait_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "outputs", dict)

    assert [line.split("s  ")[-1] for line in run(world)[-2:]] == [
        "no secret is offered",
        "no service is offered",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setattr("deployer.commands.invocation.Deployment", lambda *_, **__: world)
    monkeypatch.setattr(delivery, "deliver", lambda *_, **__: delivered(world))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.delenv("IMAGE_DIGEST", raising=False)
    return lambda *arguments: commands.main(["up", "dev", *arguments])


def delivered(world: World) -> Delivered:
    return Delivered(world.deliver(), "v1", "uri", 0, Scan("COMPLETE", counts={"CRITICAL": 1}))


def test_without_a_terminal_and_yes_nothing_is_begun(
    world: World, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed() == 2
    assert ("add --yes" in capsys.readouterr().err, world.effects) == (True, [])


def test_up_in_ci_prints_the_outputs_alone_on_stdout(
    world: World, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("--yes", "--json", "--accept-findings") == 0

    out, err = capsys.readouterr()
    assert json.loads(out)["EcsServiceName"] == "service"
    assert "done       platform" in err


def test_an_image_with_critical_findings_is_pushed_and_not_deployed(
    world: World, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("--yes") == 1
    assert "--accept-findings" in capsys.readouterr().err
    assert world.effects == ["role", "foundation", "bootstrap", "image"]


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("no\n", 1)])
def test_the_platform_is_made_once_somebody_agreed(
    world: World, typed: Callable[..., int], monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", screen)

    assert typed("--image", DIGEST) == code

    assert "+ Queue" in screen.getvalue()
    assert world.has("platform") is (code == 0)
    assert world.has("discarded") is (code == 1)


@pytest.mark.parametrize(("options", "shown"), [((), False), (("--full",), True)])
def test_what_may_stay_is_listed_for_who_asks(
    world: World,
    typed: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    shown: bool,
) -> None:
    later = PropertyChange("Name", "a", "{{IntrinsicFunction:s/Keys.Outputs.Key/Fn::GetAtt}}", cause="Key")
    world.changes = (Change("Queue", "AWS::SQS::Queue", Action.MODIFY, properties=(later,)),)

    assert typed("--yes", "--image", DIGEST, *options) == 0

    assert ("? Queue" in capsys.readouterr().err) is shown


def test_an_image_is_given_or_brought_and_not_both(
    typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("--yes", "--image", DIGEST, "--archive", "image.tar") == 2
    assert "--image is not allowed with --archive" in capsys.readouterr().err


def test_who_interrupts_up_learns_that_aws_goes_on(
    world: World,
    typed: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "apply", interrupt)

    assert typed("--yes", "--image", DIGEST) == 130
    assert "what runs in AWS goes on" in capsys.readouterr().err
