"""The thread that writes: it commits what was taken while the next batch is decoded.

What waits for one shard goes into one transaction: under load there are fewer commits, with few readings
nothing waits for company. What the thread meets (another owner, SIGTERM in an outage, anything unexpected)
ends it, and is raised in whoever hands over next: nothing that comes later is written.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from processor.taken import Taken, merged

# Bounds of one transaction, and of what waits behind it: a backlog of packed envelopes or of old history must
# fit in memory and in PostgreSQL's lock table (64 locks a connection; each day touched takes two).
MOST_ROWS = 50_000
MOST_BYTES = 16 * 1024 * 1024
MOST_DAYS = 400
MOST_PARTS = 1_000  # a part has a price of its own, however few its rows


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
    """Takes from one thread, writes on another. `failed` is called when that one ends by an error."""

    def __init__(self, write: Callable[[Taken], None], failed: Callable[[], None] = lambda: None) -> None:
        self._write = write
        self._failed = failed
        self._waiting: deque[Taken] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def put(self, taken: Taken) -> None:
        """Hand over; waits while too much is waiting already. Raises what the thread met."""
        with self._changed:
            self._begin()
            self._changed.wait_for(lambda: self._failure or Load(self._waiting).has_room(taken))
            self._raise()
            self._waiting.append(taken)
            self._changed.notify_all()

    def drain(self) -> None:
        """Return when all that was handed over is written. Raises what the thread met."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or not (self._waiting or self._busy))
            self._raise()

    def close(self, seconds: float) -> None:
        """End the thread after what it is writing now; the rest is left. Waits for it so long at most."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def _begin(self) -> None:
        if self._thread is None:
            # A daemon: a database that does not answer must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
            self._thread.start()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while (taken := self._next()) is not None:
                self._write(taken)
        except BaseException as error:
            with self._changed:
                self._failure = error
                self._waiting.clear()
                self._changed.notify_all()
            self._failed()

    def _next(self) -> Taken | None:
        """What the next transaction is to hold; None when there is to be none."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._busy = True
            parts = self._together()
            self._changed.notify_all()
        return merged(parts)

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
