"""Tells people of alarms: what changed is read from PostgreSQL, sent to SNS, and marked as sent.

In this order, so a message is sent at least once: a kill between sending and marking sends it once more, word
for word. One notifier tells at a time, by an advisory lock of its session: one that was thought dead, or has
not heard yet that another took over, finds the lock taken. Nothing of it stops the reading: it has a thread
and a session of its own, SNS away is tried again, and what waits stands in the tables meanwhile.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from psycopg import Connection

from processor.alarms import outbox
from processor.alarms.present import Shown, count_standing, standing
from processor.alarms.topic import Refused
from processor.alarms.wording import Voice
from processor.storage.database import Database, Session, Stopping

logger = logging.getLogger(__name__)

# Without being woken: by another process's commit, by calm, by the end of a flood or of a rule's version.
LOOK_SECONDS = 3.0
SHORTEST_SECONDS = 0.5  # between two rounds, however much happens: what comes in between is told together
FIRST_REST = 1.0  # seconds without an attempt after SNS failed; doubled at each
LONGEST_REST = 60.0
AFTER_ERROR_SECONDS = 60.0
STALE_SECONDS = 90.0  # after which nothing is said of how it stood: the alarm PlantUntold hears the silence
# Of standing alarms, how many a dashboard is shown; each is some 300 bytes. The number of all is a metric.
MOST_SHOWN = 5_000


class Sending(Protocol):
    """What is needed of topic.Topic."""

    def publish(self, notice: outbox.Notice) -> str: ...


class Showing(Protocol):
    """What is needed of board.Board."""

    def show(self, present: dict[str, list[Shown]], now: datetime) -> None: ...


@dataclass(frozen=True)
class Look:
    """When by the notifier's clock; alarms that stand; seconds that the oldest change has waited."""

    at: float
    standing: int
    age: float


class Notifier:
    """A thread that tells what is due. topic None: nobody is told, and the changes are settled.

    due: whether this process is one of those that may. `sent` is called with each message that SNS has taken.
    clock counts seconds; only differences matter.
    """

    def __init__(
        self,
        database: Database,
        topic: Sending | None,
        board: Showing,
        voice: Voice,
        *,
        stopping: threading.Event,
        due: Callable[[], bool],
        sent: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._topic = topic
        self._board = board
        self._voice = voice
        self._stopping = stopping
        self._due = due
        self._sent = sent
        self._clock = clock
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._rest = FIRST_REST
        self._closed_until = 0.0  # the circuit: no attempt before
        self._unmarked: dict[UUID, str] = {}  # sent, and the database was away before that was written
        self.away: str | None = None  # why nothing is sent; None when it is
        self.look: Look | None = None  # None where another process looked last

    @property
    def standing(self) -> int | None:
        """Alarms that stand; None where this process does not know."""
        return None if (look := self._fresh()) is None else look.standing

    @property
    def age(self) -> float | None:
        """For how many seconds the oldest change has waited that is to be told; None as above."""
        return None if (look := self._fresh()) is None else look.age

    def start(self) -> None:
        """It ends with the process, and before with `close`."""
        self._thread.start()

    def close(self, seconds: float) -> None:
        """After `stopping`: let what is being sent be marked, or the next process would send it once more."""
        self.wake()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def wake(self) -> None:
        """Something was raised or cleared. From any thread, in no time."""
        self._woken.set()

    def _run(self) -> None:
        pause = SHORTEST_SECONDS
        while not self._stopping.wait(SHORTEST_SECONDS):
            self._woken.wait(pause)
            self._woken.clear()
            pause = LOOK_SECONDS
            if self._stopping.is_set():
                return
            if not self._due():
                self.look = None
            elif not self.once():
                self._stopping.wait(AFTER_ERROR_SECONDS)

    def once(self) -> bool:
        """One round, outages of the database waited for; False after an error that nothing explains."""
        try:
            self._database.run(self._round)
        except Stopping:
            return True
        except Exception:
            logger.exception("nobody was told of alarms; it is tried again in a minute")
            self.look = None  # who says nothing is told of by the alarm PlantUntold
            return False
        return True

    def _fresh(self) -> Look | None:
        look = self.look
        return look if look is not None and self._clock() - look.at < STALE_SECONDS else None

    def _round(self, session: Session) -> None:
        connection = session.connection
        if not outbox.take(connection):
            self.look = None
            return
        try:
            now = outbox.moment(connection)
            outbox.end_with_rules(connection, now)
            self._board.show(standing(connection, now, MOST_SHOWN), now)  # first: SNS may take half a minute
            if self._topic is None:
                outbox.tell_nobody(connection, now)
            elif self._clock() >= self._closed_until:
                self._tell(connection, self._topic)
            self.look = Look(self._clock(), count_standing(connection, now), outbox.oldest(connection))
        finally:
            if not connection.broken:
                outbox.free(connection)

    def _tell(self, connection: Connection[Any], topic: Sending) -> None:
        """What is written first. So while SNS is away nothing is written, and what comes is told together."""
        for notice, message_id in list(self._unmarked.items()):
            outbox.mark_sent(connection, notice, message_id)
            del self._unmarked[notice]
        while self._send(connection, topic):
            if not outbox.compose(connection, outbox.moment(connection), self._voice):
                return

    def _send(self, connection: Connection[Any], topic: Sending) -> bool:
        """All that is written; False when SNS is away, or the process is to stop."""
        while notices := outbox.unsent(connection, outbox.moment(connection)):
            for notice in notices:
                if self._stopping.is_set():
                    return False
                if outbox.claim(connection, notice.id) and not self._publish(connection, topic, notice):
                    return False
        return True

    def _publish(self, connection: Connection[Any], topic: Sending, notice: outbox.Notice) -> bool:
        try:
            message_id = topic.publish(notice)
        except Refused as error:
            logger.error(
                "SNS will not have a message of an alarm: it is tried again in some minutes, others go on",
                extra={"notice": str(notice.id), "cause": str(error)},
            )
            outbox.mark_refused(connection, notice.id, str(error))
            return True
        except (ClientError, BotoCoreError, OSError) as error:
            self._closed_until = self._clock() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
            if self.away is None:
                logger.warning("SNS is away: alarms are told when it is back", extra={"cause": str(error)})
            self.away = f"{type(error).__name__}: {error}"
            return False
        if self.away is not None:
            logger.info("SNS is back")
        self.away, self._rest = None, FIRST_REST
        self._unmarked[notice.id] = message_id
        self._sent()
        outbox.mark_sent(connection, notice.id, message_id)
        del self._unmarked[notice.id]
        return True
