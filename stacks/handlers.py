"""What CloudFormation calls to make, read, change and delete resources: the permissions of their handlers.

Each type's schema names them, and cfn-lint carries the schemas:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html#schema-properties-handlers
A handler's list is for all that the type can do. What it has for properties that no template here sets is
left out as long as none sets them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from stacks import linter_data

REGION = "eu-west-2"  # parameters/settings.py knows no other
Types = Mapping[str, frozenset[str]]  # type → the properties that at least one resource of it sets


@dataclass(frozen=True)
class Only:
    """Actions that a type's handlers need for these properties alone."""

    kind: str
    actions: tuple[str, ...]
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Never:
    """Actions of a type's handlers that its resources here come without, and why."""

    kind: str
    actions: tuple[str, ...]
    why: str


def _only(kind: str, actions: str, *properties: str) -> Only:
    return Only(kind, tuple(actions.split()), properties)


def _never(kind: str, actions: str, why: str) -> Never:
    return Never(kind, tuple(actions.split()), why)


# Each by the type's page, which says what a property is for:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
ONLY = (
    _only(
        "AWS::DynamoDB::Table",
        "dynamodb:BatchWriteItem dynamodb:DescribeImport dynamodb:ImportTable logs:CreateLogGroup "
        "logs:CreateLogStream logs:DescribeLogGroups logs:DescribeLogStreams logs:PutLogEvents "
        "logs:PutRetentionPolicy s3:GetObject s3:ListBucket",
        "ImportSourceSpecification",
    ),
    _only(
        "AWS::DynamoDB::Table",
        "dynamodb:DisableKinesisStreamingDestination dynamodb:EnableKinesisStreamingDestination "
        "dynamodb:UpdateKinesisStreamingDestination kinesis:DescribeStream kinesis:PutRecords",
        "KinesisStreamSpecification",
    ),
    _only(
        "AWS::DynamoDB::Table",
        "iam:CreateServiceLinkedRole",
        "ContributorInsightsSpecification",
        "KinesisStreamSpecification",
    ),
    _only(
        "AWS::DynamoDB::Table",
        "dynamodb:PutResourcePolicy dynamodb:DeleteResourcePolicy",
        "ResourcePolicy",
    ),
    _only("AWS::EC2::EIP", "ec2:AssociateAddress ec2:DisassociateAddress", "InstanceId"),
    _only("AWS::EC2::EIP", "ec2:AcceptAddressTransfer", "TransferAddress"),
    _only(
        "AWS::EC2::FlowLog",
        "iam:CreateServiceLinkedRole logs:CreateLogDelivery logs:DeleteLogDelivery s3:GetBucketPolicy "
        "s3:PutBucketPolicy",
        "LogDestination",
    ),
    _only(
        "AWS::EC2::NatGateway",
        "ec2:AssociateNatGatewayAddress ec2:DisassociateNatGatewayAddress",
        "SecondaryAllocationIds",
    ),
    _only(
        "AWS::EC2::NatGateway",
        "ec2:AssignPrivateNatGatewayAddress ec2:UnassignPrivateNatGatewayAddress",
        "SecondaryPrivateIpAddresses",
        "SecondaryPrivateIpAddressCount",
    ),
    _only(
        "AWS::EC2::Subnet",
        "ec2:AssociateSubnetCidrBlock ec2:DisassociateSubnetCidrBlock",
        "Ipv6CidrBlock",
        "Ipv6IpamPoolId",
    ),
    _only("AWS::EC2::VPC", "ec2:ModifyVpcTenancy", "InstanceTenancy"),
    _only("AWS::EC2::VPC", "ec2:CreateVpcEncryptionControl", "VpcEncryptionControl"),
    _only(
        "AWS::EC2::VPCEndpoint",
        "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation "
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
        "ServiceNetworkArn",
    ),
    _only("AWS::EC2::VPCEndpoint", "vpce:AllowMultiRegion", "ServiceRegion"),
    _only("AWS::EC2::VPCGatewayAttachment", "ec2:AttachVpnGateway ec2:DetachVpnGateway", "VpnGatewayId"),
    _only("AWS::ECS::Service", "iam:PassRole", "Role", "ServiceConnectConfiguration", "VolumeConfigurations"),
    _only("AWS::Events::Rule", "iam:PassRole", "RoleArn"),
    _only("AWS::IAM::ManagedPolicy", "iam:AttachGroupPolicy iam:DetachGroupPolicy", "Groups"),
    _only("AWS::IAM::ManagedPolicy", "iam:AttachRolePolicy iam:DetachRolePolicy", "Roles"),
    _only("AWS::IAM::ManagedPolicy", "iam:AttachUserPolicy iam:DetachUserPolicy", "Users"),
    _only("AWS::Kinesis::Stream", "kinesis:UpdateMaxRecordSize", "MaxRecordSizeInKiB"),
    _only(
        "AWS::Lambda::Function",
        "elasticfilesystem:DescribeMountTargets s3files:ListMountTargets",
        "FileSystemConfigs",
    ),
    _only(
        "AWS::Lambda::Function",
        "lambda:GetCodeSigningConfig lambda:PutFunctionCodeSigningConfig "
        "lambda:DeleteFunctionCodeSigningConfig",
        "CodeSigningConfigArn",
    ),
    _only("AWS::Lambda::Function", "lambda:GetLayerVersion", "Layers"),
    _only(
        "AWS::Lambda::Function",
        "lambda:PassCapacityProvider lambda:PutFunctionScalingConfig lambda:PublishVersion",
        "CapacityProviderConfig",
        "FunctionScalingConfig",
    ),
    _only("AWS::Lambda::Function", "lambda:PutRuntimeManagementConfig", "RuntimeManagementConfig"),
    _only("AWS::Lambda::Function", "lambda:PutFunctionRecursionConfig", "RecursiveLoop"),
    _only(
        "AWS::Logs::LogGroup",
        "logs:DeleteDataProtectionPolicy logs:PutDataProtectionPolicy logs:CreateLogDelivery "
        "firehose:TagDeliveryStream",
        "DataProtectionPolicy",
    ),
    _only("AWS::Logs::LogGroup", "logs:DeleteIndexPolicy logs:PutIndexPolicy", "FieldIndexPolicies"),
    _only(
        "AWS::Logs::LogGroup",
        "logs:DeleteResourcePolicy logs:PutResourcePolicy",
        "ResourcePolicyDocument",
    ),
    _only("AWS::Logs::LogGroup", "logs:PutBearerTokenAuthentication", "BearerTokenAuthenticationEnabled"),
    _only("AWS::Logs::LogGroup", "logs:PutLogGroupDeletionProtection", "DeletionProtectionEnabled"),
    _only("AWS::RDS::DBInstance", "rds:DescribeDBClusters", "DBClusterIdentifier"),
    _only("AWS::RDS::DBInstance", "rds:AddRoleToDBInstance rds:RemoveRoleFromDBInstance", "AssociatedRoles"),
    _only(
        "AWS::RDS::DBInstance",
        "rds:CreateDBInstanceReadReplica rds:PromoteReadReplica",
        "SourceDBInstanceIdentifier",
        "SourceDBClusterIdentifier",
    ),
    _only(
        "AWS::RDS::DBInstance",
        "rds:DescribeDBClusterSnapshots rds:RestoreDBInstanceFromDBSnapshot",
        "DBSnapshotIdentifier",
        "DBClusterSnapshotIdentifier",
    ),
    _only(
        "AWS::RDS::DBInstance",
        "rds:RestoreDBInstanceToPointInTime",
        "RestoreTime",
        "UseLatestRestorableTime",
    ),
    _only(
        "AWS::RDS::DBInstance",
        "rds:StartDBInstanceAutomatedBackupsReplication rds:StopDBInstanceAutomatedBackupsReplication",
        "AutomaticBackupReplicationRegion",
    ),
    _only("AWS::SNS::Subscription", "iam:GetRole iam:PassRole", "SubscriptionRoleArn"),
    _only("AWS::SNS::Topic", "iam:GetRole iam:PassRole", "DeliveryStatusLogging"),
    _only("AWS::SNS::Topic", "sns:PutDataProtectionPolicy", "DataProtectionPolicy"),
    _only("AWS::SNS::Topic", "sns:Subscribe sns:Unsubscribe", "Subscription"),
    _only("AWS::SecretsManager::RotationSchedule", "iam:PassRole", "HostedRotationLambda"),
    _only(
        "AWS::SecretsManager::Secret",
        "secretsmanager:RemoveRegionsFromReplication secretsmanager:ReplicateSecretToRegions",
        "ReplicaRegions",
    ),
)

