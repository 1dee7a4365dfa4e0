"""Where two values differ: the leaves of two documents, the middle of two long texts."""

import json
from collections.abc import Iterator
from typing import Any

from deployer.changes import UNKNOWN, PropertyChange, document

WIDEST = 60  # columns of a value; beyond it the part that differs is what matters
NARROWEST = 16
LEAD = 12  # columns of what is common, shown before the part that differs
NONE = "(none)"
UNRESOLVED = "unresolved"
ABSENT = object()


def lines(change: PropertyChange, width: int = 200) -> Iterator[str]:
    """`path: before → after`, one per leaf that differs when both are JSON documents.

    Values and path are shortened to fit `width`, if that leaves enough of them.
    """
    before, after = document(change.before or ""), document(change.after or "")
    if not isinstance(before, str) and type(before) is type(after):
        leaves = list(_leaves(change.path, before, after, width))
        if leaves:
            yield from leaves
            return
    if change.before is None and change.after is None and not change.unresolved:
        yield f"{change.path}: changes" + (f", by {change.cause}" if change.cause else "")
        return
    unresolved = change.unresolved
    yield _line(change.path, change.before, UNRESOLVED if unresolved else change.after, unresolved, width)


def _leaves(path: str, before: Any, after: Any, width: int) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _leaves(f"{path}/{key}", before.get(key, ABSENT), after.get(key, ABSENT), width)
    elif isinstance(before, list) and isinstance(after, list):
        for position in range(max(len(before), len(after))):
            pair = [side[position] if position < len(side) else ABSENT for side in (before, after)]
            yield from _leaves(f"{path}/{position}", pair[0], pair[1], width)
    else:
        text = _text(after)
        unresolved = text is not None and bool(UNKNOWN.search(text))
        yield _line(path, _text(before), UNRESOLVED if unresolved else text, unresolved, width)


def _line(path: str, before: str | None, after: str | None, unresolved: bool, width: int) -> str:
    path = _short(path, width // 3)
    room = width - len(path) - len(":  → ")
    room = room - len(UNRESOLVED) if unresolved else room // 2
    room = max(NARROWEST, min(WIDEST, room))
    if unresolved or before is None or after is None:
        sides = [NONE if side is None else _cut(_flat(side), 0, room) for side in (before, after)]
    else:
        flat = _flat(before), _flat(after)
        start = _common(*flat)
        sides = [_cut(side, start, room) for side in flat]
    return f"{path}: {sides[0]} → {sides[1]}"


def _cut(text: str, differs_at: int, widest: int) -> str:
    if len(text) <= widest:
        return text
    start = max(0, differs_at - LEAD)
    head = "…" if start else ""
    rest = text[start:]
    room = widest - len(head)
    return head + (rest if len(rest) <= room else f"{rest[: room - 1]}…")


def _short(path: str, widest: int) -> str:
    """First and last parts of a path that is too long: what it belongs to, and what it is."""
    parts = path.split("/")
    if len(path) <= widest or len(parts) < 4:
        return path
    return "/".join((parts[0], "…", *parts[-2:]))


def _common(first: str, second: str) -> int:
    shortest = min(len(first), len(second))
    return next((place for place in range(shortest) if first[place] != second[place]), shortest)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _text(value: object) -> str | None:
    if value is ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value)
