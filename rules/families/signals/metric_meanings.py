"""What well-known metrics say: which way is bad, in what they count, and what silence means.

Of the services' own pages on their metrics, as named at each namespace. A metric that is not listed has no
meaning here, and no rule concludes anything from it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

HIGH, LOW, EITHER = "high", "low", "either"
PERCENT, BYTES, MILLISECONDS, SECONDS, EVENTS, LEVEL = (
    "percent",
    "bytes",
    "milliseconds",
    "seconds",
    "events",
    "level",
)
UNITS = {  # what the publisher gives as unit; an alarm that names another sees no data
    PERCENT: frozenset({"Percent"}),
    BYTES: frozenset({"Bytes"}),
    MILLISECONDS: frozenset({"Milliseconds"}),
    SECONDS: frozenset({"Seconds"}),
    EVENTS: frozenset({"Count", "None"}),
    LEVEL: frozenset({"Count", "None"}),
}


@dataclass(frozen=True)
class Meaning:
    kind: str
    bad: str
    beat: bool = False  # published as long as what it counts lives: silence is itself the bad news
    sparse: bool = False  # published only when something happens: silence is good news
    resolution: int = 60  # seconds between two points
    top: float | None = None  # no more than that is possible

    @property
    def counts(self) -> bool:
        """Each point is a number of events: their sum is what happened."""
        return self.kind == EVENTS


def _listed(kind: str, bad: str, names: str, **more: object) -> Iterator[tuple[str, Meaning]]:
    for name in names.split():
        yield name, Meaning(kind, bad, **more)  # type: ignore[arg-type]


_BY_NAMESPACE: Mapping[str, tuple[Iterator[tuple[str, Meaning]], ...]] = {
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": (
        # Of queues that were used within six hours alone.
        _listed(
            LEVEL,
            HIGH,
            "ApproximateNumberOfMessagesVisible ApproximateNumberOfMessagesNotVisible",
            sparse=True,
        ),
        _listed(SECONDS, HIGH, "ApproximateAgeOfOldestMessage", sparse=True),
        _listed(EVENTS, EITHER, "NumberOfMessagesSent NumberOfMessagesReceived NumberOfMessagesDeleted"),
    ),
    # https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    "AWS/SNS": (
        _listed(
            EVENTS, HIGH, "NumberOfNotificationsFailed NumberOfNotificationsFailedToRedriveToDlq", sparse=True
        ),
        _listed(EVENTS, EITHER, "NumberOfMessagesPublished NumberOfNotificationsDelivered"),
    ),
    # https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
    "AWS/Kinesis": (
        _listed(
            MILLISECONDS,
            HIGH,
            "GetRecords.IteratorAgeMilliseconds IteratorAgeMilliseconds "
            "SubscribeToShardEvent.MillisBehindLatest",
        ),
        _listed(
            EVENTS, HIGH, "WriteProvisionedThroughputExceeded ReadProvisionedThroughputExceeded", sparse=True
        ),
        _listed(EVENTS, HIGH, "PutRecords.FailedRecords PutRecords.ThrottledRecords", sparse=True),
        _listed(EVENTS, EITHER, "IncomingRecords"),
        _listed(BYTES, EITHER, "IncomingBytes"),
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": (
        _listed(
            EVENTS,
            HIGH,
            "Errors Throttles DeadLetterErrors DestinationDeliveryFailures AsyncEventsDropped",
            sparse=True,
        ),
        _listed(MILLISECONDS, HIGH, "Duration IteratorAge AsyncEventAge"),
        _listed(EVENTS, EITHER, "Invocations"),
        _listed(LEVEL, HIGH, "ConcurrentExecutions"),
    ),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    "AWS/Events": (
        _listed(
            EVENTS,
            HIGH,
            "FailedInvocations ThrottledRules DeadLetterInvocations InvocationsFailedToBeSentToDlq "
            "InvocationsSentToDlq",
            sparse=True,
        ),
        _listed(EVENTS, EITHER, "Invocations TriggeredRules MatchedEvents"),
    ),
    # https://docs.aws.amazon.com/iot/latest/developerguide/metrics_dimensions.html
    "AWS/IoT": (
        _listed(
            EVENTS,
            HIGH,
            "Failure ErrorActionFailure ParseError RuleNotFound RuleMessageThrottled PublishIn.AuthError "
            "PublishIn.ClientError PublishIn.ServerError PublishIn.Throttle Connect.AuthError "
            "Connect.ClientError Connect.ServerError Connect.Throttle Subscribe.AuthError",
            sparse=True,
        ),
        _listed(EVENTS, EITHER, "PublishIn.Success Connect.Success TopicMatch Success"),
    ),
    # https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
    "AWS/NATGateway": (_listed(EVENTS, HIGH, "ErrorPortAllocation PacketsDropCount"),),
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    "AWS/ECS": (_listed(PERCENT, HIGH, "CPUUtilization MemoryUtilization CPUReservation MemoryReservation"),),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
    "ECS/ContainerInsights": (
        _listed(LEVEL, LOW, "RunningTaskCount ContainerInstanceCount TaskCount", beat=True),
        _listed(LEVEL, EITHER, "DesiredTaskCount"),
        _listed(LEVEL, HIGH, "PendingTaskCount"),
        _listed(EVENTS, HIGH, "RestartCount", sparse=True),
    ),
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    "AWS/RDS": (
        _listed(PERCENT, HIGH, "CPUUtilization ACUUtilization"),
        _listed(BYTES, LOW, "FreeableMemory FreeStorageSpace FreeLocalStorage"),
        _listed(LEVEL, HIGH, "DatabaseConnections DiskQueueDepth Deadlocks DBLoad"),
        _listed(LEVEL, HIGH, "MaximumUsedTransactionIDs", top=2.0**31),
        _listed(PERCENT, LOW, "EBSIOBalance% EBSByteBalance% BurstBalance", resolution=300),
        _listed(LEVEL, LOW, "CPUCreditBalance", resolution=300),
        _listed(SECONDS, HIGH, "ReadLatency WriteLatency ReplicaLag"),
        _listed(MILLISECONDS, HIGH, "AuroraReplicaLag AuroraReplicaLagMaximum"),
        _listed(BYTES, HIGH, "SwapUsage ReplicationSlotDiskUsage TransactionLogsDiskUsage"),
    ),
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
    "AWS/ElastiCache": (
        _listed(
            PERCENT,
            HIGH,
            "DatabaseMemoryUsagePercentage DatabaseMemoryUsageCountedForEvictPercentage "
            "EngineCPUUtilization CPUUtilization",
        ),
        _listed(EVENTS, HIGH, "Evictions"),
        _listed(
            EVENTS,
            HIGH,
            "AuthenticationFailures CommandAuthorizationFailures KeyAuthorizationFailures "
            "ChannelAuthorizationFailures",
        ),
        _listed(SECONDS, HIGH, "ReplicationLag"),
        _listed(LEVEL, HIGH, "CurrConnections"),
        _listed(BYTES, LOW, "FreeableMemory"),
        _listed(BYTES, HIGH, "SwapUsage"),
        _listed(PERCENT, LOW, "CacheHitRate"),
    ),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": (
        _listed(
            EVENTS,
            HIGH,
            "ReadThrottleEvents WriteThrottleEvents ThrottledRequests SystemErrors UserErrors",
            sparse=True,
        ),
        _listed(MILLISECONDS, HIGH, "SuccessfulRequestLatency"),
    ),
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    "AWS/ApplicationELB": (
        _listed(
            EVENTS,
            HIGH,
            "HTTPCode_ELB_5XX_Count HTTPCode_Target_5XX_Count HTTPCode_ELB_4XX_Count "
            "HTTPCode_Target_4XX_Count "
            "HTTPCode_ELB_502_Count HTTPCode_ELB_503_Count HTTPCode_ELB_504_Count TargetConnectionErrorCount "
            "RejectedConnectionCount ClientTLSNegotiationErrorCount",
            sparse=True,
        ),
        _listed(LEVEL, HIGH, "UnHealthyHostCount"),
        _listed(LEVEL, LOW, "HealthyHostCount", beat=True),
        _listed(SECONDS, HIGH, "TargetResponseTime"),
        _listed(EVENTS, EITHER, "RequestCount"),
    ),
    "AWS/NetworkELB": (
        _listed(LEVEL, HIGH, "UnHealthyHostCount"),
        _listed(LEVEL, LOW, "HealthyHostCount", beat=True),
    ),
    "AWS/ELB": (
        _listed(EVENTS, HIGH, "HTTPCode_ELB_5XX HTTPCode_Backend_5XX SpilloverCount", sparse=True),
        _listed(LEVEL, HIGH, "UnHealthyHostCount"),
        _listed(LEVEL, LOW, "HealthyHostCount", beat=True),
        _listed(SECONDS, HIGH, "Latency"),
    ),
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
    "AWS/EC2": (
        _listed(PERCENT, HIGH, "CPUUtilization"),
        _listed(LEVEL, HIGH, "StatusCheckFailed StatusCheckFailed_Instance StatusCheckFailed_System"),
        _listed(LEVEL, LOW, "CPUCreditBalance", resolution=300),
    ),
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    "AWS/ApiGateway": (
        _listed(EVENTS, HIGH, "4XXError 5XXError 4xx 5xx", sparse=True),
        _listed(MILLISECONDS, HIGH, "Latency IntegrationLatency"),
    ),
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "AWS/States": (
        _listed(
            EVENTS,
            HIGH,
            "ExecutionsFailed ExecutionsTimedOut ExecutionsAborted ExecutionThrottled",
            sparse=True,
        ),
    ),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
    "AWS/S3": (
        _listed(EVENTS, HIGH, "4xxErrors 5xxErrors", sparse=True),
        _listed(BYTES, EITHER, "BucketSizeBytes", resolution=86400),
        _listed(LEVEL, EITHER, "NumberOfObjects", resolution=86400),
    ),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html
    "AWS/Billing": (_listed(LEVEL, HIGH, "EstimatedCharges", resolution=21600),),
}
MEANINGS: Mapping[tuple[str, str], Meaning] = {
    (namespace, name): meaning
    for namespace, groups in _BY_NAMESPACE.items()
    for group in groups
    for name, meaning in group
}


def meaning(namespace: object, name: object) -> Meaning | None:
    return MEANINGS.get((namespace, name)) if isinstance(namespace, str) and isinstance(name, str) else None
