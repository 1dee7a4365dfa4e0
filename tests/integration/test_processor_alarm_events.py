"""Events and states of alarms in the real tables: alike for an owner who is disturbed and one who is not."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from processor.alarms.definition import Deviation, Limit
from processor.alarms.pattern import expression
from processor.alarms.tables import states_of, write
from processor.alarms.watch import Watch, Watched
from processor.columns import Columns, Int64
from processor.storage.binary import register_arrays
from processor.storage.rows import Rows, sorted_rows

ALL = expression("*/*/*/*/*/*/*")
FOREVER = 2**62
MINUTE = 60_000_000
BEGAN = 1_772_323_200_000_000  # 2026-03-01, µs
EVENTS = """
    SELECT rule, version, point, started_at, raised_at, ended_at, value, figure, history
    FROM alarm_event ORDER BY rule, point, started_at"""
STATES = "SELECT device, rule, version, subjects, states FROM alarm_state ORDER BY 1, 2, 3"


class Plant:
    """A database with four points of two devices and two rules."""

    def __init__(self, postgres: Any) -> None:
        credentials = postgres.make_database()
        self.connection: psycopg.Connection[Any] = postgres.operator(credentials.dbname)
        register_arrays(self.connection)
        self.connection.execute("SET search_path = millrace")
        self.connection.execute(
            "INSERT INTO point (path, type) SELECT 'a/b/c/d/e/m' || n / 2 || '/t' || n, 'number' "
            "FROM generate_series(1, 4) AS n"
        )
        self.connection.execute("INSERT INTO alarm_rule (name, definition) VALUES ('a', '{}'), ('b', '{}')")
        found = self.connection.execute("SELECT id, path FROM point ORDER BY id").fetchall()
        self.paths = ["", *(path for _, path in found)]  # the slot of a point is its number
        self.connection.execute("SET ROLE millrace_writer")

    def watch(self) -> Watch:
        rules = [
            Watched(1, 1, ALL, Limit(high=5.0, deadband=1.0, on_delay=60), 0, FOREVER),
            Watched(2, 1, ALL, Deviation(limit=1, bin=60, on_delay=0, off_delay=0), 0, FOREVER),
        ]
        return Watch(rules, self.paths)

    def take(self, watch: Watch, batch: tuple[Rows, Int64], *, fails: bool = False) -> None:
        """A batch's transaction."""
        with self.connection.transaction(force_rollback=fails):
            outcome = watch.judge(*batch, lambda devices: states_of(self.connection, devices, watch.keys))
            write(self.connection, outcome, "readings", "shardId-000000000000")

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode()).fetchall()


@pytest.fixture
def plant(postgres: Any) -> Iterator[Plant]:
    made = Plant(postgres)
    yield made
    made.connection.close()


@pytest.fixture
def other(postgres: Any) -> Iterator[Plant]:
    made = Plant(postgres)
    yield made
    made.connection.close()


def batches() -> list[tuple[Rows, Int64]]:
    """Six days of ten minutes a reading, one record each, in batches of any size."""
    chance = random.Random(7)
    readings = [
        (point, BEGAN + step * 10 * MINUTE, chance.choice([0.0, 1.0, 4.5, 9.0]) + lift(step), point == 4)
        for step in range(6 * 144)
        for point in range(1, 5)
    ]
    divided = []
    while readings:
        size = chance.randint(1, 400)
        divided.append(batch(readings[:size]))
        readings = readings[size:]
    return divided


def lift(step: int) -> float:
    """Some hours of the fifth day are otherwise than the days before."""
    return 20.0 if 600 < step < 650 else 0.0


def batch(readings: list[tuple[int, int, float, bool]]) -> tuple[Rows, Int64]:
    count = len(readings)
    point, ts, value, history = zip(*readings, strict=True)
    columns = Columns(
        slot=np.array(point, np.int32),
        record=np.arange(count, dtype=np.int64),
        ts=np.array(ts, np.int64),
        seq=np.arange(count, dtype=np.int64),
        quality=np.full(count, 192, np.int16),
        status=np.full(count, -1, np.int64),
        kind=np.zeros(count, np.int8),
        number=np.array(value, np.float64),
        hist=np.array(history, np.bool_),
        text=None,
        extra=None,
    )
    return sorted_rows(np.array(point, np.int32), columns), columns.ts


def test_rollbacks_repetitions_and_new_owners_leave_the_same_events(plant: Plant, other: Plant) -> None:
    # Given an owner who is never disturbed
    calm, harmed = plant, other
    watch = calm.watch()
    for one in batches():
        calm.take(watch, one)

    # When another one's transactions fail, batches come again, and owners change
    chance = random.Random(8)
    watch = harmed.watch()
    for one in batches():
        harm = chance.choice(["none", "fails", "again", "taken over"])
        if "fails" in harm:
            harmed.take(watch, one, fails=True)
        if harm in {"fails", "taken over"}:
            watch = harmed.watch()
        harmed.take(watch, one)
        if harm == "again":
            harmed.take(watch, one)

    # Then events and states are the same, and there are some of each kind
    events = harmed.rows(EVENTS)
    assert events == calm.rows(EVENTS)
    assert harmed.rows(STATES) == calm.rows(STATES)
    assert {(event[0], event[8]) for event in events} == {(1, False), (1, True), (2, False), (2, True)}


