"""A plant's readings as a stream hands them over: 400 points, each read once a second.

Gateways see 50 points each. The same readings in the same order are made into records of one reading and
into envelopes of 50, so both shapes end in the same rows.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from processor.columns import Float64, Int32, Int64
from processor.source.records import Batch, Record

MACHINES = 50
METRICS = (
    "spindle_temp",
    "spindle_speed",
    "feed_rate",
    "vibration",
    "power",
    "oil_temp",
    "torque",
    "pressure",
)
UNIT = "Cel"
PACKED = 50  # readings an envelope: what one gateway sees in one second
# What one GetRecords gives at most, so what each batch is while a backlog is caught up.
MOST_RECORDS = 10_000
MOST_BYTES = 10 * 1024 * 1024
FIRST_NUMBER = 49590338271490256608559692538361571095921575989136588898  # as long as Kinesis's own
SHARD = "shardId-000000000000"
QUALITY = 192

PATHS = tuple(
    f"acme/lon1/press/line{machine % 5}/cell{machine % 10}/m{machine:02}/{metric}"
    for machine in range(MACHINES)
    for metric in METRICS
)


@dataclass(frozen=True)
class Feed:
    """Readings in the order in which they were sent; `point` is the place in PATHS, `ts` in milliseconds."""

    point: Int32
    ts: Int64
    seq: Int64
    value: Float64

    def __len__(self) -> int:
        return len(self.point)

    def take(self, count: int) -> "Feed":
        """The first `count`."""
        return Feed(self.point[:count], self.ts[:count], self.seq[:count], self.value[:count])

    def single(self) -> list[Record]:
        """One reading a record."""
        return _records([_json(document) for document in self._documents()], self._arrived())

    def packed(self) -> list[Record]:
        """PACKED readings a record."""
        documents = list(self._documents())
        starts = range(0, len(documents), PACKED)
        envelopes = [
            _json({"v": 1, "src": f"gw-{start // PACKED % 8}", "readings": documents[start : start + PACKED]})
            for start in starts
        ]
        return _records(envelopes, self._arrived())

    def _arrived(self) -> float:
        return float(self.ts[-1]) / 1000

    def _documents(self) -> Iterator[dict[str, object]]:
        columns = (column.tolist() for column in (self.point, self.ts, self.seq, self.value))
        for point, ts, seq, value in zip(*columns, strict=True):
            yield {"path": PATHS[point], "ts": ts, "value": value, "q": QUALITY, "unit": UNIT, "seq": seq}


def make_feed(readings: int, now_ms: int | None = None) -> Feed:
    """The last seconds until now, the same values each time."""
    place = np.arange(readings, dtype=np.int64)
    second, point = np.divmod(place, len(PATHS))
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    ts = now + (second - second[-1]) * 1000
    level = 60 + 20 * np.sin(second / 90 + point)
    noise = np.random.default_rng(7).normal(0, 0.5, readings)
    return Feed(point.astype(np.int32), ts, second, np.round(level + noise, 2))


def batches(records: Sequence[Record]) -> Iterator[Batch]:
    """As GetRecords would hand them over when there is a backlog."""
    start, size = 0, 0
    for place, record in enumerate(records):
        if place - start == MOST_RECORDS or size + len(record.data) > MOST_BYTES:
            yield Batch(SHARD, records[start:place], 0)
            start, size = place, 0
        size += len(record.data)
    yield Batch(SHARD, records[start:], 0)


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _records(bodies: list[bytes], arrived: float) -> list[Record]:
    return [Record(body, str(FIRST_NUMBER + place), arrived) for place, body in enumerate(bodies)]
