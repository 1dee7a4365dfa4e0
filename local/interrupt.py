"""Ctrl-C, SIGTERM and SIGHUP, heard once: the first ends the run in order, later ones cannot break that."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The run was told to end. No Exception: nothing but the end of the run may catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 130 if number == signal.SIGINT else 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """In this block the first signal raises Interrupted in the main thread, and the others are ignored."""
    heard = [number for number in SIGNALS if number != signal.SIGHUP or not _detached()]
    former = {number: signal.signal(number, _interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _detached() -> bool:
    """Started by nohup: a terminal that closes is no reason to end."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _interrupt(number: int, frame: FrameType | None) -> None:
    ignore()
    raise Interrupted(number)


def ignore() -> None:
    """From here on the run ends by itself: its cleaning up is not to be interrupted."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
