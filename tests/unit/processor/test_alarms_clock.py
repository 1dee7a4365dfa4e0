"""A device's clock is told from slow ways: by the least delay within a span."""

import numpy as np

from processor.alarms.definition import Clock
from processor.alarms.detectors import fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.segments import Segments

SECOND = 1_000_000
HOUR = 3600
RULE = Clock()

Heard = tuple[int, int]  # when a record arrived, and the time in its reading; seconds


def judged(heard: list[Heard], rule: Clock = RULE) -> Judgement:
    """Of one device, a reading a record."""
    arrived, ts = (np.array(column, np.int64) * SECOND for column in zip(*heard, strict=True))
    place = np.arange(len(heard))
    order = np.lexsort((place, ts))
    readings = Readings(
        point=np.zeros(len(heard), np.int32),
        ts=ts[order],
        seq=place[order],
        value=np.zeros(len(heard)),
        record=place[order],
        arrived=arrived[order],
    )
    return judge(rule, fresh(rule, 1), readings, Segments(np.array([len(heard)])))


def minutes(until: int, error: int, delay: int = 2) -> list[Heard]:
    """A reading a minute, until some hour, of a clock that is so many seconds ahead."""
    return [(at + delay, at + error) for at in range(0, until * HOUR, 60)]


def said(told: Judgement) -> list[tuple[bool, int]]:
    """Raised or not, and the hour."""
    return list(zip(told.raised.tolist(), (told.at // (HOUR * SECOND)).tolist(), strict=True))


def test_a_clock_that_is_ahead_is_told_when_the_span_is_over() -> None:
    told = judged(minutes(3, error=300))
    assert said(told) == [(True, 1)]
    assert told.figure.tolist() == [298.0]


def test_a_clock_in_the_zone_beside_is_behind() -> None:
    told = judged(minutes(3, error=-HOUR))
    assert said(told) == [(True, 1)]
    assert told.figure.tolist() == [-3602.0]


def test_a_clock_that_is_right_and_one_that_is_a_little_wrong_are_well() -> None:
    assert not len(judged(minutes(5, error=0)))
    assert not len(judged(minutes(5, error=100)))
    assert not len(judged(minutes(5, error=-900)))


def test_a_backlog_that_comes_within_the_span_is_no_wrong_clock() -> None:
    # Given two hours without a way, and then all of it in ten minutes, followed by what is new
    well = minutes(4, error=0)
    heard = [(at, ts) if not HOUR <= ts < 3 * HOUR else (3 * HOUR + ts // 60, ts) for at, ts in well]
    assert not len(judged(heard))


def test_one_reading_of_the_future_tells_of_its_clock() -> None:
    heard = [*minutes(1, error=0), (HOUR + 10, HOUR + 310), (2 * HOUR + 400, 2 * HOUR + 400)]
    assert said(judged(heard)) == [(True, 2)]


def test_it_is_well_again_when_it_is_back_by_half() -> None:
    errors = [300, 100, 50]
    heard = [
        (hour * HOUR + at, hour * HOUR + at + error)
        for hour, error in enumerate(errors)
        for at in range(400, 3600, 60)
    ]
    heard.append((3 * HOUR + 400, 3 * HOUR + 400))
    assert said(judged(heard)) == [(True, 1), (False, 3)]


def test_a_stamp_of_arrival_that_goes_back_opens_no_span_again() -> None:
    told = judged([(HOUR - 1, 0), (HOUR + 1, 1), (HOUR - 2, 2), (HOUR + 3, HOUR + 3)], Clock(behind=1))
    assert said(told) == [(True, 1)]
