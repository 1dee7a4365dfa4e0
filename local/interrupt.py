"""Ctrl-C, SIGTERM and SIGHUP, heard once: the first ends the run in order, later ones cannot break that."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The run was told to end. No Exception: nothing but the end of the run may catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def end_at_once() -> None:
    """Until `interruptible`, and after it, a signal ends the process with one line: nothing is started."""
    for number in _heard():
        signal.signal(number, _end)


@contextmanager
def interruptible() -> Iterator[None]:
    """In this block the first signal raises Interrupted in the main thread, and the others are ignored."""
    former = {number: signal.signal(number, _interrupt) for number in _heard()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """A signal that comes in this block is heard at its end: what is being started is known by then."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal is heard here
        return
    came: list[int] = []
    former = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _heard()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _heard() -> list[signal.Signals]:
    """Started by nohup: a terminal that closes is no reason to end."""
    detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in SIGNALS if number != signal.SIGHUP or not detached]


def _end(number: int, frame: FrameType | None) -> None:
    # No exception: while modules are imported, one may be lost or be reported as their failure.
    with suppress(OSError):
        os.write(2, f"millrace: stopped by {signal.Signals(number).name}\n".encode())
    os._exit(128 + number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    ignore()
    raise Interrupted(number)


def ignore() -> None:
    """From here on the run ends by itself: its cleaning up is not to be interrupted."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
