"""Change sets over nested stacks, as CloudFormation has them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

Json = dict[str, Any]


def queue(seconds: int = 30) -> Json:
    return {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}},
    }


def topic(name: str = "plain") -> Json:
    return {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}},
        "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}},
    }


def reader() -> Json:
    return {
        "Parameters": {"Source": {"Type": "String", "AllowedPattern": "arn:.*"}},
        "Resources": {
            "Note": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Ref": "Source"}},
            }
        },
    }


def platform(aws: Any, seconds: int = 30) -> Json:
    """A root with three children, the last fed by the first."""
    return {
        "Resources": {
            "Stream": aws.nest(queue(seconds)),
            "Alerts": aws.nest(topic()),
            "Reader": aws.nest(reader(), Source={"Fn::GetAtt": ["Stream", "Outputs.Arn"]}),
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Stream", "Outputs.Arn"]}}},
    }


def changes(change_set: Json) -> dict[str, Json]:
    return {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in change_set["Changes"]}


def test_a_creation_has_a_change_set_for_each_nested_stack(aws: Any) -> None:
    root = aws.plan("nested-new", platform(aws))

    assert root["IncludeNestedStacks"]
    assert aws.stack("nested-new")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert {change["Action"] for change in changes(root).values()} == {"Add"}
    for logical_id, change in changes(root).items():
        child = aws.change_set(change["ChangeSetId"])
        assert child["ParentChangeSetId"] == child["RootChangeSetId"] == root["ChangeSetId"]
        assert child["StackId"] == change["PhysicalResourceId"]
        assert child["StackName"].startswith(f"nested-new-{logical_id}-")
        assert aws.stack(child["StackId"])["StackStatus"] == "REVIEW_IN_PROGRESS"
        assert [c["Action"] for c in changes(child).values()] == ["Add"]
    listed = aws.client("cloudformation").list_change_sets(StackName=child["StackName"])["Summaries"]
    assert [entry["RootChangeSetId"] for entry in listed] == [root["ChangeSetId"]]


def test_an_output_of_a_new_sibling_is_unresolved(aws: Any) -> None:
    root = aws.plan("nested-unresolved", platform(aws))

    child = aws.change_set(changes(root)["Reader"]["ChangeSetId"])

    unresolved = "{{IntrinsicFunction:nested-unresolved/Stream.Outputs.Arn/Fn::GetAtt}}"
    assert child["Parameters"] == [{"ParameterKey": "Source", "ParameterValue": unresolved}]
    assert json.loads(changes(child)["Note"]["AfterContext"])["Properties"]["Value"] == unresolved


def test_executing_the_root_executes_its_children(aws: Any) -> None:
    root = aws.plan("nested-run", platform(aws))

    assert aws.execute(root, ClientRequestToken="one-operation") == "CREATE_COMPLETE"

    stack = aws.stack("nested-run")
    assert stack["ChangeSetId"] == root["ChangeSetId"]
    assert stack["Outputs"][0]["OutputValue"].startswith("arn:aws:sqs:eu-west-2:111122223333:")
    for change in changes(root).values():
        child = aws.stack(change["PhysicalResourceId"])
        assert child["StackStatus"] == "CREATE_COMPLETE"
        assert child["ParentId"] == child["RootId"] == stack["StackId"]
        assert aws.change_set(change["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    told = [e for name in (stack["StackId"], child["StackId"]) for e in aws.events(name)]
    working = [event for event in told if event["ResourceStatus"] != "REVIEW_IN_PROGRESS"]
    assert {event.get("ClientRequestToken") for event in working} == {"one-operation"}
    assert child["StackId"] in [
        event.get("PhysicalResourceId")
        for event in aws.events("nested-run")
        if event["ResourceStatus"] == "CREATE_IN_PROGRESS"
    ]


def test_an_update_lists_only_what_changes(aws: Any) -> None:
    aws.deploy("nested-update", platform(aws))
    before = aws.resources("nested-update")

    root = aws.plan("nested-update", platform(aws, seconds=60), "UPDATE")

    assert sorted(changes(root)) == ["Reader", "Stream"]  # Alerts is as it was
    stream = changes(aws.change_set(changes(root)["Stream"]["ChangeSetId"]))["Queue"]
    target = stream["Details"][0]["Target"]
    assert (stream["Action"], stream["Replacement"]) == ("Modify", "False")
    assert (target["BeforeValue"], target["AfterValue"]) == ("30", "60")
    assert target["Path"] == "/Properties/VisibilityTimeout"
    # What hangs on a changing sibling is shown as changing, and then does not.
    unresolved = changes(aws.change_set(changes(root)["Reader"]["ChangeSetId"]))["Note"]
    assert "{{IntrinsicFunction:" in unresolved["Details"][0]["Target"]["AfterValue"]
    assert aws.execute(root) == "UPDATE_COMPLETE"
    assert aws.resources("nested-update") == before
    assert aws.stack(before["Reader"])["StackStatus"] == "CREATE_COMPLETE"
    updated = [
        e["LogicalResourceId"]
        for e in aws.events("nested-update")
        if e["ResourceStatus"] == "UPDATE_COMPLETE"
    ]
    assert updated == ["Stream", "nested-update"]


def test_a_nested_update_keeps_what_it_leaves_alone(aws: Any) -> None:
    two = {
        "Resources": {**queue()["Resources"], "Other": {"Type": "AWS::SQS::Queue"}},
        "Outputs": queue()["Outputs"],
    }
    changed = {**two, "Resources": {**two["Resources"], "Other": queue(44)["Resources"]["Queue"]}}
    created = aws.deploy("nested-kept", {"Resources": {"A": aws.nest(two)}})
    child = aws.resources("nested-kept")["A"]
    arn = aws.stack(child)["Outputs"]

    aws.deploy("nested-kept", {"Resources": {"A": aws.nest(changed)}}, "UPDATE")

    assert aws.stack("nested-kept")["StackId"] == created["StackId"]
    assert aws.stack(child)["Outputs"] == arn
    quiet = [e for e in aws.events(child) if e["LogicalResourceId"] == "Queue"]
    assert [event["ResourceStatus"] for event in quiet] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_the_same_template_has_no_changes(aws: Any) -> None:
    aws.deploy("nested-same", platform(aws))

    root = aws.plan("nested-same", platform(aws), "UPDATE")

    assert (root["Status"], root["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert root["StatusReason"] == (
        "The submitted information didn't contain changes. "
        "Submit different information to create a change set."
    )


def test_a_template_that_says_the_same_otherwise_has_no_updates(aws: Any) -> None:
    aws.deploy("nested-text", platform(aws))

    root = aws.plan("nested-text", {**platform(aws), "Description": "in other words"}, "UPDATE")

    assert (root["Status"], root["StatusReason"]) == ("FAILED", "No updates are to be performed.")


def test_an_output_alone_is_executed(aws: Any) -> None:
    aws.deploy("nested-output", platform(aws))
    more = platform(aws)
    more["Outputs"]["Word"] = {"Value": "said"}

    root = aws.plan("nested-output", more, "UPDATE")

    assert (root["Status"], root["Changes"]) == ("CREATE_COMPLETE", [])
    assert aws.execute(root) == "UPDATE_COMPLETE"
    assert {o["OutputKey"] for o in aws.stack("nested-output")["Outputs"]} == {"Arn", "Word"}


def test_tags_of_the_root_reach_its_children_once(aws: Any) -> None:
    tags = [{"Key": "Owner", "Value": "plant"}]
    aws.deploy("nested-tags", platform(aws), Tags=tags)
    child = aws.resources("nested-tags")["Stream"]
    assert {"Key": "Owner", "Value": "plant"} in aws.stack(child)["Tags"]

    assert aws.plan("nested-tags", platform(aws), "UPDATE", Tags=tags)["Status"] == "FAILED"
    assert aws.plan("nested-tags", platform(aws), "UPDATE")["Status"] == "FAILED"
    other = aws.plan("nested-tags", platform(aws), "UPDATE", Tags=[{"Key": "Owner", "Value": "line"}])

    assert sorted(changes(other)) == ["Alerts", "Reader", "Stream"]
    queue_change = changes(aws.change_set(changes(other)["Stream"]["ChangeSetId"]))["Queue"]
    assert (queue_change["Action"], queue_change["Scope"]) == ("Modify", ["Tags"])
    assert aws.execute(other) == "UPDATE_COMPLETE"
    assert {"Key": "Owner", "Value": "line"} in aws.stack(child)["Tags"]


def test_a_root_under_review_goes_with_its_children(aws: Any) -> None:
    root = aws.plan("nested-review", platform(aws))

    assert aws.delete("nested-review") == "DELETE_COMPLETE"

    children = [change["PhysicalResourceId"] for change in changes(root).values()]
    aws.awaited(lambda: all(aws.stack(arn)["StackStatus"] == "DELETE_COMPLETE" for arn in children))


def test_a_removed_resource_says_what_becomes_of_it(aws: Any) -> None:
    kept = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain"}
    aws.deploy("removal", {"Resources": {"Kept": kept, **topic()["Resources"]}})

    root = aws.plan("removal", {"Resources": queue()["Resources"]}, "UPDATE")

    found = {key: (c["Action"], c.get("PolicyAction")) for key, c in changes(root).items()}
    assert found == {"Kept": ("Remove", "Retain"), "Topic": ("Remove", "Delete"), "Queue": ("Add", None)}


def test_a_child_is_executed_and_deleted_from_the_root_only(aws: Any) -> None:
    cloudformation = aws.client("cloudformation")
    root = aws.plan("nested-root-only", platform(aws))
    child = changes(root)["Stream"]

    for refused in (cloudformation.execute_change_set, cloudformation.delete_change_set):
        with pytest.raises(ClientError, match=root["ChangeSetId"]):
            refused(ChangeSetName=child["ChangeSetId"])
    cloudformation.delete_change_set(ChangeSetName=root["ChangeSetId"])

    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        aws.change_set(child["ChangeSetId"])
    assert aws.stack(child["PhysicalResourceId"])["StackStatus"] == "DELETE_COMPLETE"
    assert aws.stack("nested-root-only")["StackStatus"] == "REVIEW_IN_PROGRESS"


def test_a_second_change_set_is_for_the_same_stack(aws: Any) -> None:
    first = aws.plan("nested-again", platform(aws))
    second = aws.plan("nested-again", platform(aws, seconds=5))

    assert second["StackId"] == first["StackId"]
    assert aws.execute(second) == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        aws.change_set(first["ChangeSetId"])


def test_what_was_asked_for_is_echoed(aws: Any) -> None:
    trigger = {"Arn": "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:a", "Type": "AWS::CloudWatch::Alarm"}
    asked = {
        "Description": "sealed: 1 & 2",
        "OnStackFailure": "DO_NOTHING",
        "NotificationARNs": ["arn:aws:sns:eu-west-2:111122223333:news"],
        "RollbackConfiguration": {"RollbackTriggers": [trigger], "MonitoringTimeInMinutes": 3},
        "Tags": [{"Key": "a", "Value": "b"}],
        "Parameters": [{"ParameterKey": "Word", "ParameterValue": "w"}],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    template = {"Parameters": {"Word": {"Type": "String"}}, **topic()}

    root = aws.plan("echo", template, RoleARN="arn:aws:iam::111122223333:role/deployer", **asked)

    assert {key: root[key] for key in asked} == asked
    assert aws.plan("echo-nothing", topic()).keys().isdisjoint({"OnStackFailure", "RollbackConfiguration"})


def test_changes_are_paged_by_the_hundred(aws: Any) -> None:
    topics = {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(120)}
    root = aws.plan("paged", {"Resources": topics})
    assert len(root["Changes"]) == 100

    rest = aws.client("cloudformation").describe_change_set(
        ChangeSetName=root["ChangeSetId"], NextToken=root["NextToken"]
    )

    named = {c["ResourceChange"]["LogicalResourceId"] for page in (root, rest) for c in page["Changes"]}
    assert named == set(topics)
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    ("policies", "removed", "replaced"),
    [
        ({}, "Delete", "ReplaceAndDelete"),
        ({"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}, "Retain", "ReplaceAndRetain"),
        ({"DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"}, "Snapshot", "ReplaceAndSnapshot"),
    ],
)
def test_each_change_says_what_becomes_of_the_old_resource(
    aws: Any, policies: Json, removed: str, replaced: str
) -> None:
    def volume(size: str) -> Json:
        properties = {"QueueName": f"policy-action-{size}-{removed.lower()}"}
        return {"Type": "AWS::SQS::Queue", "Properties": properties, **policies}

    name = f"policy-action-{removed.lower()}"
    aws.deploy(name, {"Resources": {"Goes": volume("a"), "Moves": volume("b"), "Stays": volume("c")}})

    root = aws.plan(name, {"Resources": {"Moves": volume("d"), "Stays": volume("c")}}, "UPDATE")

    said = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]["PolicyAction"] for c in root["Changes"]
    }
    assert said == {"Goes": removed, "Moves": replaced}


def test_a_retry_with_the_same_token_is_the_same_change_set(aws: Any) -> None:
    wanted = {
        "StackName": "nested-token",
        "ChangeSetName": "only",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps(topic()),
        "ClientToken": "retry",
    }
    made = [aws.client("cloudformation").create_change_set(**wanted)["Id"] for _ in range(2)]

    assert made[0] == made[1]


def test_a_child_that_needs_capabilities_fails_the_change_set(aws: Any) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    template = {"Resources": {"A": aws.nest({"Resources": {"Role": role}})}}

    root = aws.plan("nested-capability", template, Capabilities=[])

    assert (root["Status"], root["StatusReason"]) == ("FAILED", "Requires capabilities : [CAPABILITY_IAM]")


def test_selecting_from_an_unresolved_output_fails_the_change_set(aws: Any) -> None:
    selected = {"Fn::Select": [3, {"Fn::Split": [",", {"Fn::GetAtt": ["A", "Outputs.Arn"]}]}]}
    template = {"Resources": {"A": aws.nest(queue()), "B": aws.nest(reader(), Source=selected)}}

    assert aws.plan("nested-select", template)["Status"] == "FAILED"


def test_a_secret_parameter_is_masked(aws: Any) -> None:
    template = {"Parameters": {"Word": {"Type": "String", "NoEcho": True}}, **topic()}

    root = aws.plan("no-echo", template, Parameters=[{"ParameterKey": "Word", "ParameterValue": "hush"}])

    assert root["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": "****"}]


def test_a_stack_that_rolled_back_takes_no_update(aws: Any) -> None:
    root = aws.plan("stuck", {"Resources": {"A": aws.nest(broken())}})
    assert aws.execute(root) == "ROLLBACK_COMPLETE"

    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        aws.plan("stuck", platform(aws), "UPDATE")
    with pytest.raises(ClientError, match="already exists and cannot be created again"):
        aws.plan("stuck", platform(aws))


def broken() -> Json:
    """A child whose second resource cannot be made."""
    rule = {"GroupId": "sg-none", "IpProtocol": "tcp", "CidrIp": "10.0.0.0/8", "FromPort": 1, "ToPort": 1}
    return {
        "Resources": {
            **queue()["Resources"],
            "Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule, "DependsOn": "Queue"},
        }
    }
