"""`recover` and `diagnose` as they are typed. Answers are constructed from the model."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from deployer import commands
from deployer.commands.diagnose import tell
from deployer.errors import Cancelled, DeploymentFailed

NAME = "millrace-dev"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(aws: Any, templates: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scripted AWS, asked by commands without a terminal."""
    monkeypatch.setattr("deployer.commands.invocation.Deployment", lambda *_, **__: aws.deployment(templates))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return aws


def blocked(aws: Any) -> None:
    """UPDATE_ROLLBACK_FAILED over one topic."""
    aws.account()
    aws.stack(status="UPDATE_ROLLBACK_FAILED")  # nothing runs
    aws.stack(status="UPDATE_ROLLBACK_FAILED")
    topic = {
        "LogicalResourceId": "Topic",
        "PhysicalResourceId": "topic",
        "ResourceType": "AWS::SNS::Topic",
        "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": "it is gone",
        "LastUpdatedTimestamp": 0,
    }
    aws.says("list_stack_resources", {"StackResourceSummaries": [topic]})


def continues(aws: Any, *skipped: str) -> None:
    aws.tells(NAME)
    aws.says(
        "continue_update_rollback",
        {},
        StackName=aws.stack_id(NAME),
        ResourcesToSkip=list(skipped),
        ClientRequestToken="millrace-deploy-1",
    )
    ended = [aws.about(NAME, "UPDATE_ROLLBACK_COMPLETE", 1)]
    aws.stack(status="UPDATE_ROLLBACK_COMPLETE")
    aws.tells(NAME, *ended)
    aws.tells(NAME, *ended)
    aws.stack(status="UPDATE_ROLLBACK_COMPLETE")  # what a killed deployer left is mended
    protected(aws)


def protected(aws: Any) -> None:
    """A stack whose policy is as it should be."""
    aws.says("list_stack_resources", {"StackResourceSummaries": []})
    aws.says("get_template", {"TemplateBody": "Resources: {Role: {Type: 'AWS::IAM::Role'}}"})
    aws.says("get_stack_policy", {})


BLOCKED = """\
millrace-dev is UPDATE_ROLLBACK_FAILED: its roll-back met a resource that it cannot put back
what blocks:
  Topic  AWS::SNS::Topic  topic  UPDATE_FAILED: it is gone
recovering continues the roll-back: mend what blocks first; or skip it, which leaves it as it is, out of \
step with its template until
  `python deploy.py drift dev` is clean:
  python deploy.py recover dev --skip Topic
"""


