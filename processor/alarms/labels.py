"""What one knows of a recording: stretches of time in which something was wrong, to score a rule by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import msgspec

from processor.alarms.phrases import DAY_OR_MONTH
from processor.alarms.series import Span, moment
from processor.alarms.trial import Alarm
from processor.recordings import cells, rows
from processor.recordings.rows import RowError

ALLOWED = (
    "a JSON list of [from, to], an object of such lists by name, or a CSV file with the columns from and to"
)
Pair = tuple[str | int | float, str | int | float]  # numbers: epochs
Lists = Mapping[str | None, list[Pair]]


class LabelsError(ValueError):
    """The file of labels cannot be used: the message says what is wrong, and what is allowed."""


@dataclass(frozen=True)
class Window:
    """A stretch of time, both ends in it."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Found:
    """`raised`: the first alarm that stood within the window; None: none did."""

    window: Window
    raised: datetime | None

    @property
    def after(self) -> timedelta | None:
        """How long into the window; less than nothing where it stood already."""
        return None if self.raised is None else self.raised - self.window.since


@dataclass(frozen=True)
class Score:
    """`others`: alarms that stood within no window; `outside`: windows that nothing was judged in."""

    found: Sequence[Found]
    others: int
    outside: int = 0


def labels(
    file: Path, name: str | None = None, zone: tzinfo = UTC, day_first: bool | None = None
) -> list[Window]:
    """name: which list of an object; None: the only one. zone: of times without an offset. day_first: of
    02/12/2026; None: such times are refused.

    Raises LabelsError.
    """
    try:
        text = file.read_bytes().removeprefix(rows.BOM).lstrip()
        lists: Lists = _json(file, text) if text[:1] in (b"[", b"{") else {None: _rows(file)}
    except OSError as error:
        raise LabelsError(f"{file} cannot be read: {error.strerror}") from None
    except RowError as error:
        raise LabelsError(f"{error}; {file} must be {ALLOWED}") from None
    pairs = _chosen(file, lists, name)
    if not pairs:
        raise LabelsError(f"{file} names no stretch of time; it must be {ALLOWED}")
    clock = cells.Clock(zone, day_first=day_first)
    return [_window(file, number, pair, clock) for number, pair in enumerate(pairs, 1)]


def score(windows: Sequence[Window], alarms: Sequence[Alarm], span: Span) -> Score:
    """An alarm stands from when it is raised until it is cleared. span: what was judged."""
    begin, end = moment(span.since), moment(span.until)
    covered = [window for window in windows if window.since < end and window.until >= begin]
    found, within = [], set()
    for window in covered:
        inside = [
            place
            for place, alarm in enumerate(alarms)
            if alarm.raised <= window.until and (alarm.cleared is None or alarm.cleared > window.since)
        ]
        within |= set(inside)
        found.append(Found(window, min((alarms[place].raised for place in inside), default=None)))
    return Score(found, len(alarms) - len(within), len(windows) - len(covered))


def _json(file: Path, text: bytes) -> Lists:
    try:
        document = msgspec.json.decode(text, type=list[Pair] | dict[str, list[Pair]])
    except msgspec.MsgspecError as error:
        raise LabelsError(f"{file}: {error}; it must be {ALLOWED}") from None
    return {None: document} if isinstance(document, list) else {**document}


def _rows(file: Path) -> list[Pair]:
    dialect = rows.dialect(file)
    names = [name.strip().lower() for name in dialect.header]
    since, until = map(names.index, ("from", "to")) if {"from", "to"} <= {*names} else (0, 1)
    return [(row[since], row[until]) for _, row in rows.rows(file, dialect)]


def _chosen(file: Path, lists: Lists, name: str | None) -> list[Pair]:
    """lists: by name; None is the name of one alone."""
    if name in lists:
        return lists[name]
    if None in lists:
        raise LabelsError(f"{file} is one list, without names: leave --labelled out")
    if not lists or (name is None and len(lists) == 1):
        return next(iter(lists.values()), [])
    asked = "has more than one list" if name is None else f"has no list {name!r}"
    raise LabelsError(f"{file} {asked}: name one by --labelled, of {', '.join(map(str, lists))}")


def _window(file: Path, number: int, pair: Pair, clock: cells.Clock) -> Window:
    try:
        since, until = (moment(clock.read(str(cell))) for cell in pair)
    except (ValueError, OverflowError):
        raise LabelsError(
            f"{file}: stretch {number}, {pair}, must be two times: {cells.TIMES}; {DAY_OR_MONTH}"
        ) from None
    if since > until:
        raise LabelsError(f"{file}: stretch {number} ends {pair[1]}, before it begins, {pair[0]}")
    return Window(since, until)
