import io
import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from deployer import commands
from deployer.changes import Action, Change, PropertyChange, StackPlan
from deployer.commands.showing import show
from deployer.errors import DeploymentFailed, Unread
from deployer.events import Listener, Progress
from deployer.plan import Kind, Plan


def plan(*changes: Change, empty: bool = False) -> Plan:
    stacks = StackPlan("millrace-dev", changes)
    return Plan("dev", "millrace-dev", Kind.UPDATE, stacks, None if empty else "c", "s", "millrace-deploy-1")


ADDS = plan(Change("Queue", "AWS::SQS::Queue", Action.ADD))
MODIFIES = plan(Change("Queue", "AWS::SQS::Queue", Action.MODIFY))
DESTROYS = plan(Change("Table", "AWS::DynamoDB::Table", Action.REMOVE, policy_action="Delete"))
EMPTY = plan(empty=True)
ELSEWHERE = PropertyChange(
    "Name", "a", "{{IntrinsicFunction:s/Stream.Outputs.Name/Fn::GetAtt}}", cause="Name"
)
UNRESOLVED = plan(Change("Queue", "AWS::SQS::Queue", Action.MODIFY, properties=(ELSEWHERE,)))

PRINTS_TO_A_CLOSED_PIPE = """
import sys
from deployer import commands
commands.deploy.main = lambda *_, **__: print("a plan") or 2
sys.exit(commands.main(["plan", "dev"]))
"""


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


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> FakeDeployment:
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


@pytest.mark.parametrize(("made", "code"), [(EMPTY, 0), (ADDS, 2), (DESTROYS, 3)])
def test_plan_exits_with_its_verdict(deployment: FakeDeployment, made: Plan, code: int) -> None:
    deployment.made = made

    assert commands.main(["plan", "dev"]) == code


