"""Alarms along the whole path: whatever happens to the processor, events are what reading by reading says."""

import json
import random
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest

from local.faults.plain import Plain
from processor.alarms.definition import Clock, Definition, Deviation, Limit, Rate, Silence, Stuck, by_arrival
from processor.alarms.tables import write
from processor.alarms.watches import RELOAD_SECONDS, Watches
from processor.committed import Committed
from processor.pipeline import Pipeline
from processor.source.records import Batch, Record
from processor.storage import store as storing
from processor.storage.database import Database
from processor.storage.store import Store
from processor.validate import Rules
from tests.integration.test_processor_tables import FixedSecret

BEGAN_MS = 1_772_323_200_000  # 2026-03-01
MINUTE = 60_000
POINTS = [f"a/b/c/d/e/m{number // 2}/t{number}" for number in range(4)]
DEFINITIONS: list[Definition] = [
    Limit(high=5.0, deadband=1.0, on_delay=60),
    Rate(most=20.0, span=1200, off_delay=1200),
    Stuck(within=1800, off_delay=600),
    Deviation(limit=1, bin=60, on_delay=0, off_delay=0),
    Silence(within=3000),
    Clock(behind=900, span=1800),
]
STATES = "SELECT device, rule, version, subjects, states FROM millrace.alarm_state ORDER BY 1, 2, 3"
EVENTS = """
    SELECT e.rule - (SELECT min(id) FROM millrace.alarm_rule), path, history,
        (extract(epoch FROM started_at) * 1000000)::bigint, (extract(epoch FROM raised_at) * 1000000)::bigint,
        (extract(epoch FROM ended_at) * 1000000)::bigint
    FROM millrace.alarm_event AS e JOIN millrace.point AS p ON p.id = e.point"""
A_VERSION = (
    "INSERT INTO millrace.alarm_rule_version (rule, version, path, definition, enabled, applies_from)"
    " SELECT id, {version}, '*/*/*/*/*/*/*', '{definition}', true, '{since}'"
    " FROM millrace.alarm_rule WHERE name = '{name}'"
)

Event = tuple[int, str, bool, int, int, int | None]


class NoCache:
    def show(self, newest: object, names: object, *, more: bool) -> None:
        pass


class Plant:
    """A database with rules, and the processors that come and go."""

    def __init__(self, postgres: Any, definitions: list[Definition]) -> None:
        self._credentials = postgres.make_database()
        self._ca_file = postgres.ca_file
        self.operator: psycopg.Connection[Any] = postgres.operator(self._credentials.dbname)
        self.committed: list[Committed] = []
        for number, definition in enumerate(definitions):
            name = f"rule-{number}"
            self.operator.execute(
                "INSERT INTO millrace.alarm_rule (name, definition) VALUES (%s, '{}')", [name]
            )
            self.add_version(name, 1, definition, "2026-01-01Z")
        self.begin()

    def add_version(self, name: str, version: int, definition: Definition, since: str) -> None:
        text = msgspec.json.encode(definition).decode()
        statement = A_VERSION.format(version=version, definition=text, since=since, name=name)
        self.operator.execute(statement.encode())

    def begin(self, stream: str = "readings") -> None:
        """A processor that has the shard from now on."""
        self.database = Database(FixedSecret(self._credentials), self._ca_file, threading.Event())
        cache: Any = NoCache()
        self.pipeline = Pipeline(
            Store(self.database, stream), cache, Rules(400, 10), committed=self.committed.append
        )
        self.lease = self.pipeline.own("shard-0")

    def take(self, records: list[Record]) -> None:
        self.pipeline.take(self.lease, Batch("shard-0", records, 0))

    def leave(self, *, drained: bool = True) -> None:
        if drained:
            self.pipeline.drain()
        self.pipeline.close(30)
        self.database.close()

    def rest(self, records: list[Record]) -> list[Record]:
        """What the stream has after the position."""
        position = int(self.lease.position or 0)
        return [record for record in records if int(record.sequence_number) > position]

    def events(self) -> list[Event]:
        return sorted(self.operator.execute(EVENTS).fetchall(), key=repr)


@pytest.fixture
def make(postgres: Any) -> Iterator[Any]:
    made: list[Plant] = []

    def one(definitions: list[Definition]) -> Plant:
        made.append(Plant(postgres, definitions))
        return made[-1]

    yield one
    for plant in made:
        plant.leave(drained=False)
        plant.operator.close()


