"""The operations on stacks: an id for each, on each of its events, and DescribeEvents, which lists them.

Sources: botocore's model (StackEvent.OperationId, OperationEvent, Stack.LastOperations) and
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html. "All events
initiated by a given stack operation are assigned the same client request token" (API_DeleteStack); a nested
stack's events carry it too. No document says whether a nested stack shares its root's OperationId: here each
has its own, so that nobody relies on it. Nor does one give the order: newest first, as DescribeStackEvents.
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, helpers
from ministack.services.cloudformation import stacks as upstream

from local.aws.descriptions import answered, look_up, refused
from local.aws.patching import replace
from local.aws.stacks import Answer, Json, as_xml, by_id

BEGINNINGS = {
    "CREATE_IN_PROGRESS": "CREATE_STACK",
    "UPDATE_IN_PROGRESS": "UPDATE_STACK",
    "DELETE_IN_PROGRESS": "DELETE_STACK",
}
LATER = {"UPDATE_ROLLBACK_IN_PROGRESS": "CONTINUE_ROLLBACK", "ROLLBACK_IN_PROGRESS": "ROLLBACK"}
FAILURES = ("VALIDATION_ERROR", "PROVISIONING_ERROR", "HOOK_INVOCATION_ERROR")


def install() -> None:
    replace(upstream._add_event, _with_operation(upstream._add_event))
    replace(handlers._describe_stack_events, _with_ids(handlers._describe_stack_events))
    replace(handlers._describe_events, describe_events)
    replace(handlers._describe_stacks, _with_last(handlers._describe_stacks))


def root_of(stack: Json) -> Json:
    """The record of the stack at the top of a stack's tree; the stack's own when it is the top."""
    return by_id(stack["RootId"]) or stack if stack.get("RootId") else stack


def retoken(stack: Json, token: str) -> None:
    """Let what the running operation still says carry another request's token: a cancel's, for one."""
    operation = root_of(stack).get("_operation")
    if operation is not None:
        operation["Token"] = token


def _with_operation(original: Callable[..., None]) -> Callable[..., None]:
    def add_event(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        *rest: Any,
        **named: Any,
    ) -> None:
        stack = by_id(stack_id) or {}
        top = root_of(stack)
        own = stack is top and logical_id == stack_name
        if own:
            _begin(top, status)
        original(stack_id, stack_name, logical_id, resource_type, status, *rest, **named)
        operation = top.get("_operation")
        if operation is None:
            return
        event = cloudformation._stack_events[stack_id][-1]
        ids = operation["Ids"]
        if stack_id not in ids:
            ids[stack_id] = responses.new_uuid()
            _remember(stack, operation["Type"], ids[stack_id])
        event |= {"OperationId": ids[stack_id], "OperationType": operation["Type"]}
        event.pop("ClientRequestToken", None)
        if operation["Token"]:
            event["ClientRequestToken"] = operation["Token"]
        if own and not status.endswith("_IN_PROGRESS"):
            operation["Ended"] = True

    return add_event


def _begin(top: Json, status: str) -> None:
    running = top.get("_operation")
    kind = BEGINNINGS.get(status)
    if kind is None and (running is None or running["Ended"]):
        kind = LATER.get(status)
    if kind is not None:
        for key in ("_stopping", "_skipping") if kind != "CONTINUE_ROLLBACK" else ("_stopping",):
            top.pop(key, None)  # what the one before was told
        token = upstream.CLIENT_REQUEST_TOKEN.get()
        top["_operation"] = {"Type": kind, "Token": token, "Ids": {}, "Ended": False}


def _remember(stack: Json, kind: str, operation_id: str) -> None:
    """The last operation of each type, newest first, as DescribeStacks tells it."""
    entry = {"OperationType": kind, "OperationId": operation_id}
    others = [known for known in stack.get("_last_operations", []) if known["OperationType"] != kind]
    stack["_last_operations"] = [entry, *others]


def _with_ids(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def describe(params: Json) -> Answer:
        stack = handlers._resolve_stack(helpers._p(params, "StackName")) or {}
        total = len(cloudformation._stack_events.get(stack.get("StackId")) or [])
        status, headers, body = original(_where_it_was(params, total))
        body = _anchored(body.decode(), total).encode()
        ids = {
            event["EventId"]: event["OperationId"]
            for events in cloudformation._stack_events.values()
            for event in events
            if event.get("OperationId")
        }

        def added(match: re.Match[bytes]) -> bytes:
            operation_id = ids.get(match[1].decode())
            return match[0] + (f"<OperationId>{operation_id}</OperationId>".encode() if operation_id else b"")

        return status, headers, re.sub(rb"<EventId>([^<]+)</EventId>", added, body)

    return describe


def _with_last(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def describe(params: Json) -> Answer:
        status, headers, body = original(params)

        def added(match: re.Match[bytes]) -> bytes:
            last = (by_id(match[1].decode()) or {}).get("_last_operations", [])
            return match[0] + as_xml({"LastOperations": last}).encode()

        return status, headers, re.sub(rb"<StackId>([^<]+)</StackId>", added, body)

    return describe


def describe_events(params: Json) -> Answer:
    """DescribeEvents by stack, by change set or by operation; a hundred a page."""
    name, change_set_name = helpers._p(params, "StackName"), helpers._p(params, "ChangeSetName")
    operation_id = helpers._p(params, "OperationId")
    if change_set_name:
        change_set, refusal = look_up(params)
        if change_set is None:
            return refusal
        found = list(change_set.get("_events", []))
    elif name:
        stack = handlers._resolve_stack(name)
        if stack is None:
            return refused(f"Stack [{name}] does not exist")
        found = _of_stack(stack)
    elif operation_id:
        found = [event for stack in cloudformation._stacks.values() for event in _of_stack(stack)]
        for change_set in cloudformation._change_sets.values():
            found += change_set.get("_events", [])
    else:
        return refused("One of ChangeSetName, OperationId or StackName must be specified")
    if operation_id:
        found = [event for event in found if event["OperationId"] == operation_id]
    if helpers._p(params, "Filters.FailedEvents").lower() == "true":
        found = [event for event in found if event["EventType"] in FAILURES]
    found.sort(key=lambda event: str(event["Timestamp"]), reverse=True)
    page, next_token, problem = helpers._page(found, _where_it_was(params, len(found)), "DescribeEvents")
    if problem is not None:
        return _answer(problem)
    said = as_xml({"OperationEvents": page}) + _anchored(next_token, len(found))
    return answered("DescribeEvents", said)


def _where_it_was(params: Json, total: int) -> Json:
    """The next page begins where the last one ended, whatever has been said since: newest is first."""
    place, mark, then = helpers._p(params, "NextToken").partition("@")
    action, _, offset = place.partition(":")
    if not mark or not (offset.isdigit() and then.isdigit()):
        return params
    return {**params, "NextToken": [f"{action}:{int(offset) + total - int(then)}"]}


def _anchored(said: str, total: int) -> str:
    return said.replace("</NextToken>", f"@{total}</NextToken>")


def _answer(untyped: Any) -> Answer:
    answer: Answer = untyped
    return answer


def _of_stack(stack: Json) -> list[Json]:
    """A stack's events as OperationEvents, newest first; a failed validation's own come with them."""
    events = cloudformation._stack_events.get(stack["StackId"]) or []
    told = [_told(event, stack) for event in events if event.get("OperationId")]
    validation = [
        event for event in stack.get("_operation_events") or [] if event["EventType"] == "VALIDATION_ERROR"
    ]
    return [*told, *validation][::-1]


def _told(event: Json, stack: Json) -> Json:
    kept = (
        "EventId",
        "StackId",
        "OperationId",
        "OperationType",
        "LogicalResourceId",
        "PhysicalResourceId",
        "ResourceType",
        "Timestamp",
        "ResourceStatus",
        "ResourceStatusReason",
        "ClientRequestToken",
        "DetailedStatus",
    )
    said: Json = {key: event[key] for key in kept if event.get(key)}
    status = event["ResourceStatus"]
    if status.endswith("_FAILED"):
        said["EventType"] = "PROVISIONING_ERROR"
    elif event["LogicalResourceId"] == stack["StackName"]:
        said["EventType"] = "STACK_EVENT"
    else:
        said["EventType"] = "PROGRESS_EVENT"
    if event["LogicalResourceId"] == stack["StackName"]:
        said["OperationStatus"] = _operation_status(status)
    return said


def _operation_status(status: str) -> str:
    if status.endswith("_IN_PROGRESS"):
        return "IN_PROGRESS"
    return "FAILED" if status.endswith("_FAILED") or "ROLLBACK" in status else "SUCCEEDED"
