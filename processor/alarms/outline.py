"""What a picture needs of a point: least and greatest value of each column of pixels, and the usual then.

A rule judges the readings of one column, then those of the next: the state between two columns is what it
knew at that time, since a state does not feel how the readings were divided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from processor.alarms.definition import Definition, Deviation
from processor.alarms.detectors import State
from processor.alarms.order import Readings
from processor.alarms.series import Span
from processor.columns import Float64


@dataclass(frozen=True)
class Outline:
    """A figure a column, NaN where there is none: no reading, or a rule of another kind.

    `judged`: what stands against the band; `centre` ± `reach`: the band that is usual, once it is learnt.
    """

    span: Span
    low: Float64
    high: Float64
    judged: Float64
    centre: Float64
    reach: Float64

    @property
    def middles(self) -> Float64:
        """The times of the columns' middles, seconds since 1970."""
        width = (self.span.until - self.span.since) / len(self.low)
        return np.asarray((self.span.since + (np.arange(len(self.low)) + 0.5) * width) / 1e6, np.float64)


class Sketch:
    """An outline while it is made: `pieces` divides readings, `mark` writes down what became of each."""

    def __init__(self, definition: Definition, span: Span, columns: int) -> None:
        self._definition = definition
        self._span = span
        self._columns = columns
        self._figures = {
            name: np.full(columns, np.nan) for name in ("low", "high", "judged", "centre", "reach")
        }

    def pieces(self, readings: Readings) -> Iterator[tuple[int, Readings]]:
        """Those of each column that has some, in order, with its place."""
        width = (self._span.until - self._span.since) / self._columns
        place = ((readings.ts - self._span.since) / width).astype(np.int64).clip(0, self._columns - 1)
        begins = np.flatnonzero(np.diff(place, prepend=-1))
        for begin, end in pairwise([*begins.tolist(), len(place)]):
            yield int(place[begin]), readings.take(np.arange(begin, end))

    def mark(self, place: int, readings: Readings, state: State) -> None:
        """state: one row, after these readings."""
        figures = self._figures
        figures["low"][place] = np.fmin(figures["low"][place], readings.value.min())
        figures["high"][place] = np.fmax(figures["high"][place], readings.value.max())
        if not isinstance(self._definition, Deviation):
            return
        chart = self._definition.chart
        if state["elapsed"][0] < chart.warm_up:
            return
        level, scale = float(state["level"][0]), float(state["scale"][0])
        figures["judged"][place] = state["fast"][0]
        figures["centre"][place] = level
        figures["reach"][place] = chart.limit * max(scale, chart.floor * abs(level))

    def drawn(self) -> Outline:
        """What there is by now."""
        return Outline(self._span, **self._figures)
