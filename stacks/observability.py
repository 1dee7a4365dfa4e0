"""The alarms that say when readings stop, slow down or get lost, and one page that shows how all is."""

from collections.abc import Mapping
from dataclasses import dataclass

from troposphere import AWSHelperFn, cloudwatch, events

from parameters import settings as parameters
from stacks.alarm import Metric, alarm
from stacks.context import why
from stacks.dashboard import dashboard
from stacks.wiring import (
    CacheMemberId,
    ClusterName,
    DatabaseId,
    FunctionName,
    QueueName,
    SecretArn,
    ServiceName,
    StackTemplate,
    StreamName,
    TopicArn,
)

GIB = 1024**3
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_PostgreSQL.html: PostgreSQL stops at 2 billion.
TRANSACTION_ID_AGE = 1_000_000_000
# The processor holds a handful. The smallest class allows some 80, so this is a leak in any class.
CONNECTIONS = 50


@dataclass(frozen=True)
class Inputs:
    topic_arn: TopicArn
    stream_name: StreamName
    dead_letters_name: QueueName
    database_id: DatabaseId
    cache_members: tuple[CacheMemberId, ...]
    cluster_name: ClusterName
    service_name: ServiceName
    function_name: FunctionName
    secret_arn: SecretArn


@dataclass(frozen=True)
class Outputs:
    pass


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Observability) -> Outputs:
    alarms = [
        *stream_alarms(inputs, settings),
        *processor_alarms(inputs),
        *database_alarms(inputs, settings),
        *[
            of_member
            for number, member in enumerate(inputs.cache_members, start=1)
            for of_member in cache_alarms(inputs.topic_arn, member, number)
        ],
        *loss_alarms(inputs),
    ]
    for made in alarms:
        template.add_resource(made)
    template.add_resource(rotation_failed(inputs))
    template.add_resource(
        dashboard(
            alarms=[made.get_att("Arn") for made in alarms],
            stream=inputs.stream_name,
            database=inputs.database_id,
            cache_members=inputs.cache_members,
            cluster=inputs.cluster_name,
            service=inputs.service_name,
        )
    )
    return Outputs()


def stream_alarms(inputs: Inputs, settings: parameters.Observability) -> list[cloudwatch.Alarm]:
    of_stream = {"StreamName": inputs.stream_name}
    return [
        alarm(
            "Lag",
            inputs.topic_arn,
            f"Readings wait {settings.lag_alarm_seconds} s or more, or nobody reads the stream at all. If "
            "the service runs no task, see the alarm on it; else the processor's log says whether the "
            "database is away or the load too high. Nothing is lost before the stream's retention ends.",
            Metric("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", of_stream, "Maximum"),
            above=settings.lag_alarm_seconds * 1000,
            minutes=3,
            missing="breaching",  # a dead reader sends no data
        ),
        alarm(
            "WritesThrottled",
            inputs.topic_arn,
            "Producers write more than the stream takes; they must send again. Raise shards (or go on "
            "demand) in the environment's parameters, or find the device that floods.",
            Metric("AWS/Kinesis", "WriteProvisionedThroughputExceeded", of_stream, "Sum"),
            above=0,
            minutes=5,
        ),
        alarm(
            "ReadsThrottled",
            inputs.topic_arn,
            "Readers ask more often than a shard answers (5 calls a second, 2 MB/s). Look for a second "
            "reader of the stream; the processor alone stays below.",
            Metric("AWS/Kinesis", "ReadProvisionedThroughputExceeded", of_stream, "Sum"),
            above=0,
            minutes=15,
        ),
    ]


def processor_alarms(inputs: Inputs) -> list[cloudwatch.Alarm]:
    of_service = {"ClusterName": inputs.cluster_name, "ServiceName": inputs.service_name}
    return [
        tasks_missing(inputs.topic_arn, of_service),
        alarm(
            "ProcessorMemory",
            inputs.topic_arn,
            "The task is about to be killed for its memory. Raise processor.memory_mib; if the figure climbs "
            "steadily for days it is a leak.",
            Metric("AWS/ECS", "MemoryUtilization", of_service, "Maximum"),
            above=90,
            minutes=10,
        ),
        alarm(
            "ProcessorCpu",
            inputs.topic_arn,
            "The processor is at its limit and will fall behind next. Raise processor.cpu.",
            Metric("AWS/ECS", "CPUUtilization", of_service, "Average"),
            above=90,
            minutes=15,
        ),
    ]


