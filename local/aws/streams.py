"""Kinesis from a template: its encryption, its shards' metrics, its consumers."""

import json
from typing import Any

from ministack.services import kinesis

from local.aws.patching import replace
from local.aws.stacks import Json
from local.aws.types import Made, called, complete, register


def install() -> None:
    complete("AWS::Kinesis::Stream", _encrypted)
    replace(kinesis._stream_desc, _with_metrics)
    register(
        "AWS::Kinesis::StreamConsumer",
        create=_create_consumer,
        update=lambda physical_id, old, new: (physical_id, _consumer(physical_id)),
        delete=lambda physical_id, props: _drop_consumer(physical_id),
        replacing=("ConsumerName", "StreamARN"),
    )


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
