"""A child that is ahead of its release's migration waits for it."""

import logging
import threading
from typing import Any

import pytest

from processor.engine import tables as module
from processor.engine.tables import Tables
from processor.storage.database import Stopping


def test_it_waits_until_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = ["the tables lack 0017", "the tables lack 0017", None]
    beaten: list[str | None] = []
    session: Any = object()
    tables = Tables(threading.Event(), lambda: beaten.append(tables.lacks))
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(
        module, "lacking", lambda asked: said.pop(0) if asked is session else "another session"
    )
    tables.wait(session)
    assert beaten == ["the tables lack 0017"] * 2
    assert tables.lacks is None
    assert [line.levelno for line in caplog.records] == [logging.WARNING]


def test_who_is_told_to_stop_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(module, "lacking", lambda session: "the tables lack 0017")
    session: Any = object()
    with pytest.raises(Stopping):
        Tables(stopping, lambda: None).wait(session)
