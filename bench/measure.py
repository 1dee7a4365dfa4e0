"""Two ways of doing one thing, timed in turn: a shared machine's noise then falls on both alike.

A figure alone says nothing on such a machine; a ratio of medians from one run does.
"""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

RUNS = 5


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the clock and seconds of processor time, this process and its ended children."""

    wall: float
    cpu: float


class Row(msgspec.Struct, frozen=True):
    """One line of the table. A ratio above 1 always means that ours is better."""

    name: str
    ours: float
    against: str
    theirs: float
    unit: str
    ratio: float
    goal: float | None
    runs: int
    ours_cpu_seconds: float
    theirs_cpu_seconds: float


@dataclass(frozen=True)
class Way:
    """One way of doing the work: its name, and one run of it."""

    name: str
    run: Callable[[], object]


def in_turn(
    name: str, ours: Way, theirs: Way, *, amount: int | None = None, unit: str = "s",
    goal: float | None = None, runs: int = RUNS,
) -> Row:
    """Run A B A B … `runs` times each, after one unmeasured run of both, and compare the medians.

    `amount` is how many things one run handles: the figures are then things a second.
    """
    ours.run()
    theirs.run()
    pairs = [(once(ours), once(theirs)) for _ in range(runs)]
    mine, other = (statistics.median(pair[side].wall for pair in pairs) for side in (0, 1))
    mine_cpu, other_cpu = (statistics.median(pair[side].cpu for pair in pairs) for side in (0, 1))
    return Row(
        name=name,
        ours=amount / mine if amount else mine,
        against=theirs.name,
        theirs=amount / other if amount else other,
        unit=unit,
        ratio=other / mine,
        goal=goal,
        runs=runs,
        ours_cpu_seconds=mine_cpu,
        theirs_cpu_seconds=other_cpu,
    )


def once(way: Way) -> Sample:
    """Time one run."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    way.run()
    return Sample(time.perf_counter() - wall, cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """User and system time so far, of this process and of the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
