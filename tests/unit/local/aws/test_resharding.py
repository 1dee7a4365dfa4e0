"""Kinesis: what a reader that follows the shards relies on when they are split and merged."""

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

Json = dict[str, Any]
LAST_KEY = 2**128 - 1
_names = itertools.count()


@pytest.fixture
def kinesis(aws: Any) -> Any:
    return aws.client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> str:
    """Of one shard that holds one record of each of two devices."""
    name = f"resharded-{next(_names)}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    put(kinesis, name, 0)
    put(kinesis, name, LAST_KEY)
    return name


def put(kinesis: Any, stream: str, key: int) -> str:
    """The shard that a record with this hash key went to."""
    shard: str = kinesis.put_record(
        StreamName=stream, Data=str(key).encode(), PartitionKey="m17", ExplicitHashKey=str(key)
    )["ShardId"]
    return shard


def shards(kinesis: Any, stream: str, **asked: Any) -> list[Json]:
    found: list[Json] = kinesis.list_shards(StreamName=stream, **asked)["Shards"]
    return found


def ids(found: list[Json]) -> list[int]:
    return [int(shard["ShardId"].partition("-")[2]) for shard in found]


def is_open(shard: Json) -> bool:
    return "EndingSequenceNumber" not in shard["SequenceNumberRange"]


def ranges(found: list[Json]) -> list[tuple[int, int]]:
    keys = [shard["HashKeyRange"] for shard in found]
    return sorted((int(key["StartingHashKey"]), int(key["EndingHashKey"])) for key in keys)


def answer(kinesis: Any, stream: str, shard: str, kind: str = "TRIM_HORIZON", **position: Any) -> Json:
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType=kind, **position
    )["ShardIterator"]
    found: Json = kinesis.get_records(ShardIterator=iterator)
    return found


def cut(kinesis: Any, stream: str, shard: str = "shardId-000000000000", at: int = 2**127) -> None:
    kinesis.split_shard(StreamName=stream, ShardToSplit=shard, NewStartingHashKey=str(at))


def test_a_shard_that_was_split_is_closed_and_keeps_its_records(kinesis: Any, stream: str) -> None:
    cut(kinesis, stream)

    parent, low, high = shards(kinesis, stream)
    said = answer(kinesis, stream, parent["ShardId"])

    assert [is_open(shard) for shard in (parent, low, high)] == [False, True, True]
    assert [shard["ParentShardId"] for shard in (low, high)] == [parent["ShardId"]] * 2
    assert ranges([low, high]) == [(0, 2**127 - 1), (2**127, LAST_KEY)]
    assert [record["Data"] for record in said["Records"]] == [b"0", str(LAST_KEY).encode()]
    numbers = [record["SequenceNumber"] for record in said["Records"]]
    last = parent["SequenceNumberRange"]["EndingSequenceNumber"]
    assert int(numbers[-1]) < int(last) < int(low["SequenceNumberRange"]["StartingSequenceNumber"])


def test_the_end_of_a_closed_shard_names_those_that_go_on(kinesis: Any, stream: str) -> None:
    cut(kinesis, stream)

    said = answer(kinesis, stream, "shardId-000000000000")

    assert "NextShardIterator" not in said
    assert [child["ShardId"][-1] for child in said["ChildShards"]] == ["1", "2"]
    assert {child["ParentShards"][0] for child in said["ChildShards"]} == {"shardId-000000000000"}
    assert ranges(said["ChildShards"]) == [(0, 2**127 - 1), (2**127, LAST_KEY)]


def test_a_reader_in_the_middle_of_a_closed_shard_reads_on_to_its_end(kinesis: Any, stream: str) -> None:
    first = answer(kinesis, stream, "shardId-000000000000")["Records"][0]["SequenceNumber"]
    cut(kinesis, stream)

    position = {"StartingSequenceNumber": first}
    after = answer(kinesis, stream, "shardId-000000000000", "AFTER_SEQUENCE_NUMBER", **position)
    done = answer(kinesis, stream, "shardId-000000000000", "LATEST")

    assert [record["Data"] for record in after["Records"]] == [str(LAST_KEY).encode()]
    assert [bool(said.get("ChildShards")) for said in (after, done)] == [True, True]


def test_new_records_go_to_the_children(kinesis: Any, stream: str) -> None:
    cut(kinesis, stream)

    assert [put(kinesis, stream, key)[-1] for key in (0, 2**127 - 1, 2**127, LAST_KEY)] == [
        "1",
        "1",
        "2",
        "2",
    ]


