import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer import commands

NESTED = "AWS::CloudFormation::Stack"
MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def run(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("deployer.credentials.session", lambda *_: aws.session)
    return lambda *arguments: commands.main(["status", "dev", *arguments])


def drift(status: str, at: datetime) -> dict[str, Any]:
    return {"DriftInformation": {"StackDriftStatus": status, "LastCheckTimestamp": at}}


def has(aws: Any, stack: str, *resources: tuple[str, str, str]) -> None:
    summaries = [
        {
            "LogicalResourceId": name,
            "PhysicalResourceId": aws.stack_id(name) if kind == NESTED else name.lower(),
            "ResourceType": kind,
            "ResourceStatus": status,
            "LastUpdatedTimestamp": MORNING,
        }
        for name, kind, status in resources
    ]
    aws.says("list_stack_resources", {"StackResourceSummaries": summaries})


def platform_stands(aws: Any, status: str = "UPDATE_COMPLETE") -> None:
    aws.stack(status=status, EnableTerminationProtection=True, **drift("DRIFTED", NOON))
    has(
        aws,
        "millrace-dev",
        ("Stream", NESTED, "UPDATE_COMPLETE"),
        ("Old", "AWS::SQS::Queue", "DELETE_COMPLETE"),
    )
    aws.stack("Stream", **drift("IN_SYNC", MORNING))
    has(
        aws,
        "Stream",
        ("Readings", "AWS::Kinesis::Stream", "CREATE_COMPLETE"),
        ("Queue", "AWS::SQS::Queue", "UPDATE_FAILED"),
    )
    aws.says("get_stack_policy", {"StackPolicyBody": "{}"}, StackName=aws.stack_id("Stream"))
    aws.says("get_stack_policy", {})


def last_event(aws: Any, status: str) -> None:
    event = aws.about("millrace-dev", status, 0)
    aws.says("describe_stack_events", {"StackEvents": [{**event, "ClientRequestToken": "millrace-deploy-7"}]})


def test_status_shows_the_tree_and_what_is_remembered(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    platform_stands(aws)
    aws.stack("millrace-dev-bootstrap", "CREATE_COMPLETE")
    has(aws, "millrace-dev-bootstrap", ("Artefacts", "AWS::S3::Bucket", "CREATE_COMPLETE"))
    aws.says("get_stack_policy", {})
    last_event(aws, "UPDATE_COMPLETE")

    assert run() == 0

    assert capsys.readouterr().out.splitlines() == [
        "millrace-dev-bootstrap  CREATE_COMPLETE  1 resource",
        "millrace-dev  UPDATE_COMPLETE  0 resources",
        "└─ Stream  UPDATE_COMPLETE  2 resources",
        "   └─ Queue  UPDATE_FAILED",
        "last operation: UPDATE_COMPLETE, millrace-deploy-7, 2026-01-01 00:00 UTC",
        "termination protection: on",
        "stack policy: on 1 of 2 stacks",
        "drift, as last detected: 1 DRIFTED, 1 IN_SYNC, since 2026-01-01 08:00 UTC",
    ]


def test_status_as_a_document_has_every_resource(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    platform_stands(aws, "UPDATE_IN_PROGRESS")
    aws.no_stack("millrace-dev-bootstrap")
    last_event(aws, "UPDATE_IN_PROGRESS")

    assert run("--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["bootstrap"], told["running"], told["last_operation"]["token"]) == (
        None,
        True,
        "millrace-deploy-7",
    )
    (stream,) = told["platform"]["children"]
    assert stream["resources"][0] == {
        "logical_id": "Readings",
        "type": "AWS::Kinesis::Stream",
        "physical_id": "readings",
        "status": "CREATE_COMPLETE",
        "reason": "",
        "drift": "NOT_CHECKED",
    }


def test_a_running_operation_is_told_by_who_began_it_whoever_cancelled_it(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    aws.stack(status="UPDATE_ROLLBACK_IN_PROGRESS")
    has(aws, "millrace-dev")
    aws.says("get_stack_policy", {})
    aws.no_stack("millrace-dev-bootstrap")
    begun = {**aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "millrace-deploy-7"}
    cancelled = {**aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 60), "ClientRequestToken": "else"}
    aws.tells("millrace-dev", begun, cancelled, aws.event("millrace-dev", "Queue", "UPDATE_COMPLETE", 61))

    assert run() == 0
    assert (
        "\nrunning: UPDATE_ROLLBACK_IN_PROGRESS, millrace-deploy-7, 2026-01-01 00:00 UTC\n"
        in capsys.readouterr().out
    )


def test_bootstrap_is_shown_also_when_it_stands_alone(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    aws.stack(status="REVIEW_IN_PROGRESS")
    aws.stack("millrace-dev-bootstrap", "ROLLBACK_COMPLETE", StackStatusReason="no quota")
    has(aws, "millrace-dev-bootstrap")
    aws.says("get_stack_policy", {})

    assert run() == 0
    assert capsys.readouterr().out == (
        "millrace-dev-bootstrap  ROLLBACK_COMPLETE  0 resources\nmillrace-dev  there is none yet\n"
    )


def test_status_of_nothing_names_the_next_command(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    aws.no_stack()
    aws.no_stack("millrace-dev-bootstrap")

    assert run() == 2
    assert "create it with `python deploy.py up dev`" in capsys.readouterr().err