def test_plan_shows_the_tree_and_how_to_apply_it(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.main(["plan", "dev", "--image", "sha256:1"])

    assert deployment.did == ["plan sha256:1"]
    assert capsys.readouterr() == (
        "millrace-dev\n"
        "└─ + Queue  AWS::SQS::Queue\n"
        "\n"
        "1 to add, 0 to modify, 0 to remove\n"
        "apply it with: python deploy.py apply dev --plan millrace-deploy-1\n",
        "",
    )


def test_the_image_can_come_from_the_environment(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_DIGEST", "sha256:2")

    commands.main(["plan", "dev"])

    assert deployment.did == ["plan sha256:2"]


def test_apply_without_a_terminal_needs_yes_before_anything_is_made(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["apply", "dev"]) == 2

    assert deployment.did == []
    assert capsys.readouterr() == (
        "",
        "deploy.py: nobody can be asked for approval, since there is no terminal: add --yes once you have "
        "read the plan\n",
    )


def test_apply_with_yes_executes_what_it_showed(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["apply", "dev", "--yes"]) == 0

    assert deployment.did == ["plan None", "apply c"]
    assert deployment.fresh is True
    out, err = capsys.readouterr()
    assert out.endswith("1 to add, 0 to modify, 0 to remove\nmillrace-dev: done\n")
    assert err == "    1.0s  Queue  AWS::SQS::Queue  CREATE_COMPLETE\n"


@pytest.mark.parametrize("command", ["plan", "apply --yes", "bootstrap --yes"])
def test_what_may_stay_is_folded_and_listed_with_full_by_each_command_that_shows_a_plan(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    deployment.made = UNRESOLVED
    name, *options = command.split()

    commands.main([name, "dev", *options])
    folded = capsys.readouterr().out
    commands.main([name, "dev", "--full", *options])
    full = capsys.readouterr().out

    assert ("? 1 that may stay" in folded, "? Queue" in folded, "`--full` lists" in folded) == (
        True,
        False,
        True,
    )
    assert ("? 1 that may stay" in full, "? Queue" in full, "`--full` lists" in full) == (False, True, False)


def test_apply_of_a_named_plan_makes_no_other(deployment: FakeDeployment) -> None:
    assert commands.main(["apply", "dev", "--plan", "millrace-deploy-1", "--yes"]) == 0

    assert deployment.did == ["read millrace-deploy-1", "apply c"]
    assert deployment.fresh is False


def test_approval_at_a_terminal(deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = at_a_terminal(monkeypatch, "yes\n")

    assert commands.main(["apply", "dev"]) == 0
    assert deployment.did == ["plan None", "apply c"]
    assert "Apply? Only `yes` does: " in screen.getvalue()


def test_a_plan_that_was_there_before_stays_when_it_is_declined(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_a_terminal(monkeypatch, "no\n")

    assert commands.main(["apply", "dev", "--plan", "millrace-deploy-1"]) == 1
    assert deployment.did == ["read millrace-deploy-1"]


@pytest.mark.parametrize(
    ("option", "did"), [("--plan=", ["read ", "apply c"]), ("--image=", ["plan ", "apply c"])]
)
def test_an_empty_option_is_not_one_that_is_left_out(
    deployment: FakeDeployment, option: str, did: list[str]
) -> None:
    commands.main(["apply", "dev", "--yes", option])

    assert deployment.did == did


TWO_LOST = plan(
    Change("Table", "AWS::DynamoDB::Table", Action.REMOVE, policy_action="Delete"),
    Change("Queue", "AWS::SQS::Queue", Action.REMOVE, policy_action="Delete"),
)


def test_a_loss_of_data_is_accepted_by_name(deployment: FakeDeployment) -> None:
    deployment.made = TWO_LOST

    options = ["--accept-data-loss", "Table", "--accept-data-loss=Queue"]
    assert commands.main(["apply", "dev", "--yes", *options]) == 0
    assert deployment.did == ["plan None", "apply c Queue Table"]


def test_a_loss_that_was_made_already_is_accepted_again_and_nothing_is_done(
    deployment: FakeDeployment,
) -> None:
    deployment.made = replace(TWO_LOST, change_set_id=None, stacks=StackPlan("millrace-dev"))

    assert commands.main(["apply", "dev", "--yes", "--accept-data-loss", "Table"]) == 0
    assert deployment.did == ["plan None", "apply None"]


def test_yes_alone_accepts_no_loss_of_data(deployment: FakeDeployment) -> None:
    deployment.made = TWO_LOST

    commands.main(["apply", "dev", "--yes", "--accept-data-loss", "Table"])

    assert deployment.did == ["plan None", "apply c Table"]  # which refuses it


@pytest.mark.parametrize(("name", "did"), [("", ["plan None", "discard c"]), ("--plan=n", ["read n"])])
def test_an_accepted_name_that_is_not_endangered_is_refused_as_a_mistake(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str], name: str, did: list[str]
) -> None:
    deployment.made = TWO_LOST

    arguments = ["apply", "dev", "--yes", "--accept-data-loss", "Tabel", *filter(None, [name])]
    assert commands.main(arguments) == 2
    assert deployment.did == did
    assert capsys.readouterr().err == (
        "deploy.py: --accept-data-loss Tabel: that is none of Table, Queue; nothing was changed\n"
    )


def test_at_a_terminal_each_name_is_typed(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.made = TWO_LOST
    screen = at_a_terminal(monkeypatch, "Queue\nyes\n")

    assert commands.main(["apply", "dev", "--accept-data-loss", "Table"]) == 0
    assert deployment.did == ["plan None", "apply c Queue Table"]
    assert screen.getvalue().startswith(
        "Queue holds data that would be lost. Type Queue to accept that: Apply? Only `yes` does: "
    )


@pytest.mark.parametrize("answer", ["yes\nyes\nyes\n", "Table\nyes\nyes\n", "Table\nQueue\nno\n", ""])
def test_at_a_terminal_another_word_than_the_name_accepts_nothing(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    deployment.made = TWO_LOST
    at_a_terminal(monkeypatch, answer)

    assert commands.main(["apply", "dev"]) == 1
    assert deployment.did == ["plan None", "discard c"]


def test_a_bootstrap_that_loses_data_wants_its_name_as_well(deployment: FakeDeployment) -> None:
    deployment.made = DESTROYS

    assert commands.main(["bootstrap", "dev"]) == 2
    assert commands.main(["bootstrap", "dev", "--yes", "--accept-data-loss", "Table"]) == 0
    assert deployment.did == ["plan bootstrap", "discard c", "plan bootstrap", "apply c Table"]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_alarms_are_left_out_when_asked(deployment: FakeDeployment, command: str) -> None:
    yes = ["--yes"] if command == "apply" else []

    commands.main([command, "dev", "--without-rollback-alarms", *yes])

    assert deployment.did[0] == "plan None unwatched"


def test_what_else_to_know_stands_below_the_plan(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.made = replace(ADDS, notes=("ALARM Lag: the deployment would be rolled back for it",))

    commands.main(["plan", "dev"])

    assert capsys.readouterr().out.splitlines()[-2:] == [
        "ALARM Lag: the deployment would be rolled back for it",
        "apply it with: python deploy.py apply dev --plan millrace-deploy-1",
    ]


@pytest.mark.parametrize("option", ["--image=sha256:1", "--without-rollback-alarms"])
def test_a_named_plan_has_its_image_and_its_alarms_already(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert commands.main(["apply", "dev", "--yes", "--plan", "n", option]) == 2

    assert deployment.did == []
    assert f"{option.split('=', maxsplit=1)[0]} is not allowed with --plan" in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["no\n", "y\n", ""])
def test_without_approval_everything_is_as_it_was(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    screen = at_a_terminal(monkeypatch, answer)

    assert commands.main(["apply", "dev"]) == 1
    assert deployment.did == ["plan None", "discard c"]
    assert screen.getvalue().endswith("deploy.py: not approved; nothing was changed\n")


def test_bootstrap_that_only_adds_needs_no_approval(deployment: FakeDeployment) -> None:
    assert commands.main(["bootstrap", "dev"]) == 0
    assert deployment.did == ["plan bootstrap", "apply c"]
    assert deployment.fresh is True


def test_bootstrap_that_modifies_does(deployment: FakeDeployment) -> None:
    deployment.made = MODIFIES

    assert commands.main(["bootstrap", "dev"]) == 2
    assert deployment.did == ["plan bootstrap", "discard c"]


def test_outputs_in_a_format(deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["outputs", "dev", "--format", "json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"VpcId": "vpc-1", "vpc_id": "vpc-1"}


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DeploymentFailed(stack="s", status="x", cause="y"), 1, "s ended as x; first cause: y"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateChangeSet"),
            1,
            "AWS refused CreateChangeSet: AccessDenied: not you",
        ),
        (
            ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "DescribeStacks"),
            2,
            "AWS refuses the credentials (ExpiredToken: old): renew them, for instance with `aws sso login`, "
            "and try again",
        ),
        (
            KeyboardInterrupt(),
            130,
            "interrupted; no change of a stack was begun",
        ),
        (BrokenPipeError(), 1, "the output was not read to its end"),
    ],
)
def test_whatever_goes_wrong_is_one_line(
    deployment: FakeDeployment,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    deployment.error = error

    assert commands.main(["plan", "dev"]) == code
    assert capsys.readouterr() == ("", f"deploy.py: {said}\n")


@pytest.mark.parametrize(
    ("error", "why"), [(KeyboardInterrupt(), "interrupted"), (BrokenPipeError(), "nobody reads the output")]
)
def test_who_stops_looking_learns_that_it_goes_on(
    deployment: FakeDeployment,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    why: str,
) -> None:
    deployment.breaks = error

    assert commands.main(["apply", "dev", "--yes"]) == 130
    assert capsys.readouterr().err == (
        f"deploy.py: {why}; what runs in AWS goes on: follow it again with `python deploy.py attach dev`\n"
    )


def test_a_closed_pipe_is_one_line() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        ran = subprocess.run(
            [sys.executable, "-c", PRINTS_TO_A_CLOSED_PIPE],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert (ran.returncode, ran.stderr) == (
        1,
        "deploy.py: the output was not read to its end\n",
    )


def test_an_unknown_environment_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["plan", "staging"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("staging.yaml: there is no environment 'staging'; there are: dev, prod\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["plan"], ["completion"], ["fly", "dev"], ["outputs", "dev", "--format", "xml"]]
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("deploy.py: ")
    assert err.endswith(" --help`\n")
    assert err.count("\n") == 1


def test_a_profile_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    assert commands.main(["plan", "dev", "--profile", "nobody"]) == 2
    assert "The config profile (nobody) could not be found" in capsys.readouterr().err


def test_the_plan_is_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    plain = io.StringIO()

    show(ADDS, terminal)
    show(ADDS, plain)

    assert "\x1b[32m└─ + Queue  AWS::SQS::Queue\x1b[0m\n" in terminal.getvalue()
    assert plain.getvalue() == ADDS.render() + "\n"


class Closed(io.StringIO):
    """Where nobody reads, and where there is no room."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("arguments", [["plan", "dev"], ["plan", "dev", "--json"], ["apply", "dev", "--yes"]])
def test_a_plan_that_nobody_could_read_is_not_left_behind(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Closed(BrokenPipeError()))

    with pytest.raises(Unread):
        commands.deploy.main(arguments, standalone_mode=False)

    assert deployment.did == ["plan None", "discard c"]


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device, which takes nothing
        ran = subprocess.run(
            [sys.executable, "-c", PRINTS_TO_A_CLOSED_PIPE],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert (ran.returncode, ran.stderr) == (
        1,
        "deploy.py: the output cannot be written (No space left on device): make room for it, or write it "
        "elsewhere; what stands is told by `python deploy.py status`\n",
    )


def test_a_name_that_was_mistyped_is_shown_back(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.made = DESTROYS
    screen = at_a_terminal(monkeypatch, "Tabel\n")

    assert commands.main(["apply", "dev"]) == 1
    assert screen.getvalue().endswith("deploy.py: 'Tabel' was typed, and not Table; nothing was changed\n")


@pytest.mark.parametrize("command", ["image", "up"])
def test_an_archive_that_is_not_there_is_refused_before_anything_is_asked(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    yes = ["--yes"] if command == "up" else []

    assert commands.main([command, "dev", "--archive", "/nope", *yes]) == 2
    assert deployment.did == []
    assert capsys.readouterr() == (
        "",
        "deploy.py: /nope cannot be read (No such file or directory): name an OCI archive with --archive, or "
        "leave that out and the image is built\n",
    )


def test_a_closed_output_is_one_line_before_anything_is_done(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", None)

    assert commands.main(["apply", "dev", "--yes"]) == 1

    assert deployment.did == []
    assert capsys.readouterr().err.startswith(
        "deploy.py: the output cannot be written (stdout or stderr is closed)"
    )
