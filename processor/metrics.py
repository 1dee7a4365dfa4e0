"""What the processor tells CloudWatch of itself: lines in the embedded metric format on standard output.

No client and no permission: CloudWatch Logs takes the figures out of any log event that is such a document,
if the log group is of the class Standard. Sixty lines of our own and not aws-embedded-metrics: that one looks
for an agent or a metadata server, and sends over a socket or through asyncio; here a line is printed.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Generation_PutLogEvents.html
"""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from processor.committed import Committed
from processor.metric import (
    ABSORBED,
    ALARMS_CLEARED,
    ALARMS_RAISED,
    ALARMS_STANDING,
    CACHE_AWAY,
    COMMIT_AGE,
    COMMITS,
    DATABASE_AWAY,
    DECODE_TIME,
    GAPS,
    INSERTED,
    NAMESPACE,
    NOTIFICATION_AGE,
    NOTIFICATIONS_SENT,
    RECORDS,
    REFUSED,
    REFUSED_BY_REASON,
    SHARD_COMMIT_AGE,
    SHARD_LAG,
    WRITE_TIME,
    Metric,
)
from processor.quarantine import Reason
from processor.readiness import LastCommit

MOST_VALUES = 100  # the specification's bound of an array
INTERVAL_SECONDS = 60.0  # the resolution of the metrics; finer costs the same, and no alarm here is finer
SAMPLE_SECONDS = 5.0  # so often the gauges are looked at
Values = float | list[float]
_COUNTED = (
    COMMITS,
    RECORDS,
    INSERTED,
    ABSORBED,
    REFUSED,
    GAPS,
    ALARMS_RAISED,
    ALARMS_CLEARED,
    NOTIFICATIONS_SENT,
)


@dataclass(frozen=True)
class Gauges:
    """How things stand now. `lag_ms` by shard; why database or cache is away, None where it is not.

    alarms_standing, notification_age (seconds): None in a process that does not tell people.
    """

    lag_ms: Mapping[str, int]
    database_away: str | None
    cache_away: str | None
    gaps: int  # found since the process started
    alarms_standing: int | None = None
    notification_age: float | None = None


@dataclass
class _Away:
    """How long something has been away, from the look that first saw it. `longest`: since the last line."""

    since: float | None = None
    longest: float = 0.0

    def look(self, away: bool, now: float) -> None:
        self.since = (self.since if self.since is not None else now) if away else None
        if self.since is not None:
            self.longest = max(self.longest, now - self.since)


@dataclass
class _Shard:
    ages: list[float] = field(default_factory=list)
    lag_ms: int | None = None


@dataclass
class _Interval:
    """What happened since the last lines."""

    counts: Counter[Metric] = field(default_factory=Counter)
    refused: Counter[Reason] = field(default_factory=Counter)
    decode_ms: list[float] = field(default_factory=list)
    write_ms: list[float] = field(default_factory=list)
    shards: dict[str, _Shard] = field(default_factory=dict)
    highest: dict[Metric, float] = field(default_factory=dict)  # of what each look says

    def look(self, metric: Metric, value: float | None) -> None:
        if value is not None:
            self.highest[metric] = max(value, self.highest.get(metric, value))


