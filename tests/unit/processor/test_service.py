"""How the service hears its signals."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from processor import service


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    event = threading.Event()
    service._stop_on_signals(event)
    yield event
    for number, handler in former.items():
        signal.signal(number, handler)


def test_who_cannot_finish_after_sigterm_leaves(
    stopping: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    gone = threading.Event()

    def leave(code: int) -> None:
        left.append(code)
        gone.set()

    monkeypatch.setattr(service, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(os, "_exit", leave)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)  # a second one does not begin anew
    assert stopping.is_set()
    assert gone.wait(10)
    assert left == [1]


def test_a_thread_that_dies_is_told_with_its_traceback_and_ends_the_process(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr(threading, "excepthook", service.end_at_once)

    def work() -> None:
        raise ValueError("not foreseen")

    thread = threading.Thread(target=work, name="writer")
    thread.start()
    thread.join()

    assert left == [1]
    (line,) = caplog.records
    assert vars(line)["ended_thread"] == "writer"
    assert line.exc_info is not None and "not foreseen" in str(line.exc_info[1])


def test_a_thread_that_ends_itself_ends_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr(threading, "excepthook", service.end_at_once)
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert left == []