NEVER = (
    _never(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "lambda:DeleteProvisionedConcurrencyConfig lambda:GetProvisionedConcurrencyConfig "
        "lambda:PutProvisionedConcurrencyConfig",
        "what scales here is a service of ECS, no function",
    ),
    _never(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "iam:PassRole",
        "it scales with the role that is linked to its service, since it names no other",
    ),
    _never(
        "AWS::CloudFormation::Stack",
        "iam:PassRole",
        "a nested stack names no role: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/688",
    ),
    _never(
        "AWS::DynamoDB::Table",
        "dynamodb:AssociateTableReplica dynamodb:CreateTableReplica dynamodb:DeleteItem "
        "dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:UpdateItem",
        "replicas are a global table's, which is a type of its own",
    ),
    _never("AWS::DynamoDB::Table", "s3:GetObjectMetadata", "is no action of IAM"),
    _never("AWS::EC2::FlowLog", "autoscaling:DescribeTags", "no group of Auto Scaling is here"),
    _never(
        "AWS::ECS::Cluster",
        "ecs:PutAccountSetting ecs:PutAccountSettingDefault",
        "the account's settings are the account's: docs/account.md",
    ),
    _never(
        "AWS::ElastiCache::ParameterGroup",
        "iam:PutRolePolicy",
        "the policy of a role that is linked to a service is the service's, and cannot be put",
    ),
    _never(
        "AWS::ElastiCache::ReplicationGroup",
        "firehose:PutRecord firehose:PutRecordBatch firehose:TagDeliveryStream",
        "the logs go to log groups",
    ),
    _never("AWS::ElastiCache::ReplicationGroup", "s3:GetObject", "it begins empty, from no snapshot of S3"),
    _never("AWS::IAM::Role", "iam:DeleteRolePermissionsBoundary", "no role here is ever without a boundary"),
    _never("AWS::IoT::Policy", "kms:Decrypt", "IoT keeps what it is told under a key of its own"),
    _never(
        "AWS::IoT::ProvisioningTemplate",
        "kms:Decrypt",
        "IoT keeps what it is told under a key of its own",
    ),
    _never("AWS::Lambda::Function", "lambda:AssociateRuntimeAlias", "is no action of IAM"),
    _never("AWS::Logs::LogGroup", "s3:REST.PUT.OBJECT", "is no action of IAM"),
    _never(
        "AWS::SecretsManager::SecretTargetAttachment",
        "docdb-elastic:GetCluster rds:DescribeDBClusters redshift-serverless:GetNamespace "
        "redshift-serverless:ListWorkgroups redshift:DescribeClusters",
        "what it is attached to is an instance of RDS",
    ),
)

