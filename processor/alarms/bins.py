"""Means over stretches of a point's own time: what slow detectors look at, whatever the rate of readings.

A bin is closed by the first reading of a later one, so its mean is known with that reading and not before.
Sums are added in the order of the readings, one by one, or the last bit would tell how they were batched.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.segments import Segments
from processor.columns import Float64, Int64

# Of the bin that is open. `n` 0: none yet.
BIN = [("bin", np.int64), ("n", np.int64), ("sum", np.float64)]


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


def close(before: Open, runs: Segments, ts: Int64, value: Float64, width: int) -> tuple[Open, Bins]:
    """Readings in order added to the open bins. width: in µs."""
    wide = ts // width
    begun = runs.begun
    held = begun[before.n[begun] > 0]  # of what goes on, the open bin is a first reading of weight n
    run = np.concatenate([held, runs.run])
    order = np.argsort(run, kind="stable")
    run = run[order]
    weight = np.concatenate([before.n[held], np.ones(len(ts), np.int64)])[order]
    number = np.concatenate([before.sum[held], value])[order]
    place = np.concatenate([np.full(len(held), -1), np.arange(len(ts))])[order]
    wide = np.concatenate([before.bin[held], wide])[order]
    new = np.ones(len(run), np.bool_)
    new[1:] = (run[1:] != run[:-1]) | (wide[1:] != wide[:-1])
    first = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    n = np.add.reduceat(weight, first) if len(first) else weight
    total = np.bincount(group, number, len(first))  # one by one, in their order
    run, wide = run[first], wide[first]
    open_ = np.ones(len(run), np.bool_)
    open_[:-1] = run[1:] != run[:-1]
    after = Open(before.bin.copy(), before.n.copy(), before.sum.copy())
    after.bin[run[open_]], after.n[run[open_]], after.sum[run[open_]] = wide[open_], n[open_], total[open_]
    closed = np.flatnonzero(~open_)
    return after, Bins(
        runs=Segments.of(run[closed], len(before.n)),
        at=(wide[closed] + 1) * width,
        mean=total[closed] / n[closed],
        closed_by=place[first[closed + 1]],
    )
