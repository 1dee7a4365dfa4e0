"""Ctrl-C at a point of our choosing: a look at AWS that was cut off half-way would lose events."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C in this block raises KeyboardInterrupt at its end; a second one at once.

    A program that has its own idea of Ctrl-C, and a thread, which never hears it, are left alone.
    """
    if not _is_ours():
        yield
        return
    heard = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        if heard:
            raise KeyboardInterrupt
        heard = True

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt


def _is_ours() -> bool:
    # Handlers can be set in the main thread only: https://docs.python.org/3/library/signal.html
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
