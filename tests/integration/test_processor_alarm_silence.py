"""Silences along the whole path: told while they last, and the same whoever looked, and whenever."""

import json
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from local.faults.plain import Plain
from processor.alarms.definition import Clock, Definition, Limit, Silence
from processor.alarms.memory import Packed, unpacked
from processor.alarms.tables import write
from processor.alarms.watch import Outcome
from processor.alarms.watches import Owner, Watches
from processor.alarms.watchman import MARGIN_SECONDS
from processor.source.records import Batch, Record
from tests.integration.test_processor_alarm_path import BEGAN_MS, POINTS, STATES, Event, Plant, told

BEGAN = BEGAN_MS / 1000
SILENT: list[Definition] = [
    Silence(within=300),
    Silence(within=300, off_delay=900),
    Clock(ahead=60, behind=400, span=600),
    Limit(high=5.0),
]
AFTER_ALL = 10**6  # seconds after the beginning
MINUTE_US = 60_000_000


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


def a_stream(chance: random.Random) -> list[Record]:
    """Five hours of records that come more or less in time; each point falls silent now and then."""
    records: list[Record] = []
    silent = dict.fromkeys(POINTS, 0)
    for minute in range(300):
        at = BEGAN + 60 * minute
        readings = []
        for path in POINTS:
            if chance.random() < 0.02:
                silent[path] = minute + chance.randint(3, 40)
            if minute < silent[path]:
                continue
            late = chance.choice([0, 0, 0, 0, 500, -100])
            reading = {"path": path, "ts": round((at - late) * 1000), "value": chance.choice([1.0, 9.0])}
            readings.append(reading | {"seq": minute, "hist": chance.random() < 0.05})
        for one in readings:
            if chance.random() < 0.7:
                body = json.dumps(one).encode()
                records.append(Record(body, str(len(records) + 1), at + chance.random()))
    return records


def plainly(records: list[Record]) -> list[Event]:
    """What each rule says of each point, reading by reading, and who is silent at the end."""
    events: list[Event] = []
    for rule, definition in enumerate(SILENT):
        by_arrival = isinstance(definition, Silence | Clock)
        for path in POINTS:
            for history in [False] if by_arrival else [False, True]:
                one = Plain(definition)
                for record in records:
                    reading = json.loads(record.data)
                    if reading["path"] == path and reading["hist"] is history:
                        given = (reading["ts"] * 1000, reading["seq"], reading["value"])
                        one.record([given], int(record.arrived * 1_000_000))
                one.look(round((BEGAN + AFTER_ALL) * 1e6))
                events += told(rule, path, history, one)
    return sorted(events, key=repr)


def look(plant: Plant, seen_at: float) -> None:
    plant.pipeline.tick(plant.lease, seen_at, lambda: ["shard-0"])


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_looks_and_whenever_the_events_are_the_same(make: Any, seed: int) -> None:
    # Given what is told when nobody looks before all has come
    chance = random.Random(seed)
    records = a_stream(chance)
    calm = make(SILENT)
    calm.take(records)
    look(calm, BEGAN + AFTER_ALL)
    calm.leave()
    events = calm.events()
    assert events == plainly(records)
    assert {event[0] for event in events} == {0, 1, 2, 3}
    assert any(event[5] is None for event in events)

    # When others look now and then, are killed, and read some of it again
    harmed = make(SILENT)
    rest = records
    looks, again = 0, 3
    while rest:
        size = chance.randint(1, 90)
        harmed.take(rest[:size])
        rest = rest[size:]
        kind = chance.choice(["look", "look", "look", "none", "killed", "read again"])
        if kind == "killed" or (kind == "read again" and again):
            harmed.leave(drained=chance.random() < 0.5)
            if kind == "read again":
                again -= 1
                harmed.operator.execute("UPDATE millrace.shard_progress SET sequence_number = NULL")
            harmed.begin()
            rest = harmed.rest(records)
        if kind == "look" and rest:
            look(harmed, rest[0].arrived + MARGIN_SECONDS - 0.001)
            looks += 1
    look(harmed, BEGAN + AFTER_ALL)
    harmed.leave()

    # Then events are the same, and so is what is remembered
    assert looks
    assert harmed.events() == events
    assert harmed.operator.execute(STATES).fetchall() == calm.operator.execute(STATES).fetchall()


