"""The notifier's thread: woken, and never in the way of what it serves."""

import threading
import time
from datetime import UTC
from typing import Any, cast

import pytest

from processor.alarms import notifier as module
from processor.alarms.notifier import Look, Notifier
from processor.alarms.wording import Voice
from processor.storage.database import Database, Stopping


class Rounds:
    """In the place of a database: counts works, and may fail."""

    def __init__(self) -> None:
        self.done = threading.Semaphore(0)
        self.fails: BaseException | None = None

    def run(self, work: Any) -> None:
        self.done.release()
        if self.fails is not None:
            raise self.fails


def made(rounds: Rounds, stopping: threading.Event, *, due: bool = True) -> Notifier:
    database = cast("Database", rounds)
    return Notifier(database, None, cast("Any", None), Voice("test", UTC), stopping=stopping, due=lambda: due)


def figures(notifier: Notifier) -> tuple[int | None, float | None]:
    return notifier.standing, notifier.age


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, "SHORTEST_SECONDS", 0.01)
    event = threading.Event()
    yield event
    event.set()


def test_it_looks_by_itself_and_at_once_when_it_is_woken(
    stopping: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds()
    notifier = made(rounds, stopping)
    notifier.start()
    assert rounds.done.acquire(timeout=10)  # the first, unasked
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600.0)
    for _ in range(3):
        notifier.wake()
        assert rounds.done.acquire(timeout=10)


def test_who_is_not_due_asks_nothing_and_tells_no_figures(stopping: threading.Event) -> None:
    rounds = Rounds()
    notifier = made(rounds, stopping, due=False)
    notifier.look = Look(time.monotonic(), 3, 4.0)
    assert figures(notifier) == (3, 4.0)
    notifier.start()
    while figures(notifier) != (None, None):
        stopping.wait(0.01)
    assert not rounds.done.acquire(blocking=False)


def test_figures_that_are_old_are_not_told(stopping: threading.Event) -> None:
    """Who cannot look, since the database is away, does not say that all is well."""
    notifier = made(Rounds(), stopping)
    notifier.look = Look(time.monotonic() - module.STALE_SECONDS, 3, 0.0)
    assert figures(notifier) == (None, None)


def test_what_fails_is_logged_and_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    rounds = Rounds()
    notifier = made(rounds, threading.Event())
    rounds.fails = ValueError("what nobody thought of")
    notifier.look = Look(time.monotonic(), 3, 0.0)
    assert not notifier.once()
    assert "nobody was told of alarms" in caplog.text
    assert figures(notifier) == (None, None), "a figure of before would say that all is well"
    rounds.fails = Stopping()
    assert notifier.once()
