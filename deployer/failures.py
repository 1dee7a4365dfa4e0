"""What failed in one operation, fetched through all nested stacks. Judging it is another's work.

The root's own events tell where the operation begins and ends. Of the rest only the nested stacks that
failed are asked. DescribeEvents returns failures alone, those of hooks and validations among them;
DescribeStackEvents tells when a stack turned back, and does without the other where there is none.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer.cutting import BEGINNINGS, operations
from deployer.errors import is_absent
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import (
        DescribeEventsOutputTypeDef,
        OperationEventTypeDef,
        StackEventTypeDef,
    )

PAGES = 20  # a page has a hundred events: enough for the last few operations of any root
GOING_BACK = frozenset({"ROLLBACK", "CONTINUE_ROLLBACK"})  # OperationType


@dataclass(frozen=True)
class Event:
    """One event. `stack` is the path of logical ids to its stack, () for the root."""

    stack: tuple[str, ...]
    stack_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    at: datetime
    token: str = ""
    operation: str = ""
    properties: str = ""  # JSON, as the resource was asked for
    going_back: bool = False  # certainly of the roll-back; else the order of events tells

    @property
    def about_stack(self) -> bool:
        return self.physical_id == self.stack_id

    @property
    def path(self) -> str:
        return "/".join(self.stack if self.about_stack and self.stack else (*self.stack, self.logical_id))

    @property
    def failed(self) -> bool:
        return self.status.endswith("FAILED")

    @property
    def is_container(self) -> bool:
        return self.type == NESTED


@dataclass(frozen=True)
class Episode:
    """One operation of the root: its own events, oldest first, and what failed below it."""

    events: tuple[Event, ...]

    @property
    def began(self) -> datetime:
        return self.events[0].at

    @property
    def ended(self) -> datetime:
        return max(event.at for event in self.events)

    @property
    def token(self) -> str:
        """The request's, by which it can be asked for again; else the operation's id."""
        named = (event.token or event.operation for event in self.events)
        return next((name for name in named if name), "")

    @property
    def failed(self) -> bool:
        return any(status.endswith("_FAILED") or "ROLLBACK" in status for status in self._own)

    @property
    def goes_back(self) -> bool:
        """Nothing but a roll-back that somebody asked for, `recover` for one, after an operation failed."""
        return "ROLLBACK" in self._own[0]

    @property
    def went_well(self) -> bool:
        return not self._own[-1].endswith("_FAILED")

    @property
    def _own(self) -> list[str]:
        """The root's own statuses, oldest first."""
        return [event.status for event in self.events if event.about_stack and not event.stack]

    def named(self, operation: str) -> bool:
        return any(operation in {event.token, event.operation} for event in self.events)


def last(
    cloudformation: "CloudFormationClient", stack_id: str, operation: str | None = None
) -> Episode | None:
    """The last operation of the root that failed, or the one with this id or token; None if there is none.

    One that was rolled back in the end, however often that was tried, is told as itself.
    """
    newest_first: list[Event] = []
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for page in islice(pages, PAGES):
        newest_first += [_of_stack(event, ()) for event in page["StackEvents"]]
        known = episodes(newest_first)
        if known and not _begins(known[0].events[0]):
            del known[0]  # it begins on the next page
        if wanted := _wanted(known, operation):
            return _with_nested(cloudformation, wanted)
    wanted = _wanted(episodes(newest_first), operation)
    return _with_nested(cloudformation, wanted) if wanted else None


def _wanted(known: Sequence[Episode], operation: str | None) -> Episode | None:
    if operation:
        return next((episode for episode in reversed(known) if episode.named(operation)), None)
    failed = [episode for episode in reversed(known) if episode.failed]
    if failed and failed[0].goes_back and failed[0].went_well:
        # It has been undone in the end: what went wrong is what was undone, and not each try to undo it.
        failed = [episode for episode in failed if not episode.goes_back]
    return failed[0] if failed else None


def episodes(newest_first: Sequence[Event]) -> list[Episode]:
    """The root's events, newest first, as operations, oldest first."""
    cut = operations(newest_first, lambda event: event.status if event.about_stack else "")
    return [Episode(tuple(each[::-1])) for each in cut][::-1]


def _begins(event: Event) -> bool:
    return event.about_stack and event.status in BEGINNINGS


