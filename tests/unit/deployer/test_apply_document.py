"""`apply --json` and `bootstrap --json`: one document however it ends, and progress beside it."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ClientError

from deployer import commands, documents
from deployer.course import Course
from deployer.diagnosis import Diagnosis, Failing
from deployer.errors import Cancelled, DeployerError, DeploymentFailed, LostSight
from deployer.events import Listener, Progress
from deployer.plan import Kind, Plan
from deployer.viewer import Choice, Deaf, as_viewer
from tests.unit.deployer.fake_deployment import ADDS, DESTROYS, EMPTY, MODIFIES, FakeDeployment

Ending = Callable[[], BaseException | None]
NESTED = "AWS::CloudFormation::Stack"
EVENTS = (
    Progress((), "millrace-dev", NESTED, "UPDATE_IN_PROGRESS", "", 0.0, about_stack=True),
    Progress((), "Stream", NESTED, "UPDATE_IN_PROGRESS", "", 1.0),
    Progress(("Stream",), "Stream", NESTED, "UPDATE_IN_PROGRESS", "", 1.5, about_stack=True),
    Progress(("Stream",), "Queue", "AWS::SQS::Queue", "CREATE_IN_PROGRESS", "", 2.0),
    Progress(("Stream",), "Queue", "AWS::SQS::Queue", "CREATE_FAILED", "it is taken", 4.0, 2.0),
    Progress((), "millrace-dev", NESTED, "UPDATE_ROLLBACK_COMPLETE", "", 9.0, 9.0, about_stack=True),
)
FOUND = Diagnosis(
    environment="dev",
    stack="millrace-dev",
    status="UPDATE_ROLLBACK_COMPLETE",
    operation="millrace-deploy-1",
    began=datetime(2026, 1, 1, tzinfo=UTC),
    ended=datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC),
    cause=Failing(
        "Stream/Queue",
        "AWS::SQS::Queue",
        "CREATE_FAILED",
        "it is taken",
        template="templates/dev/stream.yaml:12",
        python="stacks/stream.py:30",
    ),
    also=(),
    cancelled=0,
    going_back=(),
    findings=(),
    evidence=(),
    next="mend the cause, then `python deploy.py plan dev`",
)


class Executing(FakeDeployment):
    """An apply that is followed, and ends as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: Ending = lambda: None
        self.refuses: Ending = lambda: None  # before anything is begun

    def apply(self, made: Plan, listener: Listener, **_: Any) -> None:
        if (refused := self.refuses()) is not None:
            raise refused
        if made.is_empty:
            return
        viewer = as_viewer(listener)
        viewer.begins(0.0)
        for event in EVENTS:
            viewer(event)
        if (ended := self.ends()) is not None:
            raise ended


@pytest.fixture
def executing(monkeypatch: pytest.MonkeyPatch) -> Executing:
    fake = Executing()
    monkeypatch.setattr("deployer.commands.invocation.Deployment", lambda *_, **__: fake)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("deployer.waiting.settle", lambda *_: None)
    monkeypatch.setattr("deployer.diagnosis.diagnose", lambda *_, **__: FOUND)
    return fake


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """The exit code, the document, valid against its schema, and stderr."""
    code = commands.main([*arguments, "--json"])
    out, err = capsys.readouterr()
    document: dict[str, Any] = json.loads(out)
    jsonschema.validate(document, json.loads(documents.schema(arguments[0])))
    assert document["exit_code"] == code
    return code, document, err


