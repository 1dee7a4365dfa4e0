"""The shards of a stream, as ListShards gives them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from processor.source.position import Known, Range

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import ShardTypeDef


def list_shards(
    client: "KinesisClient", stream: str, begin: Callable[[], None] = lambda: None
) -> list["ShardTypeDef"]:
    """All that the stream still lists, the closed ones too. Raises ClientError, BotoCoreError.

    `begin` is called before each call. The pages are turned by hand, since a call has the stream's name or a
    token, and botocore's paginator gives both:
    https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
    """
    begin()
    answer = client.list_shards(StreamName=stream)
    found = answer["Shards"]
    while following := answer.get("NextToken"):
        begin()
        answer = client.list_shards(NextToken=following)
        found += answer["Shards"]
    return found


def parents(shard: "ShardTypeDef") -> set[str]:
    """Those that a shard came from, by their ids; none, one or two."""
    ids = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    return {parent for parent in ids if parent is not None}


def numbers(shard: "ShardTypeDef") -> Range:
    """The sequence numbers that it can hold."""
    span = shard["SequenceNumberRange"]
    return Range(span["StartingSequenceNumber"], span.get("EndingSequenceNumber"))


def known_of(shard: "ShardTypeDef", known: Mapping[str, Known]) -> Known:
    """What is known of a shard, or follows from its parents where nobody has read it yet.

    Its records came when its parents were closed, so none before the last that we know of them.
    """
    mine = known.get(shard["ShardId"], Known())
    if mine.read_to is not None:
        return mine
    read_to = [at for name in parents(shard) if name in known and (at := known[name].read_to) is not None]
    return replace(mine, seen_at=min(read_to, default=None))
