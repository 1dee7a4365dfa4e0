"""Every metric that an alarm or the dashboard uses, and the page on which its publisher describes it.

CloudWatch takes an alarm on a metric that nobody publishes, and on a set of dimensions under which nobody
publishes it, and such an alarm never fires. So alarms and widgets are made from what stands here, and a test
compares the emitted templates with it, both ways. Standard library only: whoever checks templates reads it.

The sets of dimensions are those of the pages. CloudWatch's own directory of services says the same where it
has the metric (npm's @aws-cdk/aws-service-spec 0.1.216, `metric` and `dimensionSet` in db.json.gz); it has
none of Container Insights, of IoT's broker and actions, of Kinesis per shard, and not all of RDS.
"""

from dataclasses import dataclass

AWS_DOCS = "https://docs.aws.amazon.com"
IOT = f"{AWS_DOCS}/iot/latest/developerguide/metrics_dimensions.html"
KINESIS = f"{AWS_DOCS}/streams/latest/dev/monitoring-with-cloudwatch.html"
SQS = f"{AWS_DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
ECS = f"{AWS_DOCS}/AmazonECS/latest/developerguide/available-metrics.html"
INSIGHTS = f"{AWS_DOCS}/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html"
RDS = f"{AWS_DOCS}/AmazonRDS/latest/UserGuide/rds-metrics.html"
CACHE_HOST = f"{AWS_DOCS}/AmazonElastiCache/latest/dg/CacheMetrics.HostLevel.html"
CACHE_ENGINE = f"{AWS_DOCS}/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html"
LAMBDA = f"{AWS_DOCS}/lambda/latest/dg/monitoring-metrics-types.html"
EVENTS = f"{AWS_DOCS}/eventbridge/latest/userguide/eb-monitoring.html"
SNS = f"{AWS_DOCS}/sns/latest/dg/sns-monitoring-using-cloudwatch.html"
NAT = f"{AWS_DOCS}/vpc/latest/userguide/metrics-dimensions-nat-gateway.html"
OURS = "rotation/age.py"
PROCESSOR = "processor/metric.py"


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: tuple[str, ...]  # the whole set: the same name under another set is another metric
    source: str


# What devices publish, and what the rule does with it. Of the broker's metrics there is one series per
# protocol for the whole account.
MESSAGES_IN = Metric("AWS/IoT", "PublishIn.Success", ("Protocol",), IOT)
MESSAGES_REFUSED = Metric("AWS/IoT", "PublishIn.AuthError", ("Protocol",), IOT)
RULE_MATCHES = Metric("AWS/IoT", "TopicMatch", ("RuleName",), IOT)
ACTION_FAILURES = Metric("AWS/IoT", "Failure", ("ActionType", "RuleName"), IOT)
ERROR_ACTION_FAILURES = Metric("AWS/IoT", "ErrorActionFailure", ("ActionType", "RuleName"), IOT)

DEAD_LETTERS = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",), SQS)
DEAD_LETTER_AGE = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName",), SQS)

RECORDS_IN = Metric("AWS/Kinesis", "IncomingRecords", ("StreamName",), KINESIS)
BYTES_IN = Metric("AWS/Kinesis", "IncomingBytes", ("StreamName",), KINESIS)
WRITES_THROTTLED = Metric("AWS/Kinesis", "WriteProvisionedThroughputExceeded", ("StreamName",), KINESIS)
READS_THROTTLED = Metric("AWS/Kinesis", "ReadProvisionedThroughputExceeded", ("StreamName",), KINESIS)
# Of all that ask the stream for records together. A shard's own is the processor's SHARD_LAG.
LAG = Metric("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", ("StreamName",), KINESIS)
# The same where records are pushed to a consumer: of that consumer alone.
FAN_OUT_LAG = Metric(
    "AWS/Kinesis", "SubscribeToShardEvent.MillisBehindLatest", ("ConsumerName", "StreamName"), KINESIS
)
SHARD_BYTES_IN = Metric("AWS/Kinesis", "IncomingBytes", ("ShardId", "StreamName"), KINESIS)

SERVICE_CPU = Metric("AWS/ECS", "CPUUtilization", ("ClusterName", "ServiceName"), ECS)
SERVICE_MEMORY = Metric("AWS/ECS", "MemoryUtilization", ("ClusterName", "ServiceName"), ECS)
TASKS_RUNNING = Metric("ECS/ContainerInsights", "RunningTaskCount", ("ClusterName", "ServiceName"), INSIGHTS)
TASKS_DESIRED = Metric("ECS/ContainerInsights", "DesiredTaskCount", ("ClusterName", "ServiceName"), INSIGHTS)


