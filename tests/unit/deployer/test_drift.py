import io
import json
from typing import Any

import pytest

from deployer import commands, documents, drift, drift_text
from deployer.deployment import Deployment
from deployer.drift import Difference, Drift, ResourceDrift, StackDrift, Status
from deployer.errors import Busy, MissingStack, TookTooLong
from deployer.naming import NoSuchName

EPOCH = "2026-01-01T00:00:00Z"
NESTED = "AWS::CloudFormation::Stack"


def listed(aws: Any, stack: str, *resources: tuple[str, str]) -> None:
    aws.says(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": aws.stack_id(name) if kind == NESTED else name.lower(),
                    "ResourceType": kind,
                    "ResourceStatus": "CREATE_COMPLETE",
                    "LastUpdatedTimestamp": EPOCH,
                }
                for name, kind in resources
            ]
        },
        StackName=aws.stack_id(stack),
    )


def begins(aws: Any, stack: str) -> None:
    aws.says("detect_stack_drift", {"StackDriftDetectionId": f"look-{stack}"}, StackName=aws.stack_id(stack))


def is_looked_at(aws: Any, stack: str, status: str = "DETECTION_COMPLETE", reason: str = "") -> None:
    answer = {
        "StackId": aws.stack_id(stack),
        "StackDriftDetectionId": f"look-{stack}",
        "DetectionStatus": status,
        "Timestamp": EPOCH,
    }
    if reason:
        answer["DetectionStatusReason"] = reason
    aws.says("describe_stack_drift_detection_status", answer, StackDriftDetectionId=f"look-{stack}")


def resource(
    aws: Any, stack: str, name: str, kind: str, status: str, *differences: tuple[str, str, str, str]
) -> dict[str, Any]:
    fields = ("PropertyPath", "DifferenceType", "ExpectedValue", "ActualValue")
    return {
        "StackId": aws.stack_id(stack),
        "LogicalResourceId": name,
        "PhysicalResourceId": name.lower(),
        "ResourceType": kind,
        "StackResourceDriftStatus": status,
        "Timestamp": EPOCH,
        "PropertyDifferences": [dict(zip(fields, each, strict=True)) for each in differences],
    }


def found(aws: Any, stack: str, *resources: dict[str, Any], token: str | None = None, **more: Any) -> None:
    answer: dict[str, Any] = {"StackResourceDrifts": list(resources)}
    if token:
        answer["NextToken"] = token
    aws.says("describe_stack_resource_drifts", answer, StackName=aws.stack_id(stack), **more)


def detect(aws: Any, deployment: Deployment) -> Drift:
    return drift.detect(deployment.target)


def test_drift_is_recursive_paged_and_leaves_nothing_out(aws: Any, templates: Any) -> None:
    aws.account()
    aws.stack()
    listed(aws, "millrace-dev", ("Outer", NESTED), ("Topic", "AWS::SNS::Topic"))
    listed(
        aws, "Outer", ("Inner", NESTED), ("Readings", "AWS::Kinesis::Stream"), ("Log", "AWS::Logs::LogGroup")
    )
    listed(aws, "Inner", ("Schedule", "AWS::SecretsManager::RotationSchedule"), ("Queue", "AWS::SQS::Queue"))
    for stack in ("millrace-dev", "Outer", "Inner"):
        begins(aws, stack)
    is_looked_at(aws, "millrace-dev")
    is_looked_at(aws, "Outer", "DETECTION_IN_PROGRESS")
    is_looked_at(aws, "Inner")
    is_looked_at(aws, "Outer")
    found(aws, "millrace-dev", resource(aws, "millrace-dev", "Topic", "AWS::SNS::Topic", "IN_SYNC"))
    retention = ("/RetentionPeriodHours", "NOT_EQUAL", "24", "48")
    found(
        aws,
        "Outer",
        resource(aws, "Outer", "Readings", "AWS::Kinesis::Stream", "MODIFIED", retention),
        token="more",
    )
    tag = ("/Tags/0", "ADD", "null", '{"Key":"owner","Value":"x"}')
    found(
        aws, "Outer", resource(aws, "Outer", "Log", "AWS::Logs::LogGroup", "MODIFIED", tag), NextToken="more"
    )
    found(aws, "Inner", resource(aws, "Inner", "Queue", "AWS::SQS::Queue", "DELETED"))

    drifted = detect(aws, aws.deployment(templates))

    assert drifted.verdict == 2
    assert drift_text.render(drifted, 80).splitlines() == [
        "1 not checked, since CloudFormation cannot for their types:",
        "  AWS::SecretsManager::RotationSchedule: Outer/Inner/Schedule",
        "",
        "millrace-dev  in sync",
        "└─ Outer  2 of 2 drifted",
        "   ├─ Readings  AWS::Kinesis::Stream  MODIFIED",
        "   │  └─ RetentionPeriodHours: 24 → 48",
        "   ├─ Log  AWS::Logs::LogGroup  MODIFIED  (tags only)",
        '   │  └─ Tags/0: nothing → {"Key":"owner","Value":"x"}',
        "   └─ Inner  1 of 2 drifted",
        "      └─ Queue  AWS::SQS::Queue  DELETED",
        "",
        "2 modified (1 in tags only), 1 deleted, 1 in sync, 1 not checked",
    ]


