"""The stream of readings and the queue of what could not enter it, and what each party may do to them."""

from dataclasses import dataclass
from typing import Any

from awacs import kinesis as can
from awacs import sqs as queue_can
from awacs.aws import Allow, Statement
from troposphere import Ref, kinesis, sqs

from parameters import sections as parameters
from stacks import queues
from stacks.context import why
from stacks.wiring import KeyArn, QueueArn, QueueName, QueueUrl, StackTemplate, StreamArn, StreamName

DEAD_LETTER_DAYS = 14  # SQS keeps nothing longer; time enough to read, mend and send again

# Each costs money per shard, so only what tells a hot shard from a busy stream. How far a shard's reader is
# behind, the processor says itself.
SHARD_METRICS = [
    "IncomingBytes",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
]


@dataclass(frozen=True)
class Inputs:
    data_key_arn: KeyArn


@dataclass(frozen=True)
class Outputs:
    stream_arn: StreamArn
    stream_name: StreamName
    dead_letters_arn: QueueArn
    dead_letters_name: QueueName
    dead_letters_url: QueueUrl


def may_read(stream: StreamArn) -> Statement:
    """The engine's calls (leases/KinesisShardDetector.java, retrieval/polling/KinesisDataFetcher.java).

    And each child's own, also where records are pushed to the engine: it reads again what a restored database
    lacks (processor/engine/past.py). DescribeStreamSummary is the child's alone.
    """
    return Statement(
        Sid="ReadReadings",
        Effect=Allow,
        Action=[
            can.DescribeStreamSummary,
            can.ListShards,
            can.GetShardIterator,
            can.GetRecords,
        ],
        Resource=[stream],
    )


def may_put(stream: StreamArn) -> Statement:
    """What a producer calls with an SDK; it batches by putting many readings into one envelope.

    The Kinesis Producer Library would want to look at the stream first (kinesis:DescribeStreamSummary):
    https://docs.aws.amazon.com/streams/latest/dev/service-managed-pk-kpl-permissions.html
    """
    return Statement(
        Sid="PutReadings", Effect=Allow, Action=[can.PutRecord, can.PutRecords], Resource=[stream]
    )


def may_put_one(stream: StreamArn) -> Statement:
    """What IoT's rule does with each message."""
    return Statement(Sid="PutReading", Effect=Allow, Action=[can.PutRecord], Resource=[stream])


def may_set_aside(dead_letters: QueueArn) -> Statement:
    return Statement(Sid="SetAside", Effect=Allow, Action=[queue_can.SendMessage], Resource=[dead_letters])


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Stream) -> Outputs:
    capacity: dict[str, Any] = {} if settings.shards is None else {"ShardCount": settings.shards}
    readings = template.add_resource(
        kinesis.Stream(
            "Readings",
            Metadata=why(
                "keeps readings until the database has them: a consumer may be down that long",
                "keep each device's readings in order",
            ),
            RetentionPeriodHours=settings.retention_hours,
            StreamEncryption=kinesis.StreamEncryption(EncryptionType="KMS", KeyId=inputs.data_key_arn),
            DesiredShardLevelMetrics=SHARD_METRICS,
            StreamModeDetails=kinesis.StreamModeDetails(StreamMode=settings.mode.value),
            # ON_DEMAND takes twice the peak of the last 30 days, at first 4 MB/s or 4,000 records/s: a plant
            # that starts with more is throttled until it has scaled. The mode can be changed twice a day.
            # https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
            # RecordDistributionStrategy stays out: its default keeps each device on one shard, in order.
            **capacity,
            **template.retention,
        )
    )
    dead_letters = template.add_resource(
        sqs.Queue(
            "DeadLetters",
            Metadata=why("holds what the rule could not put into the stream, until somebody has read it"),
            KmsMasterKeyId=inputs.data_key_arn,
            MessageRetentionPeriod=DEAD_LETTER_DAYS * 24 * 60 * 60,
            **template.retention,
        )
    )
    template.add_resource(queues.closed(dead_letters))
    return Outputs(
        stream_arn=StreamArn(readings.get_att("Arn")),
        stream_name=StreamName(Ref(readings)),
        dead_letters_arn=QueueArn(dead_letters.get_att("Arn")),
        dead_letters_name=QueueName(dead_letters.get_att("QueueName")),
        dead_letters_url=QueueUrl(Ref(dead_letters)),
    )
