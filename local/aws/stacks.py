"""Stacks as AWS reports them: their parents, their events, what their conditions see.

Sources: botocore's cloudformation model (Stack.ParentId, Stack.RootId; StackEvent), and the events
of an update as AWS's user guide shows them: only what changes, a new resource as CREATE_*.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ministack import app
from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, handlers, helpers, provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.patching import replace

Json = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

STACK = "AWS::CloudFormation::Stack"
MONITORING = "MonitoringTimeOfRollbackTriggers"  # a wait that triggers.py puts in; nobody is told of it


def install() -> None:
    replace(engine._evaluate_conditions, _conditions_with_pseudo_parameters(engine._evaluate_conditions))
    replace(handlers._describe_stacks, _with_parents(handlers._describe_stacks))
    replace(handlers._list_stacks, _with_parents(handlers._list_stacks))
    _Events().install()


def by_id(stack_id: str) -> Json | None:
    """The record of the stack with this ARN, deleted ones included."""
    return next((stack for stack in cloudformation._stacks.values() if stack["StackId"] == stack_id), None)


def by_name(name: str) -> Json | None:
    """The record of the stack with this name."""
    record: Json | None = cloudformation._stacks.get(name)
    return record


def in_operation() -> list[str]:
    """The names of the stacks that something is happening to."""
    return [
        stack["StackName"]
        for stack in cloudformation._stacks._data.values()
        if stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
    ]


def run_on_loop(work: Awaitable[None]) -> None:
    """Run stack work on the server's loop from the worker thread that a nested stack has to itself."""
    asyncio.run_coroutine_threadsafe(work, app._MAIN_LOOP).result()  # type: ignore[arg-type] # untyped upstream