# What the handlers' schemas do not say, and AWS's pages do: type → (actions, page).
BEYOND: Mapping[str, tuple[tuple[str, ...], str]] = {
    "AWS::CloudFormation::Stack": (
        (
            "cloudformation:CreateChangeSet",
            "cloudformation:DeleteChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:TagResource",
            "cloudformation:UntagResource",
            "kms:Decrypt",
            "s3:GetObject",
        ),
        # A nested stack's change set is made, run and removed with its root's, in the role's name, from the
        # stack's template.
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html",
    ),
    "AWS::RDS::DBInstance": (
        ("kms:Decrypt", "kms:GenerateDataKey", "rds:ListTagsForResource"),
        # For the master's secret, which RDS makes in its caller's name.
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html",
    ),
    "AWS::SecretsManager::Secret": (
        ("kms:Decrypt", "kms:GenerateDataKey"),
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
    ),
}


class UnknownType(ValueError):
    """{kind}: no schema names its handlers' permissions; say in stacks/handlers.py (BEYOND) what they call"""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"{kind}: no schema names its handlers' permissions; "
            "say in stacks/handlers.py (BEYOND) what they call"
        )


def occurring(templates: Iterable[Mapping[str, Any]]) -> Types:
    """Each type in these templates, with the properties that its resources set."""
    found: dict[str, frozenset[str]] = {}
    for template in templates:
        for resource in template["Resources"].values():
            kind = resource["Type"]
            found[kind] = found.get(kind, frozenset()) | resource.get("Properties", {}).keys()
    return dict(sorted(found.items()))


def permissions(kind: str, properties: frozenset[str]) -> frozenset[str]:
    """IAM's actions for resources of one type that set these properties. Raises UnknownType."""
    without = {action for never in NEVER if never.kind == kind for action in never.actions}
    unset: set[str] = set()
    needed: set[str] = set()
    for only in ONLY:
        if only.kind == kind:
            (needed if properties & set(only.properties) else unset).update(only.actions)
    beyond = frozenset(BEYOND[kind][0]) if kind in BEYOND else frozenset()
    return (named(kind) - without - (unset - needed)) | beyond


@cache
def named(kind: str) -> frozenset[str]:
    """All that the schema names, whatever it is for. Raises UnknownType where AWS's pages do not either."""
    try:
        handlers = linter_data.schema(kind, REGION)["handlers"]
    except KeyError as error:
        if kind in BEYOND:
            return frozenset()
        raise UnknownType(kind) from error
    return frozenset(action for handler in handlers.values() for action in handler.get("permissions", ()))
