"""Whose turn it is to read: of all processors on one stream one reads, the others stand by.

The turn is an advisory lock of PostgreSQL, held by the session that writes, so it ends with that session,
whatever ended it. It keeps two from doing the same work; that two can never spoil each other's is held by the
epochs in shard_progress, with the lock or without.

Who finds the tables older than its code has no use for a turn: it stands by without asking for one, on the
one session, until they are there.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from processor.queries import load_queries
from processor.storage.database import Session, SessionOld, Stopping

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # how often a standby looks, on average
# A session that the network swallowed is given up by the server some seconds after us at most: both keep the
# same time-outs (processor/storage/database.py).
PATIENCE_SECONDS = 10.0
_QUERIES = load_queries()
QUEUE_LOOK_SECONDS = 0.002


class TurnLost(RuntimeError):
    """Another process has begun to read: what this one knows of the shards is of yesterday."""


class Turn:
    """The turn on one stream; `state` is "starting", "standby" or "reader".

    `lacking` says what the tables lack, or None; `lacks` is what it said last.
    """

    def __init__(
        self,
        stream: str,
        stopping: threading.Event,
        lacking: Callable[[Session], str | None] = lambda session: None,
    ) -> None:
        self._given = {"stream": stream}
        self._stopping = stopping
        self._lacking = lacking
        self._had_it = False
        self.beat: Callable[[], None] = lambda: None  # called at each look: a sign of life
        self.state = "starting"
        self.lacks: str | None = None

    def take(self, session: Session) -> None:
        """Wait until the tables are there and this session has the turn. Raises Stopping, SessionOld.

        Whoever had it on an earlier session waits a moment only: raises TurnLost when another one has it.
        """
        while (lacks := self._lacking(session)) is not None:
            if self.lacks is None:
                logger.warning("standing by: the tables are older than this release", extra={"cause": lacks})
            self.lacks = lacks
            self._stand_by(session)
        self.lacks = None
        began = time.monotonic()
        while not self._look(session):
            if self._had_it and time.monotonic() - began > PATIENCE_SECONDS:
                raise TurnLost("its session was lost, and another processor has begun to read the stream")
            if self.state != "standby":
                logger.info("standing by: another processor reads the stream")
            self._stand_by(session)
        self.state = "reader"
        self._had_it = True

    def hand_over(self, old: Session, new: Session) -> None:
        """Pass the turn from one session of this process to another. Closes the old one.

        The new one queues for the lock before the old one goes, and PostgreSQL gives a lock that is freed to
        who queues for it: one that merely looks, as a standby does, never comes between.
        Raises psycopg.Error.
        """
        with ThreadPoolExecutor(1, "turn") as waiting:
            taken = waiting.submit(new.connection.execute, _QUERIES["await_turn"], self._given)
            while not taken.done() and not _queued(old, new):
                time.sleep(QUEUE_LOOK_SECONDS)
            if not taken.done():
                old.connection.close()
            taken.result()  # raises what ended the waiting: a time-out, a lost session

    def _stand_by(self, session: Session) -> None:
        self.state = "standby"
        self.beat()
        if session.old:
            raise SessionOld
        if self._stopping.wait(LOOK_SECONDS * random.uniform(0.5, 1.5)):  # noqa: S311 - spreads tasks
            raise Stopping

    def _look(self, session: Session) -> bool:
        row = session.connection.execute(_QUERIES["take_turn"], self._given).fetchone()
        return row is not None and bool(row[0])


def _queued(old: Session, new: Session) -> bool:
    asked = {"pid": new.connection.info.backend_pid}
    row = old.connection.execute(_QUERIES["queues_for_turn"], asked).fetchone()
    return row is not None and bool(row[0])
