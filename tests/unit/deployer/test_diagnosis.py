"""The whole of `diagnose`, as its reader sees it. Answers are constructed from the model."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from deployer import documents
from deployer.diagnosis import Diagnosis, diagnose
from deployer.errors import MissingStack, NoSuchOperation
from deployer.target import Target
from parameters.settings import load


def target(aws: Any) -> Target:
    return Target(load("dev"), aws.session, 1.0, aws.clock)


def fails(
    aws: Any, reason: str, *, kind: str = "AWS::IAM::Role", status: str = "UPDATE_ROLLBACK_COMPLETE"
) -> None:
    """An update of the root whose grandchild Worker fails with this reason, and what came after."""
    aws.account()
    aws.stack(status=status)
    root = [
        {**aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "millrace-deploy-7"},
        aws.about("Outer", "UPDATE_FAILED", 5, parent="millrace-dev", reason="Embedded stack failed"),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 6),
        aws.about("millrace-dev", status, 9),
    ]
    aws.tells("millrace-dev", *root)
    aws.tells("Outer", aws.about("Inner", "UPDATE_FAILED", 4, parent="Outer", reason="Embedded stack failed"))
    aws.refuses("describe_events", "InvalidAction")
    aws.tells(
        "Inner",
        aws.event("Inner", "Worker", "UPDATE_FAILED", 3, kind=kind, reason=reason, physical="worker"),
        aws.event("Inner", "Other", "UPDATE_FAILED", 4, reason="Resource update cancelled"),
        aws.about("Inner", "UPDATE_ROLLBACK_IN_PROGRESS", 5),
        aws.event("Inner", "Table", "UPDATE_FAILED", 6, reason="it is gone"),
    )
    aws.refuses("describe_events", "InvalidAction")


def test_a_nested_failures_reason_comes_first_and_then_where_it_was_made(aws: Any, templates: Path) -> None:
    fails(aws, "the name is taken")

    found = diagnose(target(aws), templates)

    assert found.render(200).splitlines() == [
        "first cause:",
        "  Outer/Inner/Worker (AWS::IAM::Role) UPDATE_FAILED: the name is taken",
        "made at:",
        f"  {templates}/inner.yaml:2, run `make build` to see the Python line",
        "failed in the roll-back:",
        "  Outer/Inner/Table (AWS::SQS::Queue) UPDATE_FAILED: it is gone",
        "cancelled because of that: 1",
        "operation millrace-deploy-7 began 2026-01-01 00:00:00 UTC and took 9s",
        "millrace-dev is UPDATE_ROLLBACK_COMPLETE; next: mend the cause, then `python deploy.py plan dev`",
    ]


def test_a_stuck_stack_is_told_to_recover_next(aws: Any, templates: Path) -> None:
    fails(aws, "the name is taken", status="UPDATE_ROLLBACK_FAILED")

    last = diagnose(target(aws), templates).render(80).splitlines()[-1]

    assert last == "millrace-dev is UPDATE_ROLLBACK_FAILED; next: `python deploy.py recover dev`"


def test_evidence_is_asked_for_in_the_time_of_the_operation(aws: Any, templates: Path) -> None:
    fails(aws, "it did not become available", kind="AWS::RDS::DBInstance")
    began = aws.event("x", "x", "x", 0)["Timestamp"]
    ended = aws.event("x", "x", "x", 9)["Timestamp"]
    event = {"Date": began, "Message": "storage full", "SourceIdentifier": "worker"}
    aws.answers(
        "rds",
        "describe_events",
        {"Events": [event]},
        SourceType="db-instance",
        SourceIdentifier="worker",
        StartTime=began,
        EndTime=ended,
    )

    told = diagnose(target(aws), templates).render(80)

    assert "events of the database worker:\n  00:00:00 storage full\n" in told


def test_evidence_that_is_refused_names_the_permission_and_fails_nothing(aws: Any, templates: Path) -> None:
    fails(aws, "it did not become available", kind="AWS::RDS::DBInstance")
    aws.refuses(
        "describe_events",
        "AccessDenied",
        "User: arn:aws:iam::111122223333:user/x is not authorized to perform: rds:DescribeEvents",
        service="rds",
    )

    told = diagnose(target(aws), templates).render(80)

    assert "  not read: these credentials lack rds:DescribeEvents\n" in told


def test_with_nothing_failed_change_sets_that_could_not_be_made_are_told(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack(status="REVIEW_IN_PROGRESS")
    aws.tells("millrace-dev", aws.about("millrace-dev", "REVIEW_IN_PROGRESS", 0))
    failed = {
        "ChangeSetName": "millrace-deploy-7",
        "ChangeSetId": aws.change_set_id("millrace-deploy-7"),
        "Status": "FAILED",
        "StatusReason": "Validation failed",
    }
    aws.says("list_change_sets", {"Summaries": [failed, {**failed, "Status": "CREATE_COMPLETE"}]})
    finding = {
        "StackId": aws.stack_id("millrace-dev-Inner-1A"),
        "LogicalResourceId": "Worker",
        "ValidationStatusReason": "unsupported property",
    }
    aws.says("describe_events", {"OperationEvents": [finding]})

    assert diagnose(target(aws), templates).render(200).splitlines() == [
        "change sets that could not be made:",
        "  millrace-deploy-7: Validation failed",
        "    Worker unsupported property "
        f"({templates}/inner.yaml:2, run `make build` to see the Python line)",
        "millrace-dev is REVIEW_IN_PROGRESS; next: `python deploy.py plan dev`",
    ]


def test_where_nothing_failed_that_is_said(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack()
    aws.tells("millrace-dev", aws.about("millrace-dev", "UPDATE_COMPLETE", 0))
    aws.says("list_change_sets", {"Summaries": []})

    found = diagnose(target(aws), templates)

    assert found.render() == "millrace-dev is UPDATE_COMPLETE: nothing failed that it still tells of"


def test_an_unknown_operation_is_refused(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack()
    aws.tells("millrace-dev", aws.about("millrace-dev", "UPDATE_COMPLETE", 0))

    with pytest.raises(NoSuchOperation, match=r"tells of no operation x, .* diagnose dev"):
        diagnose(target(aws), templates, operation="x")


def test_a_stack_that_is_not_there_is_refused(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack("millrace-dev-bootstrap")

    with pytest.raises(MissingStack, match=r"python deploy\.py bootstrap dev"):
        diagnose(target(aws), templates, stack_name="millrace-dev-bootstrap")


def test_the_document_can_be_read_back(aws: Any, templates: Path) -> None:
    fails(aws, "the name is taken")
    found = diagnose(target(aws), templates)

    assert msgspec.json.decode(documents.text(found), type=Diagnosis) == found
