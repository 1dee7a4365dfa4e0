"""What must be stored before the engine's own records: read from the stream by calls of our own.

The position in PostgreSQL is the truth, the engine's checkpoint a hint of where it will begin. Behind the
position it costs a repetition. Ahead of it, as after a database was restored, what lies between is read here,
parents before their children, since the engine takes them for done. What the stream no longer holds is told.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from processor.pipeline import Pipeline
from processor.queries import load_queries
from processor.source.losses import say_gap
from processor.source.position import Gap, Known, Range, finished, gone, start
from processor.source.reader import FIRST_PAUSE, Answer, Seek, ShardReader
from processor.source.records import Batch, Record, records_of
from processor.source.shards import known_of, numbers, parents
from processor.source.stream import Stream
from processor.storage.database import Database, Session, Stopping
from processor.storage.store import Lease, ShardLost

if TYPE_CHECKING:
    from types_boto3_kinesis.type_defs import ShardTypeDef

logger = logging.getLogger(__name__)

RECORDS_A_CALL = 1000
# GetRecords may be called five times a second for a shard, whoever calls; the engine does as well.
REST_SECONDS = 0.25
THROTTLED_SECONDS = 1.0
LONGEST_PAUSE = 10.0
LOOK_SECONDS = 1.0  # how often to look whether another process has finished a parent
RETENTION_SECONDS = 300.0  # how old our knowledge of the stream's retention may be
_QUERIES = load_queries()


class StillOpen(Exception):
    """ListShards is of a moment ago: a shard that must be closed by now is not."""


class Past:
    """Of one stream. `beat` is called while it waits: a sign of life."""

    def __init__(
        self,
        stream: Stream,
        pipeline: Pipeline,
        database: Database,
        stopping: threading.Event,
        beat: Callable[[], object] = lambda: None,
    ) -> None:
        self._stream = stream
        self._pipeline = pipeline
        self._database = database
        self._stopping = stopping
        self._beat = beat
        self._retention = 0.0
        self._retention_due = 0.0

    def begin(self, shard: str, checkpoint: str | None) -> ShardReader:
        """Own a shard; all that came until the engine's checkpoint is stored then, and gaps are told.

        Raises ShardLost, Stopping, what is no outage.
        """
        return self._persistent(lambda: self._begin(shard, checkpoint))

    def look(self, reader: ShardReader) -> ShardReader:
        """We are as slow as the stream's retention: see whether what follows the position is still there.

        Raises as `begin`.
        """
        return self._persistent(
            lambda: self._reach(ShardReader(reader.lease, reader.known, reader.range), None)
        )

    def listed(self) -> Collection[str]:
        """All shards of the stream, the closed ones, too. Raises ClientError, BotoCoreError."""
        return self._stream.shards().keys()

    @property
    def horizon(self) -> float:
        """What reached the stream before may be gone, in seconds since 1970."""
        if time.monotonic() >= self._retention_due:
            try:
                self._retention = self._stream.retention_seconds()
            except (ClientError, BotoCoreError) as error:
                if not self._retention:
                    raise
                logger.warning("the stream's retention is not known anew", extra={"cause": str(error)})
            self._retention_due = time.monotonic() + RETENTION_SECONDS
        return time.time() - self._retention

    def _begin(self, shard: str, checkpoint: str | None) -> ShardReader:
        listed, known = self._stream.shards(), self._pipeline.known()
        self._leave_gone(listed, known)
        described = listed.get(shard)
        if described is None:
            logger.warning("the engine begins a shard that the stream does not list", extra={"shard": shard})
            return ShardReader(self._pipeline.own(shard), known.get(shard, Known()), Range("0"))
        for parent in sorted(parents(described)):
            self._finish(parent, listed)
        reader = self._own(described)
        until = start(reader.known, reader.range, checkpoint).until
        if until is not None and not reader.range.admits(until):
            until = None  # the checkpoint is of a stream that had this name before
        if until is not None:
            logger.warning(
                "the engine's checkpoint is ahead of the position: reading again what lies between",
                extra={"shard": shard, "position": reader.position, "checkpoint": until},
            )
        return self._reach(reader, until)

    def _own(self, described: "ShardTypeDef") -> ShardReader:
        lease = self._pipeline.own(described["ShardId"])
        mine = replace(known_of(described, self._pipeline.known()), position=lease.position)
        return ShardReader(lease, mine, numbers(described))

    def _finish(self, parent: str, listed: Mapping[str, "ShardTypeDef"]) -> None:
        """A shard whose children the engine begins: all of it is stored, by this process or by another."""
        described = listed.get(parent)
        if described is None or self._is_finished(described):
            return
        end = numbers(described).last
        if end is None:
            raise StillOpen(f"{parent} has children and is listed without its end")
        for before in sorted(parents(described)):
            self._finish(before, listed)
        while not self._may("take_past", parent):
            self._rest(LOOK_SECONDS)
        try:
            if not self._is_finished(described):
                reader = self._own(described)
                logger.warning(
                    "a closed shard was not stored to its end: reading the rest of it",
                    extra={"shard": parent, "position": reader.position},
                )
                self._reach(reader, end)
                self._pipeline.note(reader.lease, ended=True)
        finally:
            self._may("free_past", parent)

    def _may(self, statement: str, shard: str) -> bool:
        given = {"stream": self._stream.name, "shard": shard}

        def ask(session: Session) -> bool:
            row = session.connection.execute(_QUERIES[statement], given).fetchone()
            return row is not None and bool(row[0])

        return self._database.run(ask)

    def _is_finished(self, described: "ShardTypeDef") -> bool:
        known = self._pipeline.known().get(described["ShardId"], Known())
        return finished(known, numbers(described))

    def _leave_gone(self, listed: Mapping[str, object], known: Mapping[str, Known]) -> None:
        """Shards that are no more and were not stored to their end: tell the gap."""
        for name, was in known.items():
            if name in listed or was.ended or was.read_to is None or self._stream.exists(name):
                continue
            with suppress(ShardLost):  # another process tells the same
                self._note(self._pipeline.own(name), gone(was, self.horizon, time.time()), ended=True)

    def _reach(self, reader: ShardReader, until: str | None) -> ShardReader:
        """Settle whether the stream holds what follows the position, and store it up to `until`.

        More than that may be stored: the engine hands it over again, and it is skipped then.
        """
        if until is None and reader.position is None and reader.known.read_to is None:
            return reader  # nobody has read it yet: the engine begins with the oldest record
        while True:
            heard = self._ask(reader)
            if heard is None:
                continue
            found = reader.found(heard, self.horizon, time.time())
            if not found.settled:
                continue
            if found.gap is not None or until is not None:
                self._store(reader, found.records, found.gap)
            if until is None or heard.end or (heard.tip and not found.records) or _reached(reader, until):
                return reader
            self._rest(REST_SECONDS)

    def _store(self, reader: ShardReader, records: Sequence[Record], gap: Gap | None) -> None:
        if records:
            self._pipeline.drain()
            self._pipeline.take(replace(reader.lease, gap=gap), Batch(reader.lease.shard, records, 0))
            reader.taken(records[-1])
            self._pipeline.drain()
            self._told(reader.lease, gap)
        elif gap is not None:
            self._note(reader.lease, gap)
            reader.told(gap)

    def _note(self, lease: Lease, gap: Gap | None, ended: bool = False) -> None:
        self._pipeline.note(replace(lease, gap=gap), ended=ended)
        self._told(lease, gap)

    def _told(self, lease: Lease, gap: Gap | None) -> None:
        if gap is not None:
            self._pipeline.counts.gaps += 1
            say_gap(self._stream.name, lease.shard, gap)

    def _ask(self, reader: ShardReader) -> Answer | None:
        """What GetRecords says; None: ask again."""
        exceptions = self._stream.client.exceptions
        try:
            reader.iterator = reader.iterator or self._stream.iterator(reader)
            answer = self._stream.client.get_records(ShardIterator=reader.iterator, Limit=RECORDS_A_CALL)
        except exceptions.ExpiredIteratorException:
            reader.iterator = None
            return None
        except exceptions.ProvisionedThroughputExceededException:
            self._rest(THROTTLED_SECONDS)
            return None
        except exceptions.InvalidArgumentException:
            if reader.iterator is None and reader.seek is Seek.POSITION:
                reader.from_oldest()
                return None
            raise
        reader.iterator = answer.get("NextShardIterator")
        return Answer(records_of(answer), answer.get("MillisBehindLatest") == 0, reader.iterator is None)

    def _persistent(self, work: Callable[[], ShardReader]) -> ShardReader:
        """`work` until Kinesis answers; it may be done again from its beginning."""
        pause = FIRST_PAUSE
        while True:
            try:
                return work()
            except (ClientError, BotoCoreError, StillOpen) as error:
                logger.warning("the stream is away: trying again", extra={"cause": str(error)})
                self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _rest(self, seconds: float) -> None:
        self._beat()
        if self._stopping.wait(seconds):
            raise Stopping


def _reached(reader: ShardReader, until: str) -> bool:
    return reader.position is not None and int(reader.position) >= int(until)
