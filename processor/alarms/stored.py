"""Readings that are stored, as series: of the tables by the processor's login, of the views by a reader's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from psycopg import Connection

from processor.alarms.order import Readings
from processor.alarms.pattern import expression
from processor.alarms.series import PAGE, Series, Span, microseconds, moment
from processor.queries import load_queries

_QUERIES = load_queries()
MOST_POINTS = 10_000  # more would take hours
_ASKED_FOR_SPAN = 100  # points: enough to say where readings are
_FIRST = -(2**63)


class StoredError(ValueError):
    """There is nothing to try a rule on: the message says why, and what there is."""


@dataclass(frozen=True)
class Asked:
    """The statements of one who asks: each login has its own."""

    points: str
    readings: str
    bounds: str


TABLES = Asked("watched_points", "past_readings", "past_bounds")
VIEWS = Asked("readable_points", "readable_readings", "readable_bounds")


@dataclass(frozen=True)
class Stored:
    """`span`: from the first reading to the last, of what was asked for."""

    count: int
    series: Iterator[Series]
    span: Span


def stored(
    connection: Connection[Any], path: str, since: datetime, until: datetime, asked: Asked = TABLES
) -> Stored:
    """The points that a path means, and their readings of [since, until). Raises StoredError."""
    given = {"pattern": expression(path), "limit": MOST_POINTS + 1}
    points = connection.execute(_QUERIES[asked.points], given).fetchall()
    if not points:
        raise StoredError(f"no point is called {path!r}: the view `points` shows those that there are")
    if len(points) > MOST_POINTS:
        raise StoredError(f"{path!r} is more than {MOST_POINTS:,} points: try it on fewer")
    span = Span(microseconds(since), microseconds(until))
    if len(points) <= _ASKED_FOR_SPAN:
        span = _span(connection, asked, path, [point for point, *_ in points], span)
    series = (
        Series(name, unit or "", pages(connection, point, since, until, asked))
        for point, name, unit in points
    )
    return Stored(len(points), series, span)


def pages(
    connection: Connection[Any], point: int, since: datetime, until: datetime, asked: Asked = TABLES
) -> Iterator[Readings]:
    """One point's readings that have a number and are not bad, in the order of the key."""
    given: dict[str, object] = {"point": point, "since": since, "until": until, "rows": PAGE}
    given |= {"after": since, "seq": _FIRST}
    while page := connection.execute(_QUERIES[asked.readings], given).fetchall():
        last_ts, last_seq, *_ = page[-1]
        given |= {"after": moment(last_ts), "seq": last_seq}
        yield _readings(point, page)


def _span(connection: Connection[Any], asked: Asked, path: str, points: Sequence[int], wanted: Span) -> Span:
    """What of it has readings. Raises StoredError where nothing has, and says where there are some."""
    given: dict[str, object] = {"points": list(points)}
    within = given | {"since": moment(wanted.since), "until": moment(wanted.until)}
    first, last = connection.execute(_QUERIES[asked.bounds], within).fetchone() or (None, None)
    if first is not None and last is not None:
        return Span(first, last + 1)
    ever = given | {"since": "-infinity", "until": "infinity"}
    first, last = connection.execute(_QUERIES[asked.bounds], ever).fetchone() or (None, None)
    begin, end = moment(wanted.since).isoformat(), moment(wanted.until).isoformat()
    if first is None or last is None:
        raise StoredError(f"{path!r} has no readings that are kept")
    raise StoredError(
        f"{path!r} has no reading between --from {begin} and --to {end}: the first is of "
        f"{moment(first).isoformat()}, the last of {moment(last).isoformat()}"
    )


def _readings(point: int, page: list[Any]) -> Readings:
    ts, seq, value, arrived = zip(*page, strict=True)
    number = np.array([np.nan if one is None else one for one in value], np.float64)
    readings = Readings(
        point=np.full(len(page), point, np.int32),
        ts=np.array(ts, np.int64),
        seq=np.array(seq, np.int64),
        value=number,
        record=np.arange(len(page)),
        arrived=np.array(arrived, np.int64),
    )
    return readings.take(np.isfinite(number))
