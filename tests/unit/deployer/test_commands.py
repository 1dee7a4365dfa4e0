import io
import json
from dataclasses import replace

import pytest

from deployer import commands
from deployer.changes import Action, Change, PropertyChange, StackPlan
from deployer.commands.showing import show
from deployer.plan import Kind, Plan
from tests.unit.deployer.fake_deployment import (
    ADDS,
    DESTROYS,
    EMPTY,
    MODIFIES,
    FakeDeployment,
    Terminal,
    at_a_terminal,
    plan,
    put_in,
)

ELSEWHERE = PropertyChange(
    "Name", "a", "{{IntrinsicFunction:s/Stream.Outputs.Name/Fn::GetAtt}}", cause="Name"
)
UNRESOLVED = plan(Change("Queue", "AWS::SQS::Queue", Action.MODIFY, properties=(ELSEWHERE,)))


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> FakeDeployment:
    return put_in(monkeypatch)


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


def test_a_new_bootstrap_is_made_in_two_changes(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.made = replace(ADDS, kind=Kind.CREATE)

    assert commands.main(["bootstrap", "dev"]) == 0
    assert deployment.did == ["plan bootstrap", "apply c"] * 2
    assert capsys.readouterr().out.count("+ Queue") == 2


def test_bootstrap_that_modifies_does(deployment: FakeDeployment) -> None:
    deployment.made = MODIFIES

    assert commands.main(["bootstrap", "dev"]) == 2
    assert deployment.did == ["plan bootstrap", "discard c"]


def test_outputs_in_a_format(deployment: FakeDeployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["outputs", "dev", "--format", "json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"VpcId": "vpc-1", "vpc_id": "vpc-1"}


def test_the_plan_is_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    plain = io.StringIO()

    show(ADDS, terminal)
    show(ADDS, plain)

    assert "\x1b[32m└─ + Queue  AWS::SQS::Queue\x1b[0m\n" in terminal.getvalue()
    assert plain.getvalue() == ADDS.render() + "\n"
