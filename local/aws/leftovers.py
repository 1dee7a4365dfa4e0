"""Children that upstream knows nothing of when their parent goes back or goes: broken ones, reviewed ones."""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import stacks as upstream

from local.aws.nested import children
from local.aws.patching import replace
from local.aws.stacks import STACK, Json

BROKEN = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")


def install() -> None:
    replace(upstream._roll_back_operation, _with_broken_child(upstream._roll_back_operation))
    replace(upstream._delete_stack_async, _with_waiting_children(upstream._delete_stack_async))


def _with_broken_child(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A child whose creation failed is the parent's to delete; upstream has no record of it."""

    async def roll_back(stack_name: str, stack_id: str, stack: Json, operation: Json, *rest: Any) -> None:
        logical_id = operation.get("failed_logical_id") or ""
        for child in children(stack, logical_id):
            if child["StackStatus"] in BROKEN and logical_id not in stack["_resources"]:
                stack["_resources"][logical_id] = {
                    "PhysicalResourceId": child["StackId"],
                    "ResourceType": STACK,
                    "ResourceStatus": "CREATE_FAILED",
                    "LogicalResourceId": logical_id,
                    "Properties": {},
                    "Attributes": {},
                    "Timestamp": responses.now_iso(),
                }
                operation["created"].append(logical_id)
        await original(stack_name, stack_id, stack, operation, *rest)

    return roll_back


def _with_waiting_children(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A stack that goes takes the children with it that were never more than reviewed."""

    async def delete_stack(stack_name: str, stack_id: str, *rest: Any, **named: Any) -> None:
        await original(stack_name, stack_id, *rest, **named)
        waiting = [
            child
            for child in cloudformation._stacks.values()
            if child.get("ParentId") == stack_id and child["StackStatus"] == "REVIEW_IN_PROGRESS"
        ]
        for child in waiting:
            await delete_stack(child["StackName"], child["StackId"])

    return delete_stack
