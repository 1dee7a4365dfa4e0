"""The path of a batch: decode → validate → one PostgreSQL transaction → Redis → done.

`judge` is pure. When `Pipeline.take` has returned, the batch is in for good; only then may a source move on.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from processor.decode import MOST_READINGS, Decoded
from processor.latest import Latest
from processor.names import Names
from processor.source.records import Batch, Record, TooMuch
from processor.storage.store import Judged, Lease, Store
from processor.validate import Rules, validate

logger = logging.getLogger(__name__)

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
    """Takes batches of any shard, one at a time."""

    def __init__(self, store: Store, latest: Latest, rules: Rules) -> None:
        self._store = store
        self._latest = latest
        self._rules = rules
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

    def _take(self, lease: Lease, records: Sequence[Record], lag_ms: int) -> int:
        """Store as many of the first records as one transaction should hold; how many they were."""
        if self._names.full:
            self._names = Names()
        try:
            judged = judge(records, self._names, self._rules, lag_ms)
        except TooMuch as more:
            return self._take(lease, records[: more.fits], lag_ms)
        stored = self._store.store(lease, judged)
        self._latest.show(judged.columns, judged.names)
        self.counts.records += len(records)
        self.counts.inserted += stored.inserted
        self.counts.absorbed += stored.absorbed
        self.counts.refused += stored.refused
        if judged.refused:
            reasons = sorted({refused.reason.value for refused in judged.refused})
            logger.warning(
                "readings refused",
                extra={"shard": lease.shard, "count": len(judged.refused), "reasons": reasons},
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
