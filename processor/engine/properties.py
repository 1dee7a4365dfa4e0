"""The MultiLangDaemon's properties, made from the settings.

`python -m processor properties > engine.properties`. A name that the daemon does not know is passed over
without a word, so only names that its source has stand here:
https://github.com/awslabs/amazon-kinesis-client/blob/master/amazon-kinesis-client-multilang/src/main/java/software/amazon/kinesis/multilang/config/MultiLangDaemonConfiguration.java
https://docs.aws.amazon.com/streams/latest/dev/kcl-configuration.html
"""

import secrets
import socket
import sys
from dataclasses import dataclass

from processor.engine.times import TIMES, WAITING
from processor.settings import Settings, SettingsError

# What one call may bring. A shard takes in 1,000 records a second, so 5 calls a second work a backlog off ten
# times as fast as it grew. The daemon makes one text of each answer, and keeps five of them waiting.
# https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
MOST_RECORDS = 2_000
LEAST_IDLE_MS = 200  # the daemon's own bound, and Kinesis's: 5 GetRecords a second and shard


@dataclass(frozen=True)
class Property:
    """One line: its name, its value, and why it has that one."""

    name: str
    value: str
    why: str


def properties(settings: Settings, python: str = sys.executable) -> list[Property]:
    """All that are set; the daemon's defaults hold for the rest. Raises SettingsError."""
    if not settings.engine_name:
        raise SettingsError("ENGINE_NAME is not set; with SOURCE=kcl it names the application and its table")
    if " " in python:
        raise SettingsError(f"{python!r}: the daemon splits its command at each space; move the environment")
    worker = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    return [
        Property("executableName", f"{python} -m processor child", "one process for each shard"),
        Property("streamName", settings.stream_name, "`STREAM_NAME`"),
        Property("applicationName", settings.engine_name, "`ENGINE_NAME`: the one table of leases"),
        Property("workerIdentifier", worker, "shows in the table whose a lease is; new at each start"),
        Property("regionName", settings.region, "of the secret, as everywhere"),
        Property("AwsCredentialsProvider", "DefaultCredentialsProvider", "the task's role, renewed"),
        Property(
            "initialPositionInStream",
            "TRIM_HORIZON",
            "a shard without a lease is read from its oldest record; what is stored already is skipped",
        ),
        *_retrieval(settings),
        Property(
            "callProcessRecordsEvenForEmptyRecordList",
            "true",
            "the daemon writes to each child several times a second, so a dead one on an idle shard is found",
        ),
        Property(
            "skipShardSyncAtWorkerInitializationIfLeasesExist",
            "true",
            "a start asks for no list of shards that the leader knows; a missing lease is found by it all "
            "the same",
        ),
        *(Property(*one) for one in TIMES),
        Property("maxLeasesForWorker", str(settings.most_shards), "`MOST_SHARDS`: the task's memory"),
        Property("isGracefulLeaseHandoffEnabled", "true", "a shard that moves is committed before"),
        Property(
            "gracefulLeaseHandoffTimeoutMillis",
            "30000",
            "longer than what waits for the writer takes to commit; then the lease moves anyhow",
        ),
        Property(
            "shutdownGraceMillis",
            "100000",
            "unset it is 0, and SIGTERM leaves all as it stands; within the task's stop timeout of 120 s",
        ),
        Property(
            "logWarningForTaskAfterMillis",
            "60000",
            "a child that does not answer is named in the daemon's log",
        ),
        Property(
            "metricsLevel",
            "NONE",
            "each child tells its own figures through its log, a custom metric of each shard costs money",
        ),
        *_endpoints(settings),
    ]


def _retrieval(settings: Settings) -> list[Property]:
    if settings.consumer_arn:
        return [
            Property(
                "retrievalMode", "FANOUT", "`CONSUMER_ARN` is set: records are pushed, 2 MB/s of our own"
            ),
            Property(
                "fanoutConfig.consumerArn",
                settings.consumer_arn,
                "the stack's own consumer: the daemon registers none, and needs no right to",
            ),
        ]
    return [
        Property("retrievalMode", "POLLING", "`CONSUMER_ARN` is empty; else the daemon registers a consumer"),
        Property(
            "maxRecords",
            str(min(settings.batch_records, MOST_RECORDS)),
            "`BATCH_RECORDS`, 2000 at most: the daemon makes one text of each answer",
        ),
        Property(
            "idleTimeBetweenReadsInMillis",
            str(max(LEAST_IDLE_MS, round(settings.poll_seconds * 1000))),
            "`POLL_SECONDS`; 1500 by default, which is the delay of a reading on a quiet shard",
        ),
        *(Property(*one) for one in WAITING),
    ]


def _endpoints(settings: Settings) -> list[Property]:
    if not settings.aws_endpoint_url:
        return []
    url, why = settings.aws_endpoint_url, "`AWS_ENDPOINT_URL`: the embedded AWS"
    return [Property("kinesisEndpoint", url, why), Property("dynamoDBEndpoint", url, why)]


def printed(settings: Settings) -> str:
    """The file, each line under its reason. Raises SettingsError."""
    lines = ["# Made by `python -m processor properties`; docs/engine.md explains each."]
    for one in properties(settings):
        lines += [f"# {one.why}", f"{one.name} = {one.value}"]
    return "\n".join(lines) + "\n"


def described(settings: Settings) -> str:
    """The table of docs/engine.md."""
    rows = ["| property | value | why |\n", "|---|---|---|\n"]
    rows += [f"| `{one.name}` | `{one.value}` | {one.why} |\n" for one in properties(settings)]
    return "".join(rows)
