"""Rollups of the rows that were really inserted: sums that add up, extremes and ends that merge.

`n` counts all readings, `n_bad` those that are bad or have no number (text has none to add up); sum, sumsq,
min, max, first and last are over the others, a flag counting as 0 or 1. So the mean is sum / (n - n_bad).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from processor.columns import Bool, Float64, Int32, Int64
from processor.quality import BAD
from processor.storage.rows import Rows, same_as_before

MINUTE = 60_000_000
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Rollup:
    """One row for each point and bucket; NaN where no reading has a usable number. Times in µs since 1970."""

    point: Int32
    bucket: Int64
    n: Int64
    n_bad: Int64
    sum: Float64
    sumsq: Float64
    min: Float64
    max: Float64
    first: Float64
    last: Float64
    first_at: Int64
    last_at: Int64


class Rollups(NamedTuple):
    """Of the same readings."""

    minutes: Rollup
    hours: Rollup


def rollups_of(rows: Rows) -> Rollups:
    """In both widths."""
    minutes = roll_up(rows, MINUTE)
    return Rollups(minutes, widened(minutes, HOUR))


def roll_up(rows: Rows, width: int) -> Rollup:
    """Readings in buckets of `width` microseconds. Of two at one timestamp the smaller comes first."""
    rows = _ties_by_value(rows)
    columns = rows.columns
    usable = (columns.quality != BAD) & ~np.isnan(columns.number)
    value = _unless(~usable, columns.number)
    with np.errstate(over="ignore"):
        square = value * value
    each = np.ones(len(rows), np.int64)
    alone = Rollup(
        point=rows.point,
        bucket=columns.ts,
        n=each,
        n_bad=each - usable,
        sum=value,
        sumsq=square,
        min=value,
        max=value,
        first=value,
        last=value,
        first_at=columns.ts,
        last_at=columns.ts,
    )
    return widened(alone, width)


def widened(parts: Rollup, width: int) -> Rollup:
    """Rollups in wider buckets. The parts are in the order of point and time."""
    bucket = parts.bucket - parts.bucket % width
    starts = np.flatnonzero(~same_as_before(parts.point, bucket))
    usable = parts.n > parts.n_bad
    n = np.add.reduceat(parts.n, starts)
    n_bad = np.add.reduceat(parts.n_bad, starts)
    empty = n == n_bad
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduceat(np.where(usable, parts.sum, 0.0), starts)
        squares = np.add.reduceat(np.where(usable, parts.sumsq, 0.0), starts)
    first, last = _ends(usable, starts)
    return Rollup(
        point=parts.point[starts],
        bucket=bucket[starts],
        n=n,
        n_bad=n_bad,
        sum=_unless(empty, total),
        sumsq=_unless(empty, squares),
        min=np.fmin.reduceat(parts.min, starts),  # which pass over NaN
        max=np.fmax.reduceat(parts.max, starts),
        first=parts.first[first],
        last=parts.last[last],
        first_at=parts.first_at[first],
        last_at=parts.last_at[last],
    )


def _ties_by_value(rows: Rows) -> Rows:
    columns = rows.columns
    if not same_as_before(rows.point, columns.ts).any():
        return rows
    return rows.take(np.lexsort((columns.number, columns.ts, rows.point)))


def _ends(usable: Bool, starts: Int64) -> tuple[Int64, Int64]:
    """The first and last usable row of each bucket; some row of it where none is."""
    place = np.arange(len(usable))
    ends = np.append(starts[1:], len(usable)) - 1
    first = np.minimum.reduceat(np.where(usable, place, len(usable)), starts)
    last = np.maximum.reduceat(np.where(usable, place, -1), starts)
    return np.minimum(first, ends), np.maximum(last, starts)


def _unless(empty: Bool, column: Float64) -> Float64:
    return np.where(empty, np.nan, column)
