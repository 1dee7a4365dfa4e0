"""Answers constructed from the model."""

from pathlib import Path
from typing import Any

from deployer import findings
from deployer.findings import Finding
from deployer.origins import Origins


def found_by_validation(aws: Any, **more: Any) -> dict[str, Any]:
    return {
        "StackId": aws.stack_id("millrace-dev-Inner-1ABC"),
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "Worker",
        "ValidationName": "PROPERTY_VALIDATION",
        "ValidationFailureMode": "FAIL",
        "ValidationPath": "/Resources/Worker/Properties/RoleName",
        "ValidationStatusReason": "unsupported property",
        **more,
    }


def test_a_change_set_failed_by_validation_has_its_template_path_and_line(aws: Any, templates: Path) -> None:
    aws.says(
        "describe_events",
        {"OperationEvents": [found_by_validation(aws)]},
        ChangeSetName="c",
        Filters={"FailedEvents": True},
    )

    (finding,) = findings.of_change_sets(aws.cloudformation, ["c"])

    assert finding.told(Origins(templates)) == (
        "Worker /Resources/Worker/Properties/RoleName unsupported property [PROPERTY_VALIDATION] "
        f"({templates}/inner.yaml:5, run `make build` to see the Python line)"
    )


def test_a_change_set_failed_by_a_hook_names_the_hook(aws: Any) -> None:
    hook = {
        "StackId": aws.stack_id("millrace-dev"),
        "EventType": "HOOK_INVOCATION_ERROR",
        "LogicalResourceId": "Bucket",
        "HookType": "Company::Encryption::Hook",
        "HookFailureMode": "FAIL",
        "HookStatusReason": "no encryption",
    }
    aws.says("describe_events", {"OperationEvents": [hook]})

    (finding,) = findings.of_change_sets(aws.cloudformation, ["c"])

    assert finding.told(None) == "Bucket no encryption [Company::Encryption::Hook]"


def test_warnings_come_last_and_are_called_so(aws: Any) -> None:
    warning = found_by_validation(aws, ValidationFailureMode="WARN", ValidationName="S3_EMPTY")
    aws.says("describe_events", {"OperationEvents": [warning], "NextToken": "more"})
    aws.says(
        "describe_events",
        {"OperationEvents": [found_by_validation(aws)]},
        ChangeSetName="c",
        Filters={"FailedEvents": True},
        NextToken="more",
    )

    told = [finding.told(None) for finding in findings.of_change_sets(aws.cloudformation, ["c"])]

    assert [line.partition("[")[2] for line in told] == ["PROPERTY_VALIDATION]", "warning of S3_EMPTY]"]


def test_what_two_change_sets_tell_alike_is_told_once_and_other_events_not_at_all(aws: Any) -> None:
    progress = {"EventType": "PROGRESS_EVENT", "LogicalResourceId": "Queue"}
    told = {"OperationEvents": [progress, found_by_validation(aws)]}
    aws.says("describe_events", told)
    aws.says("describe_events", told)

    assert len(findings.of_change_sets(aws.cloudformation, ["child", "root"])) == 1


def test_an_endpoint_without_events_has_no_findings(aws: Any) -> None:
    aws.refuses("describe_events", "InvalidAction")

    assert findings.of_change_sets(aws.cloudformation, ["c"]) == ()


def test_a_finding_that_lies_in_no_template_here_is_told_without_a_place(templates: Path) -> None:
    finding = Finding("Gone", "", "bad", "", warns=False, stack_name="millrace-dev")

    assert finding.told(Origins(templates)) == "Gone bad"
