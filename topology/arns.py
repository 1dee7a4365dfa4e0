"""How a resource of each type is named: its ARN, and what `Ref` and `GetAtt` answer, before there is any.

Formats of ARNs: the "Resource types" tables of the service authorization reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
(a test compares them with the copy of those tables that cfn-lint carries). What `Ref` answers: each type's
page in https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/.
"""

from dataclasses import dataclass

PLACE = "arn:{partition}:{service}:{region}:{account}:"
GLOBAL = "arn:{partition}:{service}::{account}:"


@dataclass(frozen=True)
class Form:
    """A type's ARN. `{name}` is the physical name; any other field is a property of the resource."""

    service: str
    rest: str  # what follows the account
    name: str | None = None  # the property that fixes the name; where it is absent AWS makes one
    ref: str = "name"  # "name", "arn", or a format of its own
    prefix: str = PLACE

    @property
    def arn(self) -> str:
        return self.prefix + self.rest


def _ec2(kind: str, letters: str) -> Form:
    return Form("ec2", f"{kind}/{letters}-{{id}}", ref=f"{letters}-{{id}}")


FORMS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Form(
        "application-autoscaling", "scalable-target/{name}", ref="{ResourceId}|{ScalableDimension}"
    ),
    "AWS::Budgets::Budget": Form("budgets", "budget/{name}", prefix=GLOBAL),
    "AWS::CloudFormation::Stack": Form("cloudformation", "stack/{name}/{uuid}", ref="arn"),
    "AWS::CloudWatch::Alarm": Form("cloudwatch", "alarm:{name}", "AlarmName"),
    "AWS::CloudWatch::CompositeAlarm": Form("cloudwatch", "alarm:{name}", "AlarmName"),
    "AWS::CloudWatch::Dashboard": Form("cloudwatch", "dashboard/{name}", "DashboardName", prefix=GLOBAL),
    "AWS::DynamoDB::Table": Form("dynamodb", "table/{name}", "TableName"),
    "AWS::EC2::EIP": _ec2("elastic-ip", "eipalloc"),
    "AWS::EC2::FlowLog": _ec2("vpc-flow-log", "fl"),
    "AWS::EC2::InternetGateway": _ec2("internet-gateway", "igw"),
    "AWS::EC2::NatGateway": _ec2("natgateway", "nat"),
    "AWS::EC2::NetworkAcl": _ec2("network-acl", "acl"),
    "AWS::EC2::RouteTable": _ec2("route-table", "rtb"),
    "AWS::EC2::SecurityGroup": _ec2("security-group", "sg"),
    "AWS::EC2::Subnet": _ec2("subnet", "subnet"),
    "AWS::EC2::VPC": _ec2("vpc", "vpc"),
    "AWS::EC2::VPCEndpoint": _ec2("vpc-endpoint", "vpce"),
    "AWS::ECR::Repository": Form("ecr", "repository/{name}", "RepositoryName"),
    "AWS::ECS::Cluster": Form("ecs", "cluster/{name}", "ClusterName"),
    "AWS::ECS::Service": Form("ecs", "service/{Cluster}/{name}", "ServiceName", ref="arn"),
    "AWS::ECS::TaskDefinition": Form("ecs", "task-definition/{name}:1", "Family", ref="arn"),
    "AWS::ElastiCache::ParameterGroup": Form("elasticache", "parametergroup:{name}"),
    "AWS::ElastiCache::ReplicationGroup": Form(
        "elasticache", "replicationgroup:{name}", "ReplicationGroupId"
    ),
    "AWS::ElastiCache::ServerlessCache": Form("elasticache", "serverlesscache:{name}", "ServerlessCacheName"),
    "AWS::ElastiCache::SubnetGroup": Form("elasticache", "subnetgroup:{name}", "CacheSubnetGroupName"),
    "AWS::ElastiCache::User": Form("elasticache", "user:{name}", "UserId"),
    "AWS::ElastiCache::UserGroup": Form("elasticache", "usergroup:{name}", "UserGroupId"),
    "AWS::Events::Rule": Form("events", "rule/{name}", "Name"),
    "AWS::IAM::ManagedPolicy": Form("iam", "policy/{name}", "ManagedPolicyName", ref="arn", prefix=GLOBAL),
    "AWS::IAM::OIDCProvider": Form("iam", "oidc-provider/{Url}", ref="arn", prefix=GLOBAL),
    "AWS::IAM::Role": Form("iam", "role/{name}", "RoleName", prefix=GLOBAL),
    "AWS::IoT::Policy": Form("iot", "policy/{name}", "PolicyName"),
    "AWS::IoT::ProvisioningTemplate": Form("iot", "provisioningtemplate/{name}", "TemplateName"),
    "AWS::IoT::TopicRule": Form("iot", "rule/{name}", "RuleName"),
    "AWS::KMS::Alias": Form("kms", "{AliasName}", ref="{AliasName}"),  # the name begins with alias/
    "AWS::KMS::Key": Form("kms", "key/{uuid}", ref="{uuid}"),
    "AWS::Kinesis::Stream": Form("kinesis", "stream/{name}", "Name"),
    # Below its stream's; it ends in when it was made.
    "AWS::Kinesis::StreamConsumer": Form(
        "kinesis", "{StreamARN}/consumer/{name}:1700000000", "ConsumerName", ref="arn", prefix=""
    ),
    "AWS::Lambda::Function": Form("lambda", "function:{name}", "FunctionName"),
    "AWS::Logs::LogGroup": Form("logs", "log-group:{name}", "LogGroupName"),
    "AWS::RDS::DBCluster": Form("rds", "cluster:{name}", "DBClusterIdentifier"),
    "AWS::RDS::DBInstance": Form("rds", "db:{name}", "DBInstanceIdentifier"),
    "AWS::RDS::DBParameterGroup": Form("rds", "pg:{name}", "DBParameterGroupName"),
    "AWS::RDS::DBSubnetGroup": Form("rds", "subgrp:{name}", "DBSubnetGroupName"),
    "AWS::RDS::EventSubscription": Form("rds", "es:{name}", "SubscriptionName"),
    "AWS::S3::Bucket": Form("s3", "{name}", "BucketName", prefix="arn:{partition}:s3:::"),
    # Secrets Manager appends a hyphen and six characters to the name it is given.
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
    "AWS::SecretsManager::Secret": Form("secretsmanager", "secret:{name}-a1b2c3", "Name", ref="arn"),
    "AWS::SNS::Topic": Form("sns", "{name}", "TopicName", ref="arn"),
    "AWS::SQS::Queue": Form(
        "sqs", "{name}", "QueueName", ref="https://sqs.{region}.amazonaws.com/{account}/{name}"
    ),
    "AWS::SSM::Parameter": Form("ssm", "parameter{name}", "Name"),
}

