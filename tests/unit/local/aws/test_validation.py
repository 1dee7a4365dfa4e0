"""Change sets that fail as they are made: by a name that is taken, by a property that the schema refuses."""

from typing import Any

import pytest

Json = dict[str, Any]
REASON = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::{}]. "
    "To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information."
)


def queue(**properties: Any) -> Json:
    return {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties}}}


def findings(aws: Any, change_set: str) -> list[tuple[str, ...]]:
    answer = aws.client("cloudformation").describe_events(
        ChangeSetName=change_set, Filters={"FailedEvents": True}
    )
    for event in answer["OperationEvents"]:
        assert (event["EventType"], event["OperationType"]) == ("VALIDATION_ERROR", "CREATE_CHANGESET")
        assert (event["ValidationFailureMode"], event["ValidationStatus"]) == ("FAIL", "FAILED")
    return [
        (e["LogicalResourceId"], e["ValidationName"], e["ValidationPath"], e["ValidationStatusReason"])
        for e in answer["OperationEvents"]
    ]


def test_a_property_that_the_schema_does_not_have_fails_the_childs_change_set_and_the_roots(aws: Any) -> None:
    outer = {"Resources": {"Inner": aws.nest(queue(DelaySecond=3))}}
    root = aws.plan("invalid", {"Resources": {"Outer": aws.nest(outer), "Fine": aws.nest(queue())}})
    children = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in root["Changes"]}
    middle = aws.change_set(children["Outer"]["ChangeSetId"])
    leaf = aws.change_set(middle["Changes"][0]["ResourceChange"]["ChangeSetId"])

    assert (leaf["Status"], leaf["StatusReason"]) == ("FAILED", REASON.format("PropertyValidation"))
    for above, below in ((root, middle), (middle, leaf)):
        assert above["Status"] == "FAILED"
        assert above["ExecutionStatus"] == "UNAVAILABLE"
        assert above["StatusReason"] == (
            f"Nested change set {below['ChangeSetId']} was not successfully created: Currently in FAILED."
        )
    assert aws.change_set(children["Fine"]["ChangeSetId"])["Status"] == "CREATE_COMPLETE"
    assert findings(aws, leaf["ChangeSetId"]) == [
        (
            "Queue",
            "PROPERTY_VALIDATION",
            "/Resources/Queue/Properties/DelaySecond",
            "Unsupported property [DelaySecond]",
        )
    ]
    assert findings(aws, root["ChangeSetId"]) == []


@pytest.mark.parametrize(
    ("kind", "properties", "path", "reason"),
    [
        ("AWS::SNS::Subscription", {"Protocol": "sqs"}, "", "Required property [TopicArn] not found"),
        (
            "AWS::EC2::VPC",
            {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "shared"},
            "/InstanceTenancy",
            "#/InstanceTenancy: shared is not a valid enum value",
        ),
    ],
)
def test_a_property_that_is_missing_or_wrong_is_found(
    aws: Any, kind: str, properties: Json, path: str, reason: str
) -> None:
    template = {"Resources": {"Bad": {"Type": kind, "Properties": properties}}}

    root = aws.plan(f"wrong-{kind.rpartition(':')[2].lower()}", template)

    assert root["Status"] == "FAILED"
    assert ("Bad", "PROPERTY_VALIDATION", f"/Resources/Bad/Properties{path}", reason) in findings(
        aws, root["ChangeSetId"]
    )


def test_a_name_that_another_resource_has_is_found(aws: Any) -> None:
    aws.client("sqs").create_queue(QueueName="taken")

    root = aws.plan("conflict", queue(QueueName="taken"))

    assert (root["Status"], root["StatusReason"]) == ("FAILED", REASON.format("ResourceExistenceCheck"))
    assert findings(aws, root["ChangeSetId"]) == [
        (
            "Queue",
            "NAME_CONFLICT_VALIDATION",
            "/Resources/Queue",
            "Resource of type 'AWS::SQS::Queue' with identifier 'taken' already exists.",
        )
    ]


def test_an_update_of_a_named_resource_is_no_conflict(aws: Any) -> None:
    aws.deploy("named", queue(QueueName="named"))
    planned = aws.plan("named", queue(QueueName="named", DelaySeconds=3), "UPDATE")

    assert planned["Status"] == "CREATE_COMPLETE"
    events = aws.client("cloudformation").describe_events(ChangeSetName=planned["ChangeSetId"])
    assert [(e["EventType"], e["OperationStatus"]) for e in events["OperationEvents"]] == [
        ("STACK_EVENT", "SUCCEEDED")
    ]


def test_validation_can_be_turned_off(aws: Any) -> None:
    aws.client("sqs").create_queue(QueueName="taken-too")

    root = aws.plan("no-validation", queue(QueueName="taken-too"), DisableValidation=True)

    assert root["Status"] == "CREATE_COMPLETE"
