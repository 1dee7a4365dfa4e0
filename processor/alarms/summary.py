"""What a trial says: each point and its alarms, all in a line, and how they stand to what is known."""

from collections.abc import Iterator
from datetime import timedelta
from statistics import median

from processor.alarms.definition import Definition, Deviation, Limit, Rate
from processor.alarms.labels import Score
from processor.alarms.phrases import counted, time
from processor.alarms.series import moment
from processor.alarms.terms import duration, found, measured
from processor.alarms.trial import Alarm, Course, Tried

WEEK = 7 * 86_400.0


class Summary:
    """Of points that come one after another. `quiet`: a point without an alarm gets no line."""

    def __init__(self, definition: Definition, *, quiet: bool) -> None:
        self._definition = definition
        self._quiet = quiet
        self._points = self._with_alarms = 0
        self._first: int | None = None
        self._last = 0
        self._units: set[str] = set()
        self.alarms: list[Alarm] = []

    def add(self, tried: Tried) -> Iterator[str]:
        """The lines of one point."""
        self._points += 1
        self._with_alarms += bool(tried.alarms)
        self.alarms += tried.alarms
        self._units |= {tried.unit} - {""}
        course = tried.course
        if course.count:
            self._first = course.first if self._first is None else min(self._first, course.first)
            self._last = max(self._last, course.last)
        if tried.alarms or not self._quiet:
            yield f"{tried.name}: {_described(course, tried.unit)}"
        for alarm in tried.alarms:
            yield f"  {self._alarm(alarm, tried.unit)}"

    def lines(self) -> Iterator[str]:
        """Of all of them."""
        points = f"on {self._with_alarms:,} of {self._points:,} points, in {duration(self._seconds)}"
        often = self._often(len(self.alarms))
        yield f"{counted(len(self.alarms), 'alarm')} would have been raised {points}{often}"
        stood = [(alarm.cleared - alarm.raised).total_seconds() for alarm in self.alarms if alarm.cleared]
        if stood:
            yield f"they stood {duration(median(stood))} (median), {duration(max(stood))} at most"
        if standing := sum(alarm.cleared is None for alarm in self.alarms):
            yield f"{counted(standing, 'alarm')} would stand at the end"
        if isinstance(self._definition, Limit | Rate) and len(self._units) > 1:
            units = ", ".join(sorted(self._units))
            yield f"these points are in more than one unit ({units}): is one figure meant for all of them?"
        if isinstance(self._definition, Deviation):
            yield from self._learning(self._definition)

    def scored(self, score: Score) -> Iterator[str]:
        """Beside what is known."""
        found = [one for one in score.found if one.raised is not None]
        others = f"{counted(score.others, 'other alarm')}{self._often(score.others)}"
        yield f"an alarm stood within {len(found)} of {len(score.found)} that are known; {others}"
        for one in score.found:
            begin, end = time(one.window.since), time(one.window.until)
            yield f"  {begin} to {end}  {_after(one.after)}"
        if score.outside:
            said = "stretch is" if score.outside == 1 else "stretches are"
            yield f"{score.outside:,} {said} outside these readings and not counted"

    @property
    def _seconds(self) -> float:
        return 0.0 if self._first is None else (self._last - self._first) / 1e6

    def _often(self, count: int) -> str:
        """Of less than a week nobody knows how often that is."""
        if not count or self._seconds < WEEK:
            return ""
        weekly = count * WEEK / self._seconds
        return f", {weekly:,.0f} a week" if weekly >= 10 else f", {weekly:.2g} a week"

    def _learning(self, definition: Deviation) -> Iterator[str]:
        learns = definition.chart.warm_up / 1e6
        if self._seconds < learns:
            yield (
                f"a deviation says nothing in its first {duration(learns)}, and these readings span "
                f"{duration(self._seconds)}: begin earlier"
            )

    def _alarm(self, alarm: Alarm, unit: str) -> str:
        cleared = "still stands" if alarm.cleared is None else f"cleared {time(alarm.cleared)}"
        said = [f"since {time(alarm.since)}", f"raised {time(alarm.raised)}", cleared]
        said.append(measured(alarm.value, unit))
        if (judged := found(self._definition, alarm.figure, unit)) is not None:
            said.append(judged)
        return "  ".join(said)


def _described(course: Course, unit: str) -> str:
    if not course.count:
        return "no readings"
    begin, end = time(moment(course.first)), time(moment(course.last))
    said = f"{counted(course.count, 'reading')} from {begin} to {end}"
    if course.step:
        said += f", one every {duration(course.step / 1e6)}"
    if course.gap > 2 * course.step > 0:
        said += f", the longest gap {duration(course.gap / 1e6)} from {time(moment(course.gap_at))}"
    return f"{said}; {course.least:g} to {course.greatest:g}{f' {unit}' if unit else ''}"


def _after(after: timedelta | None) -> str:
    if after is None:
        return "missed"
    seconds = after.total_seconds()
    return f"raised {duration(seconds)} after it began" if seconds >= 0 else "stood already when it began"


def quiet(points: int) -> bool:
    """Whether there are too many to say something of each."""
    return points > 20
