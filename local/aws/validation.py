"""What AWS looks for as it makes a change set: names that are taken, properties that the schema refuses.

Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html, and
the words that users of the CDK and of rain quote (aws-cdk-cli #1000 and #1463, rain #744). A failed
validation FAILS the change set, and stands in DescribeEvents only. Schemas are looked at one level deep, for
the types that the templates use: schemas.json, from CloudFormation's schemas for eu-west-2 (cfn-lint 1.58).
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ministack.core import responses
from ministack.services import cloudwatch_logs, dynamodb, iam, kinesis, s3, sqs

from local.aws.preview import UNRESOLVED, Preview
from local.aws.stacks import Json

PROPERTY = "PROPERTY_VALIDATION"
NAME = "NAME_CONFLICT_VALIDATION"
CHECKS = {
    PROPERTY: "AWS::EarlyValidation::PropertyValidation",
    NAME: "AWS::EarlyValidation::ResourceExistenceCheck",
}
FAILED = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the "
    "DescribeEvents API for detailed failure information."
)
SCHEMAS: Json = json.loads((Path(__file__).parent / "schemas.json").read_text())

# The property that names a resource, and whether the account has one of that name.
NAMED: dict[str, tuple[str, Callable[[str], bool]]] = {
    "AWS::DynamoDB::Table": ("TableName", lambda name: name in dynamodb._tables),
    "AWS::IAM::Role": ("RoleName", lambda name: name in iam._roles),
    "AWS::Kinesis::Stream": ("Name", lambda name: name in kinesis._streams),
    "AWS::Logs::LogGroup": ("LogGroupName", lambda name: name in cloudwatch_logs._log_groups),
    "AWS::S3::Bucket": ("BucketName", lambda name: name in s3._buckets),
    "AWS::SQS::Queue": ("QueueName", lambda name: name in sqs._queue_name_to_url),
}


class _Finding(NamedTuple):
    logical_id: str
    resource_type: str
    check: str
    path: str
    reason: str


def validate(change_set: Json, found: Preview) -> str:
    """Note each finding as an event of the change set; the reason for which it fails, empty for none."""
    findings = [
        finding
        for change in found.changes
        if change["ResourceChange"]["Action"] in ("Add", "Modify")
        for finding in _findings(change["ResourceChange"], found)
    ]
    operation_id = responses.new_uuid()
    change_set["_operation_id"] = operation_id
    change_set["_events"] = [
        {
            **_event(change_set, "VALIDATION_ERROR"),
            "LogicalResourceId": finding.logical_id,
            "ResourceType": finding.resource_type,
            "ValidationFailureMode": "FAIL",
            "ValidationName": finding.check,
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": finding.reason,
            "ValidationPath": finding.path,
        }
        for finding in findings
    ]
    names = sorted({CHECKS[finding.check] for finding in findings})
    return FAILED.format(", ".join(names)) if names else ""


def conclude(change_set: Json) -> None:
    """The change set's own event, once its status is known."""
    change_set.setdefault("_operation_id", responses.new_uuid())
    status = "FAILED" if change_set["Status"] == "FAILED" else "SUCCEEDED"
    change_set.setdefault("_events", []).append(
        {
            **_event(change_set, "STACK_EVENT"),
            "OperationStatus": status,
            "LogicalResourceId": change_set["StackName"],
            "PhysicalResourceId": change_set["StackId"],
            "ResourceType": "AWS::CloudFormation::Stack",
        }
    )


def _event(change_set: Json, event_type: str) -> Json:
    return {
        "EventId": responses.new_uuid(),
        "StackId": change_set["StackId"],
        "OperationId": change_set["_operation_id"],
        "OperationType": "CREATE_CHANGESET",
        "EventType": event_type,
        "Timestamp": responses.now_iso(),
    }


def _findings(change: Json, found: Preview) -> Iterator[_Finding]:
    logical_id, kind = change["LogicalResourceId"], change["ResourceType"]
    after: Json = json.loads(change.get("AfterContext") or "{}").get("Properties") or {}
    path = f"/Resources/{logical_id}/Properties"
    schema = SCHEMAS.get(kind)
    if schema is not None:
        for name in sorted(after.keys() - set(schema["properties"])):
            yield _Finding(logical_id, kind, PROPERTY, f"{path}/{name}", f"Unsupported property [{name}]")
        for name in sorted(set(schema["required"]) - after.keys()):
            yield _Finding(logical_id, kind, PROPERTY, path, f"Required property [{name}] not found")
        for name, allowed in schema["enums"].items():
            if name in after and _known(after[name]) and after[name] not in allowed:
                reason = f"#/{name}: {after[name]} is not a valid enum value"
                yield _Finding(logical_id, kind, PROPERTY, f"{path}/{name}", reason)
    yield from _taken(change, after)


def _taken(change: Json, after: Json) -> Iterator[_Finding]:
    logical_id, kind = change["LogicalResourceId"], change["ResourceType"]
    key, exists = NAMED.get(kind, ("", lambda name: False))
    name = after.get(key)
    if not isinstance(name, str) or not _known(name) or not exists(name):
        return
    before = json.loads(change.get("BeforeContext") or "{}").get("Properties") or {}
    if change["Action"] == "Add" or (change.get("Replacement") == "True" and before.get(key) != name):
        reason = f"Resource of type '{kind}' with identifier '{name}' already exists."
        yield _Finding(logical_id, kind, NAME, f"/Resources/{logical_id}", reason)


def _known(value: Any) -> bool:
    return not (isinstance(value, str) and any(mark in value for mark in UNRESOLVED))
