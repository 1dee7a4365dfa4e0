from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.alarms.definition import Definition, Deviation, Limit, Rate, Silence, Stuck
from processor.alarms.detectors import fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.segments import Segments
from tests.unit.processor.plain_alarms import Change, Plain

SECOND = 1_000_000
HOUR = 3600

Reading = tuple[int, int, int, float]  # point, ts in seconds, seq, value
Record = list[Reading]

RULES: list[Definition] = [
    Limit(high=5.0, low=-5.0, deadband=1.0, on_delay=20, off_delay=40),
    Limit(high=2.0),
    Rate(most=60.0, span=60, on_delay=60, off_delay=120),
    Stuck(within=30, off_delay=15),
    Silence(within=100),
    Deviation(limit=1.0, bin=60, on_delay=0, off_delay=120),
    Deviation(),
]


def readings_of(records: list[Record]) -> tuple[Readings, Segments]:
    """As a batch of these records brings them: of two with one key the first stays."""
    rows: dict[tuple[int, int, int], tuple[float, int]] = {}
    for place, record in enumerate(records):
        for point, ts, seq, value in record:
            rows.setdefault((point, ts, seq), (value, place))
    keys = sorted(rows)
    points = np.array([key[0] for key in keys], np.int32)
    readings = Readings(
        point=points,
        ts=np.array([key[1] for key in keys], np.int64) * SECOND,
        seq=np.array([key[2] for key in keys], np.int64),
        value=np.array([rows[key][0] for key in keys], np.float64),
        record=np.array([rows[key][1] for key in keys], np.int64),
        arrived=np.array([key[1] for key in keys], np.int64) * SECOND,
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
            one.record([(ts * SECOND, seq, value) for p, ts, seq, value in record if p == point])
    return {point: one.changes for point, one in points.items() if one.changes}


@st.composite
def streams(draw: st.DrawFn) -> list[Record]:
    """Records of four points, some steps wide and some back, with repetitions."""
    step = draw(st.sampled_from([5, 30, 90, HOUR, 7 * HOUR]))
    clock, records = 0, list[Record]()
    for _ in range(draw(st.integers(1, 20))):
        record: Record = []
        for _ in range(draw(st.integers(1, 4))):
            clock += draw(st.sampled_from([0, 1, 1, 1, 2, -1])) * step
            value = draw(st.sampled_from([0.0, 0.1, 0.3, 4.5, 5.5, -6.0, 7.25, 1e308]))
            record.append((draw(st.integers(1, 4)), clock, draw(st.integers(0, 2)), value))
        records.append(record)
        if draw(st.integers(0, 9)) == 0:
            records.append(records[draw(st.integers(0, len(records) - 1))])
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


def test_nothing_given_is_changed() -> None:
    rule = Stuck(within=1)
    states = fresh(rule, 5)
    before = states.tobytes()
    judge(rule, states, *readings_of([[(1, 0, 0, 1.0)], [(1, 2, 0, 1.0)]]))
    assert states.tobytes() == before


def test_late_readings_are_counted_and_move_nothing() -> None:
    rule = Limit(high=1.0)
    told = judge(rule, fresh(rule, 5), *readings_of([[(1, 9, 0, 0.0)], [(1, 8, 0, 5.0)]]))
    assert (told.late, len(told)) == (1, 0)


def test_within_one_record_the_order_is_free() -> None:
    rule = Limit(high=1.0)
    told = judge(rule, fresh(rule, 5), *readings_of([[(1, 9, 0, 0.0), (1, 8, 0, 5.0)]]))
    assert (told.late, told.raised.tolist(), told.at.tolist()) == (0, [True, False], [8 * SECOND, 9 * SECOND])
