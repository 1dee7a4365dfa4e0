"""What a rule would have done over the readings that are stored, without it being switched on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from psycopg import Connection

from processor.alarms.definition import Definition
from processor.alarms.detectors import State, fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.order import Readings
from processor.alarms.pattern import expression
from processor.alarms.recording import recorded
from processor.alarms.segments import Segments
from processor.queries import load_queries

_QUERIES = load_queries()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_POINTS = 10_000  # one after another: more would take hours
PAGE = 100_000  # readings at once
_FIRST = -(2**63)


class TrialError(ValueError):
    """Nothing can be tried as asked: the message says why, and what to do."""


@dataclass(frozen=True)
class Alarm:
    """That would have been raised; `cleared` None: it would stand. `figure`: what the detector judged."""

    path: str
    since: datetime
    raised: datetime
    cleared: datetime | None
    value: float
    figure: float


def tried(
    connection: Connection[Any], path: str, definition: Definition, since: datetime, until: datetime
) -> Iterator[Alarm]:
    """Point by point, each with a fresh state at `since`. Late readings are judged here, as all are in order.

    Raises TrialError, PatternError.
    """
    asked = {"pattern": expression(path), "limit": MOST_POINTS + 1}
    points = connection.execute(_QUERIES["watched_points"], asked).fetchall()
    if not points:
        raise TrialError(f"no point is called {path!r}: the view `points` shows those that there are")
    if len(points) > MOST_POINTS:
        raise TrialError(f"{path!r} is more than {MOST_POINTS:,} points: try it on fewer")
    for point, name in points:
        yield from alarms_of(name, changes_of(connection, point, definition, since, until))


def changes_of(
    connection: Connection[Any], point: int, definition: Definition, since: datetime, until: datetime
) -> Iterator[Judgement]:
    """Page by page."""
    states = fresh(definition, 1)
    given: dict[str, object] = {"point": point, "since": since, "until": until, "rows": PAGE}
    given |= {"after": since, "seq": _FIRST}
    while page := connection.execute(_QUERIES["past_readings"], given).fetchall():
        last_ts, last_seq, _ = page[-1]
        given |= {"after": moment(last_ts), "seq": last_seq}
        judged = _judged(definition, states, _readings(point, page))
        states = judged.states
        yield judged


def tried_on(file: Path, definition: Definition) -> Iterator[Alarm]:
    """Column by column. Raises RecordingError."""
    for name, readings in recorded(file):
        yield from alarms_of(name, iter([_judged(definition, fresh(definition, 1), readings)]))


def alarms_of(path: str, judged: Iterator[Judgement]) -> Iterator[Alarm]:
    """Pairs of raised and cleared."""
    standing: Alarm | None = None
    for part in judged:
        for place in range(len(part)):
            at, began = moment(int(part.at[place])), moment(int(part.since[place]))
            if part.raised[place]:
                value, figure = float(part.value[place]), float(part.figure[place])
                standing = Alarm(path, began, at, None, value, figure)
            elif standing is not None:
                yield Alarm(path, standing.since, standing.raised, at, standing.value, standing.figure)
                standing = None
    if standing is not None:
        yield standing


def moment(microseconds: int) -> datetime:
    """Since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _readings(point: int, page: list[Any]) -> Readings:
    ts, seq, value = zip(*page, strict=True)
    number = np.array([np.nan if one is None else one for one in value], np.float64)
    moments = np.array(ts, np.int64)
    readings = Readings(
        point=np.full(len(page), point, np.int32),
        ts=moments,
        seq=np.array(seq, np.int64),
        value=number,
        record=np.arange(len(page)),
        arrived=moments,
    )
    return readings.take(np.isfinite(number))


def _judged(definition: Definition, states: State, readings: Readings) -> Judgement:
    return judge(definition, states, readings, Segments(np.array([len(readings.ts)], np.int64)))
