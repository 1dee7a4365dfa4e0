"""Waiting until the tables are those of this release: a child may begin before a migration has ended."""

import logging
import threading
from collections.abc import Callable

from processor.migrate import lacking
from processor.storage.database import Session, Stopping

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


class Tables:
    """`lacks`: what they lack, for as long as they do. `beat` is called at each look: a sign of life."""

    def __init__(self, stopping: threading.Event, beat: Callable[[], object]) -> None:
        self._stopping = stopping
        self._beat = beat
        self.lacks: str | None = None

    def wait(self, session: Session) -> None:
        """Return when nothing is missing. Raises Stopping."""
        while (lacks := lacking(session)) is not None:
            if self.lacks is None:
                logger.warning("standing by: the tables are older than this release", extra={"cause": lacks})
            self.lacks = lacks
            self._beat()
            if self._stopping.wait(LOOK_SECONDS):
                raise Stopping
        self.lacks = None