def database_alarms(inputs: Inputs, settings: parameters.Observability) -> list[cloudwatch.Alarm]:
    def of_database(name: str, statistic: str) -> Metric:
        return Metric("AWS/RDS", name, {"DBInstanceIdentifier": inputs.database_id}, statistic)

    return [
        alarm(
            "DatabaseCpu",
            inputs.topic_arn,
            "The database has been busy for a quarter of an hour. Database Insights shows the statement; if "
            "it is the load itself, raise database.instance_class.",
            of_database("CPUUtilization", "Average"),
            above=80,
            minutes=15,
        ),
        alarm(
            "DatabaseStorage",
            inputs.topic_arn,
            f"Less than {settings.free_storage_alarm_gib} GiB are free although storage grows by itself: it "
            "has reached database.max_storage_gib, or grew within the last 6 hours. Raise the bound or "
            "shorten processor.reading_retention_days; a full database stops.",
            of_database("FreeStorageSpace", "Minimum"),
            below=settings.free_storage_alarm_gib * GIB,
            minutes=5,
        ),
        alarm(
            "DatabaseConnections",
            inputs.topic_arn,
            f"More than {CONNECTIONS} connections, where the processor holds a handful: somebody leaks them. "
            "pg_stat_activity tells who.",
            of_database("DatabaseConnections", "Maximum"),
            above=CONNECTIONS,
            minutes=5,
        ),
        alarm(
            "DatabaseTransactionIds",
            inputs.topic_arn,
            "Half of the transaction ids are used: vacuum does not get through, and at 2 billion the "
            "database takes no more writes. Look for old transactions and replication slots, then vacuum.",
            of_database("MaximumUsedTransactionIDs", "Maximum"),
            above=TRANSACTION_ID_AGE,
            minutes=15,
        ),
    ]


def cache_alarms(topic: TopicArn, member: CacheMemberId, number: int) -> list[cloudwatch.Alarm]:
    def of_member(name: str, statistic: str) -> Metric:
        return Metric("AWS/ElastiCache", name, {"CacheClusterId": member}, statistic)

    return [
        alarm(
            f"CacheMemory{number:03}",
            topic,
            "The cache is nearly full and will shed latest values next. Raise cache.node_type.",
            of_member("DatabaseMemoryUsagePercentage", "Maximum"),
            above=80,
            minutes=15,
        ),
        alarm(
            f"CacheEvictions{number:03}",
            topic,
            "The cache sheds latest values: readers see gaps, the database has them all. Raise "
            "cache.node_type.",
            of_member("Evictions", "Sum"),
            above=0,
            minutes=5,
        ),
    ]


def loss_alarms(inputs: Inputs) -> list[cloudwatch.Alarm]:
    return [
        alarm(
            "DeadLetters",
            inputs.topic_arn,
            "Readings could not enter the stream and wait in the queue for at most 14 days. Read one for the "
            "reason (throttled, denied, malformed), mend it, then send them again.",
            Metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": inputs.dead_letters_name},
                "Maximum",
            ),
            above=0,
            minutes=5,
        ),
        alarm(
            "RotationErrors",
            inputs.topic_arn,
            "The function that rotates the database's login failed; the old login still works. Its log says "
            "at which step. Secrets Manager tries again within the window, and on demand.",
            Metric("AWS/Lambda", "Errors", {"FunctionName": inputs.function_name}, "Sum"),
            above=0,
            minutes=5,
        ),
    ]


def tasks_missing(topic: TopicArn, of_service: Mapping[str, AWSHelperFn]) -> cloudwatch.Alarm:
    """Of what the service wants, not of a number: the number is the service's to change."""

    def tasks(identifier: str, name: str) -> cloudwatch.MetricDataQuery:
        metric = Metric("ECS/ContainerInsights", name, of_service, "Minimum")
        return cloudwatch.MetricDataQuery(
            Id=identifier,
            ReturnData=False,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(
                    Namespace=metric.namespace, MetricName=name, Dimensions=metric.dimension_list()
                ),
                Period=60,
                Stat=metric.statistic,
            ),
        )

    description = (
        "Fewer tasks run than the service wants, for longer than a replacement takes. The service's events "
        "say why: no capacity, no image, a health check that fails, a task that exits; then see its log."
    )
    return cloudwatch.Alarm(
        "TasksMissing",
        Metadata=why("Fewer tasks run than the service wants."),
        AlarmDescription=description,
        Metrics=[
            tasks("running", "RunningTaskCount"),
            tasks("desired", "DesiredTaskCount"),
            cloudwatch.MetricDataQuery(
                Id="missing", Expression="desired - running", Label="Tasks missing", ReturnData=True
            ),
        ],
        EvaluationPeriods=5,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",  # no service, no figures
        AlarmActions=[topic],
        OKActions=[topic],
    )


def rotation_failed(inputs: Inputs) -> events.Rule:
    """Rotations that fail without the function ever failing: it was not called, or gave up half-way.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html
    """
    return events.Rule(
        "RotationFailed",
        Metadata=why("Says at once when a rotation failed, whatever the function itself saw."),
        Description="A rotation of the application's login failed; its function's log says at which step",
        State="ENABLED",
        EventPattern={
            "source": ["aws.secretsmanager"],
            "detail-type": ["AWS Service Event via CloudTrail"],
            "detail": {
                "eventName": ["RotationFailed", "RotationAbandoned", "TestRotationFailed"],
                "additionalEventData": {"SecretId": [inputs.secret_arn]},
            },
        },
        Targets=[events.Target(Id="Notifications", Arn=inputs.topic_arn)],
    )
