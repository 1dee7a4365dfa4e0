"""`rules try`: a rule over readings that there are, told line by line, drawn and scored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection, errors

from processor.alarms import picture
from processor.alarms.definition import Definition, Silence
from processor.alarms.labels import LabelsError, Window, labels, score
from processor.alarms.recording import RecordingError, recorded
from processor.alarms.series import Series, Span, microseconds, moment
from processor.alarms.stored import VIEWS, Asked, StoredError, stored
from processor.alarms.summary import Summary
from processor.alarms.trial import Tried, trials
from processor.alarms.try_request import Shown, Try, TryFile

FEW = 20  # points; of more, those without an alarm get no line
_EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


class LoginError(ValueError):
    """A reader's login does not get to the readings: the message says why, and what to do."""


WRONG = (LabelsError, LoginError, RecordingError, StoredError, picture.PictureError)


@dataclass(frozen=True)
class _Trial:
    """What is tried on what. `points`: how many series; `until`: up to where there would be readings."""

    definition: Definition
    series: Iterable[Series]
    span: Span
    points: int
    until: int | None = None

    @property
    def judged(self) -> Span:
        """The time of which it tells: that of the readings, and for a silence what comes after them."""
        if self.until is None or not isinstance(self.definition, Silence):
            return self.span
        return Span(self.span.since, max(self.span.until, self.until))


def of_path(connection: Connection[Any], request: Try, asked: Asked) -> Iterator[str]:
    """Over stored readings. Raises what WRONG has."""
    if request.path is None or request.definition is None:
        raise RuntimeError("a trial without a rule")
    windows = _prepared(request.shown)
    found = stored(connection, request.path, request.since, request.until, asked)
    until = microseconds(min(request.until, datetime.now(UTC)))
    trial = _Trial(request.definition, found.series, found.span, found.count, until)
    yield from _told(trial, request.shown, windows)


def by_reader(request: Try) -> Iterator[str]:
    """The same by a login of one's own, which may read the views. Raises what WRONG has."""
    with _reading(request.database or "") as connection:
        try:
            yield from of_path(connection, request, VIEWS)
        except (errors.InsufficientPrivilege, errors.UndefinedTable) as error:
            raise LoginError(
                f"--database: {_said(error)}; a reader is made by GRANT millrace_reader TO its login"
            ) from None
        except psycopg.OperationalError as error:
            raise LoginError(f"--database: {_said(error)}; run it again") from None


def of_file(request: TryFile) -> Iterator[str]:
    """Over a recording. Raises what WRONG has."""
    windows = _prepared(request.shown)
    within = None
    if request.since is not None or request.until is not None:
        within = Span(microseconds(request.since or _EVER[0]), microseconds(request.until or _EVER[1]))
    shown = request.shown
    found = recorded(request.file, shown.zone, request.columns, within, shown.day_first)
    yield from found.said
    yield from _told(_Trial(request.definition, found.series, found.span, len(found.series)), shown, windows)


def _reading(database: str) -> Connection[Any]:
    """A connection that only reads."""
    try:
        connection = psycopg.connect(
            database, options="-c search_path=millrace -c TimeZone=UTC", autocommit=True
        )
        connection.read_only = True
    except psycopg.Error as error:
        raise LoginError(
            f"--database: {_said(error)}; a libpq connection string is wanted, such as 'service=plant', with "
            "the password in ~/.pgpass"
        ) from None
    return connection


def _said(error: psycopg.Error) -> str:
    return " ".join(str(error).partition("LINE ")[0].split())


def _prepared(shown: Shown) -> list[Window]:
    """What can be wrong before anything is judged."""
    if shown.plot is not None:
        picture.check()
    if shown.labels is None:
        return []
    return labels(shown.labels, shown.labelled, shown.zone, shown.day_first)


def _told(trial: _Trial, shown: Shown, windows: list[Window]) -> Iterator[str]:
    summary = Summary(trial.definition, quiet=trial.points > FEW)
    columns = None if shown.plot is None else picture.COLUMNS
    drawn: list[Tried] = []
    for tried in trials(trial.series, trial.definition, trial.span, columns, trial.until):
        yield from summary.add(tried)
        if shown.plot is not None:
            drawn = picture.most_alarms([*drawn, tried])
    yield from summary.lines()
    if windows:
        yield from summary.scored(score(windows, summary.alarms, trial.judged))
    if shown.plot is not None:
        begin, end = moment(trial.span.since), moment(trial.span.until)
        frame = picture.Frame(trial.definition, begin, end, trial.points, windows)
        picture.draw(drawn, frame, shown.plot)
        yield f"drawn: {shown.plot}"
