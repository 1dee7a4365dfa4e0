"""The conversation with the MultiLangDaemon: one question at a time, each answered before the next is asked.

A thread of its own reads, so that the daemon's end is heard at once, whatever this process is waiting for.
"""

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from processor.engine.lines import Line, Lines
from processor.engine.messages import (
    Checkpoint,
    Checkpointed,
    ProtocolError,
    Status,
    Told,
    action_of,
    read,
    written,
)


class DaemonGone(Exception):
    """The daemon has closed its end: nothing more comes, and nobody hears an answer."""


class Daemon:
    """What it says, in order. `write` takes whole lines; `gone` is called when it has closed its end."""

    def __init__(
        self, lines: Lines, write: Callable[[bytes], object], gone: Callable[[], object] = lambda: None
    ) -> None:
        self._lines = lines
        self._write = write
        self._gone = gone
        self._heard: SimpleQueue[Line | BaseException] = SimpleQueue()

    def start(self) -> None:
        """Begin to listen; the thread ends with the stream, or with the process."""
        threading.Thread(target=self._listen, name="daemon", daemon=True).start()

    def next(self, seconds: float | None = None) -> Told | None:
        """The next message; None when none came in so many seconds. Raises DaemonGone, ProtocolError."""
        try:
            message = read(self._line(seconds))
        except Empty:
            return None
        if isinstance(message, Checkpointed):
            raise ProtocolError("the daemon answers a checkpoint that nobody asked for")
        return message

    def done(self, message: Told) -> None:
        """A message has been dealt with. Raises DaemonGone."""
        self._say(Status(action_of(message)))

    def checkpoint(self, where: Checkpoint) -> str | None:
        """Store a checkpoint: None when it is, else the name of the exception that the daemon met.

        Only while a message is being dealt with. Raises DaemonGone, ProtocolError.
        """
        self._say(where)
        answer = read(self._line(None))
        if not isinstance(answer, Checkpointed):
            raise ProtocolError(f"the daemon says {action_of(answer)!r} where it should answer a checkpoint")
        return answer.error

    def _say(self, message: Status | Checkpoint) -> None:
        try:
            self._write(written(message))
        except BrokenPipeError:
            raise DaemonGone from None

    def _line(self, seconds: float | None) -> Line:
        heard = self._heard.get(timeout=seconds)
        if isinstance(heard, BaseException):
            self._heard.put(heard)  # whoever asks again hears it again
            raise heard
        return heard

    def _listen(self) -> None:
        try:
            while (line := self._lines.next()) is not None:
                self._heard.put(line)
            self._heard.put(DaemonGone())
        except (ProtocolError, OSError) as error:
            self._heard.put(error)
        finally:
            self._gone()


def claim_stdout() -> Callable[[bytes], None]:
    """What writes to the daemon; from now on whatever else is printed goes to standard error.

    The daemon passes over a line that it does not understand, so a library's print could swallow an answer.
    """
    protocol = os.dup(1)
    os.dup2(2, 1)

    def write(line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(protocol, rest) :]

    return write
