"""Every screen as exact text: at 80 and 120 columns, with a terminal and without one.

Each file of screens/ has what a command prints, its colours as ␛[…m. Without a terminal the columns count for
nothing. What AWS would answer is put in as the values that the commands draw; fetching is tested beside it.
"""

import io
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.live import Live

from deployer import commands, diagnosis, drift, recovery, standing
from deployer.clock import FakeClock
from deployer.contents import Contents
from deployer.destruction import Destruction, Listing
from deployer.diagnosis import Diagnosis, Failing
from deployer.drift import Difference, Drift, ResourceDrift, StackDrift, Status
from deployer.encoding import adapt
from deployer.events import Progress
from deployer.evidence.question import Evidence
from deployer.progress import screen
from deployer.recovery import Recovery, Way
from deployer.remnants import Remnant
from deployer.removal import Fate, Leaving, Removal
from deployer.standing import LastOperation, Report, Resource
from deployer.up import Outcome, Step, Up
from tests.unit.deployer.conftest import NESTED, PREFIX
from tests.unit.deployer.test_plan_text import EXAMPLE

SCREENS = Path(__file__).with_name("screens")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOON = BEGAN + timedelta(hours=12)
NAME = "millrace-dev"
DATABASE, STREAM, TABLE = "AWS::RDS::DBInstance", "AWS::Kinesis::Stream", "AWS::DynamoDB::Table"
DIGEST = f"sha256:{'5d0e' * 16}"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Bytes(io.TextIOWrapper):
    """A terminal with an encoding."""

    def isatty(self) -> bool:
        return True


FAILING = Failing(
    path="Processor/Service",
    type="AWS::ECS::Service",
    status="UPDATE_FAILED",
    reason="Resource handler returned message: Exceeded attempts to wait (HandlerErrorCode: NotStabilized)",
    physical_id="processor",
    template="templates/dev/processor.yaml:214",
    python="stacks/processor.py:118",
)
DIAGNOSIS = Diagnosis(
    environment="dev",
    stack=NAME,
    status="UPDATE_ROLLBACK_FAILED",
    operation="millrace-deploy-7",
    began=BEGAN,
    ended=BEGAN + timedelta(seconds=754),
    cause=FAILING,
    also=(Failing("Cache/Cache", "AWS::ElastiCache::ReplicationGroup", "UPDATE_FAILED", ""),),
    cancelled=3,
    going_back=(Failing("Stream/Queue", "AWS::SQS::Queue", "UPDATE_FAILED", "it is gone"),),
    findings=(),
    evidence=(
        Evidence(
            "stopped tasks of the service processor",
            ("00:07:12 task 4f1a: Essential container in task exited, exit code 1", "x" * 130),
        ),
    ),
    next="`python deploy.py recover dev`",
)
READINGS = ResourceDrift(
    "Stream/Readings",
    STREAM,
    "readings",
    Status.MODIFIED,
    differences=(
        Difference("/RetentionPeriodHours", "NOT_EQUAL", "168", "24"),
        Difference("/Tags/0", "ADD", "null", '{"Key":"owner","Value":"somebody who tried something out"}'),
    ),
)
DRIFT = Drift(
    "dev",
    NAME,
    (
        StackDrift((), NAME, (ResourceDrift("Topic", "AWS::SNS::Topic", "topic", Status.IN_SYNC),)),
        StackDrift(
            ("Stream",),
            "Stream",
            (READINGS, ResourceDrift("Stream/Queue", "AWS::SQS::Queue", "queue", Status.DELETED)),
        ),
        StackDrift(
            ("Database",),
            "Database",
            (
                ResourceDrift("Database/Role", "AWS::IAM::Role", "role", Status.UNKNOWN),
                ResourceDrift(
                    "Database/Rotation", "AWS::SecretsManager::RotationSchedule", "r", Status.NOT_CHECKED
                ),
            ),
            "not authorized: iam:GetRole",
        ),
    ),
)
LISTING = Listing(
    Removal(
        NAME,
        (
            Leaving("Stream/Readings", STREAM, "millrace-dev-readings", Fate.KEPT),
            Leaving("Database/Database", DATABASE, "millrace-dev-database", Fate.SNAPSHOT, guarded=True),
            Leaving("Processor/Leases", TABLE, "millrace-dev-processor-leases-of-the-consumer", Fate.LOST),
            Leaving("Delivery/Archive", "AWS::S3::Bucket", "millrace-dev-archive", Fate.LOST),
            Leaving("Processor/Role", "AWS::IAM::Role", "role", Fate.LOST),
        ),
        "eu-west-2",
    ),
    (
        Contents(
            "Delivery/Archive", "AWS::S3::Bucket", "millrace-dev-archive", 20431, False, datetime(2027, 1, 1)
        ),
    ),
)
STANDING = partial(standing.Standing, reason="", changed=BEGAN, drift_checked=NOON, protected=True)
REPORT = Report(
    environment="dev",
    region="eu-west-2",
    bootstrap=STANDING(
        name="millrace-dev-bootstrap",
        stack_id="b",
        status="CREATE_COMPLETE",
        drift="NOT_CHECKED",
        policy=False,
        resources=(Resource("Artefacts", "AWS::S3::Bucket", "artefacts", "CREATE_COMPLETE"),),
    ),
    platform=STANDING(
        name=NAME,
        stack_id="p",
        status="UPDATE_ROLLBACK_FAILED",
        reason="The following resource(s) failed to update: [Stream]",
        drift="IN_SYNC",
        policy=True,
        resources=(),
        children=(
            STANDING(
                name="Stream",
                stack_id="s",
                status="UPDATE_ROLLBACK_FAILED",
                drift="DRIFTED",
                policy=True,
                resources=(
                    Resource("Readings", STREAM, "readings", "UPDATE_COMPLETE"),
                    Resource("Queue", "AWS::SQS::Queue", "queue", "UPDATE_FAILED", "the queue is gone " * 4),
                ),
            ),
            STANDING(
                name="Keys",
                stack_id="k",
                status="UPDATE_COMPLETE",
                drift="IN_SYNC",
                policy=False,
                resources=(),
            ),
        ),
    ),
    last_operation=LastOperation("millrace-deploy-7", "UPDATE_ROLLBACK_FAILED", NOON),
    running=False,
)