def test_two_neighbours_are_merged_into_one_with_both_as_parents(kinesis: Any, stream: str) -> None:
    cut(kinesis, stream)
    low, high = shards(kinesis, stream)[1:]
    before = put(kinesis, stream, 7)

    kinesis.merge_shards(StreamName=stream, ShardToMerge=low["ShardId"], AdjacentShardToMerge=high["ShardId"])

    merged = shards(kinesis, stream)[-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (low["ShardId"], high["ShardId"])
    assert ranges([merged]) == [(0, LAST_KEY)]
    said = answer(kinesis, stream, before)
    assert [record["Data"] for record in said["Records"]] == [b"7"]
    assert [child["ShardId"] for child in said["ChildShards"]] == [merged["ShardId"]]


@pytest.mark.parametrize(("count", "target"), [(1, 2), (2, 3), (4, 2), (3, 4), (5, 7), (3, 2)])
def test_an_updated_count_shares_the_hash_keys_evenly(kinesis: Any, count: int, target: int) -> None:
    name = f"counted-{count}-{target}"
    kinesis.create_stream(StreamName=name, ShardCount=count)
    for key in range(0, LAST_KEY, 2**124):
        put(kinesis, name, key)

    kinesis.update_shard_count(StreamName=name, TargetShardCount=target, ScalingType="UNIFORM_SCALING")

    found = shards(kinesis, name)
    opened = ranges([shard for shard in found if is_open(shard)])
    widths = [last - first for first, last in opened]
    assert len(opened) == target
    assert (opened[0][0], opened[-1][1]) == (0, LAST_KEY)
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(opened))
    assert max(widths) - min(widths) <= target
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == target
    kept = [record for shard in found for record in answer(kinesis, name, shard["ShardId"])["Records"]]
    assert len(kept) == 16


def test_filters_tell_the_open_from_the_first(kinesis: Any, stream: str) -> None:
    cut(kinesis, stream)
    cut(kinesis, stream, "shardId-000000000001", 2**126)

    def found(**asked: Any) -> list[int]:
        return ids(shards(kinesis, stream, ShardFilter=asked))

    assert found(Type="AT_LATEST") == [2, 3, 4]
    assert found(Type="AT_TRIM_HORIZON") == [0]
    assert found(Type="FROM_TRIM_HORIZON") == [0, 1, 2, 3, 4]
    assert found(Type="AFTER_SHARD_ID", ShardId="shardId-000000000002") == [3, 4]


def test_a_closed_shard_goes_when_its_last_record_would(kinesis: Any, stream: str, embedded: Any) -> None:
    cut(kinesis, stream)
    embedded.age(stream, 23.9 * 3600)
    assert ids(shards(kinesis, stream)) == [0, 1, 2]

    embedded.age(stream, 3600)

    assert ids(shards(kinesis, stream)) == [1, 2]
    assert ids(shards(kinesis, stream, ShardFilter={"Type": "AT_TRIM_HORIZON"})) == [1, 2]


def test_what_cannot_be_resharded_is_refused(kinesis: Any, stream: str) -> None:
    cut(kinesis, stream)

    with pytest.raises(ClientError, match="already been merged or split"):
        cut(kinesis, stream)
    with pytest.raises(ClientError, match="must be within"):
        cut(kinesis, stream, "shardId-000000000001", LAST_KEY)
    with pytest.raises(ClientError, match="not found"):
        cut(kinesis, stream, "shardId-000000000009")
    with pytest.raises(ClientError, match="from half to twice 2"):
        kinesis.update_shard_count(StreamName=stream, TargetShardCount=5, ScalingType="UNIFORM_SCALING")
    cut(kinesis, stream, "shardId-000000000001", 2**126)
    with pytest.raises(ClientError, match="are not adjacent"):
        kinesis.merge_shards(
            StreamName=stream,
            ShardToMerge="shardId-000000000003",
            AdjacentShardToMerge="shardId-000000000002",
        )


def test_an_answer_is_at_most_ten_mebibytes(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="large", ShardCount=1)
    for _ in range(3):
        record = {"Data": b"x" * 1_000_000, "PartitionKey": "m17"}
        kinesis.put_records(StreamName="large", Records=[record] * 5)
    (shard,) = shards(kinesis, "large")

    first = answer(kinesis, "large", shard["ShardId"])
    rest = kinesis.get_records(ShardIterator=first["NextShardIterator"])

    assert [len(said["Records"]) for said in (first, rest)] == [10, 5]
