"""Lines from a pipe, as fast as it gives them, none longer than it may be."""

import fcntl
import os
from collections.abc import Callable

from processor.engine.messages import ProtocolError

# GetRecords gives 10 MiB at most, in base64 a third more; each of 10,000 records has a key of up to 256
# characters, of which JSON may make six each. Where the daemon takes aggregated records apart, each part has
# them. https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
LONGEST_LINE = 64 * 1024 * 1024
_AT_ONCE = 1024 * 1024
_PIPE_BYTES = 1024 * 1024  # what Linux lets anyone ask for; 64 KiB otherwise, a switch of processes for each
# https://man7.org/linux/man-pages/man7/pipe.7.html
_F_SETPIPE_SZ = 1031

Line = bytes | bytearray


class Lines:
    """The lines of one file descriptor. `longest`: bytes of a line without its end."""

    def __init__(
        self,
        descriptor: int,
        longest: int = LONGEST_LINE,
        read: Callable[[int, int], bytes] = os.read,
    ) -> None:
        self._descriptor = descriptor
        self._longest = longest
        self._read = read
        self._rest = b""  # what was read behind the last line
        self._place = 0

    def next(self) -> Line | None:
        """The next line without its end; None when there is none any more.

        Raises ProtocolError for one that is too long or that the end of the stream cuts off.
        """
        end = self._rest.find(b"\n", self._place)
        if end >= 0:
            begin, self._place = self._place, end + 1
            return self._bounded(self._rest[begin:end])
        line = bytearray(
            self._rest[self._place :]
        )  # grows in place: parts that are joined would be there twice
        self._rest, self._place = b"", 0
        while chunk := self._read(self._descriptor, _AT_ONCE):
            end = chunk.find(b"\n")
            if end >= 0:
                line += memoryview(chunk)[:end]
                self._rest, self._place = chunk, end + 1
                return self._bounded(line)
            line += chunk
            if len(line) > self._longest:
                raise self._too_long(len(line))
        if line:
            raise ProtocolError(
                f"the daemon's last line is cut off after {len(line)} bytes: it has ended, or was killed"
            )
        return None

    def _bounded(self, line: Line) -> Line:
        if len(line) > self._longest:
            raise self._too_long(len(line))
        return line

    def _too_long(self, size: int) -> ProtocolError:
        return ProtocolError(
            f"a line has {size} bytes or more, and {self._longest} are allowed: "
            "lower BATCH_RECORDS, which is the daemon's maxRecords"
        )


def widen(descriptor: int) -> None:
    """Let a pipe hold more, where it is one and the system lets us."""
    try:
        fcntl.fcntl(descriptor, _F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:
        return  # no pipe, or a user that has too many of them: it is slower, nothing else
