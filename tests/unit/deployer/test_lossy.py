"""Property changes that lose data without a replacement, one row each."""

from typing import Any

import pytest

from deployer import lossy
from deployer.changes import Action, Change, PropertyChange, StackPlan
from deployer.lossy import RULES, Danger
from deployer.verdict import judged

PITR = "PointInTimeRecoverySpecification"


def expire(days: int, status: str = "Enabled") -> dict[str, Any]:
    return {"Rules": [{"Id": "old", "Status": status, "ExpirationInDays": days}]}


ROWS: list[tuple[str, dict[str, Any], dict[str, Any], Danger | None]] = [
    ("AWS::Kinesis::Stream", {"RetentionPeriodHours": 168}, {"RetentionPeriodHours": 24}, Danger.SHORTENED),
    ("AWS::Kinesis::Stream", {"RetentionPeriodHours": 168}, {}, Danger.SHORTENED),
    ("AWS::Kinesis::Stream", {"RetentionPeriodHours": 24}, {"RetentionPeriodHours": 168}, None),
    ("AWS::Kinesis::Stream", {"RetentionPeriodHours": "48"}, {"RetentionPeriodHours": "{{later}}"}, None),
    ("AWS::KinesisVideo::Stream", {"DataRetentionInHours": 24}, {}, Danger.SHORTENED),
    ("AWS::Logs::LogGroup", {}, {"RetentionInDays": 30}, Danger.SHORTENED),
    ("AWS::Logs::LogGroup", {"RetentionInDays": 365}, {"RetentionInDays": 30}, Danger.SHORTENED),
    ("AWS::Logs::LogGroup", {"RetentionInDays": 30}, {}, None),
    ("AWS::SQS::Queue", {"MessageRetentionPeriod": 1209600}, {}, Danger.SHORTENED),
    ("AWS::SQS::Queue", {}, {"MessageRetentionPeriod": 1209600}, None),
    (
        "AWS::RDS::DBInstance",
        {"BackupRetentionPeriod": 35},
        {"BackupRetentionPeriod": 7},
        Danger.BACKUPS_LOST,
    ),
    ("AWS::RDS::DBInstance", {"BackupRetentionPeriod": 7}, {"BackupRetentionPeriod": 0}, Danger.BACKUPS_LOST),
    ("AWS::RDS::DBInstance", {"BackupRetentionPeriod": 0}, {"BackupRetentionPeriod": 7}, None),
    (
        "AWS::RDS::DBInstance",
        {"DeleteAutomatedBackups": False},
        {"DeleteAutomatedBackups": True},
        Danger.PROTECTION_LOWERED,
    ),
    ("AWS::RDS::DBInstance", {"DeleteAutomatedBackups": False}, {}, Danger.PROTECTION_LOWERED),
    ("AWS::RDS::DBInstance", {"DeletionProtection": True}, {}, Danger.PROTECTION_LOWERED),
    (
        "AWS::Redshift::Cluster",
        {"AutomatedSnapshotRetentionPeriod": 7},
        {"AutomatedSnapshotRetentionPeriod": 0},
        Danger.BACKUPS_LOST,
    ),
    ("AWS::DynamoDB::Table", {PITR: {"PointInTimeRecoveryEnabled": True}}, {}, Danger.BACKUPS_LOST),
    (
        "AWS::DynamoDB::Table",
        {PITR: {"PointInTimeRecoveryEnabled": True}},
        {PITR: {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 1}},
        Danger.BACKUPS_LOST,
    ),
    ("AWS::DynamoDB::Table", {}, {PITR: {"PointInTimeRecoveryEnabled": True}}, None),
    ("AWS::DynamoDB::Table", {}, {"TimeToLiveSpecification": {"Enabled": True}}, Danger.MAY_BE_LOST),
    ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": "true"}, {}, Danger.PROTECTION_LOWERED),
    ("AWS::S3::Bucket", {}, {"LifecycleConfiguration": expire(30)}, Danger.SHORTENED),
    (
        "AWS::S3::Bucket",
        {"LifecycleConfiguration": expire(90)},
        {"LifecycleConfiguration": expire(30)},
        Danger.SHORTENED,
    ),
    ("AWS::S3::Bucket", {}, {"LifecycleConfiguration": expire(30, "Disabled")}, None),
    ("AWS::S3::Bucket", {"LifecycleConfiguration": expire(30)}, {"LifecycleConfiguration": expire(90)}, None),
    (
        "AWS::S3::Bucket",
        {},
        {
            "LifecycleConfiguration": {
                "Rules": [{"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 7}}]
            }
        },
        Danger.SHORTENED,
    ),
    (
        "AWS::S3::Bucket",
        {"VersioningConfiguration": {"Status": "Enabled"}},
        {"VersioningConfiguration": {"Status": "Suspended"}},
        Danger.PROTECTION_LOWERED,
    ),
    (
        "AWS::ElastiCache::ReplicationGroup",
        {"SnapshotRetentionLimit": 7},
        {"SnapshotRetentionLimit": 0},
        Danger.BACKUPS_LOST,
    ),
    (
        "AWS::ElastiCache::ReplicationGroup",
        {"SnapshotRetentionLimit": 7},
        {"SnapshotRetentionLimit": 1},
        Danger.BACKUPS_LOST,
    ),
    ("AWS::ElastiCache::ReplicationGroup", {"Engine": "redis"}, {"Engine": "valkey"}, Danger.MAY_BE_LOST),
    (
        "AWS::ElastiCache::ReplicationGroup",
        {"EngineVersion": "7.2"},
        {"EngineVersion": "8.2"},
        Danger.MAY_BE_LOST,
    ),
    ("AWS::ElastiCache::ReplicationGroup", {"Engine": "redis"}, {"Engine": "{{later}}"}, None),
    ("AWS::KMS::Key", {"Enabled": True}, {"Enabled": False}, Danger.UNREADABLE),
    ("AWS::KMS::Key", {}, {"PendingWindowInDays": 7}, Danger.PROTECTION_LOWERED),
    (
        "AWS::ECR::Repository",
        {},
        {"LifecyclePolicy": {"LifecyclePolicyText": "{}"}},
        Danger.MAY_BE_LOST,
    ),
    ("AWS::ECR::Repository", {}, {"EmptyOnDelete": True}, Danger.PROTECTION_LOWERED),
    ("AWS::EFS::FileSystem", {"BackupPolicy": {"Status": "ENABLED"}}, {}, Danger.PROTECTION_LOWERED),
    (
        "AWS::New::Store",
        {"DeletionProtection": True},
        {"DeletionProtection": False},
        Danger.PROTECTION_LOWERED,
    ),
]


@pytest.mark.parametrize(("kind", "before", "after", "danger"), ROWS)
def test_a_property_that_loses_data_or_its_protection(
    kind: str, before: dict[str, Any], after: dict[str, Any], danger: Danger | None
) -> None:
    change = Change("R", kind, Action.MODIFY, before={"Properties": before}, after={"Properties": after})

    found = [each for one in judged(StackPlan("s", (change,))) for each in one.verdicts]

    assert [verdict.danger for verdict in found] == ([danger] if danger else [])


def test_every_rule_is_held_by_a_row() -> None:
    held = {id(rule) for kind, before, after, _ in ROWS for rule, _, _ in lossy.broken(kind, before, after)}

    assert [rule.path for rule in RULES if id(rule) not in held] == []


def test_every_rule_says_why_what_to_do_and_where_that_is_written() -> None:
    for rule in RULES:
        assert rule.reason
        assert rule.remedy
        assert rule.source.startswith(("https://docs.aws.amazon.com/", "https://repost.aws/"))


def test_values_told_by_path_alone_are_enough() -> None:
    told = PropertyChange("PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", "true", "false")
    change = Change("R", "AWS::DynamoDB::Table", Action.MODIFY, properties=(told,))

    ((verdict,),) = (one.verdicts for one in judged(StackPlan("s", (change,))))

    assert verdict.reason.startswith(f"{told.path} true → false: point-in-time recovery is turned off")


def test_a_retention_that_changes_without_a_value_is_not_taken_to_be_harmless() -> None:
    def found(told: PropertyChange) -> list[Danger]:
        other = PropertyChange("Name", "a", "b")
        change = Change("R", "AWS::Kinesis::Stream", Action.MODIFY, properties=(other, told))
        return [each.danger for one in judged(StackPlan("s", (change,))) for each in one.verdicts]

    assert found(PropertyChange("RetentionPeriodHours")) == [Danger.MAY_BE_LOST]
    assert found(PropertyChange("RetentionPeriodHours", dynamic=True)) == []
    assert found(PropertyChange("ShardCount")) == []
