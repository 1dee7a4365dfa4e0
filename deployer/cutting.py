"""A root's events cut into its operations: each begins where the root begins to move."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

BEGINNINGS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)

E = TypeVar("E")


def operations(newest_first: Iterable[E], own: Callable[[E], str]) -> Iterator[list[E]]:
    """The events of each operation, newest first; no more are read than these need.

    `own` is the status of an event that the root tells of itself, "" of any other. A roll-back that somebody
    asked for begins at rest, any other operation with a word of its own; one that is cut off comes last.
    """
    found: list[E] = []
    before: list[E] = []  # older than the root's own last word, and nobody knows yet whose
    moved = False
    for event in newest_first:
        status = own(event)
        if not status:
            before.append(event)
            continue
        moving = status.endswith("_IN_PROGRESS")
        if moved and not moving:
            yield found
            found = []
        found += [*before, event]
        before, moved = [], moving
        if status in BEGINNINGS:
            yield found
            found, moved = [], False
    if found or before:
        yield found + before
