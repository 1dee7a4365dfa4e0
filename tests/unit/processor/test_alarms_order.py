import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processor.alarms.order import Readings, batch_of, in_order
from processor.alarms.segments import Segments
from processor.columns import Columns
from processor.storage.rows import Rows, distinct, sorted_rows

Reading = tuple[int, int, int, int]  # run, ts, seq, record


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 1), st.integers(0, 5)),
        max_size=30,
        unique_by=lambda reading: reading[:3],
    ),
    st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 1)), min_size=3, max_size=3),
)
def test_judged_is_what_follows_the_state_and_whatever_came_in_earlier_records(
    readings: list[Reading], states: list[tuple[int, int]]
) -> None:
    readings = sorted(readings)
    table = np.array(readings, np.int64).reshape(-1, 4)
    run, ts, seq, record = table.T
    given_readings = Readings(run.astype(np.int32), ts, seq, np.zeros(len(run)), record, ts)
    last_ts, last_seq = (np.array(column, np.int64) for column in zip(*states, strict=True))
    judged = in_order(given_readings, Segments.of(run, 3), last_ts, last_seq)
    assert judged.tolist() == [
        key > states[mine]
        and not any(other[0] == mine and other[1:3] > key and other[3] < came for other in readings)
        for mine, *rest, came in readings
        for key in [tuple(rest)]
    ]


def rows(*readings: tuple[int, int, float, int, bool]) -> Rows:
    """(point, ts, value, quality, history), one record each."""
    count = len(readings)
    point, ts, value, quality, history = zip(*readings, strict=True)
    columns = Columns(
        slot=np.zeros(count, np.int32),
        record=np.arange(count),
        ts=np.array(ts, np.int64),
        seq=np.zeros(count, np.int64),
        quality=np.array(quality, np.int16),
        status=np.full(count, -1, np.int64),
        kind=np.zeros(count, np.int8),
        number=np.array(value, np.float64),
        hist=np.array(history, np.bool_),
        text=None,
        extra=None,
    )
    return sorted_rows(np.array(point, np.int32), columns)


def test_of_one_key_the_first_good_reading_is_judged_whatever_the_table_takes() -> None:
    given_rows = rows((1, 5, 1.0, 0, False), (1, 5, 2.0, 192, False), (1, 5, 3.0, 192, False))
    assert distinct(given_rows).columns.number.tolist() == [1.0]
    batch = batch_of(given_rows, np.array([10, 20, 30]))
    assert batch.readings.value.tolist() == [2.0]
    assert batch.readings.arrived.tolist() == [20]


def test_a_point_and_its_history_are_two_subjects_each_in_its_order() -> None:
    given_rows = rows(
        (2, 1, 0.5, 192, False), (1, 9, 1.0, 192, True), (1, 3, 2.0, 192, False), (1, 4, np.nan, 192, False)
    )
    batch = batch_of(given_rows, np.zeros(4, np.int64))
    assert batch.subjects.tolist() == [2, 3, 4]
    assert batch.runs.lengths.tolist() == [1, 1, 1]
    assert batch.readings.value.tolist() == [2.0, 1.0, 0.5]


def test_of_a_batch_some_readings_are_taken_with_the_subjects_that_have_them() -> None:
    batch = batch_of(
        rows((1, 1, 1.0, 192, False), (2, 1, 2.0, 192, False), (2, 2, 3.0, 192, False)), np.zeros(3, np.int64)
    )
    part = batch.take(batch.readings.value > 1.5)
    assert (part.subjects.tolist(), part.runs.lengths.tolist()) == ([4], [2])
    assert batch.take(batch.readings.value > 9).subjects.tolist() == []
