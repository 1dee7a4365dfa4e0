"""Which of many failures is the cause: pure judgement over events, whoever fetched them.

A resource that was only cancelled is no cause, nor a nested stack in which something failed; what fails
after the roll-back has begun stands apart, since it says why the roll-back got stuck, not why it began.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

# What CloudFormation says of resources that failed only because another did.
CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
# What it says of a stack, which names the resources that failed and not why.
LISTED = "The following resource(s) failed"


class Told(Protocol):
    """An event as both who follows an operation and who looks back at one have it."""

    @property
    def stack(self) -> tuple[str, ...]: ...
    @property
    def logical_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def about_stack(self) -> bool: ...
    @property
    def failed(self) -> bool: ...
    @property
    def is_container(self) -> bool: ...


E = TypeVar("E", bound=Told)


@dataclass(frozen=True)
class Cause(Generic[E]):
    """What failed first, the others that failed by themselves, and the roll-back's own failures."""

    first: E
    others: tuple[E, ...]
    going_back: tuple[E, ...] = ()
    cancelled: int = 0  # resources that failed only because of these

    def __str__(self) -> str:
        lines = [sentence(self.first)]
        lines += [f"also: {sentence(other)}" for other in self.others]
        lines += [f"in the roll-back: {sentence(event)}" for event in self.going_back]
        return "\n".join(lines)


def _by_order(_: Told) -> bool:
    return False


def first_cause(events: Sequence[E], goes_back: Callable[[E], bool] = _by_order) -> Cause[E] | None:
    """The cause among an operation's events, oldest first; None when nothing failed.

    `goes_back` knows of an event that it is of the roll-back; else their order tells. Where only the
    roll-back failed, as in one that was continued, that is the cause; where nothing did, the reason that the
    root gives for going back: an alarm, or a person.
    """
    forward, back = _phases(events, goes_back)
    failed = [event for event in events if event.failed and not _cancelled(event)]
    causes, later = _own(forward, failed), _own(back, failed)
    if not causes:
        asked = [event for event in events[1:] if _turns(event)]
        causes = asked[:1] or [event for event in forward if event.failed][:1]
        if not causes:
            causes, later = later, []
    if not causes:
        return None
    first, *rest = _once(causes)
    cancelled = {event.path for event in forward if event.failed and _cancelled(event)}
    return Cause(first, tuple(rest), tuple(_once(later)), len(cancelled - {first.path}))


def sentence(event: Told) -> str:
    return f"{event.path} ({event.type}) {event.status}: {event.reason or 'no reason given'}"


def _phases(events: Sequence[E], goes_back: Callable[[E], bool]) -> tuple[list[E], list[E]]:
    """What came before its stack, or one around it, began to go back, and what came after."""
    turned: set[tuple[str, ...]] = set()
    forward: list[E] = []
    back: list[E] = []
    for event in events:
        around = {event.stack[:depth] for depth in range(len(event.stack) + 1)}
        (back if around & turned or goes_back(event) else forward).append(event)
        # UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: what cannot be removed any more undoes nothing.
        if event.about_stack and ("ROLLBACK" in event.status or "CLEANUP" in event.status):
            turned.add(event.stack)
    return forward, back


def _own(events: Sequence[E], failed: Sequence[E]) -> list[E]:
    """Of these the failures that no other explains, of whichever phase: a stack can tell late of its own."""
    return [
        event
        for event in events
        if event.failed and not _cancelled(event) and not (event.is_container and _explained(event, failed))
    ]


def _explained(container: Told, failed: Sequence[Told]) -> bool:
    """Something in this stack failed, or its parent says of it what it says of itself."""
    inside = _within(container)
    return any(
        event.stack[: len(inside)] == inside
        and (not event.is_container or len(_within(event)) > len(inside) or _repeats(container, event))
        for event in failed
        if event is not container
    )


def _within(container: Told) -> tuple[str, ...]:
    return container.stack if container.about_stack else (*container.stack, container.logical_id)


def _repeats(container: Told, event: Told) -> bool:
    """Of two events about one stack, the one that only lists, or the parent's, says less."""
    if _within(event) != _within(container):
        return False
    return container.reason.startswith(LISTED) or (event.about_stack and not container.about_stack)


def _turns(event: Told) -> bool:
    """The root goes back, and says why: not because of a resource."""
    return (
        event.about_stack
        and not event.stack
        and "ROLLBACK_IN_PROGRESS" in event.status
        and bool(event.reason)
        and LISTED not in event.reason
    )


def _cancelled(event: Told) -> bool:
    return any(words in event.reason for words in CANCELLED)


def _once(events: Sequence[E]) -> list[E]:
    """One a resource: what it said first."""
    found: dict[str, E] = {}
    for event in events:
        found.setdefault(event.path, event)
    return list(found.values())