def test_recover_continues_a_roll_back_and_says_what_to_run_next(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked(typed)
    continues(typed, "Topic")

    assert commands.main(["recover", "dev", "--skip", "Topic", "--yes"]) == 0
    assert capsys.readouterr().out == (
        f"{BLOCKED}millrace-dev: rolled back, but Topic, which may differ from its template; "
        "next: `python deploy.py drift dev`\n"
    )


def test_recover_without_a_terminal_shows_and_asks_for_yes(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked(typed)

    assert commands.main(["recover", "dev"]) == 2
    out, err = capsys.readouterr()
    assert out == BLOCKED
    assert "add --yes" in err


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("no\n", 1)])
def test_recover_asks_at_a_terminal(
    typed: Any, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    blocked(typed)
    if answer == "yes\n":
        continues(typed)
    screen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", screen)

    assert commands.main(["recover", "dev"]) == code
    assert screen.getvalue().startswith("Continue the roll-back, skipping nothing? Only `yes` does: ")


@pytest.mark.parametrize(("answer", "code"), [(f"{NAME}\n", 0), ("yes\n", 1)])
def test_recover_that_deletes_wants_the_stacks_name(
    typed: Any, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    typed.account()
    typed.stack(status="ROLLBACK_COMPLETE")
    typed.stack(status="ROLLBACK_COMPLETE")
    typed.says("list_stack_resources", {"StackResourceSummaries": []})
    if code == 0:
        typed.stack(status="ROLLBACK_COMPLETE")
        typed.tells(NAME)
        typed.says("delete_stack", {})
        ended = [typed.about(NAME, "DELETE_COMPLETE", 1)]
        typed.stack(status="DELETE_COMPLETE")
        typed.tells(NAME, *ended)
        typed.tells(NAME, *ended)
        typed.says("list_stack_resources", {"StackResourceSummaries": []})
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())

    assert commands.main(["recover", "dev"]) == code


def test_recover_on_a_healthy_stack_mends_what_a_killed_deployer_left(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    typed.account()
    typed.stack()
    typed.stack()
    typed.stack(EnableTerminationProtection=True)
    typed.says("update_termination_protection", {}, StackName=NAME, EnableTerminationProtection=False)
    protected(typed)

    assert commands.main(["recover", "dev"]) == 0
    assert capsys.readouterr().out == "millrace-dev is UPDATE_COMPLETE: nothing to do\n"


def test_review_in_progress_leftovers_need_no_recovery(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    typed.account()
    typed.stack(status="REVIEW_IN_PROGRESS")
    typed.stack(status="REVIEW_IN_PROGRESS")

    assert commands.main(["recover", "dev"]) == 0
    assert capsys.readouterr().out == "millrace-dev is REVIEW_IN_PROGRESS: nothing to do\n"


def test_recover_json_lists_and_changes_nothing(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    blocked(typed)

    assert commands.main(["recover", "dev", "--json", "--yes"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["way"], [each["skip_as"] for each in told["blocking"]]) == (
        "ContinueUpdateRollback",
        ["Topic"],
    )


def test_recover_of_the_bootstrap_stack(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    typed.account()
    typed.stack(f"{NAME}-bootstrap", "ROLLBACK_COMPLETE")
    typed.stack(f"{NAME}-bootstrap", "ROLLBACK_COMPLETE")
    typed.says("list_stack_resources", {"StackResourceSummaries": []})

    assert commands.main(["recover", "dev", "--bootstrap", "--force"]) == 2
    assert "--force is for a stack that is DELETE_FAILED" in capsys.readouterr().err


def failed(aws: Any, *, again: int = 1) -> None:
    for _ in range(again):
        aws.stack(status="UPDATE_ROLLBACK_COMPLETE")
        aws.tells(
            NAME,
            aws.about(NAME, "UPDATE_IN_PROGRESS", 0),
            aws.event(NAME, "Outer", "UPDATE_FAILED", 1, reason="no such key"),
            aws.about(NAME, "UPDATE_ROLLBACK_COMPLETE", 3),
        )


def test_diagnose_prints_the_cause_first(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    typed.account()
    failed(typed)

    assert commands.main(["diagnose", "dev"]) == 0
    title, first, *_, last = capsys.readouterr().out.splitlines()
    assert title == "first cause:"
    assert first == "  Outer (AWS::SQS::Queue) UPDATE_FAILED: no such key"
    assert last.endswith("next: mend the cause, then `python deploy.py plan dev`")


def test_diagnose_json_is_its_document(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    typed.account()
    failed(typed)

    assert commands.main(["diagnose", "dev", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cause"]["reason"] == "no such key"


def test_an_operation_that_fails_is_diagnosed_before_the_error_that_says_so(
    typed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked(typed)
    typed.tells(NAME)
    typed.says("continue_update_rollback", {})
    ended = [
        typed.about(NAME, "UPDATE_ROLLBACK_IN_PROGRESS", 0),
        typed.event(NAME, "Topic", "UPDATE_FAILED", 1, reason="it is gone"),
        typed.about(NAME, "UPDATE_ROLLBACK_FAILED", 2),
    ]
    typed.stack(status="UPDATE_ROLLBACK_FAILED")
    typed.tells(NAME, *ended)
    typed.tells(NAME, *ended)
    typed.stack(status="UPDATE_ROLLBACK_FAILED")  # from here on by `diagnose`
    typed.tells(NAME, *ended)

    assert commands.main(["recover", "dev", "--yes"]) == 1
    told = capsys.readouterr().err.splitlines()
    begin = told.index("first cause:")
    assert told[begin - 1 : begin + 2] == [
        "",
        "first cause:",
        "  Topic (AWS::SQS::Queue) UPDATE_FAILED: it is gone",
    ]
    assert told[-2:] == [
        "millrace-dev is UPDATE_ROLLBACK_FAILED; next: `python deploy.py recover dev`",
        "deploy.py: millrace-dev ended as UPDATE_ROLLBACK_FAILED; its first cause and the next command stand "
        "above",
    ]


def test_a_diagnosis_that_fails_hides_nothing(
    typed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise DeploymentFailed(stack=NAME, status="x", cause="y")

    typed.account()
    typed.stack(status="UPDATE_FAILED")
    typed.stack(status="UPDATE_FAILED")
    typed.says("list_stack_resources", {"StackResourceSummaries": []})
    monkeypatch.setattr("deployer.recovering.perform", fails)
    typed.refuses("describe_stacks", "Throttling", "slowly")

    assert commands.main(["recover", "dev", "--yes"]) == 1
    assert capsys.readouterr().err == "deploy.py: millrace-dev ended as x; first cause: y\n"


def test_recover_refuses_what_somebody_else_runs_with_its_token(
    typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    typed.account()
    typed.stack(status="UPDATE_IN_PROGRESS")
    begun = typed.about(NAME, "UPDATE_IN_PROGRESS", 0)
    typed.tells(NAME, {**begun, "ClientRequestToken": "somebody-elses"})

    assert commands.main(["recover", "dev"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "somebody-elses" in err
    assert "python deploy.py attach dev" in err


def test_what_somebody_cancelled_is_not_diagnosed(aws: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asked: the script holds no answer."""
    with pytest.raises(Cancelled), tell(aws.deployment(Path("nowhere"))):
        raise Cancelled(stack=NAME, status="UPDATE_ROLLBACK_COMPLETE", cause="cancelled")

    assert capsys.readouterr() == ("", "")