def a_stream(chance: random.Random) -> list[list[dict[str, Any]]]:
    """Documents of six days: late ones, sent again, history, bad values, two with one key, a silence."""
    documents: list[list[dict[str, Any]]] = []
    waiting: list[dict[str, Any]] = []
    silent = range(300, 310)
    for step in range(6 * 144):
        lift = 20.0 if 600 < step < 650 else 0.0
        for number, path in enumerate(POINTS):
            if step in silent and number < 2:
                continue
            reading: dict[str, Any] = {
                "path": path,
                "ts": BEGAN_MS + 10 * step * MINUTE,
                "value": chance.choice([0.0, 1.0, 1.0, 4.5, 9.0]) + lift,
                "seq": step,
                "hist": number == 3,
            }
            if chance.random() < 0.05:
                reading["q"] = 0
            if chance.random() < 0.02:
                reading["value"] = "text"
            waiting.append(reading)
            if chance.random() < 0.05:  # the same key again, in its record or in another one
                waiting.append({**reading, "value": chance.choice([3.0, 7.0]), "q": 192})
            if number == 0 and chance.random() < 0.1:  # what is read now is sent as history, too
                waiting.append({**reading, "hist": True})
        while len(waiting) > 6:
            size = chance.randint(1, 8)
            documents.append(waiting[:size])
            waiting = waiting[size:]
            if chance.random() < 0.05:
                documents.append(chance.choice(documents))
            if chance.random() < 0.05 and len(documents) > 1:
                documents[-1], documents[-2] = documents[-2], documents[-1]
    return documents


def arrivals_of(documents: list[list[dict[str, Any]]]) -> Iterator[int]:
    """When each reaches the stream, ms: soon after its last reading; on the fifth day much later."""
    latest = 0
    for readings in documents:
        ts = max(reading["ts"] for reading in readings)
        late = 25 * MINUTE if BEGAN_MS + 90 * 60 * MINUTE < ts < BEGAN_MS + 96 * 60 * MINUTE else 0
        latest = max(latest, ts + late + 1234)
        yield latest


def records_of(documents: list[list[dict[str, Any]]]) -> list[Record]:
    return [
        Record(json.dumps({"readings": readings}).encode(), str(number), arrived / 1000)
        for number, (readings, arrived) in enumerate(zip(documents, arrivals_of(documents), strict=True), 1)
    ]


def plainly(definitions: list[Definition], documents: list[list[dict[str, Any]]]) -> list[Event]:
    """What each rule says of each point and of its history, reading by reading."""
    events: list[Event] = []
    for rule, definition in enumerate(definitions):
        for path in POINTS:
            for history in (False,) if by_arrival(definition) else (False, True):
                one = Plain(definition)
                for readings, arrived in zip(documents, arrivals_of(documents), strict=True):
                    judged = [
                        (reading["ts"] * 1000, reading["seq"], reading["value"])
                        for reading in readings
                        if reading["path"] == path
                        and reading["hist"] is history
                        and reading.get("q") != 0
                        and reading["value"] != "text"
                    ]
                    one.record(judged, arrived * 1000)
                events += told(rule, path, history, one)
    # Raised by the same readings, now and as history, it is one alarm.
    live = {(rule, path, since) for rule, path, history, since, _, _ in events if not history}
    kept = [event for event in events if not event[2] or (event[0], event[1], event[3]) not in live]
    return sorted(kept, key=repr)


def told(rule: int, path: str, history: bool, one: Plain) -> Iterator[Event]:
    stands: tuple[int, int] | None = None
    for raised, at, since in one.changes:
        if raised:
            stands = since, at
        elif stands is not None:
            yield rule, path, history, *stands, at
            stands = None
    if stands is not None:
        yield rule, path, history, *stands, None


def test_undisturbed_the_events_are_what_reading_by_reading_says(make: Any) -> None:
    documents = a_stream(random.Random(5))
    records = records_of(documents)
    plant = make(DEFINITIONS)
    plant.take(records)
    plant.leave()
    events = plant.events()
    assert events == plainly(DEFINITIONS, documents)
    assert {event[0] for event in events} == set(range(len(DEFINITIONS)))
    live = [event for event in events if not event[2]]
    counted = [sum(one.raised for one in plant.committed), sum(one.cleared for one in plant.committed)]
    assert counted == [len(live), sum(event[5] is not None for event in live)]