def record(number: int, minute: float, path: str = POINTS[0]) -> Record:
    """One reading, that arrives when it is measured."""
    at = BEGAN + 60 * minute
    reading = {"path": path, "ts": round(at * 1000), "value": 7.0, "seq": number}
    return Record(json.dumps(reading).encode(), str(number), at)


def test_a_dead_sensor_is_told_by_the_next_owner_who_never_heard_it(make: Any) -> None:
    # Given a sensor that was heard, and an owner who comes after that
    plant = make([Silence(within=300)])
    plant.take([record(1, 0)])
    plant.leave()
    plant.begin()

    # When it looks in time, and later
    look(plant, BEGAN + 300 + MARGIN_SECONDS - 1)
    early = plant.events()
    look(plant, BEGAN + 300 + MARGIN_SECONDS)
    look(plant, BEGAN + 3000)

    # Then it is told once, with the time by which it was silent, and ends with the next reading
    began = BEGAN_MS * 1000
    raised = (0, POINTS[0], False, began, began + 5 * MINUTE_US)
    assert early == []
    assert plant.events() == [(*raised, None)]
    assert [one.raised for one in plant.committed] == [0, 1]
    plant.take([record(2, 60)])
    plant.pipeline.drain()
    assert plant.events() == [(*raised, began + 60 * MINUTE_US)]


def test_the_owner_of_another_streams_shard_of_that_name_tells_nothing(make: Any) -> None:
    # Given a sensor of one stream, and a processor of another, whose shards are named alike
    plant = make([Silence(within=300)])
    plant.take([record(1, 0)])
    plant.leave()
    plant.begin("another")

    # When that one looks at its own shard, and for it when it is over
    look(plant, BEGAN + 3000)
    plant.pipeline.note(plant.lease, ended=True)
    child = plant.pipeline.own("shard-1")
    plant.pipeline.tick(child, BEGAN + 3000, lambda: ["shard-0", "shard-1"])

    # Then it tells nothing, and the stream's own does
    assert plant.events() == []
    plant.leave()
    plant.begin()
    look(plant, BEGAN + 3000)
    assert [event[1] for event in plant.events()] == [POINTS[0]]


def test_the_watch_goes_with_its_shard(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Owner] = []
    monkeypatch.setattr(Watches, "leave", lambda watches, owner: left.append(owner))
    plant = make([Silence(within=300)])
    plant.take([record(1, 0)])
    plant.pipeline.note(plant.lease, seen_at=BEGAN)
    assert left == []
    plant.pipeline.note(plant.lease, ended=True)
    assert left == [plant.lease.owner]


def test_states_are_written_in_the_order_in_which_silences_lock_them(make: Any) -> None:
    plant = make([])
    plant.operator.execute("SET search_path = millrace")
    given = [("m2", 1, 1), ("m1", 2, 1), ("m1", 1, 2), ("m3", 1, 1), ("m1", 1, 1)]
    write(plant.operator, Outcome(rows=[Packed(*one, b"", b"") for one in given]), "readings", "shard-0")
    written = plant.operator.execute("SELECT device, rule, version FROM alarm_state ORDER BY ctid").fetchall()
    assert written == sorted(given)