# Attributes that are neither the resource's own ARN nor its name, and what Ref answers for a type whose ARN
# the service authorization reference does not have: (type, attribute) -> format.
ATTRIBUTES = {
    # https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "Ref"): (
        "arn:{partition}:autoscaling:{region}:{account}:scalingPolicy:{uuid}:resource/{name}"
        ":policyName/{PolicyName}"
    ),
    # "the ARN of the log group … with :*", https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
    ("AWS::Logs::LogGroup", "Arn"): PLACE + "log-group:{name}:*",
    ("AWS::Kinesis::StreamConsumer", "ConsumerARN"): "{StreamARN}/consumer/{ConsumerName}:1700000000",
    # It answers the ARN of its secret.
    ("AWS::SecretsManager::SecretTargetAttachment", "Ref"): "{SecretId}",
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    ("AWS::RDS::DBInstance", "MasterUserSecret.SecretArn"): (
        "arn:{partition}:secretsmanager:{region}:{account}:secret:rds!db-{uuid}-a1b2c3"
    ),
    ("AWS::DynamoDB::Table", "StreamArn"): PLACE + "table/{name}/stream/2026-01-01T00:00:00.000",
    ("AWS::ECR::Repository", "RepositoryUri"): "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
    ("AWS::EC2::SecurityGroup", "GroupId"): "sg-{id}",
    ("AWS::EC2::EIP", "AllocationId"): "eipalloc-{id}",
    ("AWS::KMS::Key", "KeyId"): "{uuid}",
    ("AWS::SNS::Topic", "TopicName"): "{name}",
    ("AWS::SQS::Queue", "QueueName"): "{name}",
}
