"""Nested stacks: how they fail, roll back and go."""

from typing import Any

Json = dict[str, Any]


def queue(**attributes: Any) -> Json:
    return {"Type": "AWS::SQS::Queue", **attributes}


def bad_rule(depends_on: str) -> Json:
    """A rule for a group that is not there: it fails as it is made."""
    properties = {
        "GroupId": "sg-none",
        "IpProtocol": "tcp",
        "CidrIp": "10.0.0.0/8",
        "FromPort": 1,
        "ToPort": 1,
    }
    return {"Type": "AWS::EC2::SecurityGroupIngress", "DependsOn": depends_on, "Properties": properties}


def queues(aws: Any) -> list[str]:
    return [url.rsplit("/", 1)[1] for url in aws.client("sqs").list_queues().get("QueueUrls", [])]


def test_a_failing_child_rolls_the_root_back_and_says_why(aws: Any) -> None:
    good = aws.nest({"Resources": {"Queue": queue()}})
    bad = {**aws.nest({"Resources": {"Queue": queue(), "Rule": bad_rule("Queue")}}), "DependsOn": "Good"}
    root = aws.plan("fails", {"Resources": {"Good": good, "Bad": bad}})
    children = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in root["Changes"]}

    assert aws.execute(root) == "ROLLBACK_COMPLETE"

    bad_child = children["Bad"]["PhysicalResourceId"]
    why = [e for e in aws.events(bad_child) if e["ResourceStatus"] == "CREATE_FAILED"]
    assert [(e["LogicalResourceId"], e["ResourceStatusReason"]) for e in why] == [
        ("Rule", "The security group 'sg-none' does not exist")
    ]
    failed = [e for e in aws.events("fails") if e["ResourceStatus"] == "CREATE_FAILED"]
    assert [e["ResourceStatusReason"] for e in failed] == [
        f"Embedded stack {bad_child} was not successfully created: "
        "The following resource(s) failed to create: [Rule]."
    ]
    assert {aws.stack(c["PhysicalResourceId"])["StackStatus"] for c in children.values()} == {
        "DELETE_COMPLETE"
    }
    assert not [name for name in queues(aws) if name.startswith("fails-")]


def test_a_failing_update_takes_its_siblings_back(aws: Any) -> None:
    def template(seconds: int, *, broken: bool) -> Json:
        first = aws.nest({"Resources": {"Queue": queue(Properties={"VisibilityTimeout": seconds})}})
        inside: Json = {"Queue": queue()}
        if broken:
            inside["Rule"] = bad_rule("Queue")
        return {
            "Resources": {"First": first, "Second": {**aws.nest({"Resources": inside}), "DependsOn": "First"}}
        }

    aws.deploy("falls-back", template(30, broken=False))
    before = aws.resources("falls-back")

    root = aws.plan("falls-back", template(60, broken=True), "UPDATE")
    assert aws.execute(root) == "UPDATE_ROLLBACK_COMPLETE"

    assert aws.resources("falls-back") == before
    assert {aws.stack(arn)["StackStatus"] for arn in before.values()} == {"UPDATE_ROLLBACK_COMPLETE"}
    url = aws.resources(before["First"])["Queue"]
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"]["VisibilityTimeout"] == "30"
    assert aws.deploy("falls-back", template(90, broken=False), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"


def test_the_root_deletes_its_children_in_reverse_order(aws: Any) -> None:
    children = {
        "Last": {**aws.nest({"Resources": {"Queue": queue()}}), "DependsOn": "First"},
        "First": aws.nest({"Resources": {"Queue": queue()}}),
    }
    stack = aws.deploy("goes", {"Resources": children})["StackId"]
    arns = aws.resources("goes")

    assert aws.delete("goes") == "DELETE_COMPLETE"

    gone = [e["LogicalResourceId"] for e in aws.events(stack) if e["ResourceStatus"] == "DELETE_COMPLETE"]
    assert gone == ["Last", "First", "goes"]
    assert {aws.stack(arn)["StackStatus"] for arn in arns.values()} == {"DELETE_COMPLETE"}
    assert not [name for name in queues(aws) if name.startswith("goes-")]


def test_what_a_child_retains_outlives_the_root(aws: Any) -> None:
    kept = queue(DeletionPolicy="Retain", UpdateReplacePolicy="Retain")
    aws.deploy("retains", {"Resources": {"A": aws.nest({"Resources": {"Kept": kept}})}})

    assert aws.delete("retains") == "DELETE_COMPLETE"

    assert [name for name in queues(aws) if name.startswith("retains-")]


def test_a_first_creation_that_fails_retains_nothing_when_told_so(aws: Any) -> None:
    inside = {"Kept": queue(DeletionPolicy="Retain"), "Rule": bad_rule("Kept")}
    good = {**aws.nest({"Resources": {"Kept": queue(DeletionPolicy="RetainExceptOnCreate")}})}
    bad = {**aws.nest({"Resources": inside}), "DependsOn": "Good"}
    root = aws.plan("no-orphans", {"Resources": {"Good": good, "Bad": bad}})

    assert aws.execute(root, RetainExceptOnCreate=True) == "ROLLBACK_COMPLETE"

    assert not [name for name in queues(aws) if name.startswith("no-orphans-")]


def test_a_failure_can_be_left_standing(aws: Any) -> None:
    inside = {"Queue": queue(), "Rule": bad_rule("Queue")}
    root = aws.plan(
        "left", {"Resources": {"A": aws.nest({"Resources": inside})}}, OnStackFailure="DO_NOTHING"
    )

    assert aws.execute(root) == "CREATE_FAILED"

    child = root["Changes"][0]["ResourceChange"]["PhysicalResourceId"]
    assert aws.stack(child)["StackStatus"] == "CREATE_FAILED"
    assert list(aws.resources(child)) == ["Queue"]


def test_a_failed_creation_can_delete_itself(aws: Any) -> None:
    inside = {"Queue": queue(), "Rule": bad_rule("Queue")}
    root = aws.plan("deletes", {"Resources": {"A": aws.nest({"Resources": inside})}}, OnStackFailure="DELETE")

    aws.execute(root)

    aws.awaited(lambda: aws.stack(root["StackId"])["StackStatus"] == "DELETE_COMPLETE")
    assert not [name for name in queues(aws) if name.startswith("deletes-")]


def test_stacks_nest_in_nested_stacks(aws: Any) -> None:
    inner = {"Resources": {"Queue": queue()}, "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}}}
    outer = {
        "Resources": {"Inner": aws.nest(inner)},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}}},
    }
    root = aws.deploy(
        "deep",
        {
            "Resources": {"Outer": aws.nest(outer)},
            "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Outer", "Outputs.Arn"]}}},
        },
    )

    middle = aws.resources("deep")["Outer"]
    leaf = aws.stack(aws.resources(middle)["Inner"])
    assert (leaf["ParentId"], leaf["RootId"]) == (middle, root["StackId"])
    assert root["Outputs"][0]["OutputValue"].startswith("arn:aws:sqs:")
