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
