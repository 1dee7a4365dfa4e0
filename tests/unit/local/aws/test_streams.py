"""Kinesis: what the poller and the producer rely on."""

import time
from typing import Any

import pytest

Json = dict[str, Any]


@pytest.fixture(scope="module")
def stream(aws: Any) -> str:
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}}
    readings: Json = {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {
            "ShardCount": 2,
            "RetentionPeriodHours": 24,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
            "DesiredShardLevelMetrics": ["IteratorAgeMilliseconds"],
        },
    }
    consumer = {
        "Type": "AWS::Kinesis::StreamConsumer",
        "Properties": {"ConsumerName": "processor", "StreamARN": {"Fn::GetAtt": ["Readings", "Arn"]}},
    }
    aws.deploy("stream", {"Resources": {"Key": key, "Readings": readings, "Consumer": consumer}})
    name: str = aws.resources("stream")["Readings"]
    return name


def read(aws: Any, stream: str, shard: str, **position: Any) -> list[Json]:
    kinesis = aws.client("kinesis")
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **position)["ShardIterator"]
    found: list[Json] = kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
    return found


def shards(aws: Any, stream: str) -> list[str]:
    return [shard["ShardId"] for shard in aws.client("kinesis").list_shards(StreamName=stream)["Shards"]]


def test_a_template_encrypts_its_stream(aws: Any, stream: str) -> None:
    found = aws.client("kinesis").describe_stream(StreamName=stream)["StreamDescription"]

    assert (found["EncryptionType"], found["KeyId"].split(":")[2]) == ("KMS", "kms")
    assert found["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IteratorAgeMilliseconds"]}]
    assert len(shards(aws, stream)) == 2
    consumers = aws.client("kinesis").list_stream_consumers(StreamARN=found["StreamARN"])["Consumers"]
    assert [consumer["ConsumerName"] for consumer in consumers] == ["processor"]


def test_records_come_in_order_from_every_position(aws: Any, stream: str) -> None:
    kinesis = aws.client("kinesis")
    sent = [{"Data": f"{n}".encode(), "PartitionKey": "one device"} for n in range(300)]
    shard = kinesis.put_records(StreamName=stream, Records=sent[:100])["Records"][0]["ShardId"]
    time.sleep(0.01)
    between = time.time()
    time.sleep(0.01)
    kinesis.put_records(StreamName=stream, Records=sent[100:])

    found = read(aws, stream, shard, ShardIteratorType="TRIM_HORIZON")[-300:]
    after = read(
        aws,
        stream,
        shard,
        ShardIteratorType="AFTER_SEQUENCE_NUMBER",
        StartingSequenceNumber=found[49]["SequenceNumber"],
    )
    since = read(aws, stream, shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=between)

    assert [record["Data"] for record in found] == [record["Data"] for record in sent]
    assert [record["Data"] for record in after] == [record["Data"] for record in sent[50:]]
    assert [record["Data"] for record in since] == [record["Data"] for record in sent[100:]]
    numbers = [int(record["SequenceNumber"]) for record in found]
    assert numbers == sorted(set(numbers))


def test_lag_is_told_while_there_is_some(aws: Any, stream: str) -> None:
    kinesis = aws.client("kinesis")
    put = kinesis.put_record(StreamName=stream, Data=b"a", PartitionKey="lagging")
    time.sleep(0.2)
    kinesis.put_record(StreamName=stream, Data=b"b", PartitionKey="lagging")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream,
        ShardId=put["ShardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=put["SequenceNumber"],
    )["ShardIterator"]

    first = kinesis.get_records(ShardIterator=iterator, Limit=1)
    second = kinesis.get_records(ShardIterator=first["NextShardIterator"], Limit=1)

    assert [record["Data"] for record in first["Records"]] == [b"a"]
    assert first["MillisBehindLatest"] > 0
    assert [record["Data"] for record in second["Records"]] == [b"b"]
    assert second["MillisBehindLatest"] == 0


def test_what_is_put_can_be_got_at_once(aws: Any, stream: str) -> None:
    kinesis = aws.client("kinesis")
    shard = kinesis.put_record(StreamName=stream, Data=b"warm", PartitionKey="k")["ShardId"]
    latest = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="LATEST")
    begun = time.monotonic()

    kinesis.put_record(StreamName=stream, Data=b"now", PartitionKey="k")
    found = kinesis.get_records(ShardIterator=latest["ShardIterator"])["Records"]

    assert [record["Data"] for record in found] == [b"now"]
    assert time.monotonic() - begun < 1  # some 5 ms when the machine is idle


def test_a_full_stream_answers_an_idle_reader_fast(aws: Any, stream: str) -> None:
    kinesis = aws.client("kinesis")
    batch = [{"Data": b"x" * 80, "PartitionKey": f"{n}"} for n in range(500)]
    for _ in range(40):
        kinesis.put_records(StreamName=stream, Records=batch)
    token = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shards(aws, stream)[0], ShardIteratorType="LATEST"
    )["ShardIterator"]
    begun = time.monotonic()

    for _ in range(20):
        token = kinesis.get_records(ShardIterator=token)["NextShardIterator"]

    assert time.monotonic() - begun < 1  # 4 ms each when the machine is idle; it grew with the stream


def test_what_is_made_older_than_the_retention_is_gone(aws: Any, embedded: Any) -> None:
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="ageing", ShardCount=1)
    (shard,) = shards(aws, "ageing")

    def held() -> list[bytes]:
        return [record["Data"] for record in read(aws, "ageing", shard, ShardIteratorType="TRIM_HORIZON")]

    kinesis.put_record(StreamName="ageing", Data=b"old", PartitionKey="m17")
    embedded.age("ageing", 23.9 * 3600)
    kinesis.put_record(StreamName="ageing", Data=b"new", PartitionKey="m17")
    assert held() == [b"old", b"new"]
    embedded.age("ageing", 3600)
    assert held() == [b"new"]
    with pytest.raises(OSError, match="404"):
        embedded.age("no such stream", 1)
