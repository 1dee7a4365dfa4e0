"""Property changes that lose data, or what would bring it back, without replacing anything.

Each rule names the property, what has to happen to it, and the page that says what the service does then.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deployer.changes import UNKNOWN
from deployer.limits import (
    Test,
    expires_sooner,
    left,
    lowered,
    other,
    shortened,
    turned_off,
    turned_on,
    zeroed,
)

DOCS = "https://docs.aws.amazon.com"


class Danger(StrEnum):
    """What becomes of data, the worst first."""

    LOST = "lost"
    UNREADABLE = "unreadable"
    LOST_WITH_SNAPSHOT = "lost, with a last snapshot"
    KEPT_ASIDE = "kept aside"  # an empty one takes its place; the old one stays, outside the stack
    SHORTENED = "shortened"  # what is older than the new limit goes
    BACKUPS_LOST = "backups lost"
    MAY_BE_LOST = "may be lost"
    LET_GO = "let go"  # it leaves the stack, and stays in the account
    PROTECTION_LOWERED = "protection lowered"  # nothing is lost yet


@dataclass(frozen=True)
class Rule:
    """`path` leads to the property; `test` gets its value before and after, None where there is none."""

    types: frozenset[str]  # empty: every type
    path: str
    test: Test
    danger: Danger
    reason: str
    remedy: str
    source: str


RDS = frozenset({"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"})
DOCUMENTS_AND_GRAPHS = frozenset({"AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"})
CACHES = frozenset({"AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster"})
CLUSTERS_IN_MEMORY = CACHES | {"AWS::ElastiCache::ServerlessCache", "AWS::MemoryDB::Cluster"}
TABLES = frozenset({"AWS::DynamoDB::Table"})
BUCKETS = frozenset({"AWS::S3::Bucket"})
KEYS = frozenset({"AWS::KMS::Key", "AWS::KMS::ReplicaKey"})
IMAGES = frozenset({"AWS::ECR::Repository"})
POINT_IN_TIME = "PointInTimeRecoverySpecification"

RULES = (
    Rule(
        frozenset({"AWS::Kinesis::Stream"}),
        "RetentionPeriodHours",
        lowered(24),
        Danger.SHORTENED,
        "records older than the new retention can no longer be read",
        "let every consumer catch up first, or keep the retention",
        f"{DOCS}/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html",
    ),
    Rule(
        frozenset({"AWS::KinesisVideo::Stream"}),
        "DataRetentionInHours",
        lowered(0),
        Danger.SHORTENED,
        "media older than the new retention expires",
        "copy what is needed, or keep the retention",
        f"{DOCS}/kinesisvideostreams/latest/dg/API_UpdateDataRetention.html",
    ),
    Rule(
        frozenset({"AWS::Logs::LogGroup"}),
        "RetentionInDays",
        lowered(math.inf),
        Danger.SHORTENED,
        "log events older than the new retention are deleted, as a rule within 72 hours",
        "export them to S3 first, or keep the retention",
        f"{DOCS}/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
    ),
    Rule(
        frozenset({"AWS::SQS::Queue"}),
        "MessageRetentionPeriod",
        lowered(345_600),
        Danger.SHORTENED,
        "messages older than the new retention expire and are deleted, within 15 minutes",
        "empty the queue first, or keep the retention",
        f"{DOCS}/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
    ),
    Rule(
        RDS | DOCUMENTS_AND_GRAPHS,
        "BackupRetentionPeriod",
        zeroed(1),
        Danger.BACKUPS_LOST,
        "automated backups are turned off, and with them the recovery to a point in time",
        "take a snapshot first (`aws rds create-db-snapshot`), or keep the period above 0",
        f"{DOCS}/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html",
    ),
    Rule(
        RDS | DOCUMENTS_AND_GRAPHS,
        "BackupRetentionPeriod",
        shortened(1),
        Danger.BACKUPS_LOST,
        "automated backups older than the new period go: recovery to a point in time reaches less far back",
        "take a snapshot first (`aws rds create-db-snapshot`), or keep the period",
        f"{DOCS}/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html",
    ),
    Rule(
        RDS,
        "DeleteAutomatedBackups",
        turned_on(default=True),
        Danger.PROTECTION_LOWERED,
        "from now on the automated backups go with the instance when it is deleted",
        "set it to false again before anything removes the instance",
        f"{DOCS}/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html",
    ),
    Rule(
        frozenset({"AWS::Redshift::Cluster"}),
        "AutomatedSnapshotRetentionPeriod",
        lowered(1),
        Danger.BACKUPS_LOST,
        "automated snapshots older than the new period are deleted",
        "take a manual snapshot first, or keep the period",
        f"{DOCS}/redshift/latest/APIReference/API_ModifyCluster.html",
    ),
    Rule(
        TABLES,
        f"{POINT_IN_TIME}/PointInTimeRecoveryEnabled",
        turned_off(default=False),
        Danger.BACKUPS_LOST,
        "point-in-time recovery is turned off: the table can no longer be restored to an earlier state",
        "make a backup first (`aws dynamodb create-backup`), or leave it on",
        f"{DOCS}/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html",
    ),
    Rule(
        TABLES,
        f"{POINT_IN_TIME}/RecoveryPeriodInDays",
        lowered(35),
        Danger.BACKUPS_LOST,
        "point-in-time recovery reaches less far back",
        "make a backup first (`aws dynamodb create-backup`), or keep the period",
        f"{DOCS}/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html",
    ),
    Rule(
        TABLES,
        "TimeToLiveSpecification/Enabled",
        turned_on(),
        Danger.MAY_BE_LOST,
        "items whose time-to-live attribute lies in the past are deleted, as a rule within two days",
        "look first which items have the attribute",
        f"{DOCS}/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html",
    ),
    Rule(
        BUCKETS,
        "LifecycleConfiguration",
        expires_sooner,
        Danger.SHORTENED,
        "objects that are older than a lifecycle rule's new limit are deleted",
        "copy what is needed, or keep the rule",
        f"{DOCS}/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html",
    ),
    Rule(
        BUCKETS,
        "VersioningConfiguration/Status",
        left("Enabled"),
        Danger.PROTECTION_LOWERED,
        "versioning is suspended: versions that exist stay, what is written from now on has none",
        "leave it Enabled",
        f"{DOCS}/AmazonS3/latest/API/API_PutBucketVersioning.html",
    ),
    Rule(
        CLUSTERS_IN_MEMORY,
        "SnapshotRetentionLimit",
        zeroed(0),
        Danger.BACKUPS_LOST,
        "automatic backups are turned off, and those that exist are kept no longer than the limit says",
        "make a manual backup first (`aws elasticache create-snapshot`), or keep the limit above 0",
        f"{DOCS}/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html",
    ),
    Rule(
        CLUSTERS_IN_MEMORY,
        "SnapshotRetentionLimit",
        shortened(0),
        Danger.BACKUPS_LOST,
        "an automatic backup is deleted when its retention limit expires, and the limit is lower now",
        "make a manual backup first (`aws elasticache create-snapshot`), or keep the limit",
        f"{DOCS}/AmazonElastiCache/latest/dg/backups-deleting.html",
    ),
    *(
        Rule(
            CACHES,
            name,
            other,
            Danger.MAY_BE_LOST,
            "an upgrade makes a best effort to keep the data, and needs the replication to succeed",
            "make a manual backup first (`aws elasticache create-snapshot`)",
            "https://repost.aws/knowledge-center/elasticache-redis-upgrade-engine-version",
        )
        for name in ("Engine", "EngineVersion")
    ),
    Rule(
        KEYS,
        "Enabled",
        turned_off(),
        Danger.UNREADABLE,
        "the key is disabled: nothing that it encrypts can be read or written until it is enabled again",
        "leave it enabled; every stream, queue, table, log and database under it would stop",
        f"{DOCS}/kms/latest/APIReference/API_DisableKey.html",
    ),
    Rule(
        KEYS,
        "PendingWindowInDays",
        lowered(30),
        Danger.PROTECTION_LOWERED,
        "once its deletion is scheduled, less time is left to cancel it",
        "keep 30 days where data lies under the key",
        f"{DOCS}/kms/latest/APIReference/API_ScheduleKeyDeletion.html",
    ),
    Rule(
        IMAGES,
        "LifecyclePolicy/LifecyclePolicyText",
        other,
        Danger.MAY_BE_LOST,
        "images that the new lifecycle policy selects expire, deployed ones among them",
        "preview it with `aws ecr start-lifecycle-policy-preview`",
        f"{DOCS}/AmazonECR/latest/userguide/LifecyclePolicies.html",
    ),
    Rule(
        IMAGES,
        "EmptyOnDelete",
        turned_on(),
        Danger.PROTECTION_LOWERED,
        "a removal of the repository deletes its images too, where it would fail now",
        "leave it false",
        f"{DOCS}/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html",
    ),
    Rule(
        frozenset({"AWS::EFS::FileSystem"}),
        "BackupPolicy/Status",
        left("ENABLED"),
        Danger.PROTECTION_LOWERED,
        "automatic backups are turned off",
        "leave them ENABLED",
        f"{DOCS}/efs/latest/ug/API_PutBackupPolicy.html",
    ),
    *(
        Rule(
            frozenset(),
            name,
            turned_off(default=False),
            Danger.PROTECTION_LOWERED,
            f"{name} is turned off: nothing refuses a deletion any more",
            "turn it on again once the deletion that it stood against is done",
            f"{DOCS}/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
        )
        for name in ("DeletionProtection", "DeletionProtectionEnabled")
    ),
)


def broken(
    resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[Rule, Any, Any]]:
    """The rules that a change of properties meets, with the value before and after."""
    for rule in _rules(resource_type):
        old, new = _at(before, rule.path), _at(after, rule.path)
        if not (isinstance(new, str) and UNKNOWN.search(new)) and rule.test(old, new):
            yield rule, old, new


def of_property(resource_type: str, path: str) -> Rule | None:
    """The rule that a property, or part of one, falls under."""
    top = path.split("/", maxsplit=1)[0]
    return next((rule for rule in _rules(resource_type) if rule.path.split("/")[0] == top), None)


def _rules(resource_type: str) -> Iterator[Rule]:
    return (rule for rule in RULES if not rule.types or resource_type in rule.types)


def _at(properties: Mapping[str, Any], path: str) -> Any:
    value: Any = properties
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
