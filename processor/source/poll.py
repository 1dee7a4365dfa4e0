"""A plain reader of a Kinesis stream: one worker, all its shards, no leases.

A shard is read from the position in PostgreSQL, else from the oldest record. A child shard is begun when its
parents have been read to their end, so that the order of each partition key holds across a reshard. What the
stream no longer holds is a gap: a row in stream_gap, a line in the log, a count.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from processor.pipeline import Pipeline
from processor.source.losses import say_gap
from processor.source.position import Gap, Known, finished, gone
from processor.source.reader import FIRST_PAUSE, Answer, Seek, ShardReader
from processor.source.records import Batch, records_of
from processor.source.shards import known_of, numbers, parents
from processor.source.stream import Stream
from processor.storage.database import Stopping
from processor.storage.store import Lease

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import GetRecordsOutputTypeDef, ShardTypeDef

logger = logging.getLogger(__name__)

LIST_SECONDS = 30.0  # how often to look for new shards where none has ended
LONGEST_PAUSE = 10.0
THROTTLED_SECONDS = 1.0  # GetRecords counts its limits by the second
NOTE_SECONDS = 60.0  # how often a quiet shard's tip is noted: how far off the beginning of a gap may be


class Poller:
    """Reads until stopped. `beat` is called before each call to Kinesis: a sign of life, which may raise.

    Such a call may take long, and between two of them PostgreSQL is to hear that this process lives.
    """

    def __init__(
        self,
        client: "KinesisClient",
        stream: str,
        pipeline: Pipeline,
        *,
        poll_seconds: float,
        batch_records: int,
        stopping: threading.Event,
        beat: Callable[[], None],
    ) -> None:
        self._client = client
        self._stream = Stream(client, stream, beat)
        self._pipeline = pipeline
        self._poll_seconds = poll_seconds
        self._batch_records = batch_records
        self._stopping = stopping
        self._beat = beat
        self._readers: dict[str, ShardReader] = {}
        self._ended: set[str] = set()
        self._retention_seconds = 0.0
        self._list_due = 0.0
        self._pause = FIRST_PAUSE

    def abreast(self) -> dict[str, float]:
        """Each open shard: when its reading began, or when nothing was behind it last, by time.monotonic."""
        return {name: reader.abreast_at for name, reader in list(self._readers.items())}

    def run(self) -> None:
        """Read all shards in turn until `stopping` is set, and commit what was taken.

        Raises ShardLost, TurnLost, Stopping, what is no outage.
        """
        try:
            self._read_on()
        except Stopping:
            self._pipeline.drain()  # what the writer met is why we stop, and says more
            raise
        self._pipeline.drain()

    def _read_on(self) -> None:
        while not self._stopping.is_set():
            self._beat()
            try:
                self._turn()
                self._pause = FIRST_PAUSE
            except (ClientError, BotoCoreError) as error:
                logger.warning("the stream is away: trying again", extra={"cause": str(error)})
                self._stopping.wait(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _turn(self) -> None:
        if time.monotonic() >= self._list_due:
            self._open_shards()
        for reader in list(self._readers.values()):
            if self._stopping.is_set():
                return
            if time.monotonic() >= reader.due:
                self._beat()
                self._try(reader)
        soonest = min((reader.due for reader in self._readers.values()), default=self._list_due)
        self._stopping.wait(max(0.0, min(soonest, self._list_due) - time.monotonic()))

    def _open_shards(self) -> None:
        shards = self._stream.shards()
        self._retention_seconds = self._stream.retention_seconds()
        self._list_due = time.monotonic() + LIST_SECONDS
        for name, reader in self._readers.items():
            reader.range = numbers(shards[name]) if name in shards else reader.range
        if not shards.keys() - self._readers.keys() - self._ended and self._readers.keys() <= shards.keys():
            return
        known = self._pipeline.known()
        self._leave_gone(shards, known)
        for name, shard in shards.items():
            if name not in self._readers and name not in self._ended:
                self._open(shard, shards, known)

    def _open(
        self, shard: "ShardTypeDef", shards: dict[str, "ShardTypeDef"], known: dict[str, Known]
    ) -> None:
        name, came_from = shard["ShardId"], parents(shard)
        # A parent that is no longer listed has expired with all its records.
        if any(parent in shards and parent not in self._ended for parent in came_from):
            return
        if finished(known.get(name, Known()), numbers(shard)):
            self._ended.add(name)
            self._list_due = 0.0
            return
        lease = self._pipeline.own(name)
        mine = replace(known_of(shard, known), position=lease.position)
        logger.info("reading shard", extra={"shard": name, "epoch": lease.epoch, "position": lease.position})
        self._readers[name] = ShardReader(lease, mine, numbers(shard))

    def _leave_gone(self, shards: dict[str, "ShardTypeDef"], known: dict[str, Known]) -> None:
        """Shards that are no more and were not read to their end: tell the gap; their children may begin."""
        for name, was in known.items():
            if name in shards or name in self._ended or was.ended:
                continue
            reader = self._readers.get(name)
            if reader is not None and reader.missing:
                self._leave(reader.lease, reader.known)
            elif reader is None and was.read_to is not None and not self._stream.exists(name):
                self._leave(self._pipeline.own(name), was)

    def _leave(self, lease: Lease, known: Known) -> None:
        self._note(lease, gone(known, self._horizon(), time.time()), ended=True)
        self._readers.pop(lease.shard, None)
        self._over(lease.shard)

    def _try(self, reader: ShardReader) -> None:
        # One shard that cannot be read must not keep the others waiting.
        try:
            self._read(reader)
        except (ClientError, BotoCoreError) as error:
            name = reader.lease.shard
            logger.warning("a shard is away: trying again", extra={"shard": name, "cause": str(error)})
            reader.due = time.monotonic() + reader.pause
            reader.pause = min(2 * reader.pause, LONGEST_PAUSE)
        else:
            reader.pause = FIRST_PAUSE

    def _read(self, reader: ShardReader) -> None:
        reader.due = time.monotonic() + self._poll_seconds
        reader.check(self._horizon())
        asked_at = time.time()
        exceptions = self._client.exceptions
        try:
            if reader.iterator is None:
                reader.iterator = self._stream.iterator(reader)
                self._beat()
            answer = self._client.get_records(ShardIterator=reader.iterator, Limit=self._batch_records)
        except exceptions.ExpiredIteratorException:
            reader.iterator, reader.due = None, 0.0  # after 5 minutes; the next one starts at our position
            return
        except exceptions.ProvisionedThroughputExceededException:
            reader.due = time.monotonic() + max(THROTTLED_SECONDS, self._poll_seconds)
            return
        except exceptions.InvalidArgumentException:
            if reader.iterator is None and reader.seek is Seek.POSITION:
                reader.from_oldest()
                return
            reader.iterator = None
            raise
        except exceptions.ResourceNotFoundException:
            reader.iterator, reader.missing, self._list_due = None, True, 0.0
            raise
        reader.missing = False
        self._hand_over(reader, answer, asked_at)

    def _hand_over(self, reader: ShardReader, answer: "GetRecordsOutputTypeDef", asked_at: float) -> None:
        reader.iterator = answer.get("NextShardIterator")
        lag_ms = answer.get("MillisBehindLatest", 0)
        tip = answer.get("MillisBehindLatest") == 0
        heard = Answer(records_of(answer), tip, reader.iterator is None)
        found = reader.found(heard, self._horizon(), asked_at)
        if not found.settled:
            return
        if found.records:
            lease = replace(reader.lease, gap=found.gap)
            if found.gap is not None:
                self._pipeline.drain()  # so that the gap's lease is that of a transaction of its own
            self._pipeline.take(lease, Batch(reader.lease.shard, found.records, lag_ms))
            reader.taken(found.records[-1])
            if found.gap is not None:
                self._pipeline.drain()
                self._say(lease, found.gap)
        else:
            self._pipeline.counts.lag_ms[reader.lease.shard] = lag_ms
            self._quiet(reader, found.gap, heard, asked_at)
        if heard.end:
            self._end(reader)
        elif heard.tip and reader.range.last is None and reader.ticks():
            # A shard's devices go on in its children: of one that is closed, who is silent is not known.
            self._pipeline.tick(reader.lease, asked_at, self._stream.shards)

    def _quiet(self, reader: ShardReader, gap: Gap | None, heard: Answer, asked_at: float) -> None:
        """Nothing came. At the tip of an open shard all that arrived until now is stored.

        "A value of zero indicates that record processing is caught up":
        https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
        """
        if heard.tip:
            reader.abreast_at = time.monotonic()
        if heard.tip and reader.range.last is None and not heard.end:
            reader.seen(asked_at)
        seen_at = reader.known.seen_at
        if gap is not None or (seen_at is not None and seen_at - reader.noted >= NOTE_SECONDS):
            self._note(reader.lease, gap, seen_at)
            reader.noted = seen_at or 0.0
            if gap is not None:
                reader.told(gap)

    def _end(self, reader: ShardReader) -> None:
        name = reader.lease.shard
        self._note(reader.lease, None, ended=True)
        logger.info("shard read to its end", extra={"shard": name})
        del self._readers[name]
        self._over(name)
        self._list_due = 0.0  # its children may begin

    def _over(self, shard: str) -> None:
        """Nothing more comes of a shard, so what it lagged last is no lag any more."""
        self._ended.add(shard)
        self._pipeline.counts.lag_ms.pop(shard, None)

    def _note(self, lease: Lease, gap: Gap | None, seen_at: float | None = None, ended: bool = False) -> None:
        self._pipeline.note(replace(lease, gap=gap), seen_at=seen_at, ended=ended)
        if gap is not None:
            self._say(lease, gap)

    def _say(self, lease: Lease, gap: Gap) -> None:
        """A gap's row is committed: count it, and tell whoever reads the log."""
        self._pipeline.counts.gaps += 1
        say_gap(self._stream.name, lease.shard, gap)

    def _horizon(self) -> float:
        """What reached the stream before may be gone, in seconds since 1970."""
        return time.time() - self._retention_seconds
