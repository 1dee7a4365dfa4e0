"""Means over stretches of a point's own time: what slow detectors look at, whatever the rate of readings.

A bin is closed by the first reading of a later one, so its mean is known with that reading and not before.
Sums are added in the order of the readings, one by one, or the last bit would tell how they were batched.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.segments import Segments
from processor.columns import Bool, Float64, Int64

# Of the bin that is open. `n` 0: none yet.
BIN = [("bin", np.int64), ("n", np.int64), ("sum", np.float64)]
# The same where the least of whole numbers is asked for. `least` UNSEEN: none yet.
LEAST = [("bin", np.int64), ("least", np.int64)]
UNSEEN = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Open:
    """The open bin of each run."""

    bin: Int64
    n: Int64
    sum: Float64


@dataclass(frozen=True)
class Bins:
    """Closed bins, in runs. `at`: their end, µs since 1970; `closed_by`: the place of the closing reading."""

    runs: Segments
    at: Int64
    mean: Float64
    closed_by: Int64


@dataclass(frozen=True)
class OpenLeast:
    """The open bin of each run."""

    bin: Int64
    least: Int64


@dataclass(frozen=True)
class Leasts:
    """Closed bins, as `Bins`."""

    runs: Segments
    at: Int64
    least: Int64
    closed_by: Int64


@dataclass(frozen=True)
class _Grouped:
    """Open bins and readings by run and bin. `order`: how to put what is of both; then each bin, where it
    begins (`first`), its run, which it is, whether it stays open, the place of the reading it begins with."""

    order: Int64
    first: Int64
    run: Int64
    wide: Int64
    open: Bool
    place: Int64

    @property
    def closed(self) -> Int64:
        return np.flatnonzero(~self.open)


def close(before: Open, runs: Segments, ts: Int64, value: Float64, width: int) -> tuple[Open, Bins]:
    """Readings in order added to the open bins. width: in µs."""
    begun = runs.begun
    held = begun[before.n[begun] > 0]  # of what goes on, the open bin is a first reading of weight n
    bins = _grouped(held, before.bin, runs, ts // width)
    weight = np.concatenate([before.n[held], np.ones(len(ts), np.int64)])[bins.order]
    number = np.concatenate([before.sum[held], value])[bins.order]
    group = np.zeros(len(weight), np.int64)
    group[bins.first[1:]] = 1
    n = np.add.reduceat(weight, bins.first) if len(bins.first) else weight
    total = np.bincount(np.cumsum(group), number, len(bins.first))  # one by one, in their order
    after = Open(before.bin.copy(), before.n.copy(), before.sum.copy())
    open_, closed = bins.open, bins.closed
    run = bins.run[open_]
    after.bin[run], after.n[run], after.sum[run] = bins.wide[open_], n[open_], total[open_]
    return after, Bins(
        runs=Segments.of(bins.run[closed], len(before.n)),
        at=(bins.wide[closed] + 1) * width,
        mean=total[closed] / n[closed],
        closed_by=bins.place[closed + 1],
    )


def close_least(
    before: OpenLeast, runs: Segments, at: Int64, number: Int64, width: int
) -> tuple[OpenLeast, Leasts]:
    """The same, by a time of each reading that is ascending within its run, of the least number in a bin."""
    begun = runs.begun
    held = begun[before.least[begun] != UNSEEN]
    bins = _grouped(held, before.bin, runs, at // width)
    number = np.concatenate([before.least[held], number])[bins.order]
    least = np.minimum.reduceat(number, bins.first) if len(bins.first) else number
    after = OpenLeast(before.bin.copy(), before.least.copy())
    open_, closed = bins.open, bins.closed
    after.bin[bins.run[open_]], after.least[bins.run[open_]] = bins.wide[open_], least[open_]
    return after, Leasts(
        runs=Segments.of(bins.run[closed], len(before.least)),
        at=(bins.wide[closed] + 1) * width,
        least=least[closed],
        closed_by=bins.place[closed + 1],
    )


def _grouped(held: Int64, bin_: Int64, runs: Segments, wide: Int64) -> _Grouped:
    """held: runs whose open bin goes on; wide: the bin of each reading."""
    run = np.concatenate([held, runs.run])
    readings = np.arange(len(held), len(run))
    order = np.insert(readings, runs.starts[held], np.arange(len(held)))  # each before its run's readings
    run = run[order]
    wide = np.concatenate([bin_[held], wide])[order]
    place = np.concatenate([np.full(len(held), -1), np.arange(len(runs.run))])[order]
    new = np.ones(len(run), np.bool_)
    new[1:] = (run[1:] != run[:-1]) | (wide[1:] != wide[:-1])
    first = np.flatnonzero(new)
    run = run[first]
    open_ = np.ones(len(run), np.bool_)
    open_[:-1] = run[1:] != run[:-1]
    return _Grouped(order, first, run, wide[first], open_, place[first])
