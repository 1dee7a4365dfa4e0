"""One shard under the engine: what the daemon says is done, in order, and answered.

initialize → the shard is owned, and what must come before is stored · processRecords → the writer has them ·
shutdownRequested → committed, checkpointed · shardEnded → committed, noted, checkpointed at the end ·
leaseLost → left without a checkpoint. Nothing is answered that was not done: an error ends the process.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from botocore.exceptions import BotoCoreError, ClientError

from processor.engine.checkpoints import Checkpoints, LeaseGone
from processor.engine.daemon import Daemon, DaemonGone
from processor.engine.messages import (
    Initialize,
    LeaseLost,
    ProcessRecords,
    ProtocolError,
    ShardEnded,
    ShutdownRequested,
    Told,
    action_of,
)
from processor.engine.past import Past
from processor.engine.records import behind, records_of, slices
from processor.pipeline import Pipeline
from processor.source.reader import ShardReader
from processor.source.records import Batch
from processor.storage.store import ShardLost

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0  # the longest silence after which it is looked how the writer fares
NOTE_SECONDS = 60.0  # how often a quiet shard's tip is noted: how far off the beginning of a gap may be
# What is handed over was fetched before: the engine keeps so many answers waiting at most, and twice as many
# messages ago nothing of now had been asked for. (PrefetchRecordsPublisher keeps 5 answers of GetRecords,
# FanOutRecordsPublisher 10 events and one:
# https://github.com/awslabs/amazon-kinesis-client/tree/master/amazon-kinesis-client/src/main/java/software/amazon/kinesis/retrieval)
WAITING_ANSWERS = 22
# How long a shard that another process has taken may be handed on to us: within its fail-over time the daemon
# learns that the lease is lost. If it still has it then, it is we who must take the shard anew.
PATIENCE_SECONDS = 40.0


class State(Enum):
    """How this process stands to its shard."""

    STARTING = auto()
    OWNER = auto()
    LOST = auto()  # another process writes it: answer, and do nothing
    LEFT = auto()  # handed back, as the daemon wished


class TakenOver(Exception):
    """Another process took the shard, though the daemon still holds its lease."""


class Child:
    """One shard's. `beat` is called before each message and between them: a sign of life.

    `alive` is called then while the shard is ours; it may raise what the writer met.
    """

    def __init__(
        self,
        daemon: Daemon,
        pipeline: Pipeline,
        past: Past,
        checkpoints: Checkpoints,
        *,
        beat: Callable[[], object] = lambda: None,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        self._daemon = daemon
        self._pipeline = pipeline
        self._past = past
        self._checkpoints = checkpoints
        self._beat = beat
        self._alive = alive
        self._reader: ShardReader | None = None
        self._came: deque[float] = deque(maxlen=WAITING_ANSWERS)
        self._abreast: deque[float] = deque(maxlen=WAITING_ANSWERS)  # the same, while all show the tip
        self._lost_at = 0.0
        self._told_of_parts = False
        self.state = State.STARTING
        self._shard = ""
        self._heard = time.monotonic()
        self._busy = False

    @property
    def heard(self) -> float:
        """When the daemon last had the word, by time.monotonic: now, while we have it."""
        return time.monotonic() if self._busy else self._heard

    @property
    def abreast(self) -> float | None:
        """When its reading began, or when nothing was behind it last, by time.monotonic; None: not yet."""
        return None if self._reader is None else self._reader.abreast_at

    @property
    def shard(self) -> str:
        """Its id; empty before the daemon has named it."""
        return self._shard

    def run(self) -> None:
        """Serve until the daemon has no more to say.

        Raises DaemonGone when it leaves without a word, TakenOver, ProtocolError, CheckpointRefused,
        Stopping, and what is not expected.
        """
        while True:
            try:
                message = self._daemon.next(TICK_SECONDS)
            except DaemonGone:
                if self.state in {State.LEFT, State.LOST}:
                    return
                raise
            self._beat()
            self._busy = message is not None
            try:
                if self.state is State.OWNER:
                    self._alive()
                if message is not None:
                    self._hear(message)
            except (ShardLost, LeaseGone) as error:
                self._lose(error)
            if message is not None:
                self._daemon.done(message)
                self._busy, self._heard = False, time.monotonic()
                del message  # a batch of megabytes, which else stayed until the next is read
            elif self.state is State.LOST:
                self._wait_for_the_word()

    def _hear(self, message: Told) -> None:
        if isinstance(message, Initialize):
            self._begin(message)
            return
        if self.state is State.STARTING:
            raise ProtocolError(f"the daemon says {action_of(message)!r} before 'initialize'")
        if isinstance(message, LeaseLost):
            logger.info("the lease is lost: leaving the shard", extra={"shard": self._shard})
            self.state = State.LEFT
        elif self.state is State.LOST:
            self._wait_for_the_word(at_end=isinstance(message, ShardEnded))
        elif isinstance(message, ProcessRecords):
            self._take(message)
        elif isinstance(message, ShutdownRequested):
            self._hand_over()
        elif isinstance(message, ShardEnded):
            self._end()

    def _begin(self, message: Initialize) -> None:
        if self.state is not State.STARTING:
            raise ProtocolError("the daemon says 'initialize' twice")
        self._shard, self.state = message.shard_id, State.LOST  # until it is ours
        self._reader = self._past.begin(message.shard_id, message.sequence_number)
        self.state = State.OWNER
        lease = self._reader.lease
        logger.info(
            "reading shard for the engine",
            extra={
                "shard": lease.shard,
                "epoch": lease.epoch,
                "position": self._reader.position,
                "checkpoint": message.sequence_number,
            },
        )

    @property
    def _owned(self) -> ShardReader:
        if self._reader is None:
            raise ProtocolError("there is no shard yet")
        return self._reader

    def _take(self, message: ProcessRecords) -> None:
        reader, lag_ms = self._owned, message.millis_behind_latest or 0
        self.state = State.OWNER
        self._came.append(time.time())
        if not message.records:
            self._quiet(reader, lag_ms, tip=message.millis_behind_latest == 0)
        else:
            read_to = reader.known.read_to
            if read_to is not None and read_to < self._past.horizon:
                self._pipeline.drain()
                reader = self._reader = self._past.look(reader)
            records = records_of(message.records, time.time())
            if len(records) < len(message.records):
                self._tell_of_parts()
            fresh = behind(records, reader.position)
            if fresh:
                for part in slices(fresh):
                    self._pipeline.take(reader.lease, Batch(self._shard, part, lag_ms))
                reader.taken(fresh[-1])
            self._checkpoints.reached(records[-1])
        self._tick(reader, tip=message.millis_behind_latest == 0)
        if self._checkpoints.due:
            self._commit()

    def _tick(self, reader: ShardReader, *, tip: bool) -> None:
        """Look for silences where the tip has been seen for as long as answers may wait.

        Before the end of a shard that was closed meanwhile it is not seen for long.
        """
        if tip:
            self._abreast.append(self._came[-1])
        else:
            self._abreast.clear()
        if len(self._abreast) < WAITING_ANSWERS or reader.range.last is not None or not reader.ticks():
            return
        try:
            self._pipeline.tick(reader.lease, self._abreast[0], self._past.listed)
        except (ClientError, BotoCoreError) as error:
            logger.warning("who is silent is not known now", extra={"cause": str(error)})

    def _tell_of_parts(self) -> None:
        if not self._told_of_parts:
            self._told_of_parts = True
            logger.warning(
                "the daemon takes aggregated records apart: a device that sends one is bound by "
                "the keys inside; use the launcher that leaves them whole",
                extra={"shard": self._shard},
            )

    def _quiet(self, reader: ShardReader, lag_ms: int, *, tip: bool) -> None:
        """Nothing came. At the tip, all that had arrived when it was asked for is stored."""
        self._pipeline.counts.lag_ms[self._shard] = lag_ms
        if tip:
            reader.abreast_at = time.monotonic()
        if not tip or len(self._came) < WAITING_ANSWERS:
            return
        reader.seen(self._came[0])
        if self._came[0] - reader.noted >= NOTE_SECONDS:
            self._pipeline.note(reader.lease, seen_at=self._came[0])
            reader.noted = self._came[0]

    def _commit(self) -> None:
        self._pipeline.drain()
        self._checkpoints.store()

    def _hand_over(self) -> None:
        self._commit()
        logger.info("asked to leave: all that was taken is committed", extra={"shard": self._shard})
        self.state = State.LEFT

    def _end(self) -> None:
        self._pipeline.note(self._owned.lease, ended=True)
        self._checkpoints.end()
        logger.info("shard read to its end", extra={"shard": self._shard})
        self.state = State.LEFT

    def _lose(self, error: Exception) -> None:
        logger.warning(
            "another process took the shard: waiting for the daemon to hear of it",
            extra={"shard": self._shard, "cause": str(error) or "the daemon does not hold the lease"},
        )
        self.state, self._lost_at = State.LOST, time.monotonic()

    def _wait_for_the_word(self, *, at_end: bool = False) -> None:
        """What comes is for another process to write; unless it is we who hold the lease.

        An end that is answered and not checkpointed would be asked for again of an ended process, for ever.
        """
        waited = time.monotonic() - self._lost_at
        if at_end or waited > PATIENCE_SECONDS:
            raise TakenOver(
                f"{self._shard} was taken by another process {waited:.0f} s ago, and the daemon still holds "
                "its lease: this process ends, so that the shard is taken anew"
            )
