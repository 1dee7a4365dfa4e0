"""A silence is told while it lasts, and the same is told when nobody looks until it is over."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.faults.plain import Change, Plain
from processor.alarms.definition import Silence
from processor.alarms.detectors import fresh
from processor.alarms.judge import judge
from processor.alarms.silence import NOTHING_DUE, due, lapse
from processor.alarms.steps import State
from processor.alarms.watchman import Look
from tests.unit.processor.test_alarms_judge import SECOND, Record, apart, change, readings_of, streams

FOREVER = 2**62
AFTER_ALL = 10**9  # seconds: after every record of a stream
RULES = [Silence(within=100), Silence(within=100, off_delay=150)]


class Watched:
    """Five points under a rule: what is said of them, and what is remembered."""

    def __init__(self, rule: Silence) -> None:
        self.rule = rule
        self.states = fresh(rule, 5)
        self.changes: dict[int, list[Change]] = {}
        self.values: list[tuple[int, int, float, float]] = []

    def take(self, records: list[Record]) -> None:
        told = judge(self.rule, self.states, *readings_of(records))
        self.states = told.states
        for place in range(len(told)):
            self.changes.setdefault(int(told.run[place]), []).append(change(told, place))
            if told.raised[place]:
                point, at = int(told.run[place]), int(told.at[place])
                self.values.append((point, at, float(told.value[place]), float(told.figure[place])))

    def look(self, seen: int, until: int = FOREVER) -> None:
        lapsed = lapse(self.rule, self.states, seen, until)
        self.states = lapsed.states
        for place, point in enumerate(lapsed.place.tolist()):
            said = (True, int(lapsed.at[place]), int(lapsed.since[place]))
            self.changes.setdefault(point, []).append(said)
            shown, waited = float(lapsed.value[place]), float(lapsed.figure[place])
            self.values.append((point, said[1], shown, waited))


def remembered(states: State) -> bytes:
    return states.tobytes()


@pytest.mark.parametrize("rule", RULES, ids=["at once", "with an off-delay"])
@settings(max_examples=60, deadline=None)
@given(
    records=streams(), borders=st.sets(st.integers(1, 20)), early=st.lists(st.integers(0, 300), min_size=21)
)
def test_whoever_looks_and_whenever_the_same_is_said(
    rule: Silence, records: list[Record], borders: set[int], early: list[int]
) -> None:
    # Given what is said when nobody looks before all is read
    calm = Watched(rule)
    calm.take(records)
    calm.look(AFTER_ALL * SECOND)

    # When the records come in batches, and between them somebody looks who knows how far they have come
    watched = Watched(rule)
    ends = sorted({0, len(records)} | {border for border in borders if border < len(records)})
    for start, end in pairwise(ends):
        coming = min(record.arrived for record in records[start:])
        watched.look((coming - early[start]) * SECOND - 1)
        watched.take(records[start:end])
    watched.look(AFTER_ALL * SECOND)

    # Then all is the same: what is said, with which values, and what is remembered
    assert watched.changes == calm.changes
    assert sorted(watched.values) == sorted(calm.values)
    assert remembered(watched.states) == remembered(calm.states)

    # And the plain one says it, too
    points = {point: Plain(rule) for point in range(1, 5)}
    for record in records:
        for point, one in points.items():
            mine = [(ts * SECOND, seq, value) for p, ts, seq, value in record.readings if p == point]
            one.record(mine, record.arrived * SECOND)
    for one in points.values():
        one.look(AFTER_ALL * SECOND)
    assert calm.changes == {point: one.changes for point, one in points.items() if one.changes}


@settings(max_examples=40, deadline=None)
@given(records=streams(), looks=st.lists(st.integers(-200, 3000), min_size=20, max_size=20))
def test_a_stamp_from_before_what_was_seen_ends_an_alarm_and_never_before_it_began(
    records: list[Record], looks: list[int]
) -> None:
    watched = Watched(RULES[0])
    for record, seen in zip(records, looks, strict=False):
        watched.take([record])
        watched.look(seen * SECOND)
    for changes in watched.changes.values():
        assert [raised for raised, _, _ in changes] == [place % 2 == 0 for place in range(len(changes))]
        assert all(before[1] <= after[1] for before, after in pairwise(changes))


def test_a_dead_sensor_is_told_while_it_is_dead() -> None:
    watched = Watched(Silence(within=100))
    watched.take(apart((1, 0, 0, 7.0), (2, 0, 0, 1.0), (2, 90, 0, 1.0)))
    watched.look(99 * SECOND)
    assert watched.changes == {}
    watched.look(100 * SECOND)
    assert watched.changes == {1: [(True, 100 * SECOND, 0)]}
    assert watched.values == [(1, 100 * SECOND, 7.0, 100.0)]
    watched.take(apart((1, 400, 0, 8.0)))
    assert watched.changes == {1: [(True, 100 * SECOND, 0), (False, 400 * SECOND, 400 * SECOND)]}


def test_how_long_ago_a_reading_was_measured_does_not_count() -> None:
    watched = Watched(Silence(within=100))
    watched.take([Record(arrived, [(1, arrived - 10_000, 0, 1.0)]) for arrived in range(0, 500, 50)])
    watched.take([Record(550, [(1, 10**6, 0, 1.0)])])
    assert watched.changes == {}


def test_readings_that_are_late_for_all_detectors_are_no_sign_of_life() -> None:
    watched = Watched(Silence(within=100))
    watched.take([Record(0, [(1, 1000, 0, 1.0)]), *(Record(at, [(1, at, 0, 1.0)]) for at in (50, 100, 150))])
    watched.look(150 * SECOND)
    assert watched.changes == {1: [(True, 100 * SECOND, 0)]}


def test_what_would_become_silent_after_its_version_ended_is_not_told() -> None:
    watched = Watched(Silence(within=100))
    watched.take(apart((1, 0, 0, 7.0), (2, 50, 0, 7.0)))
    watched.look(1000 * SECOND, until=150 * SECOND)
    assert watched.changes == {1: [(True, 100 * SECOND, 0)]}


def test_each_point_is_due_until_it_is_told() -> None:
    rule = Silence(within=100)
    watched = Watched(rule)
    assert set(due(rule, watched.states).tolist()) == {NOTHING_DUE}
    watched.take(apart((1, 5, 0, 7.0)))
    assert due(rule, watched.states).tolist() == [NOTHING_DUE, 105 * SECOND, *[NOTHING_DUE] * 3]
    watched.look(200 * SECOND)
    assert np.all(due(rule, watched.states) == NOTHING_DUE)


def test_of_two_clocks_the_one_that_is_behind_says_how_far_was_read() -> None:
    asked = time.monotonic()
    ahead = Look(shard=1_000_000.0, stream=900_000.0, asked=asked).as_of(500.0)
    behind = Look(shard=400.0, stream=None, asked=asked).as_of(500.0)
    assert ahead.shard == ahead.stream == pytest.approx(500.0, abs=60)
    assert ahead.shard <= 500.0
    assert (behind.shard, behind.stream) == (400.0, None)
