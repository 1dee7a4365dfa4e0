"""How records come to the engine: it asks for them, or they are pushed to a consumer of its own."""

from awacs import kinesis as can
from awacs.aws import Allow, Statement
from troposphere import Ref, kinesis

from stacks.alarm import Series
from stacks.context import why
from stacks.engine_table import application
from stacks.wiring import ConsumerName, StackTemplate, StreamArn, StreamName
from topology import metrics

Consumers = tuple[ConsumerName, ...]  # one where records are pushed, none where the engine asks


def consumer(template: StackTemplate, stream: StreamArn) -> kinesis.StreamConsumer:
    """2 MB/s of each shard for the engine alone. The engine is told its ARN, and so registers none itself.

    The name is the application's: a consumer's name is free again only when it has been deregistered, so two
    environments must not share one, and a stream of another name is another stream's consumer.
    """
    return kinesis.StreamConsumer(
        "Consumer",
        Metadata=why("Reads the stream beside all others, without sharing their 2 MB/s a shard."),
        ConsumerName=application(template.environment),
        StreamARN=stream,
    )


def may_subscribe(made: kinesis.StreamConsumer) -> Statement:
    """retrieval/fanout/FanOutRecordsPublisher.java.

    With the consumer's ARN given, FanOutConfig.java neither describes nor registers one.
    """
    return Statement(
        Sid="SubscribeToReadings",
        Effect=Allow,
        Action=[can.SubscribeToShard],
        Resource=[Ref(made)],
    )


def lag(stream: StreamName, consumers: Consumers) -> Series:
    """How far behind the stream's tip the slowest of the shards is that somebody reads (milliseconds).

    Of a shard that nobody reads there is no figure: the alarm ShardUnread is for those.
    https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
    """
    if not consumers:
        return Series(metrics.LAG, {"StreamName": stream}, "Maximum")
    (name,) = consumers
    return Series(metrics.FAN_OUT_LAG, {"ConsumerName": name, "StreamName": stream}, "Maximum")
