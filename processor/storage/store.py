"""One batch, one transaction: readings, rollups of those really inserted, alarms, quarantine and progress."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from psycopg import Connection

from processor.alarms.tables import write
from processor.alarms.watch import Outcome
from processor.alarms.watches import Owner
from processor.alarms.watchman import Look, orphaned, tell
from processor.columns import Columns, Int64
from processor.names import Names
from processor.quarantine import Refused, storable
from processor.queries import load_queries
from processor.rollup import rollups_of
from processor.source.position import Gap, Known
from processor.storage.binary import Dates
from processor.storage.database import Database, Session
from processor.storage.dropped import run_beside_retention
from processor.storage.gaps import tell_gap
from processor.storage.insert import copy_blocks, insert_missing
from processor.storage.ready import Ready, make_ready
from processor.storage.rollups import add_rollups, pack_rollups

_QUERIES = load_queries()
_DAYS_AHEAD = 3  # partitions are there before midnight comes
_DAYS_AT_ONCE = 40  # each new partition takes locks until its transaction ends


class ShardLost(RuntimeError):
    """Another process owns the shard now: stop reading it, nothing of this batch was stored."""


@dataclass(frozen=True)
class Lease:
    """The right to write one shard, until someone takes a later epoch. `position` None: from the start.

    gap: what was lost before the records that are given with this lease; its row is stored with the first.
    """

    shard: str
    epoch: int
    position: str | None
    gap: Gap | None = None

    @property
    def owner(self) -> Owner:
        """Whom it was given to, whatever else it says."""
        return Owner(self.shard, self.epoch)


@dataclass(frozen=True)
class Judged:
    """One batch, decoded and validated.

    `position`, `arrived`: its last record's; seconds since 1970. `size`: bytes of its documents, once opened.
    `oldest_arrived`: when the first of its records reached the stream, in seconds since 1970.
    `arrivals`: when each of them did, in microseconds since 1970, by the place that the columns name.
    """

    columns: Columns
    refused: list[Refused]
    names: Names
    position: str
    lag_ms: int
    size: int
    oldest_arrived: float
    arrived: float
    arrivals: Int64

    @cached_property
    def days(self) -> Int64:
        """The distinct UTC days of its readings, as days since 1970."""
        return self.columns.days()


@dataclass(frozen=True)
class Stored:
    """How a batch ended: rows inserted, rows that were there already, rows in the quarantine; alarms raised
    and cleared, history's not counted."""

    inserted: int
    absorbed: int
    refused: int
    raised: int = 0
    cleared: int = 0


class Store:
    """The tables, for one stream."""

    def __init__(self, database: Database, stream: str) -> None:
        self._database = database
        self._stream = stream
        self._prepared: dict[Owner, str] = {}  # the position of the batch that was made ready last

    def take_shard(self, shard: str) -> Lease:
        """Become the shard's owner: any earlier one can no longer write. Raises Stopping."""
        given = {"stream": self._stream, "shard": shard}

        def take(session: Session) -> Lease:
            row = session.connection.execute(_QUERIES["take_shard"], given).fetchone()
            if row is None:
                raise RuntimeError("INSERT … RETURNING gave no row")
            return Lease(shard, *row)

        return self._database.run(take)

    def known(self) -> dict[str, Known]:
        """What is known of every shard that anybody has read, by its id. Raises Stopping."""

        def look(session: Session) -> dict[str, Known]:
            rows = session.connection.execute(_QUERIES["known_shards"], {"stream": self._stream})
            return {shard: Known(*row) for shard, *row in rows}

        return self._database.run(look)

    def note(self, lease: Lease, seen_at: float | None, ended: bool) -> None:
        """Commit what is known without a batch: the lease's gap, when the tip was seen, the shard's end.

        Raises ShardLost, Stopping.
        """
        key = {"stream": self._stream, "shard": lease.shard, "epoch": lease.epoch}

        def write(session: Session) -> None:
            connection = session.connection
            with connection.transaction():
                if lease.gap is not None:
                    tell_gap(connection, key, lease.gap, alone=True)
                given = {**key, "seen_at": seen_at, "ended": ended}
                if not connection.execute(_QUERIES["note_progress"], given).rowcount:
                    raise ShardLost(f"shard {lease.shard} is owned by a later epoch than {lease.epoch}")
            if ended:
                session.points.watches.leave(lease.owner)

        self._database.run(write)

    def orphaned(self, seen_at: float) -> bool:
        """Whether devices of shards that are over may be silent by then. Raises Stopping."""
        return self._database.run(lambda session: orphaned(session.connection, self._stream, seen_at))

    def tell_silences(self, lease: Lease, look: Look) -> int:
        """Commit what is silent by now; how many alarms. While no batch of the lease is under way.

        Raises ShardLost, Stopping.
        """
        key = {"stream": self._stream, "shard": lease.shard, "epoch": lease.epoch}

        def write(session: Session) -> int:
            connection = session.connection
            with connection.transaction():
                if not connection.execute(_QUERIES["hold_shard"], key).rowcount:
                    raise ShardLost(f"shard {lease.shard} is owned by a later epoch than {lease.epoch}")
                ((now,),) = connection.execute(_QUERIES["seconds"]).fetchall()
                outcome = tell(connection, self._stream, lease.shard, look.as_of(now))
            session.points.watches.recall(lease.owner, outcome.rows)
            return outcome.raised

        return self._database.run(write)

    def make_ready(self, lease: Lease, judged: Judged) -> Ready | None:
        """What `store` will write, made on another thread; None where the database must be asked first.

        To be called for every batch of a lease, in their order.
        """
        before = self._prepared.get(lease.owner)
        self._prepared[lease.owner] = judged.position
        points = self._database.points_of(judged.names)
        point = None if points is None else points.known(judged.columns)
        if points is None or point is None:
            return None
        ready = make_ready(judged.columns, points, point)
        outcome = points.watches.ahead(lease.owner, before, judged.position, ready.every, judged.arrivals)
        return replace(ready, outcome=outcome)

    def store(self, lease: Lease, judged: Judged, ready: Ready | None = None) -> Stored:
        """Commit one batch, once: a batch that is already in, by position, is left alone.

        `ready`: what was made of the same batch before. Raises ShardLost, Stopping; outages are waited for.
        """

        def write(session: Session) -> Stored:
            batch = _Writing(session, lease, judged, ready, self._stream)
            return batch.done()

        return run_beside_retention(self._database, write)


