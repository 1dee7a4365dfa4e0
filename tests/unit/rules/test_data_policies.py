import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {EnableKeyRotation: true, Enabled: true, KeyPolicy: {}, PendingWindowInDays: 30}
  Short:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/shop, TargetKeyId: !Ref Key}
  Orders:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    UpdateReplacePolicy: Snapshot
    Properties:
      Engine: mysql
      KmsKeyId: !Ref Short
      DeletionProtection: true
      Tags: [{Key: Stage, Value: STAGE}]
  Images:
    Type: AWS::ECR::Repository
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {EmptyOnDelete: false}
  Jobs: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Failed.Arn}}}
  Failed: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, UpdateReplacePolicy: Retain}
"""
IDS = ("E940", *(f"W940{number}" for number in range(8)))


def ids(say: Say, template: str, stage: str = "production") -> set[str]:
    said = say(IDS, template.replace("STAGE", stage))
    return {line.split()[1] for line in said}


def edited(old: str, new: str, template: str = WELL) -> str:
    assert old in template
    return template.replace(old, new, 1)


def test_what_is_kept_is_well(say: Say) -> None:
    assert ids(say, WELL) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("    DeletionPolicy: Snapshot", "    DeletionPolicy: Delete", {"E9400"}),
        ("    DeletionPolicy: Snapshot\n", "", {"W9400"}),
        ("    UpdateReplacePolicy: Snapshot", "    UpdateReplacePolicy: Delete", {"E9401"}),
        ("    UpdateReplacePolicy: Snapshot\n", "", {"E9401"}),
        (
            "Failed: {Type: AWS::SQS::Queue, DeletionPolicy: Retain",
            "Failed: {Type: AWS::SQS::Queue",
            {"E9400"},
        ),
        (
            "ECR::Repository\n    DeletionPolicy: Retain",
            "ECR::Repository\n    DeletionPolicy: Snapshot",
            {"E9402"},
        ),
        ("Engine: mysql", "DBClusterIdentifier: shop", {"E9402"}),
        ("    UpdateReplacePolicy: Snapshot", "    UpdateReplacePolicy: RetainExceptOnCreate", {"E9403"}),
        ("DeletionProtection: true", "DeletionProtection: 'false'", {"E9406"}),
        ("      DeletionProtection: true\n", "", {"E9406"}),
        ("EmptyOnDelete: false", "EmptyOnDelete: true", {"E9407"}),
        ("    DeletionPolicy: Retain\n", "", {"E9400", "E9405"}),
        ("EnableKeyRotation: true", "RotationPeriodInDays: 365", {"E9408"}),
        ("Enabled: true", "RotationPeriodInDays: 30", {"E9408"}),
        ("PendingWindowInDays: 30", "PendingWindowInDays: 5", {"E9409"}),
        ("KeyPolicy", "BypassPolicyLockoutSafetyCheck: true, KeyPolicy", {"W9406"}),
        ("KeyPolicy", "Origin: EXTERNAL, KeyPolicy", {"W9407"}),
    ],
)
def test_each_way_to_lose_it_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


def test_a_passing_environment_leaves_nothing_behind(say: Say) -> None:
    assert ids(say, WELL, "sandbox") == {"W9401", "W9402"}
    gone = (
        WELL.replace("Snapshot", "Delete")
        .replace("Retain", "Delete")
        .replace("Protection: true", "Protection: no")
    )
    assert ids(say, gone.replace("PendingWindowInDays: 30", "PendingWindowInDays: 7"), "sandbox") == set()


def test_where_no_environment_is_told_contradictions_alone_are(say: Say) -> None:
    deleted = edited("    UpdateReplacePolicy: Snapshot\n", "")
    assert ids(say, deleted, "blue") == {"E9404"}
    assert ids(say, WELL.replace("Snapshot", "Delete").replace("Retain", "Delete"), "blue") == set()


def test_a_policy_that_is_computed_is_not_judged(say: Say) -> None:
    assert ids(say, edited("DeletionPolicy: Snapshot", "DeletionPolicy: !Ref Policy")) == set()


def test_a_key_is_named_with_what_it_leaves(say: Say) -> None:
    without = edited("    UpdateReplacePolicy: Retain\n", "")
    (finding,) = say("E9405", without.replace("STAGE", "blue"))
    assert finding == (
        "root.yaml:2: E9405 key Key goes (UpdateReplacePolicy: Delete), "
        "while what it encrypts stays: Orders; "
        "keep the key at least as long as the data: DeletionPolicy and UpdateReplacePolicy Retain"
    )


def test_a_bucket_is_not_lost_while_anything_is_in_it(say: Say) -> None:
    kept = "Resources:\n  Kept: {Type: KIND, DeletionPolicy: Retain}\n"
    assert say("E9404", kept.replace("KIND", "AWS::S3::Bucket")) == []
    assert len(say("E9404", kept.replace("KIND", "AWS::EFS::FileSystem"))) == 1
