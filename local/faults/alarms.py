"""The alarms that a stream's records must have raised: by a second, plain judgement, reading by reading.

Which readings are judged, in which order and by which version of a rule depends on nothing but the records:
their order in their shard and when each arrived. The stream tells both to whoever reads it again.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import psycopg

from local.faults.plain import Plain
from local.faults.plant import Parcel, Row
from processor.alarms.definition import (
    Clock,
    Definition,
    Deviation,
    Limit,
    Rate,
    Silence,
    Stuck,
    by_arrival,
)
from processor.alarms.pattern import expression

# A metric, and how it is judged: by small figures, so that each fires in a short trial of a small plant.
RULES: tuple[tuple[str, Definition], ...] = (
    ("metric_3", Limit(high=0.5, on_delay=2.0)),
    ("metric_1", Limit(low=0.0, off_delay=1.0)),
    ("metric_?", Rate(most=97_000.0, span=3.0)),
    ("metric_3", Stuck(within=2.0)),
    ("metric_0", Silence(within=2.0)),
    ("metric_2", Clock(behind=5_300.0, span=2.0)),
    ("hourly", Deviation(limit=1.0, on_delay=0.0, off_delay=0.0)),
)
ALWAYS = 0  # µs since 1970
FOREVER = 2**62
MOST_AT_ONCE = 10_000  # records of one GetRecords

_NAMED = "INSERT INTO millrace.alarm_rule (name, definition) VALUES (%s, '{}') RETURNING id"
_VERSION = """
    INSERT INTO millrace.alarm_rule_version (rule, version, path, definition, enabled, applies_from)
    VALUES (%s, %s, %s, %s::jsonb, true, to_timestamp(%s::bigint / 1000000.0))"""
_EVENTS = """
    SELECT rule, version, path, history, (extract(epoch FROM started_at) * 1000000)::bigint,
        (extract(epoch FROM raised_at) * 1000000)::bigint, (extract(epoch FROM ended_at) * 1000000)::bigint
    FROM millrace.alarm_event JOIN millrace.point ON id = point WHERE path LIKE %s"""
_KEYS = """
    SELECT path, (extract(epoch FROM ts) * 1000000)::bigint, coalesce(number, flag::integer), seq
    FROM millrace.reading JOIN millrace.point ON id = point
    WHERE path LIKE %s AND coalesce(number, flag::integer) IS NOT NULL"""

Event = tuple[int, int, str, bool, int, int, int | None]
Key = tuple[str, int, float]  # path, µs, value: of a plant no two readings have all of them


@dataclass(frozen=True)
class Version:
    """A version of a rule, and when what it judges reaches the stream, in µs."""

    rule: int
    number: int
    path: str
    definition: Definition
    since: int = ALWAYS
    until: int = FOREVER

    def judges(self, path: str, arrived: int) -> bool:
        """Whether a reading is its own."""
        return self.since <= arrived < self.until and re.match(expression(self.path), path) is not None


@dataclass
class Alarms:
    """Of one stream. `prefix`: of its plant's paths; `parcel`: what a record is, by shard and number."""

    stream: str
    prefix: str
    kinesis: Any
    parcel: Callable[[str, str], Parcel]
    versions: list[Version] = field(default_factory=list)
    _last: dict[str, str] = field(default_factory=dict)  # shard → the last record that was heard
    _plain: dict[tuple[int, int, str, bool], Plain] = field(default_factory=dict)

    def begin(self, connection: psycopg.Connection[Any]) -> None:
        """Write the rules, which judge from ever on."""
        for number, (metric, definition) in enumerate(RULES):
            found = connection.execute(_NAMED, [f"{self.stream}-{number}"]).fetchone()
            if found is None:
                raise RuntimeError("INSERT … RETURNING gave no row")
            self._write(connection, Version(found[0], 1, f"{self.prefix}/*/*/*/*/{metric}", definition))

    def change(self, connection: psycopg.Connection[Any], place: int, since: int) -> None:
        """A new version of the rule at that place, from that time on."""
        rule = self.versions[place].rule
        newest = max((one for one in self.versions if one.rule == rule), key=lambda one: one.number)
        self.versions[self.versions.index(newest)] = replace(newest, until=since)
        self._write(connection, replace(newest, number=newest.number + 1, since=since))

    def judge(self, connection: psycopg.Connection[Any]) -> tuple[set[Event], set[Event], list[Event]]:
        """What must have been raised, what may have been besides, and what was.

        A silence that lasts is told when somebody looks; whether anybody has, the records do not say.
        """
        self._hear(connection)
        due: set[Event] = set()
        may: set[Event] = set()
        for (rule, version, path, history), one in self._plain.items():
            head = rule, version, path, history
            due |= {(*head, *times) for times in _lives(one)}
            if isinstance(one.definition, Silence) and one.arrived is not None and not one.raised:
                end = one.arrived + round(one.definition.within * 1e6)
                may.add((*head, one.arrived, end, None))
        found = connection.execute(_EVENTS, [f"{self.prefix}/%"]).fetchall()
        return due, may, found

    def _write(self, connection: psycopg.Connection[Any], version: Version) -> None:
        text = msgspec.json.encode(version.definition).decode()
        given = (version.rule, version.number, version.path, text, version.since)
        connection.execute(_VERSION, given)
        self.versions.append(version)

    def _hear(self, connection: psycopg.Connection[Any]) -> None:
        """Judge what came since. All of it is stored by now, so the key of each reading is known."""
        rows = connection.execute(_KEYS, [f"{self.prefix}/%"])
        seqs = {(path, ts, float(value)): seq for path, ts, value, seq in rows}
        for shard in self.kinesis.list_shards(StreamName=self.stream)["Shards"]:
            for number, arrived in self._records(shard["ShardId"]):
                self._judge(self.parcel(shard["ShardId"], number), arrived, seqs)

    def _judge(self, parcel: Parcel, arrived: int, seqs: dict[Key, int]) -> None:
        for version in self.versions:
            together: dict[tuple[str, bool], list[tuple[int, int, float]]] = {}
            for row in filter(_usable, parcel.rows):
                path, ts, value = row[0], row[1], float(row[2] or 0)
                history = row not in parcel.latest
                if version.judges(path, arrived) and not (history and by_arrival(version.definition)):
                    reading = ts, seqs[path, ts, value], value
                    together.setdefault((path, history), []).append(reading)
            for subject, readings in together.items():
                key = version.rule, version.number, *subject
                one = self._plain.setdefault(key, Plain(version.definition))
                one.record(readings, arrived)

    def _records(self, shard: str) -> Iterator[tuple[str, int]]:
        """Sequence number and arrival in µs of each that was not heard yet."""
        where: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self._last:
            where = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": self._last[shard],
            }
        asked = self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=shard, **where)
        iterator = asked["ShardIterator"]
        while True:
            answer = self.kinesis.get_records(ShardIterator=iterator, Limit=MOST_AT_ONCE)
            for record in answer["Records"]:
                arrived = record["ApproximateArrivalTimestamp"].timestamp()
                self._last[shard] = record["SequenceNumber"]
                yield record["SequenceNumber"], int(arrived * 1_000_000)
            if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                return
            iterator = answer["NextShardIterator"]


def _usable(row: Row) -> bool:
    """Whether a row has a number that is not bad; a flag is one."""
    return row[3] != 0 and isinstance(row[2], bool | int | float)


def _lives(one: Plain) -> Iterator[tuple[int, int, int | None]]:
    """Of each alarm: since when, raised, cleared."""
    stands: tuple[int, int] | None = None
    for raised, at, since in one.changes:
        if raised:
            stands = since, at
        elif stands is not None:
            yield *stands, at
            stands = None
    if stands is not None:
        yield *stands, None
