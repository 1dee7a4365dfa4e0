"""Rollback triggers: alarms that take an operation back, while it runs and for the time after it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html: a missing
alarm fails the operation; the triggers are saved with the stack for later updates; after all resources are
deployed the monitoring time passes, and only then are old resources disposed of. The reasons' wording is
ours: no document gives it. A minute of monitoring lasts MINUTE_SECONDS here: it is simulated.

Upstream has no place between the last resource and the disposal. So the wait is a resource of its own, last
of all, which stands in the template that is deployed and in nothing that is shown.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import engine, helpers, provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.acts import Act, before
from local.aws.cancelling import RUNNING, stop
from local.aws.descriptions import refused
from local.aws.operations import root_of
from local.aws.patching import replace
from local.aws.stacks import MONITORING, Answer, Json, by_name

KIND = "Custom::RollbackTriggers"  # upstream gives a custom resource a thread of its own
MINUTE_SECONDS = 1.0
LOOK_SECONDS = 0.05
MOST_TRIGGERS = 5
LONGEST_MINUTES = 180


def install() -> None:
    provisioners._RESOURCE_HANDLERS[KIND] = {
        "create": _monitor,
        "delete": lambda physical_id, props: None,
    }
    before(check)
    replace(upstream._deploy_stack_async, _monitored(upstream._deploy_stack_async))


def requested(params: Json) -> Json | None:
    """The RollbackConfiguration of a request, None when it has none."""
    prefix = "RollbackConfiguration"
    triggers = list(_triggers(params, f"{prefix}.RollbackTriggers.member"))
    minutes = helpers._p(params, f"{prefix}.MonitoringTimeInMinutes")
    if not triggers and not minutes and not any(key.startswith(prefix) for key in params):
        return None
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": int(minutes or 0)}


def refusal(configuration: Json | None) -> Answer | None:
    """What AWS refuses of a configuration before it looks at the alarms: its limits in the model."""
    if configuration is None:
        return None
    if len(configuration["RollbackTriggers"]) > MOST_TRIGGERS:
        return refused(f"At most {MOST_TRIGGERS} rollback triggers can be specified")
    if not 0 <= configuration["MonitoringTimeInMinutes"] <= LONGEST_MINUTES:
        return refused(f"MonitoringTimeInMinutes must be between 0 and {LONGEST_MINUTES}")
    return None


def check(act: Act) -> None:
    """Raises ValueError when an alarm of the tree's root takes its operation back."""
    stack = by_name(act.stack_name) or {}
    if stack.get("StackStatus") not in RUNNING:
        return
    top = root_of(stack)
    reason = breach(top.get("RollbackConfiguration") or {})
    if reason:
        stop(top, reason)
        raise ValueError(f"Resource {'creation' if act.kind == 'create' else 'update'} cancelled")


def breach(configuration: Json) -> str:
    """Why these triggers take an operation back, empty when they do not."""
    triggers = [trigger["Arn"] for trigger in configuration.get("RollbackTriggers") or []]
    states = {arn: _state(arn) for arn in triggers}
    missing = [arn for arn, state in states.items() if state is None]
    if missing:
        return f"Rollback trigger(s) do not exist: [{', '.join(missing)}]."
    alarmed = [arn for arn, state in states.items() if state == "ALARM"]
    return f"Rollback trigger(s) went to ALARM state: [{', '.join(alarmed)}]." if alarmed else ""


def _state(arn: str) -> str | None:
    alarm = cloudwatch._alarms.get(arn.partition(":alarm:")[2]) or cloudwatch._composite_alarms.get(
        arn.partition(":alarm:")[2]
    )
    return str(alarm["StateValue"]) if alarm else None


def _triggers(params: Json, prefix: str) -> Iterator[Json]:
    number = 1
    while arn := helpers._p(params, f"{prefix}.{number}.Arn"):
        yield {"Arn": arn, "Type": helpers._p(params, f"{prefix}.{number}.Type")}
        number += 1


def _monitor(logical_id: str, props: Json, stack_name: str) -> tuple[str, Json]:
    stack = by_name(stack_name) or {}
    until = time.monotonic() + props["Minutes"] * MINUTE_SECONDS
    act = Act("update", stack_name, logical_id, KIND)
    while True:
        check(act)
        if stack.get("_stopping"):
            raise ValueError("Resource update cancelled")
        left = until - time.monotonic()
        if left <= 0:
            return logical_id, {}
        time.sleep(min(LOOK_SECONDS, left))


def _monitored(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def deploy(
        stack_name: str, stack_id: str, template: Json, params: Json, *rest: Any, **named: Any
    ) -> None:
        stack = by_name(stack_name) or {}
        configuration = stack.get("RollbackConfiguration") or {}
        if stack.get("RootId") or stack.get("StackStatus") not in RUNNING or not any(configuration.values()):
            await original(stack_name, stack_id, template, params, *rest, **named)
            return
        reason = breach(configuration)
        if reason:
            await _refuse(stack, template, params, named.get("previous_stack"), reason)
            return
        others = engine._topological_sort(
            template["Resources"], engine._evaluate_conditions(template, params)
        )
        wait = {
            "Type": KIND,
            "DependsOn": others,
            "Properties": {"Minutes": configuration.get("MonitoringTimeInMinutes", 0)},
        }
        with_wait = {**template, "Resources": {**template["Resources"], MONITORING: wait}}
        await original(stack_name, stack_id, with_wait, params, *rest, **named)
        stack["_resources"].pop(MONITORING, None)
        if stack["_template"] is with_wait:
            stack["_template"] = template

    return deploy


async def _refuse(stack: Json, template: Json, params: Json, previous: Json | None, reason: str) -> None:
    tags = stack.get("Tags") or []
    operation = upstream._failed_operation(
        previous is not None, previous, [], None, None, [], False, template, params, True, tags, tags
    )
    stop(stack, reason)
    await upstream._roll_back_operation(stack["StackName"], stack["StackId"], stack, operation, reason)