# What the processor says of itself: one series a stream, some besides for each shard, one for each reason.
def _processor(name: str, *dimensions: str) -> Metric:
    return Metric("Millrace", name, (*dimensions, "StreamName"), PROCESSOR)


COMMITS = _processor("Commits")
RECORDS_COMMITTED = _processor("RecordsCommitted")
READINGS_INSERTED = _processor("ReadingsInserted")
READINGS_ABSORBED = _processor("ReadingsAbsorbed")
READINGS_REFUSED = _processor("ReadingsRefused")
REFUSED_BY_REASON = _processor("ReadingsRefused", "Reason")
DECODE_TIME = _processor("DecodeTime")
WRITE_TIME = _processor("WriteTime")
COMMIT_AGE = _processor("CommitAge")
SHARD_COMMIT_AGE = _processor("CommitAge", "ShardId")
SHARD_LAG = _processor("Lag", "ShardId")
DATABASE_AWAY = _processor("DatabaseAway")
CACHE_AWAY = _processor("CacheAway")
GAPS = _processor("Gaps")
ALARMS_RAISED = _processor("AlarmsRaised")
ALARMS_CLEARED = _processor("AlarmsCleared")
ALARMS_STANDING = _processor("AlarmsStanding")
NOTIFICATIONS_SENT = _processor("NotificationsSent")
NOTIFICATION_AGE = _processor("NotificationAge")


def _database(name: str) -> Metric:
    return Metric("AWS/RDS", name, ("DBInstanceIdentifier",), RDS)


DATABASE_CPU = _database("CPUUtilization")
DATABASE_MEMORY = _database("FreeableMemory")
DATABASE_STORAGE = _database("FreeStorageSpace")
DATABASE_CONNECTIONS = _database("DatabaseConnections")
DATABASE_TRANSACTION_IDS = _database("MaximumUsedTransactionIDs")
DATABASE_READ_IOPS = _database("ReadIOPS")
DATABASE_WRITE_IOPS = _database("WriteIOPS")
DATABASE_READ_LATENCY = _database("ReadLatency")
DATABASE_WRITE_LATENCY = _database("WriteLatency")
# Only of classes that burst; of the others there is no data.
DATABASE_IO_CREDITS = _database("EBSIOBalance%")
DATABASE_BYTE_CREDITS = _database("EBSByteBalance%")


# ElastiCache publishes each of these under the node's CacheClusterId alone, and under CacheNodeId with it
# (always 0001 with these engines). There is none of the whole group.
def _cache(name: str, source: str) -> Metric:
    return Metric("AWS/ElastiCache", name, ("CacheClusterId",), source)


CACHE_MEMORY = _cache("DatabaseMemoryUsagePercentage", CACHE_ENGINE)
CACHE_EVICTIONS = _cache("Evictions", CACHE_ENGINE)
CACHE_ENGINE_CPU = _cache("EngineCPUUtilization", CACHE_ENGINE)
CACHE_REPLICATION_LAG = _cache("ReplicationLag", CACHE_ENGINE)
CACHE_LOGINS_REFUSED = _cache("AuthenticationFailures", CACHE_ENGINE)
CACHE_CONNECTIONS = _cache("CurrConnections", CACHE_ENGINE)
CACHE_HOST_CPU = _cache("CPUUtilization", CACHE_HOST)

ROTATION_CALLS = Metric("AWS/Lambda", "Invocations", ("FunctionName",), LAMBDA)
ROTATION_ERRORS = Metric("AWS/Lambda", "Errors", ("FunctionName",), LAMBDA)
SECRET_AGE = Metric("Millrace", "SecretAgeDays", ("Secret",), OURS)

# A rule's own name alone stands for the default bus.
EVENTS_UNDELIVERED = Metric("AWS/Events", "FailedInvocations", ("RuleName",), EVENTS)
NOTIFICATIONS_DELIVERED = Metric("AWS/SNS", "NumberOfNotificationsDelivered", ("TopicName",), SNS)
NOTIFICATIONS_FAILED = Metric("AWS/SNS", "NumberOfNotificationsFailed", ("TopicName",), SNS)

NAT_BYTES_OUT = Metric("AWS/NATGateway", "BytesOutToDestination", ("NatGatewayId",), NAT)
NAT_PORTS_REFUSED = Metric("AWS/NATGateway", "ErrorPortAllocation", ("NatGatewayId",), NAT)
NAT_PACKETS_DROPPED = Metric("AWS/NATGateway", "PacketsDropCount", ("NatGatewayId",), NAT)

CATALOGUE = frozenset(entry for entry in list(globals().values()) if isinstance(entry, Metric))
