"""The audit: what was put on the stream against what lies in PostgreSQL, reading by reading.

PostgreSQL computes each row's identity itself and sends it in binary, so ten million rows are compared in
numpy, a block at a time, beside one sorted array of what was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from local.identity import SIZE
from local.ledger import Identities, Ledger

FILE = Path(__file__).with_name("audit.sql")
BLOCK_BYTES = 4 * 1024 * 1024

# Binary COPY: two fields, each with its length before it. https://www.postgresql.org/docs/18/sql-copy.html
HEADER_BYTES = 19
ROW = np.dtype(
    [("fields", ">i2"), ("_1", ">i4"), ("identity", f"S{SIZE}"), ("_2", ">i4"), ("committed", ">f8")]
)


@dataclass(frozen=True)
class Latency:
    """From put to committed, milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True)
class Audit:
    """sent = stored + quarantined + absorbed + lost."""

    sent: int
    stored: int  # newly, by this run
    quarantined: int
    absorbed: int  # were there already, or came again
    lost: int
    duplicated: int  # rows beyond one an identity, and what rollups count beside the rows
    rollup_difference: int  # the latter alone
    latency_ms: Latency | None  # None: nothing was newly stored

    @property
    def clean(self) -> bool:
        return self.lost == 0 and self.duplicated == 0


def audit(connection: psycopg.Connection, ledger: Ledger, stream: str, since: float) -> Audit:
    """Compare. `since`: when this run began to put, epoch seconds on this machine's clock."""
    if ledger.first_micros is None or ledger.last_micros is None:
        return Audit(0, 0, 0, 0, 0, 0, 0, None)
    sent = _Sent(ledger)
    first, last = _time(ledger.first_micros), _time(ledger.last_micros)
    span: dict[str, Any] = {
        "paths": sorted(ledger.paths),
        "first": first,
        "last": last,
        "first_hour": _hour(first),
        "end_hour": _hour(last) + timedelta(hours=1),
    }
    query = queries()
    # Clocks are compared with a margin; which readings are meant, their records' places say.
    asked = {"stream": stream, "since": datetime.fromtimestamp(since - 60, UTC)}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for block in _blocks(connection, query["rows"], span):
            sent.found(block["identity"], block["committed"].astype(np.float64), since)
        refused = connection.execute(query["quarantined"], asked).fetchall()
        sent.refused(ledger, [(shard, int(position), index) for shard, position, index in refused])
        difference = connection.execute(query["rollup_difference"], span).fetchone()
    return sent.judge(difference[0] if difference else 0)


def queries() -> dict[str, str]:
    """The statements of audit.sql by name."""
    blocks = FILE.read_text().split("-- name: ")[1:]
    return {name: text for name, _, text in (block.partition("\n") for block in blocks)}


def _blocks(connection: psycopg.Connection, query: str, span: dict[str, Any]) -> Iterator[NDArray[np.void]]:
    """The stored rows of the points and the time that were sent, with when each was committed."""
    with connection.cursor().copy(query, span) as copy:
        held = bytearray()
        headed = False
        for data in copy:
            held += data
            if not headed:
                del held[:HEADER_BYTES]
                headed = True
            if len(held) >= BLOCK_BYTES:
                whole = len(held) // ROW.itemsize * ROW.itemsize
                yield np.frombuffer(bytes(held[:whole]), dtype=ROW)
                del held[:whole]
        yield np.frombuffer(bytes(held[: len(held) // ROW.itemsize * ROW.itemsize]), dtype=ROW)


class _Sent:
    """The distinct identities that were sent, sorted, and what became of each."""

    def __init__(self, ledger: Ledger) -> None:
        identities = ledger.identities()
        order = np.argsort(identities, kind="stable")
        ordered = identities[order]
        begins = np.ones(len(ordered), dtype=np.bool_)
        begins[1:] = ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(begins)
        self._distinct: Identities = ordered[starts]
        self._of_reading = np.empty(len(ordered), dtype=np.int64)
        self._of_reading[order] = np.cumsum(begins) - 1
        self._times = np.diff(np.append(starts, len(ordered)))
        self._put_at = ledger.put_times()[order[starts]]
        self._rows = np.zeros(len(starts), dtype=np.int64)
        self._new = np.ones(len(starts), dtype=np.bool_)
        self._committed = np.zeros(len(starts))
        self._refused = np.zeros(len(starts), dtype=np.int64)

    def found(self, identities: Identities, committed: NDArray[np.float64], since: float) -> None:
        """Rows of the table: those that were sent are marked, others are no business of this run."""
        if not len(self._distinct):
            return
        places = np.searchsorted(self._distinct, identities)
        places[places == len(self._distinct)] = 0
        ours = self._distinct[places] == identities
        places, committed = places[ours], committed[ours]
        np.add.at(self._rows, places, 1)
        self._committed[places] = committed
        self._new[places[committed < since]] = False

    def refused(self, ledger: Ledger, quarantined: list[tuple[str, int, int]]) -> None:
        """Readings of this run in the quarantine, by their record's place; index -1: the whole record."""
        if not quarantined:
            return
        records = ledger.spans()
        hit = np.zeros(len(self._of_reading), dtype=np.bool_)
        for shard, position, index in quarantined:
            span = records.get((shard, position))
            if span is None:
                continue  # an earlier run's, which the processor came to only now
            if index < 0:
                hit[span.start : span.stop] = True
            elif index < len(span):
                hit[span.start + index] = True
        np.add.at(self._refused, self._of_reading[hit], 1)

    def judge(self, rollup_difference: int) -> Audit:
        left = self._times - self._refused
        present = self._rows > 0
        stored = present & self._new & (left > 0)
        waited = (self._committed - self._put_at)[stored] * 1000
        return Audit(
            sent=int(self._times.sum()),
            stored=int(stored.sum()),
            quarantined=int(self._refused.sum()),
            absorbed=int(left[present].sum() - stored.sum()),
            lost=int(left[~present].sum()),
            duplicated=int(np.maximum(self._rows - 1, 0).sum()) + rollup_difference,
            rollup_difference=rollup_difference,
            latency_ms=Latency(*(round(float(p), 1) for p in np.percentile(waited, [50, 99])))
            if len(waited)
            else None,
        )


def _time(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
