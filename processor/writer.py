"""The threads that write: one commits, and one prepares the next transaction meanwhile.

So PostgreSQL, the slowest by far, never waits for us while there is something to do. What waits for one shard
goes into one transaction: under load there are fewer commits, with few readings nothing waits for company.
What the threads meet (another owner, SIGTERM in an outage, anything unexpected) ends them, and is raised in
whoever hands over next: nothing that comes later is written.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from processor.taken import Taken, merged

# Bounds of one transaction, and of what waits behind it: a backlog of packed envelopes or of old history must
# fit in memory and in PostgreSQL's lock table (64 locks a connection; each day touched takes two).
MOST_ROWS = 100_000
MOST_BYTES = 16 * 1024 * 1024
MOST_DAYS = 400
MOST_PARTS = 1_000  # a part has a price of its own, however few its rows

# How long a thread of Python may keep the others waiting. At the default of 5 ms the thread that decodes,
# never idle under load, holds up each of the writer's many short steps: a fifth of the path's speed.
SWITCH_SECONDS = 0.0001


class Transaction(NamedTuple):
    """Prepared; of so many parts."""

    commit: Callable[[], None]
    parts: int


class Load:
    """How much some parts are together."""

    def __init__(self, parts: Iterable[Taken] = ()) -> None:
        self._parts = self._rows = self._size = 0
        self._days: set[int] = set()
        for part in parts:
            self.add(part)

    def add(self, part: Taken) -> None:
        """One more."""
        self._parts += 1
        self._rows += len(part.judged.columns)
        self._size += part.judged.size
        self._days.update(part.judged.days.tolist())

    def has_room(self, part: Taken) -> bool:
        """Whether one more may go with them. The first always may: it is as small as it can be made."""
        return not self._parts or (
            self._parts < MOST_PARTS
            and self._rows + len(part.judged.columns) <= MOST_ROWS
            and self._size + part.judged.size <= MOST_BYTES
            and len(self._days.union(part.judged.days.tolist())) <= MOST_DAYS
        )


class Writer:
    """Takes from one thread, prepares on a second, commits on a third.

    `prepare` makes of a transaction what is left to do when its turn comes. `failed` is called when one of
    the two threads ends by an error.
    """

    def __init__(
        self, prepare: Callable[[Taken], Callable[[], None]], failed: Callable[[], None] = lambda: None
    ) -> None:
        self._prepare = prepare
        self._failed = failed
        self._changed = threading.Condition()
        self._waiting: deque[Taken] = deque()
        self._next: Transaction | None = None
        self._unfinished = 0  # parts handed over and not yet committed
        self._closed = False
        self._failure: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def put(self, taken: Taken) -> None:
        """Hand over; waits while too much is waiting already. Raises what the threads met."""
        with self._changed:
            self._begin()
            self._changed.wait_for(lambda: self._failure or Load(self._waiting).has_room(taken))
            self._raise()
            self._waiting.append(taken)
            self._unfinished += 1
            self._changed.notify_all()

    def drain(self) -> None:
        """Return when all that was handed over is committed. Raises what the threads met."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or not self._unfinished)
            self._raise()

    @property
    def more(self) -> bool:
        """Whether something waits to be committed next."""
        return self._next is not None or bool(self._waiting)

    def close(self, seconds: float) -> None:
        """End the threads after what is being committed now; the rest is left. Waits so long at most."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _begin(self) -> None:
        if not self._threads:
            sys.setswitchinterval(SWITCH_SECONDS)
            for name, work in (("preparer", self._prepare_next), ("writer", self._commit_next)):
                # Daemons: a database that does not answer must not keep the process from ending.
                thread = threading.Thread(target=self._until_end, args=(work,), name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    @property
    def _over(self) -> bool:
        return self._closed or self._failure is not None

    def _until_end(self, work: Callable[[], bool]) -> None:
        try:
            while work():
                pass
        except BaseException as error:
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()
            self._failed()

    def _prepare_next(self) -> bool:
        with self._changed:
            # Not before there is a place for it: what comes until then may go with it.
            self._changed.wait_for(lambda: self._over or (self._waiting and self._next is None))
            if self._over:
                return False
            parts = self._together()
            self._changed.notify_all()
        transaction = Transaction(self._prepare(merged(parts)), len(parts))
        with self._changed:
            self._next = transaction
            self._changed.notify_all()
        return True

    def _commit_next(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._next)
            if self._over or self._next is None:
                return False
            transaction, self._next = self._next, None
            self._changed.notify_all()
        transaction.commit()
        with self._changed:
            self._unfinished -= transaction.parts
            self._changed.notify_all()
        return True

    def _together(self) -> list[Taken]:
        """The first, and of its shard what may go with it; each shard keeps its order.

        Nothing of a shard passes its parents': all of theirs is here before it begins.
        """
        first = self._waiting[0]
        parts: list[Taken] = []
        others: list[Taken] = []
        load, full = Load(), False
        for taken in self._waiting:
            mine = taken.lease.shard == first.lease.shard
            full = full or (mine and not (taken.goes_with(first) and load.has_room(taken)))
            if mine and not full:
                load.add(taken)
                parts.append(taken)
            else:
                others.append(taken)
        self._waiting = deque(others)
        return parts
