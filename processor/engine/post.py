"""Which of a task's children tells people of alarms: one of them, or each would have a session for it.

A lock of a file, which ends with its process however that ends: the next child that asks has the post.
https://man7.org/linux/man-pages/man2/flock.2.html
"""

import fcntl
import os
from pathlib import Path

FILE = ".notifier"


class Post:
    """In a directory that all children of a task share."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE
        self._held: int | None = None

    def taken(self, *, wanted: bool) -> bool:
        """Whether this process has the post, which it leaves when it is not wanted. One thread asks."""
        if not wanted:
            self._leave()
        elif self._held is None:
            self._held = self._locked()
        return self._held is not None

    def _locked(self) -> int | None:
        try:
            descriptor = os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            return None  # a full disk, or a directory that is not there yet: asked again in a moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def _leave(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None
