"""Trials: what is told does not depend on pages or on the picture that is made beside it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.alarms.definition import Definition, Deviation, Limit, Rate, Silence, Stuck
from processor.alarms.labels import Found, Score, Window
from processor.alarms.order import Readings
from processor.alarms.outline import Sketch
from processor.alarms.series import Series, Span, moment
from processor.alarms.summary import Summary
from processor.alarms.trial import Course, Tried, trials
from processor.alarms.trial import tried as tried_together
from processor.columns import Float64

MINUTE = 60_000_000
DAY = 1440 * MINUTE
KINDS: list[Definition] = [
    Limit(high=1.0, deadband=0.5, on_delay=120),
    Rate(most=20.0, span=300),
    Stuck(within=600),
    Silence(within=300),
    Deviation(on_delay=60.0, off_delay=600.0),
]


def readings(ts: list[int], value: Float64) -> Readings:
    count = len(ts)
    return Readings(
        np.zeros(count, np.int32), np.array(ts), np.arange(count), value, np.arange(count), np.array(ts)
    )


def series(whole: Readings, cuts: list[int]) -> Series:
    def pages() -> Iterator[Readings]:
        borders = [0, *sorted(cuts), len(whole.ts)]
        for begin, end in pairwise(borders):
            yield whole.take(np.arange(begin, end))

    return Series("point", "Cel", pages())


def tried(one: Series, kind: Definition, sketch: Sketch | None = None, until: int | None = None) -> Tried:
    (alone,) = tried_together([one], kind, None if sketch is None else [sketch], until)
    return alone


def some(seed: int, count: int = 400) -> Readings:
    """Readings that give each kind something to tell."""
    chance = np.random.default_rng(seed)
    ts = np.cumsum(chance.integers(1, 60, count) * MINUTE).tolist()
    return readings(
        ts, np.round(chance.normal(0, 1, count), 0) + np.where(np.arange(count) > count - 50, 8.0, 0.0)
    )


@given(
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(0, 400), max_size=4),
    columns=st.integers(1, 700),
    kind=st.sampled_from(KINDS),
)
@settings(max_examples=60, deadline=None)
def test_neither_pages_nor_a_picture_change_what_is_told(
    seed: int, cuts: list[int], columns: int, kind: Definition
) -> None:
    whole = some(seed)
    span = Span(int(whole.ts[0]), int(whole.ts[-1]) + 1)

    plain = tried(series(whole, []), kind)
    drawn = tried(series(whole, cuts), kind, Sketch(kind, span, columns))

    assert drawn.alarms == plain.alarms
    assert replace(drawn.course, step=0) == replace(plain.course, step=0)
    assert drawn.outline is not None
    assert np.nanmin(drawn.outline.low) == whole.value.min()
    assert np.nanmax(drawn.outline.high) == whole.value.max()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("columns", [None, 50])
def test_points_that_are_tried_together_know_nothing_of_one_another(
    kind: Definition, columns: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.alarms.trial.TOGETHER", 3)
    points = [some(seed, count) for seed, count in enumerate((400, 0, 90, 399, 1))]
    span = Span(0, 3 * DAY)
    together = trials(
        [series(one, [min(77, len(one.ts))]) for one in points], kind, span, columns, span.until
    )
    alone = [tried(series(one, []), kind, until=span.until) for one in points]
    assert [one.alarms for one in together] == [one.alarms for one in alone]
    assert any(one.alarms for one in alone)


def test_an_outline_has_the_least_and_the_greatest_of_each_column() -> None:
    whole = readings([0, 1, 10, 39], np.array([1.0, 3.0, 2.0, -1.0]))
    outline = tried(series(whole, [1]), Limit(high=5.0), Sketch(Limit(high=5.0), Span(0, 40), 4)).outline
    assert outline is not None
    np.testing.assert_equal(outline.low, [1.0, 2.0, np.nan, -1.0])
    np.testing.assert_equal(outline.high, [3.0, 2.0, np.nan, -1.0])
    assert np.isnan(outline.centre).all()
    assert (outline.middles * 1e6).tolist() == pytest.approx([5, 15, 25, 35])


def test_a_band_is_there_once_it_is_learnt_and_holds_what_is_usual() -> None:
    minutes = np.arange(6 * 1440)
    whole = readings((minutes * MINUTE).tolist(), 70.0 + np.sin(minutes / 200))
    sketch = Sketch(Deviation(), Span(0, 6 * DAY), 6)
    outline = tried(series(whole, []), Deviation(), sketch).outline
    assert outline is not None
    assert np.isnan(outline.centre).tolist() == [True, True, True, False, False, False]
    assert outline.centre[3:] == pytest.approx(70, abs=0.1)
    assert (outline.reach[3:] > 1.5).all()


def test_the_course_names_the_longest_gap_over_pages() -> None:
    whole = readings([0, 10, 20, 50, 60], np.array([1.0, 5.0, 2.0, 2.0, 2.0]))
    assert tried(series(whole, [3]), Limit(high=9.0)).course == Course(5, 0, 60, 10, 30, 20, 1.0, 5.0)


def test_who_is_silent_at_the_end_is_told_where_the_end_is_known() -> None:
    whole = readings([0, MINUTE], np.array([1.0, 2.0]))
    assert tried(series(whole, []), Silence(within=300)).alarms == []
    (alarm,) = tried(series(whole, []), Silence(within=300), until=DAY).alarms
    assert (alarm.since, alarm.raised, alarm.cleared) == (moment(MINUTE), moment(6 * MINUTE), None)


def of(kind: Definition, whole: Readings) -> tuple[Summary, list[str]]:
    summary = Summary(kind, quiet=False)
    return summary, [*summary.add(tried(series(whole, []), kind)), *summary.lines()]


def test_a_summary_says_how_often_and_for_how_long() -> None:
    hours = np.arange(15 * 24)
    value = np.where((hours % 168 == 5) | (hours == 359), 90.0, 70.0)
    _, told = of(Limit(high=80.0), readings((hours * 60 * MINUTE).tolist(), value))
    assert told[0] == (
        "point: 360 readings from 1970-01-01T00:00:00Z to 1970-01-15T23:00:00Z, one every 1 h; 70 to 90 Cel"
    )
    assert told[-3:] == [
        "4 alarms would have been raised on 1 of 1 points, in 14 d 23 h, 1.9 a week",
        "they stood 1 h (median), 1 h at most",
        "1 alarm would stand at the end",
    ]


def test_a_deviation_that_had_no_time_to_learn_is_said() -> None:
    _, told = of(Deviation(), readings([0, DAY], np.array([1.0, 2.0])))
    assert told[-1] == "a deviation says nothing in its first 3 d, and these readings span 1 d: begin earlier"


def test_points_without_readings_or_alarms() -> None:
    summary = Summary(Limit(high=1.0), quiet=True)
    assert list(summary.add(Tried("quiet", "", [], Course(), None))) == []
    assert list(summary.lines()) == ["0 alarms would have been raised on 0 of 1 points, in 0 s"]
    assert list(Summary(Limit(high=1.0), quiet=False).add(Tried("x", "", [], Course(), None))) == [
        "x: no readings"
    ]


@pytest.mark.parametrize(("kind", "asks"), [(Limit(high=1.0), True), (Stuck(within=60), False)])
def test_one_figure_for_many_units_is_asked_about(kind: Definition, asks: bool) -> None:
    summary = Summary(kind, quiet=True)
    for unit in ("Cel", "", "bar", "Cel"):
        assert list(summary.add(Tried("point", unit, [], Course(), None))) == []
    said = "these points are in more than one unit (Cel, bar): is one figure meant for all of them?"
    assert (said in list(summary.lines())) is asks


def test_a_score_is_told_stretch_by_stretch() -> None:
    summary, _ = of(Limit(high=80.0), readings([0, 14 * DAY], np.array([70.0, 70.0])))
    day = Window(moment(0), moment(DAY))
    score = Score([Found(day, moment(DAY // 4)), Found(day, moment(-1)), Found(day, None)], 3, outside=2)
    assert list(summary.scored(score)) == [
        "an alarm stood within 2 of 3 that are known; 3 other alarms, 1.5 a week",
        "  1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z  raised 6 h after it began",
        "  1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z  stood already when it began",
        "  1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z  missed",
        "2 stretches are outside these readings and not counted",
    ]
