"""The life of a deployment, command by command, each of which may be killed; and how one goes on.

What a person would do is done: the same command again, and where that refuses, the command that its message
names. The deployer keeps its promise where this leads on within a few commands, to what stands in the end
in a life that nobody disturbed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3

from local.aws import EmbeddedAws
from local.aws.faults import Fault
from local.soak import standing, tree
from local.soak.standing import Standing
from local.soak.victim import Ended, Kill, Victims

NEXT = 5  # commands at most until all is as it should be
WAIT_SECONDS = 20.0  # longer than whoever cancels needs
# Where the message says that something runs still, its end comes first.
RUNS = "attach"
ADVICE = re.compile(r"`python deploy\.py (\w+) ([^`]*)`")
ASKING = ("apply", "bootstrap", "cancel", "destroy", "recover", "up")
PLAN = re.compile(r"--plan (millrace-deploy-\S+)")


@dataclass(frozen=True)
class Step:
    """A command. `codes` are its exit codes when nothing is in its way, or when it is done already.

    `before` runs first and is killed once it has begun an operation; `faults` hold from then on.
    """

    name: str
    stage: str
    command: str
    codes: tuple[int, ...] = (0,)
    before: str = ""
    faults: tuple[Fault, ...] = ()
    # How many plans may be left open after it, where that matters. What a killed plan made stays until the
    # stack moves or a day is over, since somebody might be reading it; the plan after that removes it.
    open_plans: int | None = None


FAILS = (
    Fault(logical_id=tree.LAST, action="update", message="it refuses"),
    Fault(logical_id=tree.FIRST, action="revert", message="it refuses as well"),
)
LIFE = (
    Step("bootstrap", "made", "bootstrap dev --yes"),
    Step("image", "made", f"image dev --archive {{image}} --tag {tree.TAG} --accept-findings"),
    Step("first plan", "made", "plan dev", (2,)),
    Step("apply --plan", "made", "apply dev --plan {plan} --yes"),
    Step("plan", "changed", "plan dev", (2,)),
    Step("apply", "changed", "apply dev --yes"),
    Step("drift", "changed", "drift dev"),
    Step("apply, data lost", "without data", f"apply dev --yes --accept-data-loss {tree.QUEUE}"),
    Step("apply, stuck", "failing", "apply dev --yes", (1,), faults=FAILS),
    Step("recover", "failing", "recover dev --yes"),
    Step(
        "cancel",
        "failing",
        "cancel dev --yes",
        (0, 1),  # 1 once it is rolled back already
        before="apply dev --yes",
        faults=(Fault(logical_id=tree.LAST, action="update", seconds=WAIT_SECONDS),),
    ),
    Step("plan, no changes", "without data", "plan dev", open_plans=1),
    Step("destroy", "without data", "destroy dev --yes", open_plans=0),
    Step("up", "made", f"up dev --yes --image sha256:{'a' * 64}"),
)


@dataclass(frozen=True)
class Try:
    """One kill and what came of it. `then`: the commands after it, each with its exit code and last line."""

    step: str
    kill: Kill
    at: str  # the request that it was killed by, or the last before it
    then: tuple[tuple[str, int | None, str], ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Undisturbed:
    """A life that nobody disturbed: by step, how it ended and what stood then."""

    ended: Mapping[str, Ended]
    stood: Mapping[str, Standing]


class Life:
    """One life on an embedded AWS of its own."""

    def __init__(self, victims: Victims, aws: EmbeddedAws, image: Path, write: Callable[[str], None]) -> None:
        self._victims = victims
        self._aws = aws
        self._image = image
        self._write = write
        self._plan = ""

    def undisturbed(self, delays: tuple[Fault, ...]) -> Undisturbed:
        """Raises AssertionError where a command does not end as it must even so."""
        ended, stood = {}, {}
        for step in LIFE:
            self._prepare(step, delays)
            one = self._run(step.command)
            if one.code not in step.codes:
                raise AssertionError(f"{step.command}: exit {one.code}\n{one.output}{one.errors}")
            ended[step.name], stood[step.name] = one, self._look()
        return Undisturbed(ended, stood)

    def tried(self, step: Step, kill: Kill | None, delays: tuple[Fault, ...], model: Undisturbed) -> Try:
        """The step, killed if so, and gone on from; not `wrong` where that led to what stands in `model`."""
        self._prepare(step, delays)
        killed = self._run(step.command, kill)
        then: list[tuple[str, int | None, str]] = []
        wrong = [] if killed.code is None else self._go_on(step, then, first=killed)
        if killed.code is None:
            wrong = self._go_on(step, then)
        if not wrong:
            wrong = self._wrong(step, model)
        made = killed.requests
        at = made[-1] if made else "its start"
        if kill is not None and kill.request and not kill.answered:
            known = model.ended[step.name].requests
            at = known[kill.request - 1] if kill.request <= len(known) else at
        return Try(step.name, kill or Kill(), at, tuple(then), tuple(wrong))

    def _prepare(self, step: Step, delays: tuple[Fault, ...]) -> None:
        self._write(step.stage)
        self._aws.inject(*step.faults, *delays)
        if step.before:
            begun = self._run(step.before, Kill(named="ExecuteChangeSet", answered=True))
            if begun.code is not None:
                raise AssertionError(f"{step.before} was not killed: {begun.output}{begun.errors}")

    def _run(self, command: str, kill: Kill | None = None) -> Ended:
        ended = self._victims.run(command.format(plan=self._plan, image=self._image).split(), kill)
        if found := PLAN.search(ended.output):
            self._plan = found[1]
        return ended

    def _go_on(
        self, step: Step, then: list[tuple[str, int | None, str]], first: Ended | None = None
    ) -> list[str]:
        command = step.command
        ended = first
        while len(then) < NEXT:
            if ended is None:
                ended = self._run(command)
                then.append((command.format(plan="NAME", image="FILE"), ended.code, _last(ended)))
            advice = next_command(ended)
            if ended.code in step.codes and (advice is None or advice.split()[0] != RUNS):
                return []
            if ended.code is None or "Traceback" in ended.errors:
                return [f"`{command}` ended as {ended.code}: {ended.errors.strip()}"]
            if advice is None:
                return [f"`{command}` refused, and names no command: {_last(ended)}"]
            advised = self._run(advice)
            then.append((advice, advised.code, _last(advised)))
            if advice.startswith("plan ") and advised.code == 0:
                command = "apply dev --yes"  # which sets right what is no part of a change set
            ended = None
        return [f"not there after {NEXT} commands"]

    def _wrong(self, step: Step, model: Undisturbed) -> list[str]:
        stands = self._look()
        wrong = stands.differences(model.stood[step.name])
        if step.open_plans is not None and len(stands.open_plans) > step.open_plans:
            wrong.append(f"nobody reads {stands.open_plans} any more")
        if step.open_plans == 0 and stands.reviewed:
            wrong.append(f"{stands.reviewed} are reviewed by nobody")
        return wrong

    def _look(self) -> Standing:
        told = self._aws.environment
        return standing.look(
            boto3.Session(
                told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], region_name=told["AWS_REGION"]
            )
        )


def next_command(ended: Ended) -> str | None:
    """The first command that the error names, approved where it asks."""
    lines = [line for line in ended.errors.splitlines() if line.startswith("deploy.py: ")]
    if any(line.endswith("`python deploy.py plan`") for line in lines):  # of which environment it cannot know
        return "plan dev"
    commands = [found for line in lines for found in ADVICE.finditer(line)]
    acting = [found for found in commands if found[1] not in ("diagnose", "status")]
    if not acting:
        return None
    name, rest = acting[0].groups()
    return f"{name} {rest.strip()}" + (" --yes" if name in ASKING and "--yes" not in rest else "")


def _last(ended: Ended) -> str:
    said = (ended.errors.strip() or ended.output.strip()).splitlines()
    out = ended.output.strip().splitlines()
    return (out[-1] if ended.code == 0 and out else said[-1] if said else "").strip()
