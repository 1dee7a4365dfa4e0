"""What a rollback could not undo: still the stack's, as failed, until it is undone, skipped or deleted.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html:
"only resources that are in the UPDATE_FAILED state because a rollback failed" can be skipped, and
DescribeStackResources says which they are and why. Upstream shows them as they were before, and forgets what
a failed creation left.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import stacks as upstream

from local.aws.patching import replace
from local.aws.stacks import Json, by_name


def install() -> None:
    replace(upstream._roll_back_operation, _kept(upstream._roll_back_operation))
    replace(upstream._continue_update_rollback_async, _kept(upstream._continue_update_rollback_async))


def mark(stack: Json) -> None:
    """Show the resources of a stack that its rollback failed on as failed, with the reason."""
    for logical_id, failed in stack.get("_rollback_failed", {}).items():
        deleting = "RevertTo" not in failed and "Properties" in failed
        record = stack["_resources"].setdefault(
            logical_id,
            {
                "PhysicalResourceId": failed["PhysicalResourceId"],
                "ResourceType": failed["ResourceType"],
                "LogicalResourceId": logical_id,
                "Properties": failed.get("Properties") or {},
                "Attributes": {},
            },
        )
        record |= {
            "ResourceStatus": "DELETE_FAILED" if deleting else "UPDATE_FAILED",
            "ResourceStatusReason": _reason(stack["StackId"], logical_id),
            "Timestamp": responses.now_iso(),
        }


def _kept(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def roll_back(stack_name: str, *rest: Any, **named: Any) -> None:
        stack = by_name(stack_name) or {}
        before = dict(stack.get("_rollback_failed", {}))
        await original(stack_name, *rest, **named)
        for logical_id in before.keys() - stack.get("_rollback_failed", {}).keys():
            _undone(stack, logical_id, deleted="RevertTo" not in before[logical_id])
        mark(stack)

    return roll_back


def _undone(stack: Json, logical_id: str, *, deleted: bool) -> None:
    """What was undone after all, or skipped, is as it is said to be in the stack's template."""
    record = stack["_resources"].get(logical_id)
    if record is None:
        return
    if deleted and record["ResourceStatus"] == "DELETE_FAILED":
        del stack["_resources"][logical_id]
        return
    record["ResourceStatus"] = "UPDATE_COMPLETE"
    record.pop("ResourceStatusReason", None)


def _reason(stack_id: str, logical_id: str) -> str:
    told = [
        event["ResourceStatusReason"]
        for event in cloudformation._stack_events[stack_id]
        if event["LogicalResourceId"] == logical_id and event["ResourceStatus"].endswith("_FAILED")
    ]
    return str(told[-1]) if told else ""
