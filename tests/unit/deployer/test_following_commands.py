"""`attach`, `cancel` and `--wait` as they are typed."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer import commands

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BOOTSTRAP = "millrace-dev-bootstrap"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The commands speak to the scripted AWS; nobody can answer."""
    monkeypatch.setattr(
        "deployer.commands.invocation.Deployment", lambda *_, **__: aws.deployment(Path("nowhere"))
    )
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return aws


def own(aws: Any, status: str, second: float) -> dict[str, Any]:
    return {**aws.about("millrace-dev", status, second), "ClientRequestToken": "millrace-deploy-7"}


def standing(aws: Any, status: str, *events: dict[str, Any]) -> None:
    aws.stack(status=status)
    aws.tells("millrace-dev", *events)


def attachable(aws: Any, status: str, *events: dict[str, Any]) -> None:
    aws.account()
    aws.stack(status=status)
    aws.no_stack(BOOTSTRAP)
    if status.endswith("_IN_PROGRESS"):
        aws.stack(status=status)
    aws.tells("millrace-dev", *events)


def test_attach_follows_what_runs_to_its_good_end(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    begun = [
        own(typed, "UPDATE_IN_PROGRESS", 0),
        typed.event("millrace-dev", "Queue", "UPDATE_IN_PROGRESS", 3),
    ]
    ended = [
        *begun,
        typed.event("millrace-dev", "Queue", "UPDATE_COMPLETE", 5),
        own(typed, "UPDATE_COMPLETE", 6),
    ]
    attachable(typed, "UPDATE_IN_PROGRESS", *begun)
    standing(typed, "UPDATE_IN_PROGRESS", *begun)
    standing(typed, "UPDATE_COMPLETE", *ended)
    typed.tells("millrace-dev", *ended)

    assert commands.main(["attach", "dev"]) == 0

    assert capsys.readouterr() == (
        "millrace-dev: ended as UPDATE_COMPLETE\n",
        "millrace-dev: UPDATE millrace-deploy-7, begun 2026-01-01 00:00 UTC\n"
        "    0.0s  millrace-dev  AWS::CloudFormation::Stack  UPDATE_IN_PROGRESS\n"
        "    3.0s  Queue  AWS::SQS::Queue  UPDATE_IN_PROGRESS\n"
        "    5.0s  Queue  AWS::SQS::Queue  UPDATE_COMPLETE  in 2.0s\n"
        "    6.0s  millrace-dev  AWS::CloudFormation::Stack  UPDATE_COMPLETE  in 6.0s\n",
    )


def test_attach_with_nothing_running_tells_how_the_last_one_ended(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [own(typed, "UPDATE_IN_PROGRESS", 0), own(typed, "UPDATE_COMPLETE", 6)]
    attachable(typed, "UPDATE_COMPLETE", *events)
    typed.tells("millrace-dev", *events)

    assert commands.main(["attach", "dev"]) == 0

    assert capsys.readouterr() == (
        "millrace-dev: nothing runs; UPDATE millrace-deploy-7, begun 2026-01-01 00:00 UTC, ended as "
        "UPDATE_COMPLETE\n",
        "",
    )


def test_attach_to_what_ended_badly_exits_1_with_the_first_cause(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [
        own(typed, "UPDATE_IN_PROGRESS", 0),
        typed.event("millrace-dev", "Queue", "UPDATE_FAILED", 5, reason="Name taken"),
        own(typed, "UPDATE_ROLLBACK_COMPLETE", 6),
    ]
    attachable(typed, "UPDATE_ROLLBACK_COMPLETE", *events)
    typed.tells("millrace-dev", *events)

    assert commands.main(["attach", "dev"]) == 1

    assert capsys.readouterr().err == (
        "deploy.py: millrace-dev ended as UPDATE_ROLLBACK_COMPLETE; first cause: "
        "Queue (AWS::SQS::Queue) UPDATE_FAILED: Name taken\n"
    )


def test_attach_that_is_interrupted_without_a_terminal_leaves_with_130(
    typed: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = own(typed, "UPDATE_IN_PROGRESS", 0)
    attachable(typed, "UPDATE_IN_PROGRESS", begun)
    standing(typed, "UPDATE_IN_PROGRESS", begun)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(typed.clock, "sleep", interrupt)

    assert commands.main(["attach", "dev"]) == 130
    assert capsys.readouterr().err.endswith(
        "deploy.py: interrupted; what runs in AWS goes on: follow it again with `python deploy.py attach "
        "dev`\n"
    )


def cancellable(aws: Any) -> dict[str, Any]:
    aws.account()
    begun = own(aws, "UPDATE_IN_PROGRESS", 0)
    standing(aws, "UPDATE_IN_PROGRESS", begun)
    return begun


def is_cancelled(aws: Any, begun: dict[str, Any]) -> None:
    stack_id = aws.stack_id("millrace-dev")
    aws.says("cancel_update_stack", {}, StackName=stack_id, ClientRequestToken="millrace-deploy-1")
    standing(aws, "UPDATE_ROLLBACK_COMPLETE", begun, own(aws, "UPDATE_ROLLBACK_COMPLETE", 9))
    aws.tells("millrace-dev", begun)


def test_cancel_with_yes_follows_the_way_back_and_exits_0(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    is_cancelled(typed, cancellable(typed))

    assert commands.main(["cancel", "dev", "--yes"]) == 0

    out, err = capsys.readouterr()
    assert out == "millrace-dev: cancelled; it is as it was before\n"
    assert err.splitlines()[0] == "millrace-dev: UPDATE millrace-deploy-7, begun 2026-01-01 00:00 UTC"


def test_cancel_without_a_terminal_needs_yes(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cancellable(typed)

    assert commands.main(["cancel", "dev"]) == 2
    assert "add --yes" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("y\n", 1), ("", 1)])
def test_cancel_asks_at_a_terminal(
    typed: Any, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", screen)
    begun = cancellable(typed)
    if code == 0:
        is_cancelled(typed, begun)

    assert commands.main(["cancel", "dev"]) == code
    assert "Cancel it, and go back to what was before? Only `yes` does: " in screen.getvalue()


@pytest.mark.parametrize(
    "command", [["plan", "dev"], ["apply", "dev", "--yes"], ["bootstrap", "dev"], ["destroy", "dev", "--yes"]]
)
def test_in_progress_of_someone_else_is_refused_by_each_command_that_changes(
    typed: Any, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    name = BOOTSTRAP if command[0] == "bootstrap" else "millrace-dev"
    typed.account()
    typed.stack(name, "UPDATE_IN_PROGRESS")
    typed.tells(name, {**typed.about(name, "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "theirs"})

    assert commands.main(command) == 1
    assert capsys.readouterr() == (
        "",
        f"deploy.py: {name} is UPDATE_IN_PROGRESS, another operation is under way (theirs, not this "
        f"deployer's, "
        "begun 2026-01-01 00:00 UTC): follow it with `python deploy.py attach dev`, and try again when it "
        "has "
        "ended, or wait for that with --wait\n",
    )


def test_with_wait_it_goes_on_once_the_other_has_ended(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    typed.account()
    begun, ended = own(typed, "DELETE_IN_PROGRESS", 0), own(typed, "DELETE_COMPLETE", 4)
    standing(typed, "DELETE_IN_PROGRESS", begun)
    standing(typed, "DELETE_COMPLETE", begun, ended)
    typed.tells("millrace-dev", begun, ended)
    typed.no_stack()
    typed.no_stack()
    typed.no_stack(BOOTSTRAP)

    assert commands.main(["destroy", "dev", "--yes", "--wait"]) == 0

    out, err = capsys.readouterr()
    assert out == "millrace-dev: nothing to do\n"
    assert err.splitlines()[0] == (
        "millrace-dev is DELETE_IN_PROGRESS: waiting for millrace-deploy-7, begun 2026-01-01 00:00 UTC"
    )


def test_the_operations_start_is_shown_in_utc(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    events = [own(typed, "UPDATE_IN_PROGRESS", 0), own(typed, "UPDATE_COMPLETE", 6)]
    for event in events:
        event["Timestamp"] = EPOCH + timedelta(hours=13)
    attachable(typed, "UPDATE_COMPLETE", *events)
    typed.tells("millrace-dev", *events)

    commands.main(["attach", "dev"])

    assert "begun 2026-01-01 13:00 UTC" in capsys.readouterr().out


def test_attach_as_json_tells_the_ending_also_of_a_failure(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [
        own(typed, "UPDATE_IN_PROGRESS", 0),
        typed.event("millrace-dev", "Queue", "UPDATE_FAILED", 5, reason="Name taken"),
        own(typed, "UPDATE_ROLLBACK_COMPLETE", 6),
    ]
    attachable(typed, "UPDATE_ROLLBACK_COMPLETE", *events)
    typed.tells("millrace-dev", *events)

    assert commands.main(["attach", "dev", "--json"]) == 1

    assert json.loads(capsys.readouterr().out) == {
        "stack": "millrace-dev",
        "kind": "UPDATE",
        "token": "millrace-deploy-7",
        "began": "2026-01-01T00:00:00Z",
        "status": "UPDATE_ROLLBACK_COMPLETE",
        "cause": "Queue (AWS::SQS::Queue) UPDATE_FAILED: Name taken",
    }


def test_cancel_as_json_tells_the_ending(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    is_cancelled(typed, cancellable(typed))

    assert commands.main(["cancel", "dev", "--yes", "--json"]) == 0

    ending = json.loads(capsys.readouterr().out)
    assert (ending["status"], ending["cause"]) == ("UPDATE_ROLLBACK_COMPLETE", None)
