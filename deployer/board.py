"""What an operation looks like at one moment: a function of its events so far and of the time.

Failures stand on top with their reasons, then the tree of stacks. Where the terminal has too few rows, what
is done gives way first, then what matters least of what is under way; counts remain.
"""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from deployer import drawing
from deployer.causes import Cause, first_cause
from deployer.estimate import action, duration, left
from deployer.events import Progress, in_time, was_cancelled

ALSO = 2  # failures shown beside the first
REASON_LINES = 4
SLOWEST = 3  # resources that are named at the end, where not all are shown
WIDTH = 120


@dataclass
class Row:
    """One resource, or a stack: its last event, and when it began to become what that says."""

    last: Progress
    began: float
    name: str = ""  # a resource's

    def running(self, now: float) -> float:
        return max(0.0, now - self.began)

    def remaining(self, now: float) -> float | None:
        """Seconds by its history, below 0 when it takes longer; None without one."""
        expected = self.last.expected
        return None if expected is None else expected - self.running(now)

    def time(self, now: float) -> str:
        """`2m40s, about 4 min left` while it runs, then the total."""
        if not self.last.moving:
            return duration(self.last.took) if self.last.took is not None else ""
        spent, remaining = duration(self.running(now)), self.remaining(now)
        if remaining is None or self.last.expected is None:
            return spent
        if remaining > 0:
            return f"{spent}, {left(remaining)}"
        return f"{spent}, {duration(self.last.expected)} last time"


@dataclass
class Branch:
    """One stack: its own state and that of its resources, by logical id."""

    own: Row
    resources: dict[str, Row] = field(default_factory=dict)

    @property
    def running(self) -> list[Row]:
        return [row for row in self.resources.values() if row.last.moving]

    @property
    def done(self) -> list[Row]:
        return [row for row in self.resources.values() if row.last.settled]


@dataclass(frozen=True)
class Detail:
    """How much of the tree is drawn."""

    done_in: Callable[[Branch], bool]  # whether a stack's resources are shown that are done
    done_stacks: bool = True
    rows: int | None = None  # at most so many resources that are under way


# From everything to the least; the first that fits is drawn.
DETAILS = (
    Detail(lambda branch: True),
    Detail(lambda branch: branch.own.last.moving),
    Detail(lambda branch: False),
    Detail(lambda branch: False, done_stacks=False),
)


