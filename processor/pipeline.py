"""The path of a batch: decode → validate → one PostgreSQL transaction → Redis → done.

`judge` is pure. Decoding and judging are done on the caller's thread, the rest on the writer's two: when
`Pipeline.take` has returned, the batch is on its way, and when `Pipeline.drain` has, it is in for good.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from processor.alarms.watchman import Look, stream_seen
from processor.columns import Columns
from processor.committed import Committed
from processor.decode import MOST_READINGS, Decoded
from processor.latest import Latest, newest_of
from processor.names import Names
from processor.quarantine import Refused
from processor.source.position import Known
from processor.source.records import Batch, Record, TooMuch, as_many
from processor.storage.ready import Ready
from processor.storage.store import Judged, Lease, Store
from processor.taken import Taken
from processor.validate import Rules, validate
from processor.writer import MOST_DAYS, Writer

MOST_BYTES = 4 * 1024 * 1024  # of records decoded at once


@dataclass
class Counts:
    """Since the process started; of what is committed."""

    records: int = 0
    inserted: int = 0
    absorbed: int = 0
    refused: int = 0
    gaps: int = 0  # of the stream, each with its row in stream_gap
    lag_ms: dict[str, int] = field(default_factory=dict)


def judge(records: Sequence[Record], names: Names, rules: Rules, lag_ms: int) -> Judged:
    """Decoded and validated: rows to store, and what goes to the quarantine. Not empty `records`.

    Raises TooMuch for several records that one transaction should not hold.
    """
    decoded = Decoded(records)
    columns = validate(decoded, names, rules)
    last = records[-1]
    judged = Judged(
        columns=columns,
        refused=decoded.refused,
        names=names,
        position=last.sequence_number,
        lag_ms=lag_ms,
        size=decoded.size,
        oldest_arrived=decoded.oldest_arrived,
        arrived=last.arrived,
        arrivals=decoded.arrivals,
    )
    if len(records) > 1 and too_much(judged):
        raise TooMuch(len(records) // 2)
    return judged


class Pipeline:
    """Takes batches of any shard, from one thread.

    `refused` is called for what of some records is refused, on the caller's thread; `committed` after each
    commit, on the writer's. `stopping` is set when the writer ends by an error, so that whoever waits for the
    stream comes to `drain`, which raises it.
    """

    def __init__(
        self,
        store: Store,
        latest: Latest,
        rules: Rules,
        *,
        committed: Callable[[Committed], None] = lambda committed: None,
        refused: Callable[[str, Sequence[Record], Sequence[Refused]], None] = lambda shard, records, ones: (
            None
        ),
        stopping: threading.Event | None = None,
    ) -> None:
        self._store = store
        self._latest = latest
        self._rules = rules
        self._names = Names()
        self._committed = committed
        self._refused = refused
        self._writer = Writer(self._prepare, (stopping or threading.Event()).set)
        self.counts = Counts()

    def own(self, shard: str) -> Lease:
        """Become the owner of a shard. Raises Stopping."""
        return self._store.take_shard(shard)

    def known(self) -> dict[str, Known]:
        """What PostgreSQL knows of every shard of the stream. Raises Stopping."""
        return self._store.known()

    def note(self, lease: Lease, *, seen_at: float | None = None, ended: bool = False) -> None:
        """Commit, after all that was taken, what no batch says: the lease's gap, a tip seen, an end."""
        self.drain()
        self._store.note(lease, seen_at, ended)

    def tick(self, lease: Lease, seen_at: float, listed: Callable[[], Iterable[str]]) -> None:
        """Tell the silences that last, where all that reached an open shard until then has been taken.

        listed: asks for all shards of the stream. Raises as `drain`, and what `listed` raises.
        """
        asked = time.monotonic() - max(0.0, time.time() - seen_at)
        self.drain()
        stream = None
        if self._store.orphaned(seen_at):
            stream = stream_seen(self._store.known(), listed(), lease.shard, seen_at)
        began = time.perf_counter()
        raised = self._store.tell_silences(lease, Look(seen_at, stream, asked))
        if raised:
            self._committed(
                Committed(
                    shard=lease.shard,
                    records=0,
                    inserted=0,
                    absorbed=0,
                    refused={},
                    lag_ms=0,
                    decode_seconds=0.0,
                    write_seconds=time.perf_counter() - began,
                    oldest_arrived=time.time(),  # no record waited for it
                    raised=raised,
                    cleared=0,
                )
            )

    def take(self, lease: Lease, batch: Batch) -> None:
        """Decode and judge a batch, and hand it to the writer, in as many parts as its size asks for.

        Waits while much is waiting already. Raises what the writer met: ShardLost, Stopping, or what was not
        expected; nothing that was taken since is committed then.
        """
        for records in by_size(batch.records):
            rest = records
            while rest:
                rest = rest[self._take(lease, rest, batch.lag_ms) :]

    def drain(self) -> None:
        """Return when all that was taken is committed. Raises as `take`."""
        self._writer.drain()

    def close(self, seconds: float = 0.0) -> None:
        """End the writer's threads; what is not begun is left to be read again. Waits so long at most."""
        self._writer.close(seconds)

    def _take(self, lease: Lease, records: Sequence[Record], lag_ms: int) -> int:
        """Take as many of the first records as one transaction should hold; how many they were."""
        if self._names.full:
            self._names = Names()
        names, rules = self._names, self._rules
        began = time.perf_counter()
        judged, count = as_many(len(records), lambda count: judge(records[:count], names, rules, lag_ms))
        taken = Taken(
            lease=lease,
            judged=judged,
            records=count,
            decode_seconds=time.perf_counter() - began,
        )
        self._refused(lease.shard, records[:count], judged.refused)
        self._writer.put(taken)
        return count

    def _prepare(self, taken: Taken) -> Callable[[], None]:
        judged = taken.judged
        ready = self._store.make_ready(taken.lease, judged)
        return partial(self._write, taken, ready, newest_of(judged.columns))

    def _write(self, taken: Taken, ready: Ready | None, newest: Columns) -> None:
        judged, shard = taken.judged, taken.lease.shard
        began = time.perf_counter()
        stored = self._store.store(taken.lease, judged, ready)
        write_seconds = time.perf_counter() - began
        self._latest.show(newest, judged.names, more=self._writer.more)
        refused = Counter(refused.reason for refused in judged.refused) if stored.refused else {}
        self.counts.records += taken.records
        self.counts.inserted += stored.inserted
        self.counts.absorbed += stored.absorbed
        self.counts.refused += stored.refused
        self.counts.lag_ms[shard] = judged.lag_ms
        self._committed(
            Committed(
                shard=shard,
                records=taken.records,
                inserted=stored.inserted,
                absorbed=stored.absorbed,
                refused=refused,
                lag_ms=judged.lag_ms,
                decode_seconds=taken.decode_seconds,
                write_seconds=write_seconds,
                oldest_arrived=judged.oldest_arrived,
                raised=stored.raised,
                cleared=stored.cleared,
            )
        )


def too_much(judged: Judged) -> bool:
    """Whether one transaction would hold too many readings, or touch too many partitions."""
    return len(judged.columns) > MOST_READINGS or len(judged.days) > MOST_DAYS


def by_size(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in runs of at most 4 MiB (a larger one alone)."""
    if sum([len(record.data) for record in records]) <= MOST_BYTES:
        yield records
        return
    start, size = 0, 0
    for place, record in enumerate(records):
        if size + len(record.data) > MOST_BYTES and place > start:
            yield records[start:place]
            start, size = place, 0
        size += len(record.data)
    yield records[start:]
