"""What any reader of ours asks Kinesis about a stream and its shards."""

from dataclasses import replace
from typing import TYPE_CHECKING

from processor.source.position import Known, Range
from processor.source.reader import Seek, ShardReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import ShardTypeDef


class Stream:
    """One stream. Every call raises ClientError and BotoCoreError."""

    def __init__(self, client: "KinesisClient", name: str) -> None:
        self.client = client
        self.name = name

    def shards(self) -> dict[str, "ShardTypeDef"]:
        """All shards that the stream lists, the closed ones too, by their ids."""
        found: list[ShardTypeDef] = []
        answer = self.client.list_shards(StreamName=self.name)
        while True:
            found += answer["Shards"]
            following = answer.get("NextToken")
            if not following:
                return {shard["ShardId"]: shard for shard in found}
            answer = self.client.list_shards(NextToken=following)

    def retention_seconds(self) -> float:
        """How long the stream keeps a record."""
        summary = self.client.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        return summary["RetentionPeriodHours"] * 3600.0

    def iterator(self, reader: ShardReader) -> str:
        """An iterator at what the reader seeks."""
        shard, position = reader.lease.shard, reader.position
        if reader.begin() is Seek.OLDEST or position is None:
            return self.oldest(shard)
        return self.client.get_shard_iterator(
            StreamName=self.name,
            ShardId=shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=position,
        )["ShardIterator"]

    def oldest(self, shard: str) -> str:
        """An iterator at the oldest record that a shard has."""
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


def parents_of(shard: "ShardTypeDef") -> set[str]:
    """The ids of the one or two shards that it came from; some may no longer be listed."""
    parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    return {parent for parent in parents if parent is not None}


def range_of(shard: "ShardTypeDef") -> Range:
    """The sequence numbers that it can hold."""
    numbers = shard["SequenceNumberRange"]
    return Range(numbers["StartingSequenceNumber"], numbers.get("EndingSequenceNumber"))


def known_of(shard: "ShardTypeDef", known: "Mapping[str, Known]") -> Known:
    """What is known of a shard, or follows from its parents where nobody has read it yet.

    Its records came when its parents were closed, so none before the last that we know of them.
    """
    mine = known.get(shard["ShardId"], Known())
    if mine.read_to is not None:
        return mine
    read_to = [at for name in parents_of(shard) if name in known and (at := known[name].read_to) is not None]
    return replace(mine, seen_at=min(read_to, default=None))
