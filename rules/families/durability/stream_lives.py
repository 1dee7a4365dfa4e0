"""Streams keep records for as long as a consumer may be down, in a mode that fits."""

from collections.abc import Iterator

from rules.families.durability.upkeep import QUEUE, STREAM, number, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

CREATE = "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html"
RETENTION = "https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html"
CONFIG = "https://docs.aws.amazon.com/config/latest/developerguide/kinesis-stream-backup-retention-check.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/kinesis-controls.html"
MODES = "https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html"
SHORTEST, LONGEST, WEEK = 24, 8760, 168  # hours
HOUR = 3_600_000  # milliseconds


def _hours(site: Site, stream: Resource) -> int | None:
    written = site.get(stream, "RetentionPeriodHours")
    return SHORTEST if written is None else number(written)


@rule(
    "E9460",
    cause="stream {stream} is to keep records for {hours} hours, and Kinesis takes 24 to 8760",
    remedy="set RetentionPeriodHours from 24 to 8760",
    sources=(RETENTION,),
)
def a_retention_that_kinesis_refuses(site: Site) -> Iterator[Finding]:
    for stream in site.all(STREAM):
        hours = _hours(site, stream)
        if hours is not None and not SHORTEST <= hours <= LONGEST:
            yield found(stream, "RetentionPeriodHours", stream=stream, hours=hours)


@rule(
    "W9450",
    cause="stream {stream} of a lasting environment keeps records for {hours} hours only",
    remedy="set RetentionPeriodHours: 168, a week, or more",
    sources=(
        CONTROLS,
        CONFIG,
    ),
    demanding=True,
)
def records_that_are_gone_after_a_weekend(site: Site) -> Iterator[Finding]:
    for stream in site.all(STREAM):
        hours = _hours(site, stream)
        if hours is not None and SHORTEST <= hours < WEEK and site.durable(stream):
            yield found(stream, "RetentionPeriodHours", stream=stream, hours=hours)


AGES = frozenset(
    {
        "GetRecords.IteratorAgeMilliseconds",
        "IteratorAgeMilliseconds",
        "SubscribeToShardEvent.MillisBehindLatest",
    }
)


def _watching(site: Site, alarm: Resource, dimension: str, kind: str) -> Resource | None:
    for one in site.items(alarm, "Dimensions"):
        if isinstance(one, dict) and one.get("Name") == dimension:
            return site.target(one.get("Value"), kind)
    return None


@rule(
    "E9461",
    cause="alarm {alarm} rings when {what} is {age} old, and {source} keeps nothing for longer than {kept}",
    remedy="ring well before the retention ends, at half of it, or keep longer",
    sources=(RETENTION, "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"),
)
def an_alarm_after_the_loss(site: Site) -> Iterator[Finding]:
    for alarm in site.all("AWS::CloudWatch::Alarm"):
        threshold, metric = site.get(alarm, "Threshold"), str(site.get(alarm, "MetricName"))
        limit = _figure(threshold)
        if limit is None or not str(site.get(alarm, "ComparisonOperator")).startswith("Greater"):
            continue
        stream = _watching(site, alarm, "StreamName", STREAM) if metric in AGES else None
        hours = _hours(site, stream) if stream is not None else None
        if hours is not None and limit >= hours * HOUR:
            age, kept = f"{limit / HOUR:g} h", f"{hours} h"
            parts = {"alarm": alarm, "what": "a record", "age": age, "source": stream, "kept": kept}
            yield found(alarm, "Threshold", **parts)
        aged = metric == "ApproximateAgeOfOldestMessage"
        queue = _watching(site, alarm, "QueueName", QUEUE) if aged else None
        written = site.get(queue, "MessageRetentionPeriod") if queue is not None else None
        seconds = 345_600 if written is None else number(written)
        if queue is not None and seconds is not None and limit >= seconds:
            parts = {"alarm": alarm, "what": "a message", "age": f"{limit:g} s", "source": queue}
            yield found(alarm, "Threshold", **parts, kept=f"{seconds} s")


def _figure(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


@rule(
    "E9462",
    cause="stream {stream} stores its records unencrypted",
    remedy="set StreamEncryption with EncryptionType: KMS and a KeyId",
    sources=(CONTROLS, "https://docs.aws.amazon.com/streams/latest/dev/what-is-sse.html"),
    by_default=True,
)
def a_stream_that_is_not_encrypted(site: Site) -> Iterator[Finding]:
    for stream in site.all(STREAM):
        told = site.get(stream, "StreamEncryption")
        if told is None or (isinstance(told, dict) and told.get("EncryptionType") == "NONE"):
            yield found(stream, "StreamEncryption", stream=stream)


@rule(
    "E9463",
    cause="stream {stream} {why}",
    remedy="give ShardCount with PROVISIONED, and none with ON_DEMAND",
    sources=(CREATE, MODES),
)
def a_mode_that_does_not_fit_its_shards(site: Site) -> Iterator[Finding]:
    for stream in site.all(STREAM):
        details, shards = site.get(stream, "StreamModeDetails"), site.get(stream, "ShardCount")
        mode = details.get("StreamMode") if isinstance(details, dict) else details
        if not known(mode) or not known(shards):
            continue
        if mode == "ON_DEMAND" and shards is not None:
            yield found(stream, "ShardCount", stream=stream, why=f"is ON_DEMAND and has ShardCount {shards}")
        if mode == "PROVISIONED" and shards is None:
            yield found(stream, "ShardCount", stream=stream, why="is PROVISIONED and has no ShardCount")
        if mode is None and shards is None:
            yield found(stream, "StreamModeDetails", stream=stream, why="has neither a mode nor a ShardCount")


@rule(
    "E9464",
    cause="stream {stream} {why}",
    remedy="leave RecordDistributionStrategy out, or set USER_PARTITION_KEY",
    sources=(CREATE,),
)
def a_stream_that_ignores_partition_keys(site: Site) -> Iterator[Finding]:
    for stream in site.all(STREAM):
        chosen = word(site, stream, "RecordDistributionStrategy")
        if chosen is None:
            continue
        if site.get(stream, "StreamModeDetails", "StreamMode") == "PROVISIONED":
            why = f"is PROVISIONED, where no RecordDistributionStrategy ({chosen}) can be chosen"
            yield found(stream, "RecordDistributionStrategy", stream=stream, why=why)
        elif chosen == "AUTO":
            why = "spreads records over shards whatever their partition key, so no order holds"
            yield found(stream, "RecordDistributionStrategy", stream=stream, why=why)
