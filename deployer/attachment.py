"""Operations that were begun elsewhere, or before the connection was lost, by what their stack tells.

A root's own events are cut into its operations (deployer/cutting.py). The first event of an operation
carries the ClientRequestToken with which it was begun; the roll-back after a cancellation carries that of
the cancellation, and is part of the same operation here.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import cutting, stack
from deployer.errors import NoSuchOperation, is_absent
from deployer.estimate import action
from deployer.events import Listener, Streamer
from deployer.operation import Operation, failure
from deployer.stack import REVIEW, Stack
from deployer.target import PREFIX, Target
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackEventTypeDef

TICK = timedelta(milliseconds=1)  # events are told apart by no less
PAGES = 50  # of a hundred events each; a root tells some forty an operation


class Kind(StrEnum):
    """What an operation does to its root stack: the first word of its states."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    IMPORT = "IMPORT"
    ROLLBACK = "ROLLBACK"  # one that somebody continued or asked for


WELL = {
    Kind.CREATE: frozenset({"CREATE_COMPLETE"}),
    Kind.UPDATE: frozenset({"UPDATE_COMPLETE"}),
    Kind.DELETE: frozenset({"DELETE_COMPLETE"}),
    Kind.IMPORT: frozenset({"IMPORT_COMPLETE"}),
    Kind.ROLLBACK: frozenset({"ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}),
}


@dataclass(frozen=True)
class Running:
    """An operation on a root stack; `ended` is None while it runs, and then `status` is the stack's own.

    `token` is what its request was made with, "" where none was. `names`: all by which it can be asked for.
    """

    token: str
    kind: Kind
    since: datetime
    status: str
    stack_name: str
    stack_id: str
    ended: datetime | None = None
    names: frozenset[str] = frozenset()

    @property
    def who(self) -> str:
        """`millrace-deploy-0f3c…, begun 2026-01-01 12:03 UTC`"""
        token = self.token or "without a token"
        whose = "" if self.token.startswith(PREFIX) else ", not this deployer's"
        return f"{token}{whose}, begun {self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def running(target: Target, stack_name: str | None = None) -> Running | None:
    """What runs on the platform's root, or on the stack that is named; None when it rests or is not there."""
    present = stack.find(target.clients.cloudformation, stack_name or target.stack_name)
    if present is None or not present.is_moving:
        return None
    newest = next(operations(target, present), None)
    if newest is not None and newest.ended is None:
        return newest
    # It ended between the two questions, or it has just begun, and told nothing yet.
    present = stack.find(target.clients.cloudformation, present.id)
    if present is None or not present.is_moving:
        return None
    since = newest.ended + TICK if newest and newest.ended else target.clock.wall()
    return Running("", _kind(present.status), since, present.status, present.name, present.id)


def find(target: Target, operation: str | None = None) -> Running:
    """The operation of this token or id; without one what runs, on bootstrap too, else what ended last.

    Raises MissingStack, NoSuchOperation.
    """
    target.check_account()
    cloudformation = target.clients.cloudformation
    both = [stack.find(cloudformation, name) for name in (target.stack_name, target.bootstrap_name)]
    standing = [each for each in both if each is not None and each.status != REVIEW]
    if not standing:
        raise target.missing(target.stack_name)
    if operation is not None:
        for each in standing:
            for found in operations(target, each):
                if operation in found.names:
                    return found
        raise _unknown(target, operation)
    for each in standing:
        if each.is_moving and (moving := running(target, each.name)):
            return moving
    newest = next(operations(target, standing[0]), None)
    if newest is None:
        raise _unknown(target, "at all")
    return newest


def _unknown(target: Target, operation: str) -> NoSuchOperation:
    return NoSuchOperation(
        stack=target.stack_name, operation=operation, command="attach", environment=target.environment.name
    )


def follow(target: Target, found: Running, listener: Listener, good: Collection[str] = ()) -> str:
    """Tell what has happened since it began, then follow it to its end; the status in which it ended.

    `good` is what it should end as, by default what its kind does. Raises DeploymentFailed with the first
    cause, or Cancelled; LostSight.
    """
    good = good or WELL[found.kind]
    if found.ended is None:
        operation = Operation.of(target, found.stack_name, found.stack_id, found.since)
        return operation.follow(listener, good)
    whole = Streamer(target.clients.cloudformation, found.stack_id, found.since).fetch()
    span = (found.ended - found.since).total_seconds()
    events = [event for event in whole if event.elapsed <= span]
    for event in events:
        listener(event)
    if found.status not in good:
        raise failure(found.stack_name, found.status, events)
    return found.status


def operations(target: Target, present: Stack) -> Iterator[Running]:
    """Newest first, as far back as the stack tells."""
    events = _own_events(target, present.id)
    for own in cutting.operations(events, lambda event: event.get("ResourceStatus", "")):
        yield _operation(present, own)


def _operation(present: Stack, own: "list[StackEventTypeDef]") -> Running:
    newest, first = own[0], own[-1]
    status = newest.get("ResourceStatus", "")
    moving = status.endswith("_IN_PROGRESS")
    names = {event.get("ClientRequestToken", "") for event in own}
    names |= {event.get("OperationId", "") for event in own}
    return Running(
        token=first.get("ClientRequestToken", ""),
        kind=_kind(first.get("ResourceStatus", "")),
        since=first["Timestamp"],
        status=present.status if moving else status,
        stack_name=present.name,
        stack_id=present.id,
        ended=None if moving else newest["Timestamp"],
        names=frozenset(names - {""}),
    )


def _own_events(target: Target, stack_id: str) -> "Iterator[StackEventTypeDef]":
    pages = target.clients.cloudformation.get_paginator("describe_stack_events").paginate(
        StackName=stack_id, PaginationConfig={"MaxItems": PAGES * 100}
    )
    try:
        for page in pages:
            for event in page["StackEvents"]:
                about_itself = event.get("PhysicalResourceId") == stack_id
                if about_itself and event.get("ResourceType") == NESTED:
                    if event.get("ResourceStatus") == REVIEW:
                        return  # before it there was nothing
                    yield event
    except ClientError as error:
        if not is_absent(error):
            raise


def _kind(status: str) -> Kind:
    """By its first state: UPDATE_ROLLBACK_IN_PROGRESS at the start is a roll-back that somebody asked for."""
    if "ROLLBACK" in status:
        return Kind.ROLLBACK
    return {kind.value: kind for kind in Kind}.get(action(status), Kind.UPDATE)
