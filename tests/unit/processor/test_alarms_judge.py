from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.faults.plain import Change, Plain
from processor.alarms.definition import Clock, Definition, Deviation, Limit, Rate, Silence, Stuck
from processor.alarms.detectors import fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.segments import Segments

SECOND = 1_000_000
HOUR = 3600

Reading = tuple[int, int, int, float]  # point, ts in seconds, seq, value


class Record(NamedTuple):
    """When it reached the stream, in seconds, and what it brought."""

    arrived: int
    readings: list[Reading]


RULES: list[Definition] = [
    Limit(high=5.0, low=-5.0, deadband=1.0, on_delay=20, off_delay=40),
    Limit(high=2.0),
    Rate(most=60.0, span=60, on_delay=60, off_delay=120),
    Stuck(within=30, off_delay=15),
    Silence(within=100),
    Silence(within=100, off_delay=150),
    Clock(ahead=60, behind=120, span=100, on_delay=0, off_delay=300),
    Deviation(limit=1.0, bin=60, on_delay=0, off_delay=120),
    Deviation(),
]


def readings_of(records: list[Record]) -> tuple[Readings, Segments]:
    """As a batch of these records brings them: of two with one key the first stays."""
    rows: dict[tuple[int, int, int], tuple[float, int]] = {}
    for place, record in enumerate(records):
        for point, ts, seq, value in record.readings:
            rows.setdefault((point, ts, seq), (value, place))
    keys = sorted(rows)
    points = np.array([key[0] for key in keys], np.int32)
    brought = np.array([rows[key][1] for key in keys], np.int64)
    readings = Readings(
        point=points,
        ts=np.array([key[1] for key in keys], np.int64) * SECOND,
        seq=np.array([key[2] for key in keys], np.int64),
        value=np.array([rows[key][0] for key in keys], np.float64),
        record=brought,
        arrived=np.array([record.arrived for record in records], np.int64)[brought] * SECOND,
    )
    return readings, Segments.of(points.astype(np.int64), 5)


def judged(rule: Definition, batches: list[list[Record]]) -> tuple[dict[int, list[Change]], bytes]:
    """Each point's changes, and the states after all, batch by batch."""
    states = fresh(rule, 5)
    changes: dict[int, list[Change]] = {}
    for batch in batches:
        told = judge(rule, states, *readings_of(batch))
        states = told.states
        for place in range(len(told)):
            changes.setdefault(int(told.run[place]), []).append(change(told, place))
    return changes, states.tobytes()


def change(told: Judgement, place: int) -> Change:
    return bool(told.raised[place]), int(told.at[place]), int(told.since[place])


def plain(rule: Definition, records: list[Record]) -> dict[int, list[Change]]:
    points = {point: Plain(rule) for point in range(1, 5)}
    for record in records:
        for point, one in points.items():
            mine = [(ts * SECOND, seq, value) for p, ts, seq, value in record.readings if p == point]
            one.record(mine, record.arrived * SECOND)
    return {point: one.changes for point, one in points.items() if one.changes}


@st.composite
def streams(draw: st.DrawFn) -> list[Record]:
    """Records of four points, some steps wide and some back, with repetitions; arrivals as wild."""
    step = draw(st.sampled_from([5, 30, 90, HOUR, 7 * HOUR]))
    clock, arrived, records = 0, 1000, list[Record]()
    for _ in range(draw(st.integers(1, 20))):
        arrived += draw(st.sampled_from([0, 1, 30, 90, 200, 500, -1, -40]))
        readings: list[Reading] = []
        for _ in range(draw(st.integers(1, 4))):
            clock += draw(st.sampled_from([0, 1, 1, 1, 2, -1])) * step
            value = draw(st.sampled_from([0.0, 0.1, 0.3, 4.5, 5.5, -6.0, 7.25, 1e308]))
            readings.append((draw(st.integers(1, 4)), clock, draw(st.integers(0, 2)), value))
        records.append(Record(arrived, readings))
        if draw(st.integers(0, 9)) == 0:
            again = records[draw(st.integers(0, len(records) - 1))].readings
            records.append(Record(arrived, again))
    return records


def divided(records: list[Record], borders: set[int]) -> list[list[Record]]:
    ends = sorted({0, len(records)} | {border for border in borders if border < len(records)})
    return [records[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@settings(max_examples=40, deadline=None)
@given(records=streams(), borders=st.sets(st.integers(1, 20)))
def test_any_batching_changes_nothing_and_says_what_reading_by_reading_says(
    rule: Definition, records: list[Record], borders: set[int]
) -> None:
    whole, state = judged(rule, [records])
    assert judged(rule, divided(records, borders)) == (whole, state)
    assert whole == plain(rule, records)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@settings(max_examples=10, deadline=None)
@given(records=streams(), again=st.integers(0, 20))
def test_records_that_are_sent_again_change_nothing(
    rule: Definition, records: list[Record], again: int
) -> None:
    once = judged(rule, [records])
    assert judged(rule, [records, records[again:]]) == once


def apart(*readings: Reading) -> list[Record]:
    """Each in a record of its own, which arrives when it was measured."""
    return [Record(reading[1], [reading]) for reading in readings]


def test_nothing_given_is_changed() -> None:
    rule = Stuck(within=1)
    states = fresh(rule, 5)
    before = states.tobytes()
    judge(rule, states, *readings_of(apart((1, 0, 0, 1.0), (1, 2, 0, 1.0))))
    assert states.tobytes() == before


def test_late_readings_are_counted_and_move_nothing() -> None:
    rule = Limit(high=1.0)
    told = judge(rule, fresh(rule, 5), *readings_of(apart((1, 9, 0, 0.0), (1, 8, 0, 5.0))))
    assert (told.late, len(told)) == (1, 0)


def test_within_one_record_the_order_is_free() -> None:
    rule = Limit(high=1.0)
    told = judge(rule, fresh(rule, 5), *readings_of([Record(0, [(1, 9, 0, 0.0), (1, 8, 0, 5.0)])]))
    assert (told.late, told.raised.tolist(), told.at.tolist()) == (0, [True, False], [8 * SECOND, 9 * SECOND])


def stuck(*readings: Reading) -> list[tuple[bool, int, int]]:
    rule = Stuck(within=30)
    told = judge(rule, fresh(rule, 5), *readings_of(apart(*readings)))
    return [
        (raised, at // SECOND, since // SECOND)
        for raised, at, since in (change(told, place) for place in range(len(told)))
    ]


def test_a_stuck_sensor_is_told_with_the_time_since_when_it_is() -> None:
    assert stuck((1, 0, 0, 5.0), *((1, at, 0, 7.0) for at in range(10, 60, 10))) == [(True, 40, 10)]


def test_who_comes_back_with_the_value_that_was_the_last_is_not_stuck() -> None:
    assert stuck((1, 0, 0, 0.0), (1, 1000, 0, 0.0), (1, 1020, 0, 0.0)) == []
    assert stuck((1, 0, 0, 0.0), (1, 1000, 0, 0.0), (1, 1020, 0, 0.0), (1, 1030, 0, 0.0)) == [
        (True, 1030, 1000)
    ]


def test_what_is_told_of_the_largest_numbers_is_finite() -> None:
    # Sums of these are infinite, and so are differences of their means
    values = [0.0, 1e308, 1e308, -1e308, -1e308, 0.0, 1e308, 1e308, 1e308, 0.0]
    records = apart(*((1, 20 * place, 0, value) for place, value in enumerate(values)))
    rule = Rate(most=1, span=40)
    told = judge(rule, fresh(rule, 5), *readings_of(records))
    assert len(told)
    assert np.isfinite(told.figure).all()
