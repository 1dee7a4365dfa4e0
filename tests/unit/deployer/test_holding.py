import json
from pathlib import Path

import cfnlint.data.AdditionalSpecs

from deployer.holding import HOLDING_DATA, sign_of_data

LINTER = Path(str(cfnlint.data.AdditionalSpecs.__file__)).with_name("StatefulResources.json")
# Stateful to the linter, and without data of their own.
NO_DATA = {"AWS::CloudFormation::Stack", "AWS::Organizations::Account"}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
WITH_SNAPSHOTS = {
    "AWS::DocDB::DBCluster",
    "AWS::EC2::Volume",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
}


def test_every_type_that_the_linter_calls_stateful_holds_data() -> None:
    stateful = set(json.loads(LINTER.read_text(encoding="utf-8"))["ResourceTypes"])

    assert stateful - HOLDING_DATA == NO_DATA


def test_every_type_that_can_leave_a_snapshot_holds_data() -> None:
    assert WITH_SNAPSHOTS <= HOLDING_DATA


def test_of_a_listed_type_no_sign_is_asked() -> None:
    assert sign_of_data("AWS::S3::Bucket", ["StorageEncrypted"], "Snapshot") is None
