"""The engine's times: ours, and the library's own for comparison; how either is written as properties."""

from collections.abc import Mapping
from pathlib import Path

Properties = Mapping[str, str | int]

# What each of them is for stands in engine/README.md, beside what the library does by itself.
OURS: Properties = {
    "failoverTimeMillis": 6000,
    "leaseAssignmentIntervalMillis": 1000,
    "leaseAssignmentStrategy": "LEASE_COUNT_BASED",
    "varianceBalancingFrequency": 1,
    "workerMetricsReporterFreqInMillis": 2000,
    "disableWorkerMetrics": "true",
    "dynamoDbLockBasedLeaderLeaseDurationInMillis": 10000,
    "dynamoDbLockBasedLeaderHeartbeatPeriodInMillis": 2000,
    "shardSyncIntervalMillis": 1000,
    "leasesRecoveryAuditorExecutionFrequencyMillis": 10000,
    "parentShardPollIntervalMillis": 1000,
    "shardConsumerDispatchPollIntervalMillis": 250,
    "shutdownGraceMillis": 60000,
    "gracefulLeaseHandoffTimeoutMillis": 10000,
    "idleTimeBetweenReadsInMillis": 250,
    "maxRecords": 1000,
    "maxPendingProcessRecordsInput": 1,
    "maxByteSize": 4194304,
}
# As the library is when nothing is said: that its own grace at the end is 0 is part of it.
THEIRS: Properties = {}


def write(file: Path, *, child: str, stream: str, application: str, worker: str, times: Properties) -> None:
    """The engine.properties of one worker of the embedded account."""
    said: dict[str, str | int] = {
        "executableName": child,
        "streamName": stream,
        "applicationName": application,
        "workerId": worker,
        "regionName": "eu-west-2",
        "AwsCredentialsProvider": "DefaultCredentialsProvider",
        "initialPositionInStream": "TRIM_HORIZON",
        "metricsLevel": "NONE",  # the embedded CloudWatch keeps no metric that anybody reads
        **times,
    }
    file.write_text("".join(f"{name} = {value}\n" for name, value in said.items()))