def test_apply_json_tells_what_was_planned_what_was_done_and_how_long_each_took(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, err = typed(capsys, "apply", "dev", "--yes")

    assert code == 0
    assert document["plan"]["totals"]["add"] == 1
    assert {name: value for name, value in document.items() if name != "plan"} == {
        "environment": "dev",
        "stack_name": "millrace-dev",
        "result": "done",
        "exit_code": 0,
        "operation": "millrace-deploy-1",
        "status": "UPDATE_ROLLBACK_COMPLETE",
        "seconds": 9.0,
        "resources": [
            {
                "resource": "Stream/Queue",
                "type": "AWS::SQS::Queue",
                "status": "CREATE_FAILED",
                "reason": "it is taken",
                "at": 4.0,
                "seconds": 2.0,
            }
        ],
        "outputs": {"VpcId": "vpc-1"},
        "error": None,
        "diagnosis": None,
    }
    assert err.startswith("millrace-dev\n└─ + Queue  AWS::SQS::Queue\n")
    assert "    4.0s  Stream/Queue  AWS::SQS::Queue  CREATE_FAILED  in 2.0s  it is taken\n" in err


def test_bootstrap_json_has_the_outputs_of_its_own_stack(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    executing.made = replace(ADDS, stack_name="millrace-dev-bootstrap")

    code, document, _ = typed(capsys, "bootstrap", "dev")

    assert (code, document["result"]) == (0, "done")
    assert document["outputs"] == {"ArtefactBucket": "artefacts"}


def test_a_new_bootstrap_has_one_document_of_its_last_change(
    executing: Executing, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (
        replace(ADDS, stack_name="millrace-dev-bootstrap", kind=kind) for kind in (Kind.CREATE, Kind.UPDATE)
    )
    monkeypatch.setattr(executing, "plan_bootstrap", lambda: next(made))

    code, document, err = typed(capsys, "bootstrap", "dev")

    assert (code, document["result"]) == (0, "done")
    assert err.count("1 to add") == 2


def test_with_nothing_to_do_it_is_unchanged_and_nothing_was_begun(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    executing.made = EMPTY

    code, document, err = typed(capsys, "apply", "dev", "--yes")

    assert (code, document["result"], document["operation"]) == (0, "unchanged", None)
    assert (document["resources"], document["outputs"]) == ([], {"VpcId": "vpc-1"})
    assert err == "millrace-dev: nothing to do\n"


def test_a_failure_has_its_diagnosis_with_template_and_python_line_and_next_command(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = DeploymentFailed(stack="millrace-dev", status="UPDATE_ROLLBACK_COMPLETE", cause="it is taken")
    executing.ends = lambda: failed

    code, document, err = typed(capsys, "apply", "dev", "--yes")

    assert (code, document["result"], document["error"]) == (1, "failed", str(failed))
    assert document["diagnosis"]["cause"]["template"] == "templates/dev/stream.yaml:12"
    assert document["diagnosis"]["cause"]["python"] == "stacks/stream.py:30"
    assert document["diagnosis"]["next"] == "mend the cause, then `python deploy.py plan dev`"
    assert document["outputs"] is None
    assert "stacks/stream.py:30" in err
    assert err.endswith("UPDATE_ROLLBACK_COMPLETE; its first cause and the next command stand above\n")


@pytest.mark.parametrize(
    ("ended", "code", "result"),
    [
        (
            Cancelled(stack="millrace-dev", status="UPDATE_ROLLBACK_COMPLETE", cause="cancelled"),
            1,
            "cancelled",
        ),
        (LostSight(why="x", stack="millrace-dev", environment="dev", operation=""), 1, "running"),
        (KeyboardInterrupt(), 130, "running"),
        (DeployerError(why="protection was not set"), 1, "failed"),
    ],
)
def test_each_other_end_has_its_result(
    executing: Executing,
    capsys: pytest.CaptureFixture[str],
    ended: BaseException,
    code: int,
    result: str,
) -> None:
    executing.ends = lambda: ended

    told, document, _ = typed(capsys, "apply", "dev", "--yes")

    assert (told, document["result"], document["diagnosis"]) == (code, result, None)
    assert document["operation"] == "millrace-deploy-1"


def test_what_aws_refuses_before_anything_is_begun_is_refused(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "SetStackPolicy")
    executing.refuses = lambda: refusal

    code, document, _ = typed(capsys, "apply", "dev", "--yes")

    assert (code, document["result"], document["operation"]) == (1, "refused", None)
    assert document["error"] == "AWS refused SetStackPolicy: AccessDenied: not you"


def test_without_approval_the_document_says_what_it_was_for(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    executing.made = MODIFIES

    code, document, _ = typed(capsys, "bootstrap", "dev")

    assert (code, document["result"]) == (2, "refused")
    assert document["error"].startswith("nobody can be asked for approval")
    assert executing.did == ["plan bootstrap", "discard c"]


def test_a_name_that_is_not_endangered_is_refused_in_the_document_as_well(
    executing: Executing, capsys: pytest.CaptureFixture[str]
) -> None:
    executing.made = DESTROYS

    code, document, _ = typed(capsys, "apply", "dev", "--yes", "--accept-data-loss", "Tabel")

    assert (code, document["result"]) == (2, "refused")


def test_outputs_that_cannot_be_read_undo_no_success(
    executing: Executing, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> dict[str, str]:
        raise DeployerError(why="x")

    monkeypatch.setattr(executing, "outputs", refuse)

    code, document, _ = typed(capsys, "apply", "dev", "--yes")

    assert (code, document["result"], document["outputs"]) == (0, "done", None)


def test_a_course_hands_on_all_that_a_viewer_is_told() -> None:
    heard: list[object] = []

    class Heard(Deaf):
        def tick(self) -> None:
            heard.append("tick")

        def says(self, notice: str) -> None:
            heard.append(notice)

        def choose(self, refusal: str) -> Choice:
            heard.append(refusal)
            return Choice.STAY

    course = Course()
    viewer = course.shown_to(Heard(heard.append))
    viewer.begins(3.0)
    viewer(EVENTS[0])
    viewer.tick()
    viewer.says("slow")

    assert viewer.choose("it is too late") is Choice.STAY
    assert heard == [EVENTS[0], "tick", "slow", "it is too late"]
    assert (course.begun, course.status, course.seconds) == (True, "UPDATE_IN_PROGRESS", 0.0)


def test_a_course_without_events_has_neither_status_nor_time() -> None:
    assert (Course().status, Course().seconds, Course().ends) == (None, None, [])
