"""Kinesis: what a template says of a stream, its consumers, and its records' time to go.

Upstream copies every record of a stream on each call to drop the old ones, so the longer
a stream, the slower an empty GetRecords; and it leaves iterators pointing past what it dropped.
"""

import json
import time
from bisect import bisect_left
from typing import Any

from ministack.services import kinesis

from local.aws.patching import replace
from local.aws.resharding import forget_closed
from local.aws.stacks import Json
from local.aws.types import Made, called, complete, register


def install() -> None:
    complete("AWS::Kinesis::Stream", _encrypted)
    replace(kinesis._stream_desc, _with_metrics)
    replace(kinesis._expire_records, expire_records)
    replace(kinesis.get_state, _state)
    register(
        "AWS::Kinesis::StreamConsumer",
        create=_create_consumer,
        update=lambda physical_id, old, new: (physical_id, _consumer(physical_id)),
        delete=lambda physical_id, props: _drop_consumer(physical_id),
        replacing=("ConsumerName", "StreamARN"),
    )


def expire_records(stream: Json) -> None:
    """Drop what is older than the retention; records stand in the order of their arrival."""
    oldest = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard_id, shard in stream["shards"].items():
        gone = bisect_left(shard["records"], oldest, key=lambda record: record["ApproximateArrivalTimestamp"])
        if not gone:
            continue
        del shard["records"][:gone]
        for iterator in kinesis._shard_iterators.values():
            if iterator["stream_arn"] == stream["StreamARN"] and iterator["shard_id"] == shard_id:
                iterator["position"] = max(0, iterator["position"] - gone)
    forget_closed(stream, oldest)


def _state() -> Json:
    """What is saved at the end, as it stands: upstream copies it first, records and all."""
    return {
        "streams": kinesis._streams,
        "shard_iterators": kinesis._shard_iterators,
        "consumers": kinesis._consumers,
        "resource_policies": kinesis._resource_policies,
    }


def _encrypted(physical_id: str, props: Json, attributes: Json) -> Made:
    stream = kinesis._streams[physical_id]
    encryption = props.get("StreamEncryption") or {}
    stream["EncryptionType"] = encryption.get("EncryptionType", "NONE")
    stream.pop("KeyId", None)
    if encryption:
        stream["KeyId"] = encryption["KeyId"]
    stream["ShardLevelMetrics"] = list(props.get("DesiredShardLevelMetrics") or [])
    return physical_id, attributes


_original_description = kinesis._stream_desc


def _with_metrics(stream: Json, shard_ids: list[str] | None = None) -> Json:
    said: Json = _original_description(stream, shard_ids)
    return said | {"EnhancedMonitoring": [{"ShardLevelMetrics": stream.get("ShardLevelMetrics", [])}]}


def _create_consumer(logical_id: str, props: Json, stack_name: str) -> Made:
    wanted = {key: props[key] for key in ("StreamARN", "ConsumerName")}
    body: Json = json.loads(called(kinesis._register_consumer(wanted), "AWS::Kinesis::StreamConsumer"))
    arn = body["Consumer"]["ConsumerARN"]
    return arn, _consumer(arn)


def _consumer(arn: str) -> Json:
    consumer: dict[str, Any] = kinesis._consumers[arn]
    return {
        "ConsumerARN": arn,
        "ConsumerName": consumer["ConsumerName"],
        "ConsumerStatus": consumer["ConsumerStatus"],
        "ConsumerCreationTimestamp": str(consumer["ConsumerCreationTimestamp"]),
        "StreamARN": consumer["StreamARN"],
    }


def _drop_consumer(arn: str) -> None:
    kinesis._consumers.pop(arn, None)