class _Writing:
    """One attempt at one batch, on one session."""

    def __init__(
        self, session: Session, lease: Lease, judged: Judged, ready: Ready | None, stream: str
    ) -> None:
        self._session = session
        self._connection = session.connection
        self._stream = stream
        self._lease = lease
        self._judged = judged
        self._ready = ready
        self._fence = {
            "stream": stream,
            "shard": lease.shard,
            "epoch": lease.epoch,
            "sequence_number": judged.position,
            "lag_ms": judged.lag_ms,
            "arrived": judged.arrived,
        }

    def done(self) -> Stored:
        judged = self._judged
        ensure_days(self._session, judged.days)
        points = self._session.points_of(judged.names)
        ready = self._ready
        if ready is None or ready.points is not points:
            ready = make_ready(judged.columns, points, points.resolve(self._connection, judged.columns))
        since = round(judged.oldest_arrived * 1e6)
        points.watches.look(self._connection, self._stream, self._lease.owner, since)
        with self._connection.transaction():
            if self._lease.gap is not None:
                tell_gap(self._connection, self._fence, self._lease.gap, alone=False)
            if not self._advance():
                return Stored(0, 0, 0)
            inserted = self._insert(ready) if len(ready.rows) else 0
            add_refused(self._connection, self._stream, self._lease.shard, judged.refused)
            outcome = self._watched(ready)
            write(self._connection, outcome, self._stream, self._lease.shard)
        return Stored(
            inserted=inserted,
            absorbed=len(judged.columns) - inserted,
            refused=len(judged.refused),
            raised=outcome.raised,
            cleared=outcome.cleared,
        )

    def _advance(self) -> bool:
        """The fence. False when this owner has stored the batch already: its commit's answer was lost."""
        if self._connection.execute(_QUERIES["advance_shard"], self._fence).rowcount:
            return True
        row = self._connection.execute(_QUERIES["shard_position"], self._fence).fetchone()
        if (
            row is not None
            and row[0] == self._lease.epoch
            and row[1] is not None
            and int(row[1]) >= int(self._judged.position)
        ):
            return False
        raise ShardLost(
            f"shard {self._lease.shard} is owned by epoch {row and row[0]}, not {self._lease.epoch}"
        )

    def _watched(self, ready: Ready) -> Outcome:
        """What the rules say of all the rows, also of those that were there already: order alone decides."""
        if ready.outcome is not None:
            return ready.outcome
        judged = self._judged
        return ready.points.watches.judge(
            self._connection, self._lease.owner, judged.position, ready.every, judged.arrivals
        )

    def _insert(self, ready: Ready) -> int:
        """Those rows that were not there yet, and their rollups; how many they were."""
        if not self._session.expects_repetition and copy_blocks(self._connection, ready.blocks):
            add_rollups(self._connection, ready.rollups)
            return len(ready.rows)
        inserted = insert_missing(self._connection, ready.rows)
        self._session.expects_repetition = not inserted.all()
        rows = ready.rows.take(inserted)
        add_rollups(self._connection, pack_rollups(rollups_of(rows)))
        return len(rows)


def ensure_days(session: Session, days: Int64) -> None:
    """Partitions for these UTC days since 1970, and for the days ahead; committed at once."""
    today = int(time.time() // 86_400)
    wanted = {*days.tolist(), *range(today, today + _DAYS_AHEAD)} - session.days
    for chunk in _chunks(sorted(wanted), _DAYS_AT_ONCE):
        session.connection.execute(_QUERIES["ensure_partitions"], {"days": Dates(np.array(chunk, np.int64))})
        session.days.update(chunk)


def add_refused(connection: Connection[Any], stream: str, shard: str, refused: Sequence[Refused]) -> None:
    """Those that are not in the quarantine yet."""
    given = [
        (
            stream,
            shard,
            one.sequence_number,
            one.sub_sequence,
            one.place,
            one.reason.value,
            storable(one.detail),
            one.payload,
            one.arrived,
            one.partition_key,
        )
        for one in refused
    ]
    if given:
        with connection.cursor() as cursor:
            cursor.executemany(_QUERIES["add_refused"], given)


def _chunks(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
