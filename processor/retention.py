"""What is older than its period goes: days of readings whole, rollups and refused readings row by row.

How long the periods are is written in the table `retention` by whoever owns it (processor/migrate.py), and
the functions that drop read it there: this process can ask for it to be done, and for nothing else. Each
statement is a transaction of its own, short and repeatable, so a kill anywhere costs nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg import errors

from processor.queries import load_queries
from processor.storage.database import Database, Session, Stopping

logger = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0
POINTS_AT_ONCE = 100  # whose rollups one transaction looks through
_QUERIES = load_queries()


@dataclass(frozen=True)
class Expired:
    """What one run has dropped: days of readings, rows of rollups, refused readings."""

    days: int = 0
    rollups: int = 0
    refused: int = 0


def expire(session: Session, go_on: Callable[[], bool] = lambda: True) -> Expired | None:
    """Drop what is over; None when another process is at it.

    A day that is written or read just now is left for the next run: nobody waits for this longer than half a
    second. `go_on` is asked between two transactions. Raises psycopg.Error for an outage.
    """
    if not _value(session, "take_retention"):
        return None
    try:
        days = 0
        for day in [row[0] for row in session.connection.execute(_QUERIES["expired_days"]).fetchall()]:
            if go_on() and _tried(session, "drop_readings", day=day):
                logger.info("a day of readings was dropped", extra={"day": day.isoformat()})
                days += 1
        rollups = 0
        for first in range(1, _value(session, "last_point") + 1, POINTS_AT_ONCE):
            last = first + POINTS_AT_ONCE - 1
            rollups += _until_none(session, go_on, "drop_rollups", first=first, last=last)
        return Expired(days, rollups, _until_none(session, go_on, "drop_refused"))
    finally:
        if not session.connection.broken:
            _value(session, "free_retention")


def _until_none(session: Session, go_on: Callable[[], bool], name: str, **given: int) -> int:
    total = 0
    while go_on() and (gone := _tried(session, name, **given)):
        total += gone
    return total


def _tried(session: Session, name: str, **given: object) -> int:
    """What the function says; 0 when somebody holds what it needs."""
    try:
        return int(_value(session, name, **given))
    except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
        logger.info("left for the next run: in use", extra={"statement": name, "cause": str(error).strip()})
        return 0


def _value(session: Session, name: str, **given: object) -> int:
    row = session.connection.execute(_QUERIES[name], given).fetchone()
    if row is None:
        raise RuntimeError(f"{name} gave no row")
    return int(row[0])


class Retention:
    """A thread that expires what is over, once an hour and on a connection of its own.

    due: whether this process is the one to do it. Nothing of it stops the reading: what fails is logged, and
    tried again an hour later.
    """

    def __init__(self, database: Database, stopping: threading.Event, due: Callable[[], bool]) -> None:
        self._database = database
        self._stopping = stopping
        self._due = due

    def start(self) -> None:
        """It ends with the process."""
        threading.Thread(target=self._run, name="retention", daemon=True).start()

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            if self._due():
                self.once()
                self._stopping.wait(EVERY_SECONDS)

    def once(self) -> None:
        """One run, outages waited for; its connection is left again."""
        began = time.monotonic()
        try:
            done = self._database.run(lambda session: expire(session, lambda: not self._stopping.is_set()))
        except Stopping:
            return
        except Exception:
            logger.exception("nothing was dropped; it is tried again in an hour")
            return
        finally:
            self._database.close()
        if done is not None and done != Expired():
            logger.info(
                "what was over its period is dropped",
                extra={
                    "days": done.days,
                    "rollups": done.rollups,
                    "refused": done.refused,
                    "seconds": round(time.monotonic() - began, 3),
                },
            )
