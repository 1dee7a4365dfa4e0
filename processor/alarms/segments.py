"""Runs of rows that belong to one point: what came before a row within its run."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from processor.columns import Bool, Float64, Int64


@dataclass(frozen=True)
class Segments:
    """Rows in runs, one after another. `lengths`: of each run in rows, 0 allowed."""

    lengths: Int64

    @classmethod
    def of(cls, run: Int64, count: int) -> "Segments":
        """run: the run of each row, ascending; count: how many runs there are."""
        return cls(np.bincount(run, minlength=count).astype(np.int64))

    @cached_property
    def starts(self) -> Int64:
        """The place of each run's first row."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def run(self) -> Int64:
        """The run of each row."""
        return np.repeat(np.arange(len(self.lengths), dtype=np.int64), self.lengths)

    @cached_property
    def begun(self) -> Int64:
        """The runs that have rows."""
        return np.flatnonzero(self.lengths)

    @cached_property
    def last(self) -> Int64:
        """The place of the last row of each run that has rows."""
        begun = self.begun
        last: Int64 = self.starts[begun] + self.lengths[begun] - 1
        return last

    def before(self, column: Int64, initial: Int64) -> Int64:
        """The value of the row before, of each row; `initial` of its run for the first."""
        previous = np.empty_like(column)
        previous[1:] = column[:-1]
        previous[self.starts[self.begun]] = initial[self.begun]
        return previous

    def before_number(self, column: Float64, initial: Float64) -> Float64:
        """The same of numbers."""
        before = self.before(column.view(np.int64), np.ascontiguousarray(initial).view(np.int64))
        return before.view(np.float64)

    def highest(self, column: Int64, initial: Int64) -> Int64:
        """The greatest of its run until each row; `initial` of its run is counted too."""
        highest = np.maximum(column, initial[self.run])
        if (highest < self.before(highest, initial)).any():
            for start, end in zip(self.starts, self.starts + self.lengths, strict=True):
                highest[start:end] = np.maximum.accumulate(highest[start:end])
        return highest

    def latest(self, marked: Bool) -> Int64:
        """The place of the last marked row at or before each row, within its run; -1 where there is none."""
        place = np.where(marked, np.arange(len(marked)), -1)
        latest: Int64 = np.maximum.accumulate(place)
        return np.where(latest >= self.starts[self.run], latest, -1)
