from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processor.columns import Columns
from processor.rollup import HOUR, MINUTE, Rollup, roll_up, widened
from processor.storage.rows import Rows, sorted_rows


def rows(*readings: tuple[int, int, float, int]) -> Rows:
    """(point, ts, number, quality)"""
    count = len(readings)
    point, ts, number, quality = zip(*readings, strict=True)
    columns = Columns(
        slot=np.zeros(count, np.int32),
        record=np.arange(count, dtype=np.int64),
        ts=np.array(ts, np.int64),
        seq=np.arange(count, dtype=np.int64),
        quality=np.array(quality, np.int16),
        status=np.full(count, -1, np.int64),
        kind=np.zeros(count, np.int8),
        number=np.array(number, np.float64),
        hist=np.zeros(count, np.bool_),
        text=None,
        extra=None,
    )
    return sorted_rows(np.array(point, np.int32), columns)


def listed(rollup: Rollup) -> dict[str, list[Any]]:
    return {name: getattr(rollup, name).tolist() for name in rollup.__dataclass_fields__}


def test_each_point_and_bucket_has_its_row() -> None:
    given = rows((2, MINUTE, 5, 192), (1, 1, 3, 192), (1, 0, 1, 64), (1, 2, 2, 192), (1, 3, 99, 0))
    assert listed(roll_up(given, MINUTE)) == {
        "point": [1, 2],
        "bucket": [0, MINUTE],
        "n": [4, 1],
        "n_bad": [1, 0],
        "sum": [6.0, 5.0],
        "sumsq": [14.0, 25.0],
        "min": [1.0, 5.0],
        "max": [3.0, 5.0],
        "first": [1.0, 5.0],
        "last": [2.0, 5.0],
        "first_at": [0, MINUTE],
        "last_at": [2, MINUTE],
    }


def test_a_bucket_without_a_usable_number_has_none() -> None:
    rollup = roll_up(rows((1, 0, 7, 0), (1, 1, np.nan, 192)), HOUR)
    assert (rollup.n.tolist(), rollup.n_bad.tolist()) == ([2], [2])
    assert np.isnan([rollup.sum, rollup.min, rollup.max, rollup.first, rollup.last]).all()


def test_of_two_at_one_timestamp_the_smaller_is_first_whatever_their_order() -> None:
    for pair in ((9.0, 4.0), (4.0, 9.0)):
        rollup = roll_up(rows(*((1, 5, value, 192) for value in pair)), MINUTE)
        assert (rollup.first.tolist(), rollup.last.tolist()) == ([4.0], [9.0])


def test_buckets_before_1970_begin_where_they_should() -> None:
    assert roll_up(rows((1, -1, 1, 192)), MINUTE).bucket.tolist() == [-MINUTE]


def test_sums_that_overflow_are_infinite_and_warn_nobody() -> None:
    rollup = roll_up(rows((1, 0, 1.7e308, 192), (1, 1, 1.7e308, 192)), MINUTE)
    assert (rollup.sum.tolist(), rollup.sumsq.tolist()) == ([np.inf], [np.inf])


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 3 * HOUR), st.integers(-9, 9), st.sampled_from([192, 0])),
        min_size=1,
    )
)
def test_hours_of_minutes_are_hours_of_readings(readings: list[tuple[int, int, float, int]]) -> None:
    given = rows(*readings)
    hours = roll_up(given, HOUR)
    of_minutes = widened(roll_up(given, MINUTE), HOUR)
    some = hours.n > hours.n_bad
    for name, column in vars(hours).items():
        counted = some if name.endswith("_at") else slice(None)
        np.testing.assert_array_equal(getattr(of_minutes, name)[counted], column[counted])
    assert hours.n.sum() == len(readings)
