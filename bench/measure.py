"""Two ways of doing one thing, timed in turn: a shared machine's noise then falls on both alike.

A figure alone says nothing on such a machine; a ratio of medians from one run does.
"""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

RUNS = 5  # fewer have no median worth the name
MILLION = 1_000_000


@dataclass(frozen=True)
class Options:
    """How much is measured: runs of each way, and the readings that one run carries."""

    runs: int
    readings: int


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the clock and seconds of processor time, this process and its ended children."""

    wall: float
    cpu: float


class Row(msgspec.Struct, frozen=True):
    """One line of the table. A ratio above 1 always means that ours is better; against a limit, near 1 is.

    `ours` and `theirs` are medians in `unit`: seconds a run, or things a second. The processor time is
    seconds a run, or seconds a million things; servers that run apart are not in it.
    """

    name: str
    ours: float
    against: str
    theirs: float
    unit: str
    ratio: float
    goal: float | None
    runs: int
    ours_cpu: float
    theirs_cpu: float
    cpu_unit: str


def nothing() -> None:
    """What comes before or after a run that needs nothing."""


@dataclass(frozen=True)
class Way:
    """One way of doing the work.

    Only `run` is measured; `before` makes what it needs anew, `after` checks what it did and clears it away.
    `amount` is how many things one run handles; None: the run itself is the thing.
    """

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = nothing
    after: Callable[[], object] = nothing
    amount: int | None = None


def cpu_seconds() -> float:
    """User and system time so far, of this process and of the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass(frozen=True)
class Clock:
    """Seconds that pass and seconds of work; only differences matter."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = cpu_seconds


CLOCK = Clock()


def in_turn(
    name: str,
    ours: Way,
    theirs: Way,
    *,
    runs: int = RUNS,
    things: str = "things",
    goal: float | None = None,
    clock: Clock = CLOCK,
) -> Row:
    """Run A B A B … `runs` times each, after one unmeasured run of both, and compare the medians.

    With amounts the two may differ in size: the figures are things a second, and the ratio is that of the
    rates. Raises ValueError when only one way has an amount.
    """
    if (ours.amount is None) != (theirs.amount is None):
        raise ValueError(f"{name}: both ways need an amount, or neither; give {theirs.name!r} the same kind")
    once(ours, clock)
    once(theirs, clock)
    pairs = [(once(ours, clock), once(theirs, clock)) for _ in range(runs)]
    mine = _median([pair[0] for pair in pairs], ours.amount)
    other = _median([pair[1] for pair in pairs], theirs.amount)
    counted = ours.amount is not None
    return Row(
        name=name,
        ours=1 / mine.wall if counted else mine.wall,
        against=theirs.name,
        theirs=1 / other.wall if counted else other.wall,
        unit=f"{things}/s" if counted else "s",
        ratio=other.wall / mine.wall,
        goal=goal,
        runs=runs,
        ours_cpu=mine.cpu * (MILLION if counted else 1),
        theirs_cpu=other.cpu * (MILLION if counted else 1),
        cpu_unit=f"s/million {things}" if counted else "s",
    )


def once(way: Way, clock: Clock = CLOCK) -> Sample:
    """Time one run, without what comes before and after it."""
    way.before()
    wall, cpu = clock.wall(), clock.cpu()
    way.run()
    sample = Sample(clock.wall() - wall, clock.cpu() - cpu)
    way.after()
    return sample


def _median(samples: list[Sample], amount: int | None) -> Sample:
    """The middle run, for one thing."""
    things = amount or 1
    return Sample(
        statistics.median(sample.wall for sample in samples) / things,
        statistics.median(sample.cpu for sample in samples) / things,
    )
