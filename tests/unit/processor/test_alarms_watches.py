"""Who may judge ahead, and when it has to wait for its turn."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from processor.alarms import watches as module
from processor.alarms.definition import Limit
from processor.alarms.pattern import expression
from processor.alarms.watch import Watched
from processor.alarms.watches import RELOAD_SECONDS, Owner, Watches
from processor.columns import Int64
from processor.storage.rows import Rows
from tests.unit.processor.test_alarms_watch import FOREVER, PATHS, Reading
from tests.unit.processor.test_alarms_watch import rows as rows_of

ME, NEXT = Owner("shard-0", 1), Owner("shard-0", 2)
NOBODY: Any = None  # the connection: the queries are fakes


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices that were asked for."""
    found: list[str] = []

    def states_of(connection: Any, devices: list[str], keys: list[Any]) -> list[Any]:
        assert keys == [(1, 1)]
        found.extend(devices)
        return []

    def take(connection: Any, devices: list[str], stream: str, shard: str) -> None:
        assert (stream, shard) == ("readings", "shard-0")

    rule = Watched(1, 1, expression("*/*/*/*/*/*/*"), Limit(high=1.0, on_delay=2.0), 0, FOREVER)
    monkeypatch.setattr(module, "states_of", states_of)
    monkeypatch.setattr(module, "take", take)
    monkeypatch.setattr(module, "watched", lambda connection, since: [rule])
    return found


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def hot(*seconds: int, point: int = 1) -> tuple[Rows, Int64]:
    readings: list[Reading] = [(point, second, 9.0, False) for second in seconds]
    return rows_of(readings)


def begun(owner: Owner = ME) -> tuple[Watches, Clock]:
    """An owner that has judged its first batch."""
    clock = Clock()
    watches = Watches(PATHS, clock)
    watches.look(NOBODY, "readings", owner, 0)
    assert watches.ahead(owner, None, "1", *hot(1)) is None
    watches.judge(NOBODY, owner, "1", *hot(1))
    return watches, clock


def test_the_batch_that_follows_is_judged_ahead_from_what_the_last_one_left(asked: list[str]) -> None:
    watches, _ = begun()
    outcome = watches.ahead(ME, "1", "2", *hot(2, 3))
    assert outcome is not None
    assert outcome.raised == 1
    assert asked == ["a/b/c/d/e/m1"]


@pytest.mark.usefixtures("asked")
def test_a_batch_waits_for_its_turn_when_the_one_before_it_is_not_judged() -> None:
    watches, _ = begun()
    assert watches.ahead(ME, "2", "3", *hot(5)) is None
    watches.judge(NOBODY, ME, "2", *hot(2, 3))
    assert watches.ahead(ME, "2", "3", *hot(5)) is not None


def test_a_batch_waits_for_its_turn_when_the_table_must_be_asked(asked: list[str]) -> None:
    watches, _ = begun()
    assert watches.ahead(ME, "1", "2", *hot(2, point=3)) is None
    watches.judge(NOBODY, ME, "2", *hot(2, point=3))
    assert asked == ["a/b/c/d/e/m1", "a/b/c/d/e/m2"]


@pytest.mark.usefixtures("asked")
def test_a_batch_waits_for_its_turn_when_the_rules_are_old() -> None:
    watches, clock = begun()
    clock.now += RELOAD_SECONDS
    assert watches.ahead(ME, "1", "2", *hot(2)) is None
    watches.look(NOBODY, "readings", ME, 0)
    assert watches.ahead(ME, "1", "2", *hot(2)) is not None


def test_a_new_owner_remembers_nothing_and_asks_again(asked: list[str]) -> None:
    watches, _ = begun()
    watches.look(NOBODY, "readings", NEXT, 0)
    assert watches.ahead(NEXT, "1", "2", *hot(2)) is None
    assert watches.judge(NOBODY, NEXT, "2", *hot(2, 3)).raised == 0
    assert asked == ["a/b/c/d/e/m1"] * 2


@pytest.mark.usefixtures("asked")
def test_of_a_shard_that_is_over_nothing_is_kept_and_another_owners_stays() -> None:
    watches, _ = begun()
    watches.leave(NEXT)
    assert watches.ahead(ME, "1", "2", *hot(2)) is not None
    watches.leave(ME)
    assert watches.ahead(ME, "2", "3", *hot(3)) is None
    with pytest.raises(RuntimeError, match="has no watch"):
        watches.judge(NOBODY, ME, "3", *hot(3))


@pytest.mark.usefixtures("asked")
def test_without_rules_nothing_is_asked_and_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "watched", lambda connection, since: [])
    watches, _ = begun()
    outcome = watches.ahead(ME, "1", "2", *hot(2, point=4))
    assert outcome is not None
    assert (outcome.told, outcome.rows) == ([], [])


def test_nobody_judges_without_having_looked(asked: Iterator[str]) -> None:
    with pytest.raises(RuntimeError, match="has no watch of epoch 1"):
        Watches(PATHS).judge(NOBODY, ME, "1", np.zeros(0), np.zeros(0))  # type: ignore[arg-type]
