"""A plain reader of a Kinesis stream: one worker, all its shards, no leases.

A shard is read from the position in PostgreSQL, else from the oldest record. A child shard is begun when its
parents have been read to their end, so that the order of each partition key holds across a reshard.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from processor.pipeline import Pipeline
from processor.source.records import Batch, Record
from processor.storage.store import Lease

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import RecordTypeDef, ShardTypeDef

logger = logging.getLogger(__name__)

LIST_SECONDS = 30.0  # how often to look for new shards where none has ended
FIRST_PAUSE = 0.5  # after throttling or an outage; doubled at each
LONGEST_PAUSE = 10.0
THROTTLED_SECONDS = 1.0  # GetRecords counts its limits by the second


class ShardReader:
    """One open shard: its lease, its iterator, and when it may be asked again."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.position = lease.position
        self.iterator: str | None = None
        self.due = 0.0
        self.pause = FIRST_PAUSE


class Poller:
    """Reads until stopped. `beat` is called before each shard's turn: a sign of life, which may raise."""

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
        self._stream = stream
        self._pipeline = pipeline
        self._poll_seconds = poll_seconds
        self._batch_records = batch_records
        self._stopping = stopping
        self._beat = beat
        self._readers: dict[str, ShardReader] = {}
        self._ended: set[str] = set()
        self._list_due = 0.0
        self._pause = FIRST_PAUSE

    def run(self) -> None:
        """Read all shards in turn until `stopping` is set. Raises ShardLost, Stopping, what is no outage."""
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
        shards = {shard["ShardId"]: shard for shard in self._list_shards()}
        self._list_due = time.monotonic() + LIST_SECONDS
        for name, shard in shards.items():
            if name in self._readers or name in self._ended or not self._parents_read(shard, shards):
                continue
            lease = self._pipeline.own(name)
            logger.info(
                "reading shard", extra={"shard": name, "epoch": lease.epoch, "position": lease.position}
            )
            self._readers[name] = ShardReader(lease)

    def _parents_read(self, shard: "ShardTypeDef", shards: dict[str, "ShardTypeDef"]) -> bool:
        # A parent that is no longer listed has expired with all its records.
        parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
        return all(parent in self._ended for parent in parents if parent is not None and parent in shards)

    def _list_shards(self) -> list["ShardTypeDef"]:
        found: list[ShardTypeDef] = []
        answer = self._client.list_shards(StreamName=self._stream)
        while True:
            found += answer["Shards"]
            following = answer.get("NextToken")
            if not following:
                return found
            answer = self._client.list_shards(NextToken=following)

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
        try:
            reader.iterator = reader.iterator or self._iterator(reader)
            answer = self._client.get_records(ShardIterator=reader.iterator, Limit=self._batch_records)
        except self._client.exceptions.ExpiredIteratorException:
            reader.iterator, reader.due = None, 0.0  # after 5 minutes; the next one starts after our position
            return
        except self._client.exceptions.ProvisionedThroughputExceededException:
            reader.due = time.monotonic() + max(THROTTLED_SECONDS, self._poll_seconds)
            return
        self._hand_over(reader, answer["Records"], answer.get("MillisBehindLatest", 0))
        reader.iterator = answer.get("NextShardIterator")
        if not reader.iterator:
            self._end(reader)

    def _hand_over(self, reader: ShardReader, raw: list["RecordTypeDef"], lag_ms: int) -> None:
        records = [
            Record(
                record["Data"],
                record["SequenceNumber"],
                record["ApproximateArrivalTimestamp"].timestamp(),
                0,
                record["PartitionKey"],
            )
            for record in raw
        ]
        if not records:
            self._pipeline.counts.lag_ms[reader.lease.shard] = lag_ms
            return
        self._pipeline.take(reader.lease, Batch(reader.lease.shard, records, lag_ms))
        reader.position = records[-1].sequence_number

    def _end(self, reader: ShardReader) -> None:
        name = reader.lease.shard
        logger.info("shard read to its end", extra={"shard": name})
        del self._readers[name]
        self._ended.add(name)
        self._list_due = 0.0  # its children may begin

    def _iterator(self, reader: ShardReader) -> str:
        shard = reader.lease.shard
        if reader.position is None:
            answer = self._client.get_shard_iterator(
                StreamName=self._stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )
        else:
            answer = self._client.get_shard_iterator(
                StreamName=self._stream,
                ShardId=shard,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                StartingSequenceNumber=reader.position,
            )
        return answer["ShardIterator"]