def test_a_few_stacks_are_looked_at_at_once_and_somebody_elses_detection_is_waited_for(
    aws: Any, templates: Any
) -> None:
    aws.account()
    aws.stack()
    names = [f"Child{number}" for number in range(1, 5)]
    listed(aws, "millrace-dev", *((name, NESTED) for name in names))
    for name in names:
        listed(aws, name, ("Queue", "AWS::SQS::Queue"))
    aws.refuses("detect_stack_drift", "ValidationError", "Drift detection is already in progress for stack")
    for name in ("millrace-dev", *names[:3]):
        begins(aws, name)
    for name in ("millrace-dev", *names[:3]):
        is_looked_at(aws, name)
    begins(aws, names[3])
    is_looked_at(aws, names[3])
    found(aws, "millrace-dev")
    for name in names:
        found(aws, name, resource(aws, name, "Queue", "AWS::SQS::Queue", "IN_SYNC"))

    drifted = detect(aws, aws.deployment(templates))

    assert (drifted.verdict, len(drifted.resources), aws.clock.now()) == (0, 4, 3.0)


def test_a_detection_that_failed_is_neither_in_sync_nor_drifted(aws: Any, templates: Any) -> None:
    aws.account()
    aws.stack()
    listed(aws, "millrace-dev", ("Role", "AWS::IAM::Role"), ("Queue", "AWS::SQS::Queue"))
    begins(aws, "millrace-dev")
    is_looked_at(aws, "millrace-dev", "DETECTION_FAILED", "not authorized: iam:GetRole")
    found(aws, "millrace-dev", resource(aws, "millrace-dev", "Queue", "AWS::SQS::Queue", "IN_SYNC"))

    drifted = detect(aws, aws.deployment(templates))

    assert drifted.verdict == 1
    assert drift_text.render(drifted, 80).splitlines() == [
        "millrace-dev  not known to be in sync  not authorized: iam:GetRole",
        "└─ Role  AWS::IAM::Role  UNKNOWN",
        "",
        "0 modified, 0 deleted, 1 in sync, 1 that CloudFormation failed to check",
    ]
    with pytest.raises(drift.CannotDetect, match="iam:GetRole"):
        drift.gate(drifted, [])


def test_a_detection_that_never_ends_is_given_up(aws: Any, templates: Any) -> None:
    aws.account()
    aws.stack()
    listed(aws, "millrace-dev")
    begins(aws, "millrace-dev")
    deployment = aws.deployment(templates)
    deployment.target.poll = 1000.0
    is_looked_at(aws, "millrace-dev", "DETECTION_IN_PROGRESS")
    is_looked_at(aws, "millrace-dev", "DETECTION_IN_PROGRESS")

    with pytest.raises(TookTooLong, match="within 30 minutes"):
        drift.detect(deployment.target)


@pytest.mark.parametrize(
    ("status", "error"), [("UPDATE_IN_PROGRESS", Busy), ("REVIEW_IN_PROGRESS", MissingStack)]
)
def test_a_stack_that_moves_or_is_not_there_has_no_drift(
    aws: Any, templates: Any, status: str, error: type[Exception]
) -> None:
    aws.account()
    aws.stack(status=status)

    with pytest.raises(error):
        drift.detect(aws.deployment(templates).target)


def test_a_state_in_which_nothing_is_detected_is_told(aws: Any, templates: Any) -> None:
    aws.account()
    aws.stack(status="ROLLBACK_COMPLETE")
    listed(aws, "millrace-dev")
    aws.refuses("detect_stack_drift", "ValidationError", "cannot be performed in ROLLBACK_COMPLETE")

    with pytest.raises(drift.CannotDetect, match=r"ROLLBACK_COMPLETE.*python deploy\.py status dev"):
        drift.detect(aws.deployment(templates).target)


def one(status: Status, *differences: Difference) -> Drift:
    readings = ResourceDrift(
        "Stream/Readings", "AWS::Kinesis::Stream", "readings", status, differences=differences
    )
    root = StackDrift((), "millrace-dev", ())
    return Drift("dev", "millrace-dev", (root, StackDrift(("Stream",), "Stream", (readings,))))


DRIFTED = one(Status.MODIFIED, Difference("/RetentionPeriodHours", "NOT_EQUAL", "24", "48"))


def test_recursive_drift_gate_before_a_plan() -> None:
    drift.gate(one(Status.IN_SYNC), [])
    drift.gate(DRIFTED, ["Stream/Readings"])
    with pytest.raises(drift.Drifted, match=r"Stream/Readings.*python deploy\.py drift dev.*--accept-drift"):
        drift.gate(DRIFTED, [])
    with pytest.raises(NoSuchName, match=r"Stream/Reading: that is none of Stream/Readings"):
        drift.gate(DRIFTED, ["Stream/Reading"])


@pytest.mark.parametrize("command", ["plan dev", "apply dev --yes"])
@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ("--drift-gate", (1, "has drifted")),
        ("--drift-gate --accept-drift Other", (2, "that is none of Stream/Readings")),
        ("--accept-drift Stream/Readings", (2, "goes with --drift-gate")),
    ],
)
def test_a_gate_that_refuses_lets_nothing_be_planned(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    options: str,
    refusal: tuple[int, str],
) -> None:
    monkeypatch.setattr(drift, "detect", lambda _: DRIFTED)
    monkeypatch.setattr("deployer.waiting.settle", lambda *_, **__: None)
    monkeypatch.setattr(Deployment, "plan", lambda *_, **__: pytest.fail("planned"))

    assert commands.main([*command.split(), *options.split()]) == refusal[0]
    assert refusal[1] in capsys.readouterr().err


def test_drift_as_a_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(drift, "detect", lambda _: DRIFTED)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert commands.main(["drift", "dev", "--json"]) == 2

    told = json.loads(capsys.readouterr().out)
    assert told["drifted"] == ["Stream/Readings"]
    assert told["resources"][0]["differences"] == [
        {"path": "/RetentionPeriodHours", "kind": "NOT_EQUAL", "expected": "24", "actual": "48"}
    ]
    assert set(json.loads(documents.schema("drift"))["$defs"]["Document"]["properties"]) == set(told)
