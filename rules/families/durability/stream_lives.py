"""Streams keep records for as long as a consumer may be down, in a mode that fits."""

from collections.abc import Iterator

from rules.families.durability.upkeep import STREAM, number, word
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
        nested = ("StreamModeDetails", "RecordDistributionStrategy")
        inner = word(site, stream, *nested)
        place = nested if inner is not None else nested[1:]
        chosen = word(site, stream, *place)
        if chosen is None:
            continue
        if site.get(stream, "StreamModeDetails", "StreamMode") == "PROVISIONED":
            why = f"is PROVISIONED, where no RecordDistributionStrategy ({chosen}) can be chosen"
            yield found(stream, *place, stream=stream, why=why)
        elif chosen == "AUTO":
            why = "spreads records over shards whatever their partition key, so no order holds"
            yield found(stream, *place, stream=stream, why=why)
