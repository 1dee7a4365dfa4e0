"""Stack policies, enforced while an update runs; they say nothing of a creation, a deletion or a rollback.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html: a denial
wins, what no statement allows is refused, and a resource is meant by LogicalResourceId/… or by its type in
a condition. Each stack of a tree has a policy of its own. The text of a denial is as AWS's users quote it
("Statement [#1] does not allow [Update:Replace] for resource [LogicalResourceId/VPC];").
"""

import json
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any

from ministack.services.cloudformation import engine, handlers, helpers, provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.acts import Act, before
from local.aws.descriptions import refused
from local.aws.patching import replace
from local.aws.stacks import STACK, Answer, Json, by_name

ACTIONS = ("Update:Modify", "Update:Replace", "Update:Delete", "Update:*")
MEMBERS = {"Effect", "Action", "NotAction", "Principal", "Resource", "NotResource", "Condition", "Sid"}


def install() -> None:
    before(check)
    replace(upstream._deploy_stack_async, _with_removals(upstream._deploy_stack_async))
    replace(handlers._set_stack_policy, _setting(handlers._set_stack_policy))


def check(act: Act) -> None:
    """Raises ValueError with AWS's words when the stack's policy refuses this act."""
    stack = by_name(act.stack_name) or {}
    if act.kind != "update" or stack.get("StackStatus") != "UPDATE_IN_PROGRESS":
        return
    replaces = provisioners._replacing_change(act.resource_type, act.old or {}, act.new or {})
    action = "Update:Replace" if replaces else "Update:Modify"
    refusal = denial(stack.get("_stack_policy") or "", action, act.logical_id, act.resource_type)
    if refusal:
        raise ValueError(refusal)


def denial(policy: str, action: str, logical_id: str, resource_type: str) -> str:
    """Why a policy refuses an action on a resource, empty when it allows it."""
    if not policy:
        return ""
    resource = f"LogicalResourceId/{logical_id}"
    allowed = False
    for number, statement in enumerate(_statements(json.loads(policy)), 1):
        if not _meant(statement, action, resource, resource_type):
            continue
        if statement["Effect"] == "Deny":
            return (
                f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] "
                f"for resource [{resource}];"
            )
        allowed = True
    return "" if allowed else f"Action not allowed by stack policy: [{action}] for resource [{resource}]"


def _statements(policy: Json) -> list[Json]:
    said = policy["Statement"]
    return said if isinstance(said, list) else [said]


def _meant(statement: Json, action: str, resource: str, resource_type: str) -> bool:
    for key, value in (("Action", action), ("Resource", resource)):
        if key in statement and not _any(statement[key], value):
            return False
        if f"Not{key}" in statement and _any(statement[f"Not{key}"], value):
            return False
    types = [types["ResourceType"] for types in (statement.get("Condition") or {}).values()]
    return all(_any(wanted, resource_type) for wanted in types)


def _any(patterns: Any, value: str) -> bool:
    listed = patterns if isinstance(patterns, list) else [patterns]
    return any(fnmatchcase(value, pattern) for pattern in listed)


def _with_removals(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """What an update would remove is refused before anything is done, as one resource that failed."""

    async def deploy(
        stack_name: str, stack_id: str, template: Json, params: Json, *rest: Any, **named: Any
    ) -> None:
        stack, previous = by_name(stack_name) or {}, named.get("previous_stack")
        if stack.get("StackStatus") == "UPDATE_IN_PROGRESS" and previous:
            refused_one = _refused_removal(stack, template, params, previous)
            if refused_one is not None:
                untouched = (*refused_one, None, None, None)
                tags = stack.get("Tags") or []
                operation = upstream._failed_operation(
                    True,
                    previous,
                    [],
                    untouched,
                    refused_one[0],
                    [],
                    False,
                    template,
                    params,
                    False,
                    tags,
                    previous["Tags"],
                )
                await _go_back(stack, operation, disable_rollback=bool(rest and rest[0]))
                return
        await original(stack_name, stack_id, template, params, *rest, **named)

    return deploy


def _refused_removal(
    stack: Json, template: Json, params: Json, previous: Json
) -> tuple[str, str, str] | None:
    """Logical id, type and physical id of the first removal that the policy refuses, told as failed."""
    staying = engine._topological_sort(template["Resources"], engine._evaluate_conditions(template, params))
    for logical_id in sorted(previous["_resources"].keys() - set(staying)):
        record = previous["_resources"][logical_id]
        kind, physical_id = record["ResourceType"], record["PhysicalResourceId"]
        reason = denial(stack.get("_stack_policy") or "", "Update:Delete", logical_id, kind)
        if reason:
            stack["StackStatusReason"] = reason
            upstream._add_event(
                stack["StackId"], stack["StackName"], logical_id, kind, "UPDATE_FAILED", reason, physical_id
            )
            return logical_id, kind, physical_id
    return None


async def _go_back(stack: Json, operation: Json, *, disable_rollback: bool) -> None:
    name, stack_id = stack["StackName"], stack["StackId"]
    if not disable_rollback:
        await upstream._roll_back_operation(name, stack_id, stack, operation)
        return
    stack.update(StackStatus="UPDATE_FAILED", _failed_operation=operation)
    reason = stack["StackStatusReason"]
    upstream._add_event(stack_id, name, name, STACK, "UPDATE_FAILED", reason, stack_id)


def _setting(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """A policy that could mean nothing is refused as it is set, with upstream's word for what is no JSON."""

    def set_stack_policy(params: Json) -> Answer:
        said = helpers._p(params, "StackPolicyBody")
        if said and not _valid(said):
            return refused("Error validating stack policy: Invalid stack policy")
        return original(params)

    return set_stack_policy


def _valid(said: str) -> bool:
    try:
        statements = _statements(json.loads(said))
        return all(
            statement["Effect"] in ("Allow", "Deny")
            and statement["Principal"] == "*"
            and ("Action" in statement) != ("NotAction" in statement)
            and ("Resource" in statement) != ("NotResource" in statement)
            and statement.keys() <= MEMBERS
            and all(action in ACTIONS for action in _listed(statement.get("Action", [])))
            for statement in statements
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
