"""The guard: a server ends with its run, in its own way if it can, and leaves nothing."""

import signal
import time
from pathlib import Path

import pytest

from local.guard import Command, Guarded

# Not INT: whoever starts the tests in the background may have it ignored, and then no shell can trap it.
POLITE = "trap 'echo bye; exit 0' USR1; echo up; while :; do sleep 0.01; done"
STUBBORN = "trap '' USR1; echo up; while :; do sleep 0.01; done"


def start(script: str, log: Path, patience: float = 30.0, remove: tuple[str, ...] = ()) -> Guarded:
    return Guarded(
        Command(
            arguments=["/bin/sh", "-c", script],
            stop_signal=signal.SIGUSR1,
            log=str(log),
            patience=patience,
            remove=remove,
        )
    )


def await_text(log: Path, text: str) -> None:
    end = time.monotonic() + 10
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < end, f"{text!r} never came"
        time.sleep(0.01)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_stops_it_by_its_own_signal(log: Path) -> None:
    guarded = start(POLITE, log)
    await_text(log, "up")
    guarded.stop()
    guarded.stop()
    assert log.read_text() == "up\nbye\n"
    assert not guarded.running()


def test_kills_what_will_not_stop(log: Path) -> None:
    guarded = start(STUBBORN, log, patience=0.2)
    await_text(log, "up")
    guarded.stop()
    assert not guarded.running()


def test_ends_with_a_server_that_ends_by_itself(log: Path) -> None:
    guarded = start("echo done", log)
    await_text(log, "done")
    end = time.monotonic() + 10
    while guarded.running():
        assert time.monotonic() < end
        time.sleep(0.01)
    guarded.stop()


def test_removes_what_the_server_leaves(log: Path, tmp_path: Path) -> None:
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    (sockets / "s").touch()
    guarded = start(POLITE, log, remove=(str(sockets),))
    await_text(log, "up")
    assert sockets.exists()
    guarded.stop()
    assert not sockets.exists()


def test_a_second_log_does_not_overwrite_the_first(log: Path) -> None:
    for _ in range(2):
        guarded = start("echo once", log)
        while guarded.running():
            time.sleep(0.01)
        guarded.stop()
    assert log.read_text() == "once\nonce\n"