def remnant(path: str, kind: str, physical: str, status: str, reason: str = "") -> Remnant:
    return Remnant(path, path.rpartition("/")[2], kind, physical, status, reason, "s", path)


RECOVERY = Recovery(
    environment="dev",
    stack=NAME,
    stack_id="s",
    status="DELETE_FAILED",
    reason="The following resource(s) failed to delete: [Delivery]",
    way=Way.DELETE,
    blocking=(
        remnant(
            "Delivery/Archive",
            "AWS::S3::Bucket",
            "millrace-dev-archive",
            "DELETE_FAILED",
            "The bucket you tried to delete is not empty",
        ),
        remnant(
            "Delivery",
            NESTED,
            f"{PREFIX}:stack/millrace-dev-Delivery-1A/1",
            "DELETE_FAILED",
            "Embedded stack",
        ),
    ),
    left=(remnant("Processor/Leases", TABLE, "millrace-dev-leases", "CREATE_COMPLETE"),),
    orphans=(remnant("Stream/Readings", STREAM, "millrace-dev-readings", "DELETE_SKIPPED"),),
    losing=("Delivery/Archive", "Processor/Leases"),
)


def event(path: str, status: str, elapsed: float, kind: str, **more: Any) -> Progress:
    *above, logical_id = path.split("/")
    return Progress(tuple(above), logical_id, kind, status, more.pop("reason", ""), elapsed, **more)


EVENTS = (
    Progress((), NAME, NESTED, "UPDATE_IN_PROGRESS", "", 0.0, about_stack=True),
    event("Keys", "UPDATE_IN_PROGRESS", 1.0, NESTED),
    event("Keys/Data", "UPDATE_COMPLETE", 5.0, "AWS::KMS::Key", took=3.0),
    event("Keys", "UPDATE_COMPLETE", 6.0, NESTED, took=5.0),
    event("Database", "UPDATE_IN_PROGRESS", 6.0, NESTED),
    event("Database/Database", "UPDATE_IN_PROGRESS", 10.0, DATABASE, expected=400.0),
    event("Database/Attached", "CREATE_IN_PROGRESS", 12.0, "AWS::SecretsManager::SecretTargetAttachment"),
    event("Queue", "UPDATE_FAILED", 20.0, "AWS::SQS::Queue", reason="Queue already exists", took=4.0),
)


def follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update whose first failure has come, looked at for a minute, and left."""
    monkeypatch.setattr("deployer.progress.Live", partial(Live, auto_refresh=False))  # no wall clock draws
    clock = FakeClock()
    with screen(sys.stderr, clock) as viewer:
        viewer.begins(0.0)
        for each in EVENTS:
            clock.sleep(each.elapsed - clock.now())
            viewer(each)
        for _ in range(60):
            clock.sleep(1.0)
            viewer.tick()
        viewer.says("AWS cannot be reached; waiting until 12:40")


def climbs(clock: FakeClock) -> tuple[Step, ...]:
    def taking(seconds: float, note: str, *, done: bool = True) -> Callable[[], Outcome]:
        def act() -> Outcome:
            clock.sleep(seconds)
            return Outcome(note, done)

        return act

    def interrupted() -> Outcome:
        clock.sleep(61.25)
        raise KeyboardInterrupt

    return (
        Step("account", taking(0.4, "111122223333", done=False)),
        Step("preconditions", taking(1.0, "the role")),
        Step("bootstrap", taking(48.3, "6 to add, 0 to modify, 0 to remove")),
        Step("image", taking(12.0, DIGEST)),
        Step("platform", interrupted),
    )


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = FakeClock()
    environment = SimpleNamespace(name="dev", account="111122223333", region="eu-west-2")
    target = SimpleNamespace(
        environment=environment, clock=clock, stack_name=NAME, bootstrap_name=f"{NAME}-bootstrap"
    )
    fake = SimpleNamespace(
        target=target, stack_name=NAME, bootstrap_name=f"{NAME}-bootstrap", plan=lambda **_: EXAMPLE
    )
    monkeypatch.setattr("deployer.commands.invocation.Deployment", lambda *_, **__: fake)
    monkeypatch.setattr("deployer.waiting.settle", lambda *_, **__: None)
    monkeypatch.setattr(diagnosis, "diagnose", lambda *_, **__: DIAGNOSIS)
    monkeypatch.setattr(drift, "detect", lambda *_: DRIFT)
    monkeypatch.setattr(Destruction, "listing", lambda _: LISTING)
    monkeypatch.setattr(standing, "read", lambda _: REPORT)
    monkeypatch.setattr(recovery, "look", lambda *_: RECOVERY)
    monkeypatch.setattr(Up, "steps", lambda _: climbs(clock))
    return fake


TYPED = {
    "plan": ("plan dev", 3),
    "diagnose": ("diagnose dev", 0),
    "drift": ("drift dev", 2),
    "destroy": ("destroy dev --list", 0),
    "status": ("status dev", 0),
    "recover": ("recover dev", 2),
    "up": ("up dev --yes", 130),
}
SEEN = [(80, "terminal"), (120, "terminal"), (80, "no terminal"), (120, "no terminal")]


def look(monkeypatch: pytest.MonkeyPatch, columns: int, where: str) -> io.StringIO:
    """Both streams as one, as a terminal shows them and a log keeps them."""
    seen = Terminal() if where == "terminal" else io.StringIO()
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody can be asked
    monkeypatch.setattr("sys.stdout", seen)
    monkeypatch.setattr("sys.stderr", seen)
    return seen


def kept(name: str, columns: int, where: str) -> str:
    suffix = f"{columns}" if where == "terminal" else "plain"
    return (SCREENS / f"{name}.{suffix}.txt").read_text(encoding="utf-8")


def shown(seen: io.StringIO) -> str:
    return seen.getvalue().replace("\x1b", "␛")


@pytest.mark.parametrize(("columns", "where"), SEEN)
@pytest.mark.parametrize("name", TYPED)
@pytest.mark.usefixtures("deployment")
def test_the_screen_of_a_command(
    monkeypatch: pytest.MonkeyPatch, name: str, columns: int, where: str
) -> None:
    typed, code = TYPED[name]
    seen = look(monkeypatch, columns, where)

    assert commands.main(typed.split()) == code
    assert shown(seen) == kept(name, columns, where)


@pytest.mark.parametrize(("columns", "where"), SEEN)
def test_the_screen_of_an_operation_is_a_tree_on_a_terminal_and_lines_without(
    monkeypatch: pytest.MonkeyPatch, columns: int, where: str
) -> None:
    seen = look(monkeypatch, columns, where)

    follow(monkeypatch)

    assert shown(seen) == kept("progress", columns, where)


# What is copied from the screen, and worth nothing in two pieces.
WHOLE = re.compile(
    r"`[^`]+`[:.,;)]*|arn:\S+|https://\S+|\(https://\S+|python deploy\.py .+|aws .+|sha256:\w+|x{130}"
)


def too_wide(text: str, columns: int) -> list[str]:
    """The lines that are wider, those apart that hold nothing but what cannot be broken."""
    bare = re.sub(r"\x1b\[[?\d;]*\w", "", text)
    wide = [line for line in bare.splitlines() if len(line) > columns]
    return [line for line in wide if not WHOLE.fullmatch(line.strip())]


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("name", TYPED)
@pytest.mark.usefixtures("deployment")
def test_no_screen_of_a_command_is_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    seen = look(monkeypatch, columns, "terminal")

    commands.main(TYPED[name][0].split())

    assert too_wide(seen.getvalue(), columns) == []


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_picture_of_an_operation_is_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    seen = look(monkeypatch, columns, "terminal")

    follow(monkeypatch)

    assert too_wide(seen.getvalue(), columns) == []


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", [*TYPED, "progress"])
@pytest.mark.usefixtures("deployment")
def test_on_a_terminal_of_the_c_locale_every_screen_is_ascii_and_no_wider(
    monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    look(monkeypatch, columns, "terminal")
    monkeypatch.setenv("LC_ALL", "C")
    seen = Bytes(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", seen)
    monkeypatch.setattr("sys.stderr", seen)

    if name == "progress":
        adapt(seen)
        follow(monkeypatch)
    else:
        commands.main(TYPED[name][0].split())
    seen.flush()

    raw = seen.buffer
    assert isinstance(raw, io.BytesIO)
    assert too_wide(raw.getvalue().decode("ascii"), columns) == []


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("name", TYPED)
@pytest.mark.usefixtures("deployment")
def test_a_terminal_without_colours_gets_none(
    monkeypatch: pytest.MonkeyPatch, name: str, variables: dict[str, str]
) -> None:
    seen = look(monkeypatch, 80, "terminal")
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    commands.main(TYPED[name][0].split())

    assert "\x1b[3" not in seen.getvalue()
    assert "\x1b[1;3" not in seen.getvalue()
