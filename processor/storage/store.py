"""One batch, one transaction: readings, rollups of those really inserted, quarantine and progress."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from psycopg import Connection

from processor.columns import Columns, Int64
from processor.names import Names
from processor.quarantine import Refused, storable
from processor.queries import load_queries
from processor.rollup import HOUR, MINUTE, Rollup, roll_up, widened
from processor.source.position import Gap, Known
from processor.storage.binary import Bigints, Dates, Doubles, Integers, Timestamps
from processor.storage.database import Database, Session
from processor.storage.dropped import run_beside_retention
from processor.storage.gaps import tell_gap
from processor.storage.insert import copy_rows, insert_missing
from processor.storage.points import Points
from processor.storage.rows import Rows, sorted_rows

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


@dataclass(frozen=True)
class Judged:
    """One batch, decoded and validated.

    `position`, `arrived`: its last record's; seconds since 1970. `size`: bytes of its documents, once opened.
    `oldest_arrived`: when the first of its records reached the stream, in seconds since 1970.
    """

    columns: Columns
    refused: list[Refused]
    names: Names
    position: str
    lag_ms: int
    size: int
    oldest_arrived: float
    arrived: float

    @cached_property
    def days(self) -> Int64:
        """The distinct UTC days of its readings, as days since 1970."""
        return self.columns.days()


@dataclass(frozen=True)
class Stored:
    """How a batch ended: rows inserted, rows that were there already, rows in the quarantine."""

    inserted: int
    absorbed: int
    refused: int


class Store:
    """The tables, for one stream."""

    def __init__(self, database: Database, stream: str) -> None:
        self._database = database
        self._stream = stream

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

        self._database.run(write)

    def store(self, lease: Lease, judged: Judged) -> Stored:
        """Commit one batch, once: a batch that is already in, by position, is left alone.

        Raises ShardLost, Stopping; outages are waited for.
        """

        def write(session: Session) -> Stored:
            return _Writing(session, self._stream, lease, judged).done()

        return run_beside_retention(self._database, write)


class _Writing:
    """One attempt at one batch, on one session."""

    def __init__(self, session: Session, stream: str, lease: Lease, judged: Judged) -> None:
        self._session = session
        self._connection = session.connection
        self._stream = stream
        self._lease = lease
        self._judged = judged
        self._fence = {
            "stream": stream,
            "shard": lease.shard,
            "epoch": lease.epoch,
            "sequence_number": judged.position,
            "lag_ms": judged.lag_ms,
            "arrived": judged.arrived,
        }

    def done(self) -> Stored:
        columns = self._judged.columns
        ensure_days(self._session, self._judged.days)
        points = self._session.points_of(self._judged.names)
        point = points.resolve(self._connection, columns)
        rows = sorted_rows(point, with_units(columns, points))
        with self._connection.transaction():
            if self._lease.gap is not None:
                tell_gap(self._connection, self._fence, self._lease.gap, alone=False)
            if not self._advance():
                return Stored(0, 0, 0)
            inserted = self._insert(rows) if len(rows) else rows
            add_rollups(self._connection, inserted)
            add_refused(self._connection, self._stream, self._lease.shard, self._judged.refused)
        return Stored(len(inserted), len(columns) - len(inserted), len(self._judged.refused))

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

    def _insert(self, rows: Rows) -> Rows:
        now_us = time.time_ns() // 1000
        if not self._session.expects_repetition and copy_rows(self._connection, rows, now_us):
            return rows
        inserted = insert_missing(self._connection, rows)
        self._session.expects_repetition = not inserted.all()
        return rows.take(inserted)


def ensure_days(session: Session, days: Int64) -> None:
    """Partitions for these UTC days since 1970, and for the days ahead; committed at once."""
    today = int(time.time() // 86_400)
    wanted = {*days.tolist(), *range(today, today + _DAYS_AHEAD)} - session.days
    for chunk in _chunks(sorted(wanted), _DAYS_AT_ONCE):
        session.connection.execute(_QUERIES["ensure_partitions"], {"days": Dates(np.array(chunk, np.int64))})
        session.days.update(chunk)


def add_rollups(connection: Connection[Any], rows: Rows) -> None:
    """Of rows that were really inserted, in the same transaction."""
    if not len(rows):
        return
    minutes = roll_up(rows, MINUTE)
    for table, rollup in (("rollup_1m", minutes), ("rollup_1h", widened(minutes, HOUR))):
        statement = _QUERIES["add_rollups"].replace(b"{table}", table.encode())
        connection.execute(statement, _given(rollup))


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


def _given(rollup: Rollup) -> dict[str, object]:
    return {
        "point": Integers(rollup.point),
        "bucket": Timestamps(rollup.bucket),
        "n": Bigints(rollup.n),
        "n_bad": Bigints(rollup.n_bad),
        "sum": Doubles(rollup.sum),
        "sumsq": Doubles(rollup.sumsq),
        "min": Doubles(rollup.min),
        "max": Doubles(rollup.max),
        "first": Doubles(rollup.first),
        "last": Doubles(rollup.last),
        "first_at": Timestamps(rollup.first_at),
        "last_at": Timestamps(rollup.last_at),
    }


def with_units(columns: Columns, points: Points) -> Columns:
    """Keep the unit of a reading that contradicts its point's, or two scales would mix unseen."""
    if not points.otherwise:
        return columns
    contradicting = np.flatnonzero(np.isin(columns.slot, list(points.otherwise)))
    if not len(contradicting):
        return columns
    extra = np.full(len(columns), None, np.object_) if columns.extra is None else columns.extra.copy()
    for row in contradicting:
        fields = json.loads(extra[row] or b"{}")
        extra[row] = json.dumps({**fields, "unit": points.names.units[columns.slot[row]]}).encode()
    return replace(columns, extra=extra)


def _chunks(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