@pytest.mark.parametrize("seed", [1, 2])
def test_disturbed_the_events_and_states_are_the_same(
    make: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given what a processor says that is never disturbed
    chance = random.Random(seed)
    records = records_of(a_stream(chance))
    calm = make(DEFINITIONS)
    calm.take(records)
    calm.leave()

    # When another one's transactions fail, answers are lost, owners change, and all is read again
    harmed = make(DEFINITIONS)
    harm = Harm(monkeypatch)
    rest, left = records, 12
    while rest:
        size = chance.randint(1, 60)
        harmed.take(rest[:size])
        rest = rest[size:]
        kind = chance.choice(["none", "fails", "answer lost", "killed", "read again"])
        if kind in {"fails", "answer lost"}:
            harm.kind = harm.kind or kind
        elif kind == "killed" or (kind == "read again" and left):
            harmed.leave(drained=chance.random() < 0.5)
            if kind == "read again":
                left -= 1
                harmed.operator.execute("UPDATE millrace.shard_progress SET sequence_number = NULL")
            harmed.begin()
            rest = harmed.rest(records)
    harmed.leave()

    # Then nothing is told of it
    assert harm.happened == {"fails", "answer lost"}
    assert harmed.events() == calm.events()
    assert harmed.operator.execute(STATES).fetchall() == calm.operator.execute(STATES).fetchall()


class Harm:
    """Does what `kind` says to the next transaction of any processor."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind = ""
        self.happened: set[str] = set()
        done = storing._Writing.done

        def failing(*given: Any) -> None:
            write(*given)
            self._strike("fails")

        def unheard(writing: Any) -> Any:
            stored = done(writing)
            self._strike("answer lost")
            return stored

        monkeypatch.setattr("processor.storage.store.write", failing)
        monkeypatch.setattr(storing._Writing, "done", unheard)

    def _strike(self, kind: str) -> None:
        if self.kind == kind:
            self.kind = ""
            self.happened.add(kind)
            raise psycopg.OperationalError(kind)


def test_a_device_that_leaves_a_shard_and_comes_back_is_judged_by_what_it_said_there(make: Any) -> None:
    # Given a device whose records come in two shards, which one processor has both
    plant = make([Limit(high=5.0, on_delay=180)])
    shards = {"shard-0": plant.lease, "shard-1": plant.pipeline.own("shard-1")}
    said = [("shard-0", 9.0), ("shard-1", 1.0), *[("shard-0", 9.0)] * 3, ("shard-1", 9.0)]

    # When it is hot in one, cold in the other, and hot again in the first
    for minute, (shard, value) in enumerate(said):
        reading = {"path": POINTS[0], "ts": BEGAN_MS + minute * MINUTE, "value": value, "seq": 0}
        record = Record(json.dumps(reading).encode(), str(minute + 1), BEGAN_MS / 1000 + 60 * minute)
        plant.pipeline.take(shards[shard], Batch(shard, [record], 0))
        plant.pipeline.drain()

    # Then it is hot since it came back
    began, minute_us = BEGAN_MS * 1000, MINUTE * 1000
    assert plant.events() == [(0, POINTS[0], False, began + 2 * minute_us, began + 5 * minute_us, None)]


def test_batches_are_judged_before_their_turn(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead: list[bool] = []
    judged = Watches.ahead

    def counted(*given: Any) -> Any:
        outcome = judged(*given)
        ahead.append(outcome is not None)
        return outcome

    monkeypatch.setattr(Watches, "ahead", counted)
    records = records_of(a_stream(random.Random(6)))
    plant = make(DEFINITIONS)
    for start in range(0, len(records), 50):
        plant.take(records[start : start + 50])
        plant.pipeline.drain()
    assert ahead  # the first one's points are new: it is judged at its turn
    assert all(ahead)


def test_a_rule_that_is_added_judges_without_a_restart_and_the_others_remember(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a processor whose rule has an alarm half raised
    clock = [1000.0]
    monkeypatch.setattr(Watches.__init__, "__defaults__", (lambda: clock[0],))
    documents = [
        [{"path": POINTS[0], "ts": BEGAN_MS + step * MINUTE, "value": 9.0, "seq": 0}] for step in range(6)
    ]
    records = records_of(documents)
    plant = make([Limit(high=5.0, on_delay=180)])
    plant.take(records[:2])
    plant.pipeline.drain()

    # When another rule is added, that judges from the fourth reading on, and the time to ask has come
    plant.operator.execute("INSERT INTO millrace.alarm_rule (name, definition) VALUES ('new', '{}')")
    plant.add_version("new", 1, Limit(high=8.0), "2026-03-01 00:03Z")
    plant.take(records[2:3])
    plant.pipeline.drain()
    clock[0] += RELOAD_SECONDS
    for record in records[3:]:
        plant.take([record])
        plant.pipeline.drain()

    # Then both have raised one, each at its time
    began = BEGAN_MS * 1000
    minute = MINUTE * 1000
    assert plant.events() == [
        (0, POINTS[0], False, began, began + 3 * minute, None),
        (1, POINTS[0], False, began + 3 * minute, began + 3 * minute, None),
    ]


def test_a_rule_that_cannot_be_read_is_left_out_and_the_others_judge(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plant = make([Limit(high=5.0)])
    plant.operator.execute("INSERT INTO millrace.alarm_rule (name, definition) VALUES ('later', '{}')")
    plant.operator.execute(
        A_VERSION.format(
            version=1, definition='{"kind": "of a later release"}', since="2026-01-01Z", name="later"
        ).encode()
    )
    plant.take(records_of([[{"path": POINTS[0], "ts": BEGAN_MS, "value": 9.0, "seq": 0}]]))
    plant.pipeline.drain()
    assert len(plant.events()) == 1
    assert "a rule is left out" in caplog.text
