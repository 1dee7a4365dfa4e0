from typing import Any, cast

import psycopg
import pytest

from local.ledger import Ledger
from local.progress import Watch
from local.reading import Envelope, Reading


class Database:
    """Answers with the positions that a test sets."""

    def __init__(self) -> None:
        self.positions: list[tuple[str, str]] = []

    def execute(self, query: str, parameters: dict[str, Any]) -> "Database":
        assert parameters == {"stream": "readings"}
        return self

    def fetchall(self) -> list[tuple[str, str]]:
        return self.positions


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    for position in range(1, 101):
        envelope = Envelope("d", "gw", [Reading("d/m", position, 1.0)] * 10)
        ledger.add(envelope, "s", position, put_at=1000.0 + position)
    return ledger


def test_it_tells_rates_lag_and_the_end(ledger: Ledger) -> None:
    database, watch = Database(), Watch(ledger, "readings")
    connection = cast("psycopg.Connection", database)

    before = watch.look(connection, at=0.0, now=1101.0)
    database.positions = [("s", "50")]
    half = watch.look(connection, at=2.0, now=1103.0)
    database.positions = [("s", "100")]
    end = watch.look(connection, at=4.0, now=1105.0)

    assert (before.passed, before.lag_seconds, before.drained) == (0, 100.0, False)
    assert (half.passed, half.lag_seconds, half.passed_rate) == (500, 52.0, 250.0)
    assert (end.passed, end.lag_seconds, end.drained) == (1000, 0.0, True)
    assert watch.last_moved == 4.0


def test_a_standstill_is_seen(ledger: Ledger) -> None:
    database, watch = Database(), Watch(ledger, "readings")
    database.positions = [("s", "50")]

    looks = [watch.look(cast("psycopg.Connection", database), float(at), 1101.0) for at in range(1, 20)]

    assert watch.last_moved == 1.0
    assert looks[-1].passed_rate == 0.0
