"""ContinueUpdateRollback through a tree of stacks, and children that cannot be rolled back.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html:
on the root only; a nested stack's resource is skipped as NestedStackName.ResourceLogicalId; what is skipped
becomes UPDATE_COMPLETE as it is; only what a rollback failed on can be skipped. Upstream knows one level.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, helpers, provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.descriptions import refused
from local.aws.patching import replace
from local.aws.stacks import STACK, Answer, Json, by_name, failed_resources, run_on_loop
from local.aws.undone import mark


def install() -> None:
    replace(handlers._continue_update_rollback, _through_the_tree(handlers._continue_update_rollback))
    replace(provisioners._update_resource, _skipping(provisioners._update_resource))


def _through_the_tree(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def continue_rollback(params: Json) -> Answer:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if stack is None or stack["StackStatus"] != "UPDATE_ROLLBACK_FAILED":
            return original(params)
        if stack.get("ParentId"):
            return refused(f"Stack [{stack['StackId']}] is nested: continue its root {stack['RootId']}.")
        wanted = helpers._extract_string_members(params, "ResourcesToSkip")
        failed = dict(_failed(stack, ""))
        for name in wanted:
            if name not in failed:
                return refused(
                    f"Resource(s) [{name}] cannot be skipped: "
                    "only resources whose rollback failed can be skipped"
                )
        for holder in (stack, *_below(stack)):
            holder["_skipping"] = []
        for name in wanted:
            failed[name]["_skipping"].append(name.rpartition(".")[2])
        own = [name for name in wanted if "." not in name]
        kept = {key: value for key, value in params.items() if not key.startswith("ResourcesToSkip")}
        return original(kept | {"ResourcesToSkip": own})

    return continue_rollback


def _failed(stack: Json, prefix: str) -> Iterator[tuple[str, Json]]:
    """What can be skipped, as it is named, and the stack that holds it: leaves, not stacks above them."""
    for logical_id, record in stack.get("_rollback_failed", {}).items():
        child = (
            by_name(record["PhysicalResourceId"].split("/")[1]) if record["ResourceType"] == STACK else None
        )
        if child is not None and not child["StackStatus"].startswith("DELETE_"):
            yield from _failed(child, f"{child['StackName']}.")
        else:
            yield f"{prefix}{logical_id}", stack


def _below(stack: Json) -> list[Json]:
    return [other for other in cloudformation._stacks.values() if other.get("RootId") == stack["StackId"]]


def _skipping(original: Callable[..., Any]) -> Callable[..., Any]:
    """A resource of a child's that is skipped is left as it is while the child goes back."""

    def update(
        resource_type: str, physical_id: str, old: Json, new: Json, stack_name: str, *rest: Any
    ) -> Any:
        stack, logical_id = by_name(stack_name) or {}, rest[0] if rest else physical_id
        if logical_id in stack.get("_skipping", []) and "ROLLBACK" in stack["StackStatus"]:
            upstream._add_event(
                stack["StackId"],
                stack_name,
                logical_id,
                resource_type,
                "UPDATE_COMPLETE",
                "Resource rollback skipped by user",
                physical_id,
            )
            return physical_id, (rest[1] if len(rest) > 1 else None) or {}
        return original(resource_type, physical_id, old, new, stack_name, *rest)

    return update


def go_on(child: Json, parent: Json) -> None:
    """A child that failed to roll its own update back goes on with that, once its root is told to."""
    if parent.get("_skipping") is not None:
        skipped = frozenset(child.get("_skipping") or [])
        run_on_loop(upstream._continue_update_rollback_async(child["StackName"], child["StackId"], skipped))
    if child["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE":
        raise ValueError(not_updated(child))


def stay(child: Json) -> None:
    """A child that its parent takes back, and that fails at it, stays so until the root is continued."""
    failed = [
        event["LogicalResourceId"]
        for event in cloudformation._stack_events[child["StackId"]]
        if event["ResourceStatus"].endswith("_FAILED") and event["LogicalResourceId"] != child["StackName"]
    ][-1:]
    child["_taken_back"] = True
    child["_rollback_failed"] = {
        logical_id: {
            "PhysicalResourceId": child["_resources"][logical_id]["PhysicalResourceId"],
            "ResourceType": child["_resources"][logical_id]["ResourceType"],
        }
        for logical_id in failed
        if logical_id in child["_resources"]
    }
    mark(child)
    child["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
    child["StackStatusReason"] = failed_resources(child["StackId"])
    cloudformation._stack_events[child["StackId"]][-1]["ResourceStatus"] = "UPDATE_ROLLBACK_FAILED"


def not_updated(child: Json) -> str:
    reason = failed_resources(child["StackId"]) or child["StackStatusReason"]
    return (
        f"Embedded stack {child['StackId']} was not successfully updated. Currently in "
        f"{child['StackStatus']} with reason: {reason}"
    )
