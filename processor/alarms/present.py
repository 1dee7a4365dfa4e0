"""Alarms that stand now, for whoever looks: history left out, and what ended with its rule's version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from processor.queries import load_queries

_QUERIES = load_queries()


@dataclass(frozen=True)
class Shown:
    """One of them; times as in changes.Alarm."""

    number: int
    rule: str
    path: str
    unit: str | None
    since: datetime
    raised_at: datetime
    value: float | None
    figure: float | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


def standing(
    connection: Connection[Any], now: datetime, most: int, site: str | None = None
) -> dict[str, list[Shown]]:
    """By site, the newest first, `most` of all together; each site where one ever stood, or one site."""
    asked = {"now": now, "most": most, "site": site}
    found: dict[str, list[Shown]] = {}
    for where, number, *rest in connection.execute(_QUERIES["standing_alarms"], asked):
        here = found.setdefault(where, [])
        if number is not None:
            here.append(Shown(number, *rest))
    return found


def count_standing(connection: Connection[Any], now: datetime, site: str | None = None) -> int:
    """How many, at all sites or at one."""
    row = connection.execute(_QUERIES["count_standing"], {"now": now, "site": site}).fetchone()
    return int(row[0]) if row is not None else 0
