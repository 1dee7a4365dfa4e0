"""The path of a batch: decode → validate → one PostgreSQL transaction → Redis → done.

`judge` is pure. When `Pipeline.take` has returned, the batch is in for good; only then may a source move on.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from processor.committed import Committed
from processor.decode import MOST_READINGS, Decoded, TooMuch
from processor.latest import Latest
from processor.names import Names
from processor.quarantine import Refused
from processor.source.records import Batch, Record
from processor.storage.store import Judged, Lease, Store
from processor.validate import Rules, validate

# Bounds of one transaction, so that a backlog of packed envelopes or of old history fits in memory and in
# PostgreSQL's lock table (64 locks a connection; each day touched takes two).
MOST_BYTES = 4 * 1024 * 1024
MOST_DAYS = 400


@dataclass
class Counts:
    """Since the process started."""

    records: int = 0
    inserted: int = 0
    absorbed: int = 0
    refused: int = 0
    gaps: int = 0
    lag_ms: dict[str, int] = field(default_factory=dict)


def judge(records: Sequence[Record], names: Names, rules: Rules, lag_ms: int) -> Judged:
    """Decoded and validated: rows to store, and what goes to the quarantine. Not empty `records`.

    Raises TooMuch for several records that one transaction should not hold.
    """
    decoded = Decoded(records)
    columns = validate(decoded, names, rules)
    judged = Judged(columns, decoded.refused, names, records[-1].sequence_number, lag_ms)
    if len(records) > 1 and too_much(judged):
        raise TooMuch(len(records) // 2)
    return judged


class Pipeline:
    """Takes batches of any shard, one at a time.

    `committed` is called after each transaction, `refused` for what of some records was refused.
    """

    def __init__(
        self,
        store: Store,
        latest: Latest,
        rules: Rules,
        *,
        committed: Callable[[Committed], None] = lambda one: None,
        refused: Callable[[str, Sequence[Record], Sequence[Refused]], None] = lambda shard, records, ones: (
            None
        ),
    ) -> None:
        self._store = store
        self._latest = latest
        self._rules = rules
        self._committed = committed
        self._refused = refused
        self._names = Names()
        self.counts = Counts()

    def own(self, shard: str) -> Lease:
        """Become the owner of a shard. Raises Stopping."""
        return self._store.take_shard(shard)

    def take(self, lease: Lease, batch: Batch) -> None:
        """Store a batch, in as many transactions as its size asks for. Raises ShardLost, Stopping."""
        for records in by_size(batch.records):
            rest = records
            while rest:
                rest = rest[self._take(lease, rest, batch.lag_ms) :]
        self.counts.lag_ms[batch.shard] = batch.lag_ms

    def drain(self) -> None:
        """Return when all that was taken is committed. Raises as `take`."""

    def _take(self, lease: Lease, records: Sequence[Record], lag_ms: int) -> int:
        """Store as many of the first records as one transaction should hold; how many they were."""
        if self._names.full:
            self._names = Names()
        began = time.perf_counter()
        try:
            judged = judge(records, self._names, self._rules, lag_ms)
        except TooMuch as more:
            return self._take(lease, records[: more.fits], lag_ms)
        self._refused(lease.shard, records, judged.refused)
        decoded = time.perf_counter()
        stored = self._store.store(lease, judged)
        written = time.perf_counter()
        self._latest.show(judged.columns, judged.names)
        self.counts.records += len(records)
        self.counts.inserted += stored.inserted
        self.counts.absorbed += stored.absorbed
        self.counts.refused += stored.refused
        self._committed(
            Committed(
                shard=lease.shard,
                records=len(records),
                inserted=stored.inserted,
                absorbed=stored.absorbed,
                refused=Counter(one.reason for one in judged.refused) if stored.refused else {},
                lag_ms=lag_ms,
                decode_seconds=decoded - began,
                write_seconds=written - decoded,
                oldest_arrived=min(record.arrived for record in records),
            )
        )
        return len(records)


def too_much(judged: Judged) -> bool:
    """Whether one transaction would hold too many readings, or touch too many partitions."""
    return len(judged.columns) > MOST_READINGS or len(judged.columns.days()) > MOST_DAYS


def by_size(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in runs of at most 4 MiB (a larger one alone)."""
    start, size = 0, 0
    for place, record in enumerate(records):
        if size + len(record.data) > MOST_BYTES and place > start:
            yield records[start:place]
            start, size = place, 0
        size += len(record.data)
    if start < len(records):
        yield records[start:]