def _conditions_with_pseudo_parameters(original: Callable[..., Json]) -> Callable[..., Json]:
    """Upstream compares the text `AWS::Region` itself, and FindInMap as a dictionary."""

    def evaluate(template: Json, params: Json) -> Json:
        pseudo = {
            "AWS::Region": responses.get_region(),
            "AWS::AccountId": responses.get_account_id(),
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        known = params | {name: {"Value": value, "NoEcho": False} for name, value in pseudo.items()}
        conditions = _with_mappings(template.get("Conditions") or {}, template.get("Mappings") or {}, known)
        return original({**template, "Conditions": conditions}, known)

    return evaluate


def as_xml(value: Any) -> str:
    """The query protocol's body: a list's items are members, what is None is left out."""
    if isinstance(value, Mapping):
        return "".join(f"<{key}>{as_xml(item)}</{key}>" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return "".join(f"<member>{as_xml(item)}</member>" for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    escaped: str = helpers._esc(str(value))
    return escaped


def _with_mappings(node: Any, mappings: Json, params: Json) -> Any:
    """The conditions with each Fn::FindInMap replaced by what it finds."""
    if isinstance(node, list):
        return [_with_mappings(item, mappings, params) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1 and "Fn::FindInMap" in node:
        return engine.find_in_map(
            node["Fn::FindInMap"],
            mappings,
            lambda value: params[value["Ref"]]["Value"] if isinstance(value, dict) else value,
        )
    return {key: _with_mappings(value, mappings, params) for key, value in node.items()}


def _with_parents(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """ParentId and RootId of nested stacks, and the change set that made a stack what it is."""

    def describe(params: Json) -> Answer:
        status, headers, body = original(params)
        return status, headers, re.sub(rb"<StackId>([^<]+)</StackId>", _family, body)

    return describe


def _family(match: re.Match[bytes]) -> bytes:
    stack = by_id(match[1].decode()) or {}
    added = "".join(
        f"<{name}>{stack[key]}</{name}>"
        for name, key in (("ParentId", "ParentId"), ("RootId", "RootId"), ("ChangeSetId", "_change_set_id"))
        if stack.get(key)
    )
    return match[0] + added.encode() + _configured(stack).encode()


def _configured(stack: Json) -> str:
    """What the last executed change set said of alarms, a role and topics."""
    said = {
        "RollbackConfiguration": stack.get("RollbackConfiguration"),
        "RoleARN": stack.get("RoleARN"),
        "NotificationARNs": stack.get("NotificationARNs"),
    }
    return as_xml({key: value for key, value in said.items() if value})


class _Event(NamedTuple):
    """Upstream's _add_event, argument by argument."""

    stack_id: str
    stack_name: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""
    physical_id: str = ""
    detailed_status: str = ""


class _Events:
    """Upstream tells an update of every resource, changed or not, and calls new ones updated."""

    def __init__(self) -> None:
        self._add = upstream._add_event
        self._update = provisioners._update_resource
        self._delete = provisioners._delete_resource
        self._held: dict[tuple[str, str], _Event] = {}  # begun, not known to change anything yet
        self._new: set[tuple[str, str]] = set()

    def install(self) -> None:
        replace(self._add, self.add)
        replace(self._update, self.update)
        replace(self._delete, self.delete)

    def add(self, *told: Any, **named: Any) -> None:
        event = _Event(*told, **named)
        if event.logical_id == MONITORING:
            return
        if event.logical_id == event.stack_name:
            self._add(*event._replace(reason=self._rollback_reason(event) or event.reason))
            return
        key = (event.stack_name, event.logical_id)
        record = ((by_name(event.stack_name) or {}).get("_resources") or {}).get(event.logical_id)
        if record is not None and not event.physical_id:
            event = event._replace(physical_id=record["PhysicalResourceId"])
        if event.status == "UPDATE_IN_PROGRESS" and not event.reason:
            if record is not None:
                self._held[key] = event
                return
            self._new.add(key)
        held = self._held.pop(key, None)
        if held is not None:
            if event.status == "UPDATE_COMPLETE" and not event.reason:
                return  # nothing of it changed, and AWS says nothing
            self._add(*held)
        if key in self._new and event.status.startswith("UPDATE_"):
            event = event._replace(status=event.status.replace("UPDATE_", "CREATE_", 1))
        if not event.status.endswith("_IN_PROGRESS"):
            self._new.discard(key)
        self._add(*event)

    def update(self, *told: Any) -> Any:
        """Upstream's _update_resource(type, physical id, old, new, stack name, logical id, …)."""
        _, _, old, new, stack_name, logical_id, *_ = told
        if old != new:
            held = self._held.pop((stack_name, logical_id), None)
            if held is not None:
                self._add(*held)
        return self._update(*told)

    def delete(self, *told: Any) -> None:
        """Upstream's _delete_resource(type, physical id, properties, stack name, logical id).

        What an update removes or has replaced goes in a phase of its own, told as such.
        """
        resource_type, physical_id, _, stack_name, logical_id = told
        stack = by_name(stack_name) or {}
        cleanup = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        if stack.get("StackStatus") not in ("UPDATE_IN_PROGRESS", cleanup):
            self._delete(*told)
            return
        if stack["StackStatus"] != cleanup:
            stack["StackStatus"] = cleanup
            own = _Event(
                stack["StackId"], stack_name, stack_name, STACK, cleanup, physical_id=stack["StackId"]
            )
            self._add(*own)
        event = _Event(
            stack["StackId"], stack_name, logical_id, resource_type, "DELETE_IN_PROGRESS", "", physical_id
        )
        self._add(*event)
        self._delete(*told)
        self._add(*event._replace(status="DELETE_COMPLETE"))

    def _rollback_reason(self, event: _Event) -> str:
        if event.status in ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"):
            stopped = (by_id(event.stack_id) or {}).get("_stopping")
            if stopped:
                return str(stopped)
        if event.status != "ROLLBACK_IN_PROGRESS":
            return ""
        return f"{failed_resources(event.stack_id)} Rollback requested by user."


def failed_resources(stack_id: str) -> str:
    """AWS's sentence on the resources that failed in a stack's last operation, empty when none did."""
    stack = by_id(stack_id) or {}
    failed: list[str] = []
    verb = "create"
    for event in reversed(cloudformation._stack_events.get(stack_id) or []):
        own = event["LogicalResourceId"] == stack.get("StackName")
        if own and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
        if not own and event["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED"):
            failed.insert(0, event["LogicalResourceId"])
            verb = "update" if event["ResourceStatus"] == "UPDATE_FAILED" else "create"
    return f"The following resource(s) failed to {verb}: [{', '.join(failed)}]." if failed else ""
