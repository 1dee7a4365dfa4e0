"""Stack policies while change sets are executed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.policies import denial

Json = dict[str, Any]
ALL: Json = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def deny(action: str, resource: str = "*", **more: Any) -> str:
    statement = {"Effect": "Deny", "Action": action, "Principal": "*", "Resource": resource, **more}
    return json.dumps({"Statement": [ALL, statement]})


def queue(name: str, seconds: int = 1) -> Json:
    properties = {"QueueName": name, "DelaySeconds": seconds}
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


@pytest.mark.parametrize(
    ("policy", "action", "refused"),
    [
        ("", "Update:Replace", ""),
        (json.dumps({"Statement": ALL}), "Update:Replace", ""),
        (json.dumps({"Statement": []}), "Update:Modify", "Action not allowed by stack policy"),
        (deny("Update:Replace", "LogicalResourceId/Q"), "Update:Modify", ""),
        (deny("Update:Replace", "LogicalResourceId/Other"), "Update:Replace", ""),
        (
            deny("Update:*", "LogicalResourceId/Q*"),
            "Update:Delete",
            "Statement [#2] does not allow [Update:Delete]",
        ),
        (
            deny("Update:*", Condition={"StringEquals": {"ResourceType": ["AWS::SNS::Topic"]}}),
            "Update:Delete",
            "",
        ),
        (
            deny("Update:*", Condition={"StringLike": {"ResourceType": ["AWS::SQS::*"]}}),
            "Update:Delete",
            "for resource [LogicalResourceId/Queue];",
        ),
    ],
)
def test_a_denial_wins_and_what_is_not_allowed_is_refused(policy: str, action: str, refused: str) -> None:
    said = denial(policy, action, "Queue", "AWS::SQS::Queue")
    assert (refused in said) if refused else said == ""


@pytest.mark.parametrize(
    ("action", "change"),
    [
        ("Update:Modify", {"Kept": queue("policy-kept"), "Held": queue("policy-held", 9)}),
        ("Update:Replace", {"Kept": queue("policy-kept"), "Held": queue("policy-new")}),
        ("Update:Delete", {"Kept": queue("policy-kept")}),
    ],
)
def test_what_a_nested_stacks_policy_denies_fails_and_goes_back(aws: Any, action: str, change: Json) -> None:
    name = f"policy-{action.partition(':')[2].lower()}"

    def renamed(resources: Json) -> Json:
        text = json.dumps({"Resources": resources}).replace("policy-", f"{name}-")
        return {"Resources": {"A": aws.nest(json.loads(text))}}

    aws.deploy(name, renamed({"Kept": queue("policy-kept"), "Held": queue("policy-held")}))
    child, cloudformation = aws.resources(name)["A"], aws.client("cloudformation")
    policy = deny(action, "LogicalResourceId/Held")
    cloudformation.set_stack_policy(StackName=child, StackPolicyBody=policy)
    assert cloudformation.get_stack_policy(StackName=child)["StackPolicyBody"] == policy
    assert "StackPolicyBody" not in cloudformation.get_stack_policy(StackName=name)
    before = aws.resources(child)

    assert aws.execute(aws.plan(name, renamed(change), "UPDATE")) == "UPDATE_ROLLBACK_COMPLETE"

    failed = [e for e in aws.events(child) if e["ResourceStatus"] == "UPDATE_FAILED"]
    assert [(e["LogicalResourceId"], e["ResourceStatusReason"]) for e in failed] == [
        (
            "Held",
            f"Action denied by stack policy: Statement [#2] does not allow [{action}] "
            "for resource [LogicalResourceId/Held];",
        )
    ]
    assert aws.resources(child) == before
    cloudformation.set_stack_policy(StackName=child, StackPolicyBody=json.dumps({"Statement": [ALL]}))
    assert aws.execute(aws.plan(name, renamed(change), "UPDATE")) == "UPDATE_COMPLETE"


def test_a_policy_does_not_hold_a_deletion_up(aws: Any) -> None:
    aws.deploy("policy-gone", {"Resources": {"Held": queue("policy-gone-held")}})
    aws.client("cloudformation").set_stack_policy(StackName="policy-gone", StackPolicyBody=deny("Update:*"))

    assert aws.delete("policy-gone") == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    "policy",
    [
        "no json",
        "{}",
        '{"Statement": [{"Effect": "Deny"}]}',
        deny("Create:*"),
        deny("Update:*", Principal="me"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(aws: Any, tree: Callable[..., Json], policy: str) -> None:
    aws.plan("policy-invalid", tree(1))
    with pytest.raises(ClientError, match="Invalid stack policy"):
        aws.client("cloudformation").set_stack_policy(StackName="policy-invalid", StackPolicyBody=policy)
