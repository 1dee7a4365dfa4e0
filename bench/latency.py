"""From the stream's acceptance of a record to its commit, at the rate of one full shard.

The processor's own poller reads a stream in memory, which makes a record due every so often and gives it the
moment at which it was due as its arrival. What AWS's network adds is not in it.
"""

import threading
import time
from collections import deque
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.feed import MOST_RECORDS, PATHS, SHARD, UNIT, make_feed
from bench.known import RULES, Known
from bench.measure import MILLION, Options, Row
from bench.servers import servers
from processor.committed import Committed
from processor.latest import Latest
from processor.pipeline import Pipeline
from processor.source.poll import Poller
from processor.source.records import Record
from processor.storage.binary import Dates
from processor.storage.database import Database
from processor.storage.store import Store

# https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
SHARD_BYTES = 1_000_000  # a second, into one shard
POLL_SECONDS = 0.2  # the default of the setting
FEWER = 10  # a full shard takes its time: half a minute for 200,000
WARM = 0.2  # of the records: the points are made, the statements prepared


class Shard:
    """A stream of one shard, for the poller: what is due is there. Sets `stopping` when all was read."""

    exceptions = SimpleNamespace(
        ExpiredIteratorException=LookupError,
        ProvisionedThroughputExceededException=LookupError,
        InvalidArgumentException=LookupError,
        ResourceNotFoundException=LookupError,
    )

    def __init__(self, records: list[Record], stopping: threading.Event) -> None:
        self._records = records
        self._stopping = stopping
        self._due = np.cumsum([len(record.data) for record in records]) / SHARD_BYTES
        self._began = time.time()

    def due(self) -> list[float]:
        """When each record came, in seconds since 1970."""
        return [self._began + float(due) for due in self._due]

    def list_shards(self, **_: str) -> dict[str, Any]:
        """The one."""
        first = {"StartingSequenceNumber": self._records[0].sequence_number}
        return {"Shards": [{"ShardId": SHARD, "SequenceNumberRange": first}]}

    def describe_stream_summary(self, **_: str) -> dict[str, Any]:
        """As long as a stream keeps records without being asked."""
        return {"StreamDescriptionSummary": {"RetentionPeriodHours": 24}}

    def get_shard_iterator(self, **_: str) -> dict[str, str]:
        """From the oldest record."""
        self._began = time.time()
        return {"ShardIterator": "0"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:
        """What is due and was not read."""
        start = int(ShardIterator)
        end = min(int(np.searchsorted(self._due, time.time() - self._began)), start + Limit)
        if end == len(self._records):
            self._stopping.set()
        return {
            "Records": [
                {
                    "Data": self._records[place].data,
                    "SequenceNumber": self._records[place].sequence_number,
                    "ApproximateArrivalTimestamp": datetime.fromtimestamp(
                        self._began + self._due[place], UTC
                    ),
                    "PartitionKey": self._records[place].partition_key,
                }
                for place in range(start, end)
            ],
            "NextShardIterator": str(end),
            "MillisBehindLatest": 0,
        }


def rows(options: Options) -> list[Row]:
    """The middle and the slowest hundredth, against the time between two polls."""
    feed = make_feed(options.readings // FEWER)
    records = feed.packed()
    waits: list[float] = []
    stopping = threading.Event()
    shard: Any = Shard(records, stopping)
    coming = deque(range(len(records)))

    def committed(done: Committed) -> None:
        now, due = time.time(), shard.due()
        waits.extend(now - due[coming.popleft()] for _ in range(done.records))

    with servers() as running:
        running.make_tables(PATHS, UNIT, Dates(np.zeros(0, np.int64)))
        database = Database(Known(running.credentials), running.ca_file, threading.Event())
        cache = running.cache()
        pipeline = Pipeline(Store(database, "latency"), Latest(cache), RULES, committed=committed)
        poller = Poller(
            shard,
            "latency",
            pipeline,
            poll_seconds=POLL_SECONDS,
            batch_records=MOST_RECORDS,
            stopping=stopping,
            beat=lambda: None,
        )
        used = time.process_time()
        poller.run()
        pipeline.drain()
        used = time.process_time() - used
        pipeline.close(10.0)
        database.close()
        cache.close()
        running.check("SELECT count(*) FROM millrace.reading", len(feed))
    counted = waits[int(len(waits) * WARM) :]
    cpu = used * MILLION / len(feed)
    return [_row(f"put_to_committed_p{part}", np.percentile(counted, part), cpu) for part in (50, 99)]


def _row(name: str, seconds: Any, cpu: float) -> Row:
    return Row(
        name=name,
        ours=float(seconds) * 1000,
        against="one poll",
        theirs=POLL_SECONDS * 1000,
        unit="ms",
        ratio=POLL_SECONDS / float(seconds),
        goal=None,
        runs=1,
        ours_cpu=cpu,
        theirs_cpu=0.0,
        cpu_unit="s/million readings",
    )