def test_an_event_stands_until_it_is_cleared(plant: Plant) -> None:
    watch = plant.watch()
    values = [9.0, 9.0, 0.0, 9.0, 9.0]
    for step, value in enumerate(values):
        plant.take(watch, batch([(1, BEGAN + step * MINUTE, value, False)]))
    assert plant.rows(
        "SELECT extract(minute FROM started_at)::int, extract(minute FROM raised_at)::int, "
        "extract(minute FROM ended_at)::int, value FROM alarm_event WHERE rule = 1 ORDER BY started_at"
    ) == [(0, 1, 2, 9.0), (3, 4, None, 9.0)]


def test_raised_and_cleared_in_one_batch_are_paired_by_their_times(plant: Plant) -> None:
    values = [9.0, 9.0, 0.0, 9.0, 9.0, 0.0]
    readings = [(1, BEGAN + step * MINUTE, value, False) for step, value in enumerate(values)]
    plant.take(plant.watch(), batch(readings))
    assert plant.rows(
        "SELECT extract(minute FROM started_at)::int, extract(minute FROM ended_at)::int "
        "FROM alarm_event WHERE rule = 1 ORDER BY started_at"
    ) == [(0, 2), (3, 5)]


def test_what_a_version_raised_ends_where_the_next_begins(plant: Plant) -> None:
    # Given an alarm that stands under the first version of a rule
    plant.take(plant.watch(), batch([(1, BEGAN + step * MINUTE, 9.0, False) for step in range(2)]))
    version = (
        "INSERT INTO alarm_rule_version (rule, version, path, definition, enabled, applies_from) "
        "VALUES (1, {}, 'a/*/*/*/*/*/*', '{{}}', {}, '{}')"
    )
    plant.connection.execute("RESET ROLE")
    plant.connection.execute(version.format(1, "true", "2026-02-01Z").encode())
    said = "SELECT rule, path, standing, extract(day FROM cleared_at)::int FROM alarms"
    assert plant.rows(said) == [("a", plant.paths[1], True, None)]

    # When the rule is switched off from the next day on
    plant.connection.execute(version.format(2, "false", "2026-03-02Z").encode())

    # Then it stands no more
    assert plant.rows(said) == [("a", plant.paths[1], False, 2)]


def test_a_new_version_raises_the_same_by_the_same_readings_and_the_old_one_s_end_stays(plant: Plant) -> None:
    # Given a rule that is changed, and readings that come again afterwards
    change = BEGAN + 10 * MINUTE
    versions = [(1, 0, change), (2, change, FOREVER)]
    watch = Watch([Watched(1, n, ALL, Limit(high=5.0), *when) for n, *when in versions], plant.paths)
    plant.take(watch, batch([(1, BEGAN, 9.0, False), (1, BEGAN + MINUTE, 0.0, False)]))
    again, _ = batch([(1, BEGAN, 9.0, False)])
    plant.take(watch, (again, np.array([change])))

    # Then either version has its alarm, with its own end
    said = "SELECT version, extract(minute FROM ended_at)::int FROM alarm_event ORDER BY version"
    assert plant.rows(said) == [(1, 1), (2, None)]
    plant.take(watch, batch([(1, BEGAN + 11 * MINUTE, 0.0, False)]))
    assert plant.rows(said) == [(1, 1), (2, 11)]


def test_where_history_and_today_raise_one_alarm_it_is_today_s(plant: Plant) -> None:
    hot = [(1, BEGAN + step * MINUTE, 9.0, True) for step in range(2)]
    watch = plant.watch()
    said = "SELECT history, ended_at IS NULL FROM alarm_event WHERE rule = 1"
    plant.take(watch, batch(hot))
    assert plant.rows(said) == [(True, True)]
    plant.take(watch, batch([(point, ts, value, False) for point, ts, value, _ in hot]))
    assert plant.rows(said) == [(False, True)]

    # And what history says of it afterwards is not heard
    plant.take(watch, batch([(1, BEGAN + 2 * MINUTE, 0.0, True)]))
    assert plant.rows(said) == [(False, True)]
    plant.take(watch, batch([(1, BEGAN + 3 * MINUTE, 0.0, False)]))
    assert plant.rows(said) == [(False, False)]


def test_raised_anew_within_one_moment_it_is_one_alarm_that_stands(plant: Plant) -> None:
    watch = Watch([Watched(1, 1, ALL, Limit(high=5.0), 0, FOREVER)], plant.paths)
    plant.take(watch, batch([(1, BEGAN, value, False) for value in (9.0, 0.0, 8.0)]))
    said = "SELECT value, ended_at IS NULL FROM alarm_event"
    assert plant.rows(said) == [(9.0, True)]
    plant.take(watch, batch([(1, BEGAN + MINUTE, 0.0, False)]))
    assert plant.rows(said) == [(9.0, False)]