class Metrics:
    """Gathers, and writes a minute's figures at a time; sooner when an array is full or a gap was found.

    `write` takes each line; `clock` counts seconds since 1970, `ticks` seconds that no step of the clock
    changes: a minute is a minute. Any thread may call.
    """

    def __init__(
        self,
        environment: str,
        stream: str,
        write: Callable[[str], object] = lambda text: print(text, flush=True),
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._labels = {"environment": environment, "StreamName": stream}
        self._write = write
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.RLock()
        self._interval = _Interval()
        self._database, self._cache = _Away(), _Away()
        self._gaps = 0
        self._written = ticks()
        self.last: dict[str, LastCommit] = {}  # by shard

    def committed(self, one: Committed) -> None:
        """One transaction is in."""
        with self._lock:
            interval = self._interval
            interval.counts[COMMITS] += 1
            interval.counts[RECORDS] += one.records
            interval.counts[INSERTED] += one.inserted
            interval.counts[ABSORBED] += one.absorbed
            interval.counts[REFUSED] += sum(one.refused.values())
            interval.counts[ALARMS_RAISED] += one.raised
            interval.counts[ALARMS_CLEARED] += one.cleared
            interval.refused.update(one.refused)
            interval.decode_ms.append(round(one.decode_seconds * 1000, 3))
            interval.write_ms.append(round(one.write_seconds * 1000, 3))
            shard = interval.shards.setdefault(one.shard, _Shard())
            age = round(max(0.0, self._clock() - one.oldest_arrived), 3)
            shard.ages.append(age)
            shard.lag_ms = max(shard.lag_ms or 0, one.lag_ms)
            self.last[one.shard] = LastCommit(self._ticks(), age)
            if len(interval.write_ms) >= MOST_VALUES:
                self.flush()

    def told(self) -> None:
        """SNS has taken a message about alarms."""
        with self._lock:
            self._interval.counts[NOTIFICATIONS_SENT] += 1

    def look(self, gauges: Gauges) -> None:
        """How things stand; to be told every few seconds. Writes when it is time."""
        now = self._ticks()
        with self._lock:
            for name, lag_ms in gauges.lag_ms.items():
                shard = self._interval.shards.setdefault(name, _Shard())
                shard.lag_ms = max(shard.lag_ms or 0, lag_ms)
            self._database.look(gauges.database_away is not None, now)
            self._cache.look(gauges.cache_away is not None, now)
            self._interval.look(ALARMS_STANDING, gauges.alarms_standing)
            self._interval.look(NOTIFICATION_AGE, gauges.notification_age)
            found, self._gaps = gauges.gaps - self._gaps, gauges.gaps
            self._interval.counts[GAPS] += found
            if found or now - self._written >= INTERVAL_SECONDS:
                self.flush()

    def flush(self) -> None:
        """Write what has been gathered. Output that is gone is no reason to stop: readings are."""
        with self._lock:
            interval, self._interval = self._interval, _Interval()
            now, self._written = self._clock(), self._ticks()
            away: dict[Metric, Values] = {
                DATABASE_AWAY: round(self._database.longest, 1),
                CACHE_AWAY: round(self._cache.longest, 1),
            }
            self._database.longest = self._cache.longest = 0.0
            lines = [document(now, self._labels, values) for values in _of_stream(interval, away)]
            for name, shard in interval.shards.items():
                lines.append(document(now, {**self._labels, "ShardId": name}, _of_shard(shard)))
            for reason, count in interval.refused.items():
                labels = {**self._labels, "Reason": reason.value}
                lines.append(document(now, labels, {REFUSED_BY_REASON: count}))
            for line in lines:
                with contextlib.suppress(OSError):
                    self._write(line)


def _of_stream(interval: _Interval, away: Mapping[Metric, Values]) -> Iterable[Mapping[Metric, Values]]:
    values: dict[Metric, Values] = {metric: interval.counts[metric] for metric in _COUNTED}
    values |= away
    values |= {metric: round(value, 1) for metric, value in interval.highest.items()}
    if interval.write_ms:
        values |= {DECODE_TIME: interval.decode_ms, WRITE_TIME: interval.write_ms}
    yield values


def _of_shard(shard: _Shard) -> Mapping[Metric, Values]:
    values: dict[Metric, Values] = {}
    if shard.lag_ms is not None:
        values[SHARD_LAG] = shard.lag_ms
    if shard.ages:
        values |= {COMMIT_AGE: shard.ages, SHARD_COMMIT_AGE: shard.ages}
    return values


def document(now: float, labels: Mapping[str, str], values: Mapping[Metric, Values]) -> str:
    """One line: a directive for each set of dimensions, then the labels and the figures that they name."""
    by_set: dict[tuple[str, ...], list[Metric]] = {}
    for metric in values:
        by_set.setdefault(metric.dimensions, []).append(metric)
    directives = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in metrics],
        }
        for dimensions, metrics in by_set.items()
    ]
    return json.dumps(
        {
            "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": directives},
            **labels,
            **{metric.name: value for metric, value in values.items()},
        },
        separators=(",", ":"),
    )


class Sampler:
    """Looks at the gauges now and then, on a thread of its own: the loop may be waiting for a database."""

    def __init__(self, metrics: Metrics, gauges: Callable[[], Gauges]) -> None:
        self._metrics = metrics
        self._gauges = gauges
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """The last figures, whatever has ended the process."""
        self._ended.set()
        self._thread.join(SAMPLE_SECONDS)
        self._metrics.look(self._gauges())
        self._metrics.flush()

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._metrics.look(self._gauges())
