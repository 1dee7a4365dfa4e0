"""What a rule would have done over readings that there are, without it being switched on."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import islice

import numpy as np

from processor.alarms import silence
from processor.alarms.definition import Definition, Silence
from processor.alarms.detectors import State, fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.outline import Outline, Sketch
from processor.alarms.segments import Segments
from processor.alarms.series import Series, Span, moment

TOGETHER = 64  # points: of each a page is in memory


@dataclass(frozen=True)
class Alarm:
    """That would have been raised; `cleared` None: it would stand. `figure`: what the detector judged."""

    since: datetime
    raised: datetime
    cleared: datetime | None
    value: float
    figure: float


@dataclass(frozen=True)
class Course:
    """Of a point's readings: how many, from when to when (µs since 1970), the usual step and the longest."""

    count: int = 0
    first: int = 0
    last: int = 0
    step: int = 0  # µs, the median of the first page
    gap: int = 0  # µs
    gap_at: int = 0  # when the longest step begins
    least: float = math.inf
    greatest: float = -math.inf

    def after(self, page: Readings) -> "Course":
        """With a page more, in order."""
        ts = page.ts
        if not len(ts):
            return self
        steps = np.diff(ts, prepend=ts[:1] if not self.count else np.array([self.last]))
        longest = int(steps.argmax())
        longer = int(steps[longest]) > self.gap
        return Course(
            count=self.count + len(ts),
            first=self.first if self.count else int(ts[0]),
            last=int(ts[-1]),
            step=self.step if self.count else int(np.median(steps[1:])) if len(steps) > 1 else 0,
            gap=int(steps[longest]) if longer else self.gap,
            gap_at=int(ts[longest] - steps[longest]) if longer else self.gap_at,
            least=min(self.least, float(page.value.min())),
            greatest=max(self.greatest, float(page.value.max())),
        )


@dataclass(frozen=True)
class Tried:
    """One point: its alarms in order, what was judged, and its outline where one was asked for."""

    name: str
    unit: str
    alarms: Sequence[Alarm]
    course: Course
    outline: Outline | None


def trials(
    series: Iterable[Series],
    definition: Definition,
    span: Span,
    columns: int | None = None,
    until: int | None = None,
) -> Iterator[Tried]:
    """Point by point, TOGETHER of them at a time. columns: of each outline; None: none is made."""
    left = iter(series)
    while some := list(islice(left, TOGETHER)):
        sketches = None if columns is None else [Sketch(definition, span, columns) for _ in some]
        yield from tried(some, definition, sketches, until)


def tried(
    series: Sequence[Series],
    definition: Definition,
    sketches: Sequence[Sketch] | None = None,
    until: int | None = None,
) -> list[Tried]:
    """Each point with a fresh state of its own; late readings are judged here, as all are in order.

    A detector takes the first steps of all points at once, then the second ones: many cost little more than
    one. until: up to where there would be readings, µs since 1970; None: up to the last one.
    """
    points = [_Point(one, sketches[place] if sketches else None) for place, one in enumerate(series)]
    states = fresh(definition, len(points))
    feeds = {place: point.pieces(definition) for place, point in enumerate(points)}
    while given := {place: piece for place, feed in feeds.items() if (piece := next(feed, None)) is not None}:
        feeds = {place: feeds[place] for place in given}
        going = np.array(list(given), np.int64)
        lengths = np.array([len(readings.ts) for _, readings in given.values()], np.int64)
        judged = judge(definition, states[going], _joined(given.values()), Segments(lengths))
        states[going] = judged.states
        _note([points[place] for place in given], judged)
        for place, (column, readings) in given.items():
            points[place].mark(column, readings, states[place : place + 1])
    if isinstance(definition, Silence) and until is not None:
        _lapse(points, definition, states, until)
    return [point.told() for point in points]


class _Point:
    """What is known of one point by now."""

    def __init__(self, series: Series, sketch: Sketch | None) -> None:
        self._series = series
        self._sketch = sketch
        self._course = Course()
        self.alarms: list[Alarm] = []

    def pieces(self, definition: Definition) -> Iterator[tuple[int, Readings]]:
        """What is judged at once, with its column of the sketch."""
        for page in self._series.pages:
            if not len(page.ts):
                continue
            # A silence is looked for as if each had come at once: what was loaded later was no silence then.
            readings = replace(page, arrived=page.ts) if isinstance(definition, Silence) else page
            self._course = self._course.after(readings)
            yield from [(0, readings)] if self._sketch is None else self._sketch.pieces(readings)

    def mark(self, column: int, readings: Readings, state: State) -> None:
        if self._sketch is not None:
            self._sketch.mark(column, readings, state)

    def told(self) -> Tried:
        outline = None if self._sketch is None else self._sketch.drawn()
        return Tried(self._series.name, self._series.unit, self.alarms, self._course, outline)


def _joined(pieces: Iterable[tuple[int, Readings]]) -> Readings:
    """One run after another."""
    parts = [readings for _, readings in pieces]
    if len(parts) == 1:
        return parts[0]
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Readings)}
    return Readings(**{name: np.concatenate(column) for name, column in columns.items()})


def _lapse(points: Sequence[_Point], definition: Silence, states: State, until: int) -> None:
    """Who is silent at the end."""
    lapsed = silence.lapse(definition, states, until, until)
    for row in range(len(lapsed.place)):
        since, at = moment(int(lapsed.since[row])), moment(int(lapsed.at[row]))
        alarm = Alarm(since, at, None, float(lapsed.value[row]), float(lapsed.figure[row]))
        points[int(lapsed.place[row])].alarms.append(alarm)


def _note(points: Sequence[_Point], judged: Judgement) -> None:
    """Each that is raised, and the end of the last one. points: of the runs that were judged."""
    for row in range(len(judged)):
        alarms, at = points[int(judged.run[row])].alarms, moment(int(judged.at[row]))
        if judged.raised[row]:
            since = moment(int(judged.since[row]))
            alarms.append(Alarm(since, at, None, float(judged.value[row]), float(judged.figure[row])))
        elif alarms and alarms[-1].cleared is None:
            alarms[-1] = replace(alarms[-1], cleared=at)
