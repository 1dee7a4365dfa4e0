"""Each act of a stack on a resource, and what may stand in its way.

Upstream acts through three functions. Here each asks first what has been registered with `before`: the
stack's policy, a cancelled update, a rollback trigger, an injected fault. What raises ValueError fails the
resource with its text, as a service's refusal would.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.faults import Faults
from local.aws.patching import replace
from local.aws.stacks import Json, by_name

SLICE_SECONDS = 0.02  # how soon an act that waits sees that it is cancelled

FAULTS = Faults()


@dataclass(frozen=True)
class Act:
    """One act: `kind` is create, update or delete; `old` and `new` are the resource's properties."""

    kind: str
    stack_name: str
    logical_id: str
    resource_type: str
    physical_id: str = ""
    old: Json | None = None
    new: Json | None = None


Check = Callable[[Act], None]
_checks: list[Check] = []
_inside = threading.local()  # an update that upstream does by creating is one act


def before(check: Check) -> None:
    """Have `check` asked before each act; it may raise ValueError."""
    _checks.append(check)


def install() -> None:
    replace(provisioners._provision_resource, _creating(provisioners._provision_resource))
    replace(provisioners._update_resource, _updating(provisioners._update_resource))
    replace(provisioners._delete_resource, _deleting(provisioners._delete_resource))
    replace(upstream._runs_on_worker_thread, _with_delays(upstream._runs_on_worker_thread))


def _creating(original: Callable[..., Any]) -> Callable[..., Any]:
    def create(resource_type: str, logical_id: str, props: Json, stack_name: str) -> Any:
        act = Act("create", stack_name, logical_id, resource_type, new=props)
        return _acted(act, lambda: original(resource_type, logical_id, props, stack_name))

    return create


def _updating(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(
        resource_type: str, physical_id: str, old: Json, new: Json, stack_name: str, *rest: Any
    ) -> Any:
        if old == new:  # upstream leaves it alone
            return original(resource_type, physical_id, old, new, stack_name, *rest)
        logical_id = rest[0] if rest else physical_id
        act = Act("update", stack_name, logical_id, resource_type, physical_id, old, new)
        return _acted(act, lambda: original(resource_type, physical_id, old, new, stack_name, *rest))

    return update


def _deleting(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(
        resource_type: str,
        physical_id: str,
        props: Json,
        stack_name: str | None = None,
        logical_id: str | None = None,
    ) -> None:
        act = Act("delete", stack_name or "", logical_id or "", resource_type, physical_id, old=props)
        _acted(act, lambda: original(resource_type, physical_id, props, stack_name, logical_id))

    return delete


def _acted(act: Act, original: Callable[[], Any]) -> Any:
    if getattr(_inside, "act", False):
        return original()
    for check in _checks:
        check(act)
    _wait_and_fail(act)
    _inside.act = True
    try:
        return original()
    finally:
        _inside.act = False


def _wait_and_fail(act: Act) -> None:
    status = (by_name(act.stack_name) or {}).get("StackStatus", "")
    due = FAULTS.due(
        resource_type=act.resource_type,
        logical_id=act.logical_id,
        stack=act.stack_name,
        action="revert" if "ROLLBACK" in status else act.kind,
    )
    for fault in due:
        until = time.monotonic() + fault.seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(SLICE_SECONDS, left))
            for check in _checks:
                check(act)
        if fault.message:
            raise ValueError(fault.message)


def _with_delays(original: Callable[[str], bool]) -> Callable[[str], bool]:
    """What may wait has a thread of its own, so that the other services answer meanwhile."""

    def runs_on_worker_thread(resource_type: str) -> bool:
        return FAULTS.delay(resource_type) or original(resource_type)

    return runs_on_worker_thread
