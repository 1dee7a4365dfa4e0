"""How each child stands, told in a file of its own: what the container's health check reads.

The children are processes of the daemon's, one a shard, and come and go with the leases. A file each in one
directory needs no port and no server, and still speaks of a child that was killed. Times are those of
time.monotonic, which is the machine's: all processes of a container read the same clock
(https://man7.org/linux/man-pages/man2/clock_gettime.2.html).
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from processor.readiness import LastCommit

EVERY_SECONDS = 1.0
ENDING = ".child.json"


class Vitals(msgspec.Struct, frozen=True):
    """One child at one moment. Times by time.monotonic; `lacks`, `lag_ms`, `last` as in readiness.Standing.

    parent: the daemon's process. beat: when the loop was last seen alive. heard: when the daemon last spoke.
    state: as child.State, in lower case. abreast: when its reading began, or when nothing was behind it last.
    """

    shard: str
    pid: int
    parent: int
    state: str
    beat: float
    heard: float
    lacks: str | None
    database: str | None
    cache: str | None
    lag_ms: dict[str, int]
    last: dict[str, LastCommit]
    abreast: float | None
    inserted: int = 0
    absorbed: int = 0
    refused: int = 0


class VitalsError(RuntimeError):
    """The directory cannot be written: the message says which, and what to do."""


class Told:
    """Writes one child's file, each second, on a thread of its own; `end` takes it away."""

    def __init__(self, directory: Path, state: Callable[[], Vitals | None]) -> None:
        self._directory = directory
        self._state = state
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._file: Path | None = None

    def start(self) -> None:
        """Raises VitalsError where nothing can be written."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            probe = self._directory / f".{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise VitalsError(
                f"CHILDREN_DIRECTORY={self._directory}: {error.strerror}; the health check reads there how "
                "each shard stands, so mount a volume that this user may write, or name another directory"
            ) from None
        threading.Thread(target=self._run, name="vitals", daemon=True).start()

    def write(self) -> None:
        """Once, now: readers see the file before or the file after. A full disk is no reason to stop."""
        with self._turn:
            vitals = self._state()
            if vitals is None or self._ended.is_set():
                return
            self._file = self._directory / f"{vitals.shard}{ENDING}"
            fresh = self._directory / f".{vitals.pid}"
            try:
                fresh.write_bytes(msgspec.json.encode(vitals))
                fresh.replace(self._file)
            except OSError:
                return  # the file grows old, and that is seen

    def end(self) -> None:
        """The child has left its shard in good order: nothing more is to be said of it."""
        with self._turn:
            self._ended.set()
            if self._file is not None:
                self._file.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.write()


def read(directory: Path) -> list[Vitals]:
    """All children's that there are, by shard. One that is half a file or gone again is left out."""
    found = []
    for file in sorted(directory.glob(f"*{ENDING}")):
        try:
            found.append(msgspec.json.decode(file.read_bytes(), type=Vitals))
        except (OSError, msgspec.MsgspecError):
            continue
    return found
