"""Changes of alarms of which nobody has been told yet, as the tables have them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from processor.queries import load_queries

_QUERIES = load_queries()
AT_ONCE = 2_000  # changes that one transaction settles
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Alarm:
    """One alarm as it stands. Times are the readings' own; `acknowledged_at` is the clock's.

    number: by which people name it; rule, point: by which the tables do. definition: JSON of the rule's
    version, None where it is not known. figure: what the detector judged. lapses: ends with that version.
    """

    number: int
    rule: int
    name: str
    version: int
    definition: str | None
    point: int
    path: str
    unit: str | None
    since: datetime
    raised_at: datetime
    cleared_at: datetime | None
    lapses: bool
    value: float | None
    figure: float | None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def site(self) -> str:
        """enterprise/site."""
        return "/".join(self.path.split("/")[:2])

    @property
    def subject(self) -> tuple[int, int]:
        """What flaps: a rule at a point."""
        return self.rule, self.point


@dataclass(frozen=True)
class Change:
    """A row of alarm_change. what: raised, acknowledged, cleared or again; since, version: of its alarm."""

    id: int
    what: str
    at: datetime
    written_at: datetime
    since: datetime
    version: int


@dataclass(frozen=True)
class Pending:
    """What has changed of one alarm since somebody was told, in order.

    raises: when its rule was raised at its point within the hour up to this; empty where this is not news.
    """

    alarm: Alarm
    changes: tuple[Change, ...]
    raises: tuple[datetime, ...]


@dataclass(frozen=True)
class Flapping:
    """The last alarm of a rule that was raised `raises` times at a point since then, and is told no more."""

    alarm: Alarm
    since: datetime
    raises: int


def unsettled(connection: Connection[Any]) -> list[Pending]:
    """The oldest, at most so many that one transaction settles them."""
    found = connection.execute(_QUERIES["unsettled_changes"], {"most": AT_ONCE, "hour": HOUR}).fetchall()
    alarms: dict[int, Alarm] = {}
    changes: dict[int, list[Change]] = {}
    raises: dict[int, tuple[datetime, ...]] = {}
    for number, what, at, written_at, raised, *facts in found:
        alarm = Alarm(*facts)
        key = alarm.number
        alarms[key] = alarm
        change = Change(number, what, at, written_at, alarm.since, alarm.version)
        changes.setdefault(key, []).append(change)
        if raised is not None:
            raises[key] = tuple(raised)
    return [Pending(alarm, tuple(changes[key]), raises.get(key, ())) for key, alarm in alarms.items()]


def calm(connection: Connection[Any], now: datetime) -> list[Flapping]:
    """Of those that flapped, which were not raised for an hour."""
    found = connection.execute(_QUERIES["calm_alarms"], {"until": now - HOUR}).fetchall()
    return [Flapping(Alarm(*facts), since, raises) for since, raises, *facts in found]