def _with_nested(cloudformation: "CloudFormationClient", episode: Episode) -> Episode:
    """With what failed in nested stacks, and what only DescribeEvents tells of the root's own failures."""
    found = _complete(episode.events)
    operation = next((event.operation for event in episode.events if event.operation), None)
    if operation is not None:
        told = _failed(
            cloudformation.get_paginator("describe_events").paginate(
                OperationId=operation, Filters={"FailedEvents": True}
            ),
            (),
        )
        found += _more(found, [event for event in told if event.stack_id == found[0].stack_id])
    waiting = list(_children(found))
    asked: set[str] = set()
    while waiting:
        child, path = waiting.pop(0)
        if child in asked:
            continue
        asked.add(child)
        below = _below(cloudformation, child, path, episode)
        found += below
        waiting += _children(below)
    # At one instant what is in a stack fails before the stack does, and before anything goes back.
    return Episode(tuple(sorted(found, key=lambda event: (event.at, -len(event.stack)))))


def _children(events: Sequence[Event]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The id and path of each nested stack that its parent says to have failed."""
    for event in events:
        if event.is_container and event.failed and event.physical_id and not event.about_stack:
            yield event.physical_id, (*event.stack, event.logical_id)


def _complete(events: Sequence[Event]) -> list[Event]:
    """A failure can leave out what an earlier event of the same resource told: its id, what was asked for."""
    ids = {event.logical_id: event.physical_id for event in events if event.physical_id}
    asked = {event.logical_id: event.properties for event in events if event.properties}
    return [
        replace(
            event,
            physical_id=event.physical_id or ids.get(event.logical_id, ""),
            properties=event.properties or asked.get(event.logical_id, ""),
        )
        for event in events
    ]


def _below(
    cloudformation: "CloudFormationClient", stack_id: str, path: tuple[str, ...], episode: Episode
) -> list[Event]:
    """A nested stack's failures within the operation's time, oldest first; where told, its turns as well."""
    events: list[Event] = []
    try:
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for page in islice(pages, PAGES):
            events += [_of_stack(event, path) for event in page["StackEvents"]]
            if events and events[-1].at < episode.began:
                break
    except ClientError as error:
        if not is_absent(error):
            raise
        return []  # it was never made
    failures = cloudformation.get_paginator("describe_events").paginate(
        StackName=stack_id, Filters={"FailedEvents": True}
    )
    found = _inside(events, episode)
    return found + _more(found, _inside(_failed(failures, path), episode))


def _more(known: Sequence[Event], told: Sequence[Event]) -> list[Event]:
    """What the other call did not tell."""
    names = {(event.logical_id, event.status) for event in known}
    return [event for event in told if (event.logical_id, event.status) not in names]


def _inside(newest_first: Sequence[Event], episode: Episode) -> list[Event]:
    """Of a nested stack's past what belongs to the operation."""
    inside = [event for event in reversed(newest_first) if episode.began <= event.at <= episode.ended]
    return [event for event in _complete(inside) if event.failed or event.is_container]


def _failed(pages: "Iterable[DescribeEventsOutputTypeDef]", path: tuple[str, ...]) -> list[Event]:
    """None where the endpoint has no such operation, or this is not allowed."""
    try:
        told = (event for page in islice(pages, PAGES) for event in page["OperationEvents"])
        return [_of_operation(event, path) for event in told]
    except ClientError:
        return []


def _of_stack(event: "StackEventTypeDef", path: tuple[str, ...]) -> Event:
    return Event(
        stack=path,
        stack_id=event["StackId"],
        logical_id=event.get("LogicalResourceId", ""),
        physical_id=event.get("PhysicalResourceId", ""),
        type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason") or event.get("HookStatusReason", ""),
        at=event["Timestamp"],
        token=event.get("ClientRequestToken", ""),
        operation=event.get("OperationId", ""),
        properties=event.get("ResourceProperties", ""),
    )


def _of_operation(event: "OperationEventTypeDef", path: tuple[str, ...]) -> Event:
    reasons = (
        event.get("ResourceStatusReason"),
        event.get("ValidationStatusReason"),
        event.get("HookStatusReason"),
    )
    return Event(
        stack=path,
        stack_id=event.get("StackId", ""),
        logical_id=event.get("LogicalResourceId", ""),
        physical_id=event.get("PhysicalResourceId", ""),
        type=event.get("ResourceType", ""),
        # A validation or a hook fails before its resource has a status.
        status=event.get("ResourceStatus")
        or f"{event.get('EventType', 'OPERATION').partition('_')[0]}_FAILED",
        reason=next((reason for reason in reasons if reason), ""),
        at=event["Timestamp"],
        token=event.get("ClientRequestToken", ""),
        operation=event.get("OperationId", ""),
        properties=event.get("ResourceProperties", ""),
        going_back=event.get("OperationType") in GOING_BACK,
    )