def test_a_state_in_another_form_is_left_and_the_others_are_told(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # Given two dead sensors, of which one's state was written in another form
    plant = make([Silence(within=300)])
    plant.take([record(1, 0), record(2, 0, POINTS[2])])
    plant.pipeline.drain()
    plant.operator.execute(
        "UPDATE millrace.alarm_state SET states = states || '\\x00' WHERE device = 'a/b/c/d/e/m0'"
    )

    # When somebody looks, and looks again
    look(plant, BEGAN + 3000)
    look(plant, BEGAN + 3600)

    # Then the other one is told, and of that one it is said once why it is not
    assert [event[1] for event in plant.events()] == [POINTS[2]]
    assert caplog.text.count("a silence cannot be told") == 1


def test_who_has_lost_the_shard_tells_nothing(make: Any) -> None:
    plant = make([Silence(within=300)])
    plant.take([record(1, 0)])
    plant.pipeline.drain()
    plant.operator.execute("UPDATE millrace.shard_progress SET epoch = epoch + 1")
    with pytest.raises(Exception, match="owned by a later epoch"):
        look(plant, BEGAN + 3000)
    assert plant.events() == []


def test_a_version_tells_what_became_silent_in_its_time(make: Any) -> None:
    # Given two points, of which one becomes silent before the rule is changed
    plant = make([Silence(within=300)])
    plant.take([record(1, 0), record(2, 8, POINTS[1])])
    plant.pipeline.drain()
    plant.add_version("rule-0", 2, Silence(within=600), "2026-03-01 00:10Z")

    # When somebody looks before the version is over, and when both have been silent for long
    asked = "SELECT shard, due FROM millrace.alarm_state"
    look(plant, BEGAN + 600 + MARGIN_SECONDS - 1)
    early = plant.operator.execute(asked).fetchall()
    look(plant, BEGAN + 3000)

    # Then that one is told, and nobody looks at either again
    assert [event[1] for event in plant.events()] == [POINTS[0]]
    assert early == [("shard-0", None)]
    assert plant.operator.execute(asked).fetchall() == [(None, None)]


def test_after_the_stream_was_divided_its_children_tell_once_all_are_read_so_far(make: Any) -> None:
    # Given a sensor that spoke last in a shard that is over
    plant = make([Silence(within=300)])
    plant.take([record(1, 0)])
    plant.pipeline.note(plant.lease, ended=True)
    lease = plant.pipeline.own("shard-1")

    # When the owner of one child has read far, and the other child is not begun, or is behind
    def seen_by_one() -> list[Event]:
        plant.pipeline.tick(lease, BEGAN + 3000, lambda: ["shard-0", "shard-1", "shard-2"])
        return list(plant.events())

    not_begun = seen_by_one()
    other = plant.pipeline.own("shard-2")
    plant.pipeline.note(other, seen_at=BEGAN + 200)
    behind = seen_by_one()
    plant.pipeline.note(other, seen_at=BEGAN + 2000)
    told_now = seen_by_one()

    # Then it is told when that one has come as far
    assert (not_begun, behind) == ([], [])
    assert [event[1] for event in told_now] == [POINTS[0]]

    # And the sensor's next reading, in the other child, ends it
    plant.pipeline.take(other, Batch("shard-2", [record(9, 60)], 0))
    plant.pipeline.drain()
    assert plant.events() == [(*told_now[0][:5], BEGAN_MS * 1000 + 60 * MINUTE_US)]


def test_a_processor_that_begins_tells_at_the_tip_who_fell_silent_before(site: Any) -> None:
    # Given a sensor that was heard by a processor which is gone
    rule = Silence(within=300)
    with site.postgres.operator(site.credentials.dbname) as operator:
        operator.execute("INSERT INTO millrace.alarm_rule (name, definition) VALUES ('dead', '{}')")
        operator.execute(
            "INSERT INTO millrace.alarm_rule_version (rule, version, path, definition, enabled, applies_from)"
            " SELECT id, 1, '*/*/*/*/*/*/*', %s::jsonb, true, '2020-01-01Z' FROM millrace.alarm_rule",
            (msgspec.json.encode(rule).decode(),),
        )
        site.put({"path": POINTS[0], "ts": int(time.time() * 1000), "value": 7.0})
        first = site.start()
        site.wait(lambda: site.one("SELECT count(*) FROM alarm_state WHERE due IS NOT NULL") == 1)
        first.send_signal(signal.SIGTERM)
        assert first.wait(20) == 0

        # When that was an hour ago, and another one comes to the tip of the shard
        (subjects, states), *_ = operator.execute(
            "SELECT subjects, states FROM millrace.alarm_state"
        ).fetchall()
        state = unpacked(rule, Packed("", 1, 1, subjects, states))[1].copy()
        state["arrived"] -= 3_600_000_000
        operator.execute(
            "UPDATE millrace.alarm_state SET states = %s, due = due - 3600000000", (state.tobytes(),)
        )
    site.start()

    # Then it tells, with the time since when the sensor is silent
    site.wait(lambda: site.one("SELECT count(*) FROM alarm_event") == 1)
    assert site.query(
        "SELECT raised_at - started_at = '300 s', ended_at, value, figure FROM alarm_event"
    ) == [(True, None, 7.0, 300.0)]

    # And when it speaks again the alarm ends
    site.put({"path": POINTS[0], "ts": int(time.time() * 1000), "value": 8.0})
    site.wait(lambda: site.one("SELECT count(*) FROM alarm_event WHERE ended_at > raised_at") == 1)
