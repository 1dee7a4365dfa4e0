"""When the engine's checkpoint moves, and what each of its refusals means.

A checkpoint is a write to DynamoDB, and only spares a repetition: the position in PostgreSQL is the truth,
and what comes again is skipped by it without a word to the database. So it is stored every few seconds, not
with every batch, and always where a shard changes hands.
"""

import logging
import time
from collections.abc import Callable

from processor.engine.daemon import Daemon
from processor.engine.messages import Checkpoint
from processor.source.records import Record

logger = logging.getLogger(__name__)

# DynamoDB is throttled or away: the next one will do.
# https://github.com/awslabs/amazon-kinesis-client/blob/master/amazon-kinesis-client/src/main/java/software/amazon/kinesis/processor/RecordProcessorCheckpointer.java
PASSING = frozenset({"ThrottlingException", "KinesisClientLibDependencyException"})
LOST = "ShutdownException"  # another worker has the lease
# At a shard's end there is no next one: with its status given and no checkpoint stored, the daemon would ask
# an ended child again, for ever. So it is tried for a minute; then the process ends, and another begins.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
ATTEMPTS = 10


class CheckpointRefused(RuntimeError):
    """The daemon refuses a checkpoint for a reason that does not pass: going on would hide it."""


class LeaseGone(Exception):
    """The daemon no longer holds the shard's lease; it will say so."""


class Checkpoints:
    """Of one shard. `clock` counts seconds; `pause` sleeps."""

    def __init__(
        self,
        daemon: Daemon,
        every_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._daemon = daemon
        self._every = every_seconds
        self._clock = clock
        self._pause = pause
        self._last: Checkpoint | None = None  # after what came; None: nothing since it was stored
        self._stored_at = clock()

    def reached(self, last: Record) -> None:
        """All up to this record is taken."""
        self._last = Checkpoint(last.sequence_number, last.sub_sequence)

    @property
    def due(self) -> bool:
        """Whether to commit all that is taken and to store a checkpoint."""
        return self._last is not None and self._clock() - self._stored_at >= self._every

    def store(self) -> None:
        """A checkpoint after the last record, which must be committed. Raises as `_ask`."""
        if self._last is None:
            return
        refused = self._ask(self._last)
        self._stored_at = self._clock()
        if refused is None:
            self._last = None

    def end(self) -> None:
        """The checkpoint at the end of the shard, which must be stored. Raises as `_ask`."""
        pause = FIRST_PAUSE
        for _ in range(ATTEMPTS):
            refused = self._ask(Checkpoint())
            if refused is None:
                return
            self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise CheckpointRefused(
            f"the end of the shard could not be checkpointed {ATTEMPTS} times ({refused}): see whether the "
            "engine's table in DynamoDB answers, and its throttling; another process tries it again"
        )

    def _ask(self, where: Checkpoint) -> str | None:
        """None when it is stored; the error when it may be later. Raises LeaseGone, CheckpointRefused."""
        error = self._daemon.checkpoint(where)
        if error is None:
            return None
        if error in PASSING:
            logger.warning(
                "the checkpoint was not stored; the next one will do",
                extra={"error": error, "sequence_number": where.sequence_number},
            )
            return error
        if error == LOST:
            raise LeaseGone
        raise CheckpointRefused(
            f"the daemon refuses the checkpoint {where.sequence_number or 'at the end of the shard'} with "
            f"{error}: see its log; the engine's table must exist, and the task's role may read and write it"
        )
