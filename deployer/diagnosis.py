"""Why a deployment failed: the first cause, through all nested stacks, and what it took along."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployer.events import Progress

# What CloudFormation says of resources that failed only because another did.
CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")


@dataclass(frozen=True)
class Cause:
    """The resource that failed first, and the others that failed by themselves."""

    first: Progress
    others: tuple[Progress, ...]

    def __str__(self) -> str:
        lines = [_sentence(self.first)]
        lines += [f"also: {_sentence(other)}" for other in self.others]
        return "\n".join(lines)


def first_cause(events: Sequence[Progress]) -> Cause | None:
    """The cause among an operation's events, oldest first; None when nothing failed.

    A nested stack fails because something in it did, so it is a cause only when nothing in it says why.
    """
    failed = [event for event in events if event.failed]
    own = [event for event in failed if not _cancelled(event)]
    leaves = [event for event in own if not event.is_container]
    # Of containers the deepest speaks first: what is above it only repeats it.
    candidates = leaves or sorted(own, key=lambda event: -len(event.stack)) or failed
    if not candidates:
        return None
    first, *rest = candidates
    others = [event for event in rest if event.path != first.path] if leaves else []
    return Cause(first, tuple(_once(others)))


def _cancelled(event: Progress) -> bool:
    return any(words in event.reason for words in CANCELLED)


def _once(events: Sequence[Progress]) -> list[Progress]:
    return list({event.path: event for event in reversed(events)}.values())[::-1]


def _sentence(event: Progress) -> str:
    return f"{event.path} ({event.type}) {event.status}: {event.reason or 'no reason given'}"