class Board:
    """Takes events, oldest first; draws what they come to."""

    def __init__(self) -> None:
        self._stacks: dict[tuple[str, ...], Branch] = {}
        self._events: list[Progress] = []
        self._cause: Cause[Progress] | None = None
        self._rolling_back: float | None = None  # since when
        self._cancelled = False

    @property
    def is_empty(self) -> bool:
        return not self._events

    def take(self, event: Progress) -> None:
        self._events.append(event)
        if event.failed:
            self._cause = first_cause(in_time(self._events))
        if event.is_container:
            # What its parent says of a nested stack and what it says of itself is one line.
            path = event.stack if event.about_stack else (*event.stack, event.logical_id)
            branch = self._stacks.setdefault(path, Branch(Row(event, event.elapsed)))
            self._move(branch.own, event)
            if not path and "ROLLBACK" in event.status and self._rolling_back is None:
                self._rolling_back = event.elapsed
                self._cancelled = was_cancelled(self._events)
        else:
            branch = self._stacks.setdefault(event.stack, Branch(Row(event, event.elapsed)))
            name = _name(branch, event)
            self._move(branch.resources.setdefault(name, Row(event, event.elapsed, name)), event)

    @staticmethod
    def _move(row: Row, event: Progress) -> None:
        if event.moving and not row.last.moving:
            row.began = event.elapsed
        row.last = event

    def running(self) -> list[Row]:
        """Resources under way, the longest first."""
        rows = [row for branch in self._stacks.values() for row in branch.running]
        return sorted(rows, key=lambda row: row.began)

    def remaining(self, now: float) -> float | None:
        """Seconds until the last of what runs is done, if it goes as before; what comes after is unknown."""
        known = [
            remaining
            for row in self.running()
            if (remaining := row.remaining(now)) is not None and remaining > 0
        ]
        return max(known, default=None)

    def lines(self, now: float, width: int = WIDTH, height: int | None = None) -> list[str]:
        """At most `width` columns and, unless the failures alone take more, `height` rows."""
        top = [*self._failures(width), *self._way_back(now)]
        if height is None:
            return top + self._tree(now, width, DETAILS[0])
        room = max(1, height - len(top))
        end = list(self._slowest(width))
        for detail in DETAILS:
            tree = self._tree(now, width, detail)
            if detail is not DETAILS[0]:
                tree += end
            if len(tree) <= room:
                return top + tree
        rows = len(self.running()) - (len(tree) - room) - 1  # one line goes to the count of the others
        tree = self._tree(now, width, replace(DETAILS[-1], rows=max(0, rows)))
        if len(tree) > room:  # the root's line first, then the count
            tree = [*tree[: max(1, room - 1)], tree[-1]][:room]
        return top + tree

    def _failures(self, width: int) -> Iterator[str]:
        cause = self._cause
        if cause is None or (self._cancelled and cause.first.is_container):
            return  # what was cut off in a nested stack is that stack's failure
        for intro, event in [
            ("failed: ", cause.first),
            *(("also: ", other) for other in cause.others[:ALSO]),
            *(("in the roll-back: ", event) for event in cause.going_back[:ALSO]),
        ]:
            after = f" after {duration(event.took)}" if event.took is not None else ""
            yield _fitting(intro, event.path, event.type, f"{event.status}{after}", width)
            yield from textwrap.wrap(
                event.reason or "no reason given",
                width,
                initial_indent="  ",
                subsequent_indent="  ",
                max_lines=REASON_LINES,
                placeholder=" …",
            )
        if cause.others[ALSO:]:
            yield f"and {len(cause.others) - ALSO} more failed"

    def _way_back(self, now: float) -> Iterator[str]:
        root = self._stacks.get(())
        if self._rolling_back is not None and root is not None and root.own.last.moving:
            cancelled = "cancelled, " if self._cancelled else ""
            yield f"{cancelled}rolling back for {duration(now - self._rolling_back)}{self._left(now)}"

    def _slowest(self, width: int) -> Iterator[str]:
        """Of an operation that has ended: where its time went."""
        root = self._stacks.get(())
        rows = [row.last for branch in self._stacks.values() for row in branch.resources.values()]
        rows = sorted(
            (last for last in rows if (last.took or 0.0) >= 1.0), key=lambda last: -(last.took or 0.0)
        )
        if rows and root is not None and not root.own.last.moving:
            slow = ", ".join(f"{last.path} {duration(last.took or 0.0)}" for last in rows[:SLOWEST])
            yield drawing.cut(f"slowest: {slow}", width)

    def _left(self, now: float) -> str:
        remaining = self.remaining(now)
        return "" if remaining is None else f", {left(remaining)}, as last time"

    def _tree(self, now: float, width: int, detail: Detail) -> list[str]:
        entries: list[tuple[int, str]] = []
        hidden, room = 0, detail.rows

        for path in sorted(self._stacks, key=self._place):
            branch = self._stacks[path]
            if path and not detail.done_stacks and self._is_done(path):
                hidden += 1
                continue
            entries.append((len(path), self._stack(path, branch, now)))
            rows = branch.running
            if room is not None:
                rows, room = rows[:room], max(0, room - len(rows))
            for row in [*(branch.done if detail.done_in(branch) else []), *rows]:
                entries.append((len(path) + 1, _resource(row, now, width - 3 * (len(path) + 1))))
        more = [f"{drawing.counted(hidden, 'stack')} done"] if hidden else []
        if detail.rows is not None:
            more.append(f"{drawing.counted(len(self.running()) - detail.rows, 'more resource')} under way")
        if more:
            entries.append((1, f"and {', '.join(more)}"))
        return [drawing.cut(line, width) for line in drawing.branches(entries)]

    def _stack(self, path: tuple[str, ...], branch: Branch, now: float) -> str:
        own = branch.own.last
        name = path[-1] if path else own.logical_id
        counted = [branch] if path else list(self._stacks.values())  # the root's line is the whole's
        done = sum(len(each.done) for each in counted)
        begun = sum(len(each.resources) for each in counted)
        if not own.is_container:  # nothing was said of the stack itself yet
            return f"{name}{_counted(done, begun)}"
        time = duration(branch.own.running(now if own.moving else own.elapsed))
        if not path and own.moving and self._rolling_back is None:
            time += self._left(now)
        return f"{name}  {own.status}{_counted(done, begun)}  {time}"

    def _is_done(self, path: tuple[str, ...]) -> bool:
        """It and all below it, so that no row loses its parent."""
        return all(
            branch.own.last.settled and not branch.running
            for each, branch in self._stacks.items()
            if each[: len(path)] == path
        )

    def _place(self, path: tuple[str, ...]) -> tuple[int, ...]:
        """Parents before children, siblings in the order in which they were first seen."""
        order = list(self._stacks)
        return tuple(
            order.index(path[:depth]) if path[:depth] in order else 0 for depth in range(len(path) + 1)
        )


def _name(branch: Branch, event: Progress) -> str:
    """What an update has replaced goes at its end, under the name of what stays."""
    present = branch.resources.get(event.logical_id)
    replaced = present is not None and present.last.status == "UPDATE_COMPLETE"
    return (
        f"{event.logical_id} (replaced)"
        if replaced and action(event.status) == "DELETE"
        else event.logical_id
    )


def _resource(row: Row, now: float, room: int) -> str:
    """Where that is too long, its type goes first."""
    last = row.last
    text = "  ".join(filter(None, (row.name, last.type, last.status, row.time(now))))
    if len(text) > room:
        text = "  ".join(filter(None, (row.name, last.status, row.time(now))))
    return text


def _counted(done: int, begun: int) -> str:
    """Nothing for a stack that only nests others."""
    return f"  {done}/{begun}" if begun else ""


def _fitting(intro: str, path: str, kind: str, state: str, width: int) -> str:
    """Where that is too long, the type goes first, and of the path the middle."""
    whole = f"{intro}{path}  {kind}  {state}"
    if len(whole) <= width:
        return whole
    short = drawing.middle(path, max(width - len(intro) - len(state) - 2, 12))
    return drawing.cut(f"{intro}{short}  {state}", width)
