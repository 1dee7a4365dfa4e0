"""What a rule would have done over readings that there are, without it being switched on."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from processor.alarms import silence
from processor.alarms.definition import Definition, Silence
from processor.alarms.detectors import State, fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.outline import Outline, Sketch
from processor.alarms.segments import Segments
from processor.alarms.series import Series, Span, moment


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


def tried(
    series: Series, definition: Definition, sketch: Sketch | None = None, until: int | None = None
) -> Tried:
    """Each point begins with a fresh state. Late readings are judged here, as all are in order.

    until: up to where there would be readings, µs since 1970; None: up to the last one.
    """
    states, course = fresh(definition, 1), Course()
    alarms: list[Alarm] = []
    for given in series.pages:
        # A silence is looked for as if each had come at once: what was loaded later was no silence then.
        page = replace(given, arrived=given.ts) if isinstance(definition, Silence) else given
        course = course.after(page)
        for place, piece in [(0, page)] if sketch is None else sketch.pieces(page):
            judged = _judged(definition, states, piece)
            states = judged.states
            _note(alarms, judged)
            if sketch is not None:
                sketch.mark(place, piece, states)
    if isinstance(definition, Silence) and until is not None:
        _lapse(alarms, definition, states, until)
    return Tried(series.name, series.unit, alarms, course, None if sketch is None else sketch.drawn())


def trials(
    series: Iterator[Series],
    definition: Definition,
    span: Span,
    columns: int | None = None,
    until: int | None = None,
) -> Iterator[Tried]:
    """Point by point. columns: of each outline; None: none is made."""
    for one in series:
        yield tried(one, definition, None if columns is None else Sketch(definition, span, columns), until)


def _judged(definition: Definition, states: State, readings: Readings) -> Judgement:
    return judge(definition, states, readings, Segments(np.array([len(readings.ts)], np.int64)))


def _lapse(alarms: list[Alarm], definition: Silence, states: State, until: int) -> None:
    """What is silent at the end."""
    lapsed = silence.lapse(definition, states, until, until)
    for at, since, value, figure in zip(lapsed.at, lapsed.since, lapsed.value, lapsed.figure, strict=True):
        alarms.append(Alarm(moment(int(since)), moment(int(at)), None, float(value), float(figure)))


def _note(alarms: list[Alarm], judged: Judgement) -> None:
    """Each that is raised, and the end of the last one."""
    for place in range(len(judged)):
        at = moment(int(judged.at[place]))
        if judged.raised[place]:
            since = moment(int(judged.since[place]))
            alarms.append(Alarm(since, at, None, float(judged.value[place]), float(judged.figure[place])))
        elif alarms and alarms[-1].cleared is None:
            alarms[-1] = replace(alarms[-1], cleared=at)
