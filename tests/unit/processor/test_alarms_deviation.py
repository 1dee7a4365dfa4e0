"""The defaults of `deviation` on simulated machines: five minutes a reading, four weeks."""

import numpy as np
import pytest

from processor.alarms.definition import Deviation
from processor.alarms.detectors import fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.segments import Segments
from processor.columns import Float64

STEP = 300_000_000  # µs
A_DAY = 288  # readings
DAYS = 28
FAILS = 24 * A_DAY  # where those that fail begin to

COUNT = DAYS * A_DAY
PLACE = np.arange(COUNT)
CHANCE = np.random.default_rng(20260101)
CYCLE = 6.0 * np.sin(2 * np.pi * PLACE / A_DAY)
WEEKEND = np.where(PLACE // A_DAY % 7 >= 5, -8.0, 0.0)


def wandering(width: float) -> Float64:
    """Noise that remembers an hour, as temperatures do."""
    noise = CHANCE.normal(0.0, 1.0, COUNT)
    for place in range(1, COUNT):
        noise[place] += noise[place - 1] * 11 / 12
    steady: Float64 = 70.0 + width * noise / noise.std()
    return steady


def failing(how: Float64) -> Float64:
    """`how` it goes on from FAILS, added to a machine that was well."""
    value = wandering(2.0)
    value[FAILS:] += how
    return value


SINCE = np.arange(COUNT - FAILS)
MACHINES = {
    "well": wandering(2.0),
    "well, but noisy": wandering(9.0),
    "well, with days": wandering(1.0) + CYCLE,
    "well, with days and weekends": wandering(1.0) + CYCLE + WEEKEND,
    "well, and never moving": np.full(COUNT, 70.0),
    "well, with a spike of one reading": failing(np.where(SINCE == 10, 40.0, 0.0)),
    "sinks within a minute": failing(np.full(len(SINCE), -30.0)),
    "sinks within a day": failing(-np.minimum(SINCE * 40.0 / A_DAY, 40.0)),
    "rises within two days": failing(np.minimum(SINCE * 20.0 / A_DAY, 40.0)),
    "sinks from its cycle": wandering(1.0) + CYCLE - np.where(PLACE >= FAILS, 25.0, 0.0),
}


@pytest.fixture(scope="module")
def told() -> Judgement:
    points = np.arange(len(MACHINES), dtype=np.int32)
    readings = Readings(
        point=np.repeat(points, COUNT),
        ts=np.tile(PLACE * STEP, len(points)),
        seq=np.tile(PLACE, len(points)),
        value=np.concatenate(list(MACHINES.values())),
        record=np.tile(PLACE, len(points)),
        arrived=np.tile(PLACE * STEP, len(points)),
    )
    runs = Segments.of(readings.point.astype(np.int64), len(points))
    return judge(Deviation(), fresh(Deviation(), len(points)), readings, runs)


def raised_at(told: Judgement, machine: str) -> list[int]:
    """In readings since the start."""
    mine = told.raised & (told.run == list(MACHINES).index(machine))
    return [at // STEP for at in told.at[mine].tolist()]


@pytest.mark.parametrize("machine", [name for name in MACHINES if name.startswith("well")])
def test_who_is_well_raises_less_than_once_a_fortnight(told: Judgement, machine: str) -> None:
    assert len(raised_at(told, machine)) <= 1


@pytest.mark.parametrize(
    ("machine", "hours"),
    [
        ("sinks within a minute", 2),
        ("sinks within a day", 12),
        ("rises within two days", 24),
        ("sinks from its cycle", 14),
    ],
)
def test_who_fails_raises_in_time(told: Judgement, machine: str, hours: int) -> None:
    first, *_ = [at for at in raised_at(told, machine) if at >= FAILS]
    assert first - FAILS <= hours * 12


def test_a_failure_that_lasts_is_told_once(told: Judgement) -> None:
    assert len([at for at in raised_at(told, "sinks within a minute") if at >= FAILS]) == 1


def judged(values: list[Float64]) -> Judgement:
    """Of machines that are read at the same times; not a number: not read."""
    runs, value = np.repeat(np.arange(len(values)), COUNT), np.concatenate(values)
    there = np.isfinite(value)
    place = np.tile(PLACE, len(values))[there]
    readings = Readings(
        point=runs[there].astype(np.int32),
        ts=place * STEP,
        seq=place,
        value=value[there],
        record=place,
        arrived=place * STEP,
    )
    return judge(
        Deviation(), fresh(Deviation(), len(values)), readings, Segments.of(runs[there], len(values))
    )


def raises(values: list[Float64]) -> list[list[int]]:
    """Of each, in readings since the start."""
    told = judged(values)
    return [(told.at[told.raised & (told.run == run)] // STEP).tolist() for run in range(len(values))]


def test_nonsense_raises_nothing_and_a_failure_after_it_is_told() -> None:
    values = []
    for place in (0, 1, 100, 2 * A_DAY, 10 * A_DAY):
        for nonsense in (6553.5, -32768.0, 3.4e38, -1.7e308):
            values.append(failing(np.full(len(SINCE), -30.0)))
            values[-1][place] = nonsense
    for raised in raises(values):
        assert len(raised) == 1
        assert 0 <= raised[0] - FAILS <= 24


def test_nonsense_that_goes_on_does_not_blind_for_ever() -> None:
    value = failing(np.full(len(SINCE), -30.0))
    value[5 * A_DAY : 6 * A_DAY + 20] = 32767.0
    (raised,) = raises([value])
    assert any(0 <= at - FAILS <= 24 for at in raised)


def test_what_was_never_anything_but_zero_tells_by_its_first_step_how_far_it_goes() -> None:
    blip, shifts = np.zeros(COUNT), np.zeros(COUNT)
    blip[FAILS] = 0.01
    shifts[FAILS:] = np.where(SINCE % A_DAY < A_DAY // 3, 1500.0, 0.0)
    assert raises([blip, shifts]) == [[], []]


def test_a_machine_that_was_off_for_weeks_is_known_when_it_comes_back() -> None:
    value = wandering(2.0)
    value[8 * A_DAY : 22 * A_DAY] = np.nan
    assert raises([value]) == [[]]
