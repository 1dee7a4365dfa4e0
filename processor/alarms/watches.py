"""Which watch judges what: one for each shard and owner, as long as the session and its points last.

What is judged is taken for committed at once, so the next batch can be judged before its turn comes, beside
the transaction of this one. A transaction that fails takes its session along, and with it all watches: what
they remember is never more than the tables have when it counts. A batch is judged ahead only when the batch
before it in its shard has been judged, and the rules are fresh; else it is judged at its turn, within its own
transaction.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import Connection

from processor.alarms.memory import Packed
from processor.alarms.rules import AHEAD_SECONDS, watched
from processor.alarms.tables import states_of, take
from processor.alarms.watch import Outcome, Watch
from processor.columns import Int64
from processor.storage.rows import Rows

# Often enough that a version is known before it judges, also by whoever is slow to ask.
RELOAD_SECONDS = AHEAD_SECONDS / 3


class Owner(NamedTuple):
    """Who judges: the shard, and by what right."""

    shard: str
    epoch: int


@dataclass
class _Post:
    """A watch, who has it in which stream, up to which position it has judged, and when its rules are due."""

    owner: Owner
    stream: str
    watch: Watch
    reached: str | None
    due: float


class Watches:
    """Of one session. `paths`: by the slot that rows name; it grows."""

    def __init__(self, paths: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._paths = paths
        self._clock = clock
        self._posts: dict[str, _Post] = {}

    def look(self, connection: Connection[Any], stream: str, owner: Owner, since: int) -> None:
        """Have the owner's watch, and its rules as they are now.

        since: when the first record of the batch whose turn it is reached the stream, in µs since 1970. A
        version that was over before is left out, and with it all that it remembers.
        """
        post = self._posts.get(owner.shard)
        if post is not None and post.owner == owner and self._clock() < post.due:
            return
        due = self._clock() + RELOAD_SECONDS  # counted from before the question
        rules = watched(connection, since)
        if post is not None and post.owner == owner:
            post.watch.renew(rules)
            post.due = due
        else:
            self._posts[owner.shard] = _Post(owner, stream, Watch(rules, self._paths), None, due)

    def leave(self, owner: Owner) -> None:
        """The owner's shard is over and judges no more: what is remembered of it goes."""
        post = self._posts.get(owner.shard)
        if post is not None and post.owner == owner:
            del self._posts[owner.shard]

    def recall(self, owner: Owner, rows: Iterable[Packed]) -> None:
        """What was written of the owner's devices beside its batches, while none was under way."""
        post = self._posts.get(owner.shard)
        if post is not None and post.owner == owner:
            post.watch.recall(rows)

    def ahead(
        self, owner: Owner, before: str | None, position: str, rows: Rows, arrivals: Int64
    ) -> Outcome | None:
        """Judge before the batch's turn, on another thread; None: not what can be judged now.

        before, position: of the batch before it, and its own.
        """
        post = self._posts.get(owner.shard)
        if post is None or post.owner != owner or post.reached is None or post.reached != before:
            return None
        if self._clock() >= post.due or not post.watch.knows(rows):
            return None
        return _judged(post, position, rows, arrivals, _nobody)

    def judge(
        self, connection: Connection[Any], owner: Owner, position: str, rows: Rows, arrivals: Int64
    ) -> Outcome:
        """Judge a batch whose turn it is. Raises RuntimeError when nobody has looked before."""
        post = self._posts.get(owner.shard)
        if post is None or post.owner != owner:
            raise RuntimeError(f"shard {owner.shard} has no watch of epoch {owner.epoch}")

        def asked(devices: Sequence[str]) -> list[Packed]:
            take(connection, devices, post.stream, owner.shard)
            return states_of(connection, devices, post.watch.keys)

        return _judged(post, position, rows, arrivals, asked)


def _judged(
    post: _Post, position: str, rows: Rows, arrivals: Int64, asked: Callable[[Sequence[str]], Any]
) -> Outcome:
    outcome = post.watch.judge(rows, arrivals, asked)
    post.reached = position  # last: who sees it from another thread may go on from there
    return outcome


def _nobody(devices: Sequence[str]) -> Any:
    raise RuntimeError(f"{len(devices)} devices are new to who said that it knows them")
