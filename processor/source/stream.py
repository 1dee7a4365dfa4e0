"""What any reader of ours asks Kinesis about a stream and its shards."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from processor.source.reader import Seek, ShardReader
from processor.source.shards import list_shards

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import ShardTypeDef


class Stream:
    """One stream. `begin` is called before each call. Every call raises ClientError and BotoCoreError."""

    def __init__(self, client: "KinesisClient", name: str, begin: Callable[[], None] = lambda: None) -> None:
        self.client = client
        self.name = name
        self._begin = begin

    def shards(self) -> dict[str, "ShardTypeDef"]:
        """All shards that the stream lists, the closed ones too, by their ids."""
        return {shard["ShardId"]: shard for shard in list_shards(self.client, self.name, self._begin)}

    def retention_seconds(self) -> float:
        """How long the stream keeps a record."""
        self._begin()
        summary = self.client.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        return summary["RetentionPeriodHours"] * 3600.0

    def iterator(self, reader: ShardReader) -> str:
        """An iterator at what the reader seeks."""
        shard, position = reader.lease.shard, reader.position
        if reader.begin() is Seek.OLDEST or position is None:
            return self.oldest(shard)
        self._begin()
        return self.client.get_shard_iterator(
            StreamName=self.name,
            ShardId=shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=position,
        )["ShardIterator"]

    def oldest(self, shard: str) -> str:
        """An iterator at the oldest record that a shard has."""
        self._begin()
        return self.client.get_shard_iterator(
            StreamName=self.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def exists(self, shard: str) -> bool:
        """Whether Kinesis knows a shard."""
        try:
            self.oldest(shard)
        except self.client.exceptions.ResourceNotFoundException:
            return False
        return True
