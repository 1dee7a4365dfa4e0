"""What a replay reads and writes in PostgreSQL: never a position, never an epoch.

No rule of an alarm judges what it inserts, for that is late (processor/alarms/order.py).

It may run beside the service: what both insert is there once, by its key, and is counted in the rollups by
whoever was first.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import numpy as np

from processor.columns import MICROSECONDS_A_DAY
from processor.moment import EPOCH, MICROSECOND
from processor.names import Names
from processor.quarantine import Refused
from processor.queries import load_queries
from processor.replay.again import Row
from processor.replay.request import Quarantined
from processor.rollup import rollups_of
from processor.storage.binary import Bigints, Timestamps
from processor.storage.database import Database, Session
from processor.storage.dropped import run_beside_retention
from processor.storage.insert import insert_missing
from processor.storage.ready import with_units
from processor.storage.rollups import add_rollups, pack_rollups
from processor.storage.rows import distinct, sorted_rows
from processor.storage.store import Judged, add_refused, ensure_days

_QUERIES = load_queries()
PAGE_ROWS = 1000  # of the quarantine, a transaction
PAGE_BYTES = 4 * 1024 * 1024  # of their payloads; one larger stands alone
_FIRST = ("", "", -1, -2)  # before every key


class Tables:
    """The tables, for one stream. Every method waits for outages, and raises Stopping."""

    def __init__(self, database: Database, stream: str) -> None:
        self._database = database
        self._stream = stream

    def now(self) -> datetime:
        """By the server's clock: rows that a replay adds are not rows that it takes."""

        def ask(session: Session) -> datetime:
            row = session.connection.execute(_QUERIES["moment"]).fetchone()
            if row is None or not isinstance(row[0], datetime):
                raise RuntimeError("SELECT clock_timestamp() gave no moment")
            return row[0]

        return self._database.run(ask)

    def positions(self) -> dict[str, str]:
        """Shard → the sequence number up to which the service has stored."""
        given = {"stream": self._stream}
        return self._database.run(
            lambda session: dict(session.connection.execute(_QUERIES["positions"], given).fetchall())
        )

    def page(self, chosen: Quarantined, began: datetime, after: Row | None) -> list[Row]:
        """The next rows in the order of their keys; none: that was all."""
        names = ("shard", "sequence_number", "sub_sequence", "index")
        given = {
            **dict(zip(names, after.key if after else _FIRST, strict=True)),
            "stream": self._stream,
            "began": began,
            "reasons": None if chosen.reasons is None else [reason.value for reason in chosen.reasons],
            "only": chosen.shard,
            "since": chosen.since,
            "until": chosen.until,
            "rows": PAGE_ROWS,
            "bytes": PAGE_BYTES,
        }
        found = self._database.run(
            lambda session: session.connection.execute(_QUERIES["quarantined"], given).fetchall()
        )
        return [Row(*row) for row in found]

    def count_missing(self, judged: Judged) -> int:
        """How many of these readings are not in the table; nothing is written."""
        return self._database.run(lambda session: sum(_missing(session, judged, day) for day in judged.days))

    def settle(self, judged: Judged, settled: Sequence[Row], refused: Sequence[tuple[str, Refused]]) -> int:
        """One transaction: rows out of the quarantine, readings in, new verdicts. How many were inserted."""

        def write(session: Session) -> int:
            return _settle(session, self._stream, judged, settled, refused)

        return run_beside_retention(self._database, write)


def _missing(session: Session, judged: Judged, day: np.int64) -> int:
    """Of the readings of one UTC day, in days since 1970."""
    begins = day * MICROSECONDS_A_DAY
    columns = judged.columns.take(judged.columns.ts // MICROSECONDS_A_DAY == day)
    given = {
        "paths": [judged.names.paths[slot] for slot in columns.slot.tolist()],
        "ts": Timestamps(columns.ts),
        "seq": Bigints(columns.seq),
        "first": EPOCH + int(begins) * MICROSECOND,
        "next": EPOCH + int(begins + MICROSECONDS_A_DAY) * MICROSECOND,
    }
    row = session.connection.execute(_QUERIES["count_missing"], given).fetchone()
    return int(row[0]) if row else 0


def _settle(
    session: Session,
    stream: str,
    judged: Judged,
    settled: Sequence[Row],
    refused: Sequence[tuple[str, Refused]],
) -> int:
    connection, columns = session.connection, judged.columns
    ensure_days(session, judged.days)
    points = session.points_of(judged.names)
    rows = distinct(sorted_rows(points.resolve(connection, columns), with_units(columns, points)))
    with connection.transaction():
        inserted = rows.take(insert_missing(connection, rows)) if len(rows) else rows
        add_rollups(connection, pack_rollups(rollups_of(inserted)))
        if settled:
            shards, numbers, parts, indexes = zip(*(row.key for row in settled), strict=True)
            given = {
                "stream": stream,
                "shards": list(shards),
                "sequence_numbers": list(numbers),
                "sub_sequences": list(parts),
                "indexes": list(indexes),
            }
            connection.execute(_QUERIES["forget_refused"], given)
        for shard, group in groupby(sorted(refused, key=itemgetter(0)), key=itemgetter(0)):
            add_refused(connection, stream, shard, [verdict for _, verdict in group])
    return len(inserted)


def fresh(names: Names) -> Names:
    """The names to go on with, so that memory is bounded."""
    return Names() if names.full else names
