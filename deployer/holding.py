"""Which resources hold what nobody can make again, or not without an outage of everything that reads it.

The list is the union of three: the types that AWS's linter calls stateful, which the CDK goes by too
(https://github.com/aws-cloudformation/cfn-lint/blob/main/src/cfnlint/data/AdditionalSpecs/StatefulResources.json,
without AWS::CloudFormation::Stack and AWS::Organizations::Account, which hold nothing themselves); those
whose DeletionPolicy may be Snapshot
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html);
and those whose schema speaks of stored data. Of a type that is not here its properties are asked.
"""

from collections.abc import Iterable

HOLDING_DATA = frozenset(
    {
        "AWS::AmazonMQ::Broker",
        "AWS::Backup::BackupVault",
        "AWS::Backup::LogicallyAirGappedBackupVault",
        "AWS::Cassandra::Keyspace",
        "AWS::Cassandra::Table",
        "AWS::CloudHSM::Cluster",
        "AWS::CloudTrail::EventDataStore",
        "AWS::CodeArtifact::Repository",
        "AWS::CodeCommit::Repository",
        "AWS::Cognito::UserPool",
        "AWS::DSQL::Cluster",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::PublicRepository",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::EMR::Cluster",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Elasticsearch::Domain",
        "AWS::Events::Archive",
        "AWS::FSx::FileSystem",
        "AWS::FSx::Volume",
        "AWS::HealthImaging::Datastore",
        "AWS::HealthLake::FHIRDatastore",
        "AWS::KMS::Key",
        "AWS::KMS::ReplicaKey",
        "AWS::Kinesis::Stream",
        "AWS::KinesisVideo::Stream",
        "AWS::Lightsail::Database",
        "AWS::Logs::LogGroup",
        "AWS::MSK::Cluster",
        "AWS::MSK::ServerlessCluster",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::NeptuneGraph::Graph",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::S3Tables::Table",
        "AWS::S3Tables::TableBucket",
        "AWS::S3Vectors::Index",
        "AWS::S3Vectors::VectorBucket",
        "AWS::SDB::Domain",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
        "AWS::Timestream::Database",
        "AWS::Timestream::InfluxDBCluster",
        "AWS::Timestream::InfluxDBInstance",
        "AWS::Timestream::Table",
    }
)

# Properties that only what stores data has, by the names that CloudFormation's own schemas give them.
TELLING = frozenset(
    {
        "AllocatedStorage",
        "AutomatedSnapshotRetentionPeriod",
        "BackupPolicy",
        "BackupRetention",
        "BackupRetentionPeriod",
        "BackupRetentionPolicy",
        "DataRetentionInHours",
        "FinalSnapshotName",
        "PointInTimeRecoveryEnabled",
        "PointInTimeRecoverySpecification",
        "RetentionPeriod",
        "RetentionPeriodHours",
        "SnapshotArns",
        "SnapshotIdentifier",
        "SnapshotRetentionLimit",
        "StorageCapacity",
        "StorageEncrypted",
    }
)


def sign_of_data(resource_type: str, properties: Iterable[str], policy_action: str | None) -> str | None:
    """Why a type that is not in HOLDING_DATA is taken to hold data; None when nothing says so."""
    if resource_type in HOLDING_DATA:
        return None
    if policy_action is not None and policy_action.endswith("Snapshot"):
        return f"its policy is {policy_action}"
    telling = sorted(TELLING.intersection(properties))
    return f"it has the property {telling[0]}" if telling else None
