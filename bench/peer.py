"""The nearest stream processor for Python, bytewax, used as its own guide shows: decode, windows, COPY.

It has no source for Kinesis, so it is given the same records from memory. It validates nothing, knows each
point's number beforehand, keeps no progress and shows nothing in Redis, which is all in its favour.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import TestingSource, run_main

from bench.feed import MOST_RECORDS, Feed
from bench.measure import Way
from bench.servers import Servers, open_plainly

_COPY = b"COPY reading (point, ts, seq, number, quality, ingested_at) FROM STDIN (FORMAT binary)"
_TYPES = ("int4", "timestamptz", "int8", "float8", "int2", "timestamptz")
_WINDOW = b"""
    INSERT INTO rollup_1m (point, bucket, n, n_bad, sum, min, max) VALUES (%s, %s, %s, 0, %s, %s, %s)
    ON CONFLICT (point, bucket) DO UPDATE SET
        n = rollup_1m.n + excluded.n, sum = rollup_1m.sum + excluded.sum,
        min = least(rollup_1m.min, excluded.min), max = greatest(rollup_1m.max, excluded.max)"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

Reading = dict[str, Any]
Write = Callable[[list[Any]], None]
Sums = tuple[int, float, float, float]  # n, sum, min, max


class Peer:
    """One dataflow in this process, one reading a record."""

    def __init__(self, servers: Servers, feed: Feed, ids: Mapping[str, int]) -> None:
        self._servers = servers
        self._bodies = [record.data for record in feed.single()]
        self._ids = ids

    def way(self) -> Way:
        """One run: every reading, and every window closed."""
        return Way("bytewax, windows + COPY", self._run, self._before, self._after, len(self._bodies))

    def _before(self) -> None:
        self._servers.renew()
        self._connection = open_plainly(self._servers.credentials)

    def _after(self) -> None:
        self._connection.close()
        for query in (
            "SELECT count(*) FROM millrace.reading",
            "SELECT sum(n)::bigint FROM millrace.rollup_1m",
        ):
            self._servers.check(query, len(self._bodies))

    def _run(self) -> None:
        flow = Dataflow("readings")
        bodies = op.input("records", flow, TestingSource(self._bodies, batch_size=MOST_RECORDS))
        readings = op.map("decode", bodies, msgspec.json.decode)
        op.output("reading", readings, Sink(self._copy))
        keyed = op.key_on("point", readings, lambda reading: reading["path"])
        clock = windowing.EventClock(_moment, wait_for_system_duration=_MINUTE)
        windows = windowing.fold_window(
            "minutes",
            keyed,
            clock,
            windowing.TumblingWindower(length=_MINUTE, align_to=_EPOCH),
            builder=_nothing,
            folder=_with_one,
            merger=_with_all,
            ordered=False,
        )
        op.output("rollup_1m", windows.down, Sink(self._add_windows))
        run_main(flow)

    def _copy(self, readings: Sequence[Reading]) -> None:
        now = datetime.now(UTC)
        with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for reading in readings:
                point = self._ids[reading["path"]]
                copy.write_row((point, _moment(reading), reading["seq"], reading["value"], reading["q"], now))
        self._connection.commit()

    def _add_windows(self, closed: Sequence[tuple[str, tuple[int, Sums]]]) -> None:
        rows = [(self._ids[path], _EPOCH + number * _MINUTE, *sums) for path, (number, sums) in closed]
        with self._connection.cursor() as cursor:
            cursor.executemany(_WINDOW, rows)
        self._connection.commit()


def _moment(reading: Reading) -> datetime:
    return _EPOCH + timedelta(milliseconds=reading["ts"])


def _nothing() -> Sums:
    return 0, 0.0, float("inf"), float("-inf")


def _with_one(sums: Sums, reading: Reading) -> Sums:
    n, total, low, high = sums
    value = reading["value"]
    return n + 1, total + value, min(low, value), max(high, value)


def _with_all(one: Sums, other: Sums) -> Sums:
    return one[0] + other[0], one[1] + other[1], min(one[2], other[2]), max(one[3], other[3])


class Partition(StatelessSinkPartition[Any]):
    """Hands each batch on."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write_batch(self, items: list[Any]) -> None:
        """As bytewax calls it."""
        self._write(items)


class Sink(DynamicSink[Any]):
    """One partition for the one worker."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Partition:
        """As bytewax calls it."""
        return Partition(self._write)
