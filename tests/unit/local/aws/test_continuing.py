"""Rollbacks that fail three levels down, and what continues them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Fault

Tree = Callable[..., Any]
Family = Callable[[str], dict[str, str]]


def delay(aws: Any, stack: str, logical_id: str) -> str:
    found = aws.client("sqs").get_queue_attributes(
        QueueUrl=aws.resources(stack)[logical_id], AttributeNames=["DelaySeconds"]
    )
    return str(found["Attributes"]["DelaySeconds"])


def failed(aws: Any, stack: str) -> list[tuple[str, str, str]]:
    """What of a stack is shown as failed."""
    found = aws.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return [
        (r["LogicalResourceId"], r["ResourceStatus"], r["ResourceStatusReason"])
        for r in found
        if r["ResourceStatus"].endswith("FAILED")
    ]


def stuck(aws: Any, name: str, tree: Tree, inject: Callable[..., None], failing: str) -> None:
    """A tree whose update fails at `failing`, and whose rollback fails at the leaf."""
    aws.deploy(name, tree(1))
    inject(
        Fault(logical_id=failing, action="update", message="no more delay"),
        Fault(logical_id="Leaf", action="revert", message="the leaf is gone"),
    )
    assert aws.execute(aws.plan(name, tree(2), "UPDATE")) == "UPDATE_ROLLBACK_FAILED"


# Twig: the leaf's own stack fails and rolls back. Last: it is done already, and its parent takes it back.
@pytest.mark.parametrize("failing", ["Twig", "Last"])
def test_a_failed_rollback_is_continued_once_its_cause_is_gone(
    aws: Any, inject: Callable[..., None], tree: Tree, family: Family, failing: str
) -> None:
    name = f"continued-{failing.lower()}"
    stuck(aws, name, tree, inject, failing)
    arns = family(name)
    assert {aws.stack(arn)["StackStatus"] for arn in arns.values()} == {"UPDATE_ROLLBACK_FAILED"}
    with pytest.raises(ClientError, match="is in UPDATE_ROLLBACK_FAILED state and can not be updated"):
        aws.plan(name, tree(3), "UPDATE")

    assert failed(aws, arns["Inner"]) == [("Leaf", "UPDATE_FAILED", "the leaf is gone")]
    assert [logical_id for logical_id, *_ in failed(aws, name)] == ["Outer"]
    cloudformation = aws.client("cloudformation")
    cloudformation.continue_update_rollback(StackName=name)
    assert aws.settled(name) == "UPDATE_ROLLBACK_FAILED"
    inject()
    cloudformation.continue_update_rollback(StackName=name, ClientRequestToken="continue-2")

    assert aws.settled(name) == "UPDATE_ROLLBACK_COMPLETE"
    assert {aws.stack(arn)["StackStatus"] for arn in arns.values()} == {"UPDATE_ROLLBACK_COMPLETE"}
    assert delay(aws, arns["Inner"], "Leaf") == delay(aws, name, "Top") == "1"
    assert [failed(aws, arn) for arn in arns.values()] == [[], [], []]
    assert aws.events(arns["Inner"])[-1]["ClientRequestToken"] == "continue-2"
    assert aws.deploy(name, tree(3), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"
    assert delay(aws, arns["Inner"], "Leaf") == "3"


@pytest.mark.parametrize("failing", ["Twig", "Last"])
def test_a_nested_resource_is_skipped_by_its_stacks_name(
    aws: Any, inject: Callable[..., None], tree: Tree, family: Family, failing: str
) -> None:
    name = f"skipped-{failing.lower()}"
    stuck(aws, name, tree, inject, failing)
    arns = family(name)
    nested = arns["Inner"].split("/")[1]

    aws.client("cloudformation").continue_update_rollback(StackName=name, ResourcesToSkip=[f"{nested}.Leaf"])

    assert aws.settled(name) == "UPDATE_ROLLBACK_COMPLETE"
    assert {aws.stack(arn)["StackStatus"] for arn in arns.values()} == {"UPDATE_ROLLBACK_COMPLETE"}
    assert [failed(aws, arn) for arn in arns.values()] == [[], [], []]
    assert delay(aws, arns["Inner"], "Leaf") == "2"  # as the failed update left it
    skipped = [e for e in aws.events(arns["Inner"]) if "skipped" in e.get("ResourceStatusReason", "")]
    assert [(e["LogicalResourceId"], e["ResourceStatus"]) for e in skipped] == [("Leaf", "UPDATE_COMPLETE")]


def test_a_resource_of_the_root_is_skipped_by_its_logical_id(
    aws: Any, inject: Callable[..., None], tree: Tree
) -> None:
    aws.deploy("skips-top", tree(1))
    inject(
        Fault(logical_id="Last", action="update", message="no"),
        Fault(logical_id="Top", action="revert", message="no"),
    )
    assert aws.execute(aws.plan("skips-top", tree(2), "UPDATE")) == "UPDATE_ROLLBACK_FAILED"

    aws.client("cloudformation").continue_update_rollback(StackName="skips-top", ResourcesToSkip=["Top"])

    assert aws.settled("skips-top") == "UPDATE_ROLLBACK_COMPLETE"
    assert delay(aws, "skips-top", "Top") == "2"
    assert failed(aws, "skips-top") == []


def test_only_the_root_continues_and_only_what_failed_is_skipped(
    aws: Any, inject: Callable[..., None], tree: Tree, family: Family
) -> None:
    stuck(aws, "refuses", tree, inject, "Twig")
    arns, cloudformation = family("refuses"), aws.client("cloudformation")

    with pytest.raises(ClientError, match="is nested"):
        cloudformation.continue_update_rollback(StackName=arns["Outer"])
    for name in ("Outer", "Leaf", f"{arns['Inner'].split('/')[1]}.Twig"):
        with pytest.raises(ClientError, match="cannot be skipped"):
            cloudformation.continue_update_rollback(StackName="refuses", ResourcesToSkip=[name])
