"""One point's readings in their order, wherever they come from: what a rule is tried on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from processor.alarms.order import Readings

PAGE = 20_000  # readings of a point at once, at most
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Series:
    """`name`: a path, or a column's; `unit`: empty where nobody said one; `pages`: to be read once."""

    name: str
    unit: str
    pages: Iterator[Readings]


@dataclass(frozen=True)
class Span:
    """From `since` on, `until` not any more; µs since 1970."""

    since: int
    until: int


def moment(microseconds: int) -> datetime:
    """Since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - _EPOCH) // _MICROSECOND
