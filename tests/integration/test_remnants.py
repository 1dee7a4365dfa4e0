"""What a deployment leaves in the account when it goes: nothing of dev; of prod, all that holds data."""

from pathlib import Path
from typing import Any

import boto3
import jmespath
import msgspec

from deployer.events import Silence
from deployer.holding import HOLDING_DATA
from parameters.settings import load
from tests.integration.deployments import Deploys

TEMPLATES = Path(__file__).parents[2] / "templates"
DIGEST = f"sha256:{'a' * 64}"

SNAPSHOT = "a snapshot of RDS"  # no type of CloudFormation

# Type → what lists its resources: client, call, and where in the answer they stand, each by its name or id.
LISTS: dict[str, tuple[str, str, str]] = {
    "AWS::Budgets::Budget": ("budgets", "describe_budgets", "Budgets[].BudgetName"),
    "AWS::CloudFormation::Stack": (
        "cloudformation",
        "list_stacks",
        "StackSummaries[?StackStatus != 'DELETE_COMPLETE'].StackName",
    ),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    "AWS::CloudWatch::CompositeAlarm": ("cloudwatch", "describe_alarms", "CompositeAlarms[].AlarmName"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    "AWS::DynamoDB::Table": ("dynamodb", "list_tables", "TableNames[]"),
    "AWS::EC2::EIP": ("ec2", "describe_addresses", "Addresses[].PublicIp"),
    "AWS::EC2::FlowLog": ("ec2", "describe_flow_logs", "FlowLogs[].FlowLogId"),
    "AWS::EC2::InternetGateway": (
        "ec2",
        "describe_internet_gateways",
        "InternetGateways[].InternetGatewayId",
    ),
    "AWS::EC2::NatGateway": (
        "ec2",
        "describe_nat_gateways",
        "NatGateways[?State != 'deleted'].NatGatewayId",
    ),
    "AWS::EC2::NetworkInterface": (
        "ec2",
        "describe_network_interfaces",
        "NetworkInterfaces[].NetworkInterfaceId",
    ),
    "AWS::EC2::RouteTable": ("ec2", "describe_route_tables", "RouteTables[].RouteTableId"),
    "AWS::EC2::SecurityGroup": ("ec2", "describe_security_groups", "SecurityGroups[].GroupId"),
    "AWS::EC2::Subnet": ("ec2", "describe_subnets", "Subnets[].SubnetId"),
    "AWS::EC2::VPC": ("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    "AWS::EC2::VPCEndpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints[].VpcEndpointId"),
    "AWS::ECR::Repository": ("ecr", "describe_repositories", "repositories[].repositoryName"),
    "AWS::ECS::Cluster": ("ecs", "list_clusters", "clusterArns[]"),
    "AWS::ECS::TaskDefinition": ("ecs", "list_task_definitions", "taskDefinitionArns[]"),
    "AWS::ElastiCache::ParameterGroup": (
        "elasticache",
        "describe_cache_parameter_groups",
        "CacheParameterGroups[].CacheParameterGroupName",
    ),
    "AWS::ElastiCache::ReplicationGroup": (
        "elasticache",
        "describe_replication_groups",
        "ReplicationGroups[].ReplicationGroupId",
    ),
    "AWS::ElastiCache::SubnetGroup": (
        "elasticache",
        "describe_cache_subnet_groups",
        "CacheSubnetGroups[].CacheSubnetGroupName",
    ),
    "AWS::ElastiCache::User": ("elasticache", "describe_users", "Users[].UserId"),
    "AWS::ElastiCache::UserGroup": ("elasticache", "describe_user_groups", "UserGroups[].UserGroupId"),
    "AWS::Events::Rule": ("events", "list_rules", "Rules[].Name"),
    "AWS::IAM::ManagedPolicy": ("iam", "list_policies", "Policies[?starts_with(Arn, 'arn:aws:iam::1')].Arn"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles[].RoleName"),
    "AWS::IoT::Policy": ("iot", "list_policies", "policies[].policyName"),
    "AWS::IoT::ProvisioningTemplate": ("iot", "list_provisioning_templates", "templates[].templateName"),
    "AWS::IoT::TopicRule": ("iot", "list_topic_rules", "rules[].ruleName"),
    "AWS::KMS::Key": ("kms", "list_keys", "Keys[].KeyId"),
    "AWS::Kinesis::Stream": ("kinesis", "list_streams", "StreamNames[]"),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions[].FunctionName"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "AWS::RDS::DBInstance": ("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    "AWS::RDS::DBParameterGroup": (
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups[].DBParameterGroupName",
    ),
    SNAPSHOT: ("rds", "describe_db_snapshots", "DBSnapshots[].DBSnapshotIdentifier"),
    "AWS::RDS::DBSubnetGroup": ("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"),
    "AWS::S3::Bucket": ("s3", "list_buckets", "Buckets[].Name"),
    "AWS::SNS::Subscription": ("sns", "list_subscriptions", "Subscriptions[].SubscriptionArn"),
    "AWS::SNS::Topic": ("sns", "list_topics", "Topics[].TopicArn"),
    "AWS::SQS::Queue": ("sqs", "list_queues", "QueueUrls[]"),
    "AWS::SSM::Parameter": ("ssm", "describe_parameters", "Parameters[].Name"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "list_secrets", "SecretList[].ARN"),
}
# What has no list of its own: it is part of another resource, or goes with it.
PARTS = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::EC2::Route",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECS::Service",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::SecretsManager::SecretTargetAttachment",
}
# Of these a snapshot stays, and not the resource.
SNAPSHOT_STAYS = {"AWS::ElastiCache::ReplicationGroup", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"}
STAYS = HOLDING_DATA - SNAPSHOT_STAYS

Account = dict[str, set[str]]  # type → names or ids


def standing(session: boto3.Session, account: str) -> Account:
    """Every resource of the account by its type; keys that wait for their deletion are gone."""
    found: Account = {}
    for kind, (service, call, where) in LISTS.items():
        client: Any = session.client(service)  # type: ignore[call-overload]
        asked: dict[str, Any] = {"AccountId": account} if service == "budgets" else {}
        if kind == "AWS::CloudWatch::CompositeAlarm":
            asked["AlarmTypes"] = ["CompositeAlarm"]  # it tells of plain ones unless it is asked
        answer = (
            client.get_paginator(call).paginate(**asked).build_full_result()
            if client.can_paginate(call)
            else getattr(client, call)(**asked)
        )
        found[kind] = set(jmespath.search(where, answer) or ())
    kms = session.client("kms")
    found["AWS::KMS::Key"] = {
        key
        for key in found["AWS::KMS::Key"]
        if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion"
    }
    return found


def deployed(session: boto3.Session) -> list[tuple[str, str]]:
    """(type, physical id) of every resource of every stack, the stacks themselves left out."""
    cloudformation = session.client("cloudformation")
    stacks = cloudformation.get_paginator("list_stacks").paginate().build_full_result()["StackSummaries"]
    resources = [
        resource
        for stack in stacks
        if stack["StackStatus"] != "DELETE_COMPLETE"
        for resource in cloudformation.get_paginator("list_stack_resources")
        .paginate(StackName=stack["StackId"])
        .build_full_result()["StackResourceSummaries"]
    ]
    return [
        (resource["ResourceType"], resource["PhysicalResourceId"])
        for resource in resources
        if resource["ResourceType"] != "AWS::CloudFormation::Stack"
    ]


def seen(one: tuple[str, str], account: Account) -> bool:
    """Whether its type's list has it; where Ref gives names, the list may have ARNs, and the other way."""
    kind, physical_id = one
    return any(
        f"/{longer}".replace(":", "/").endswith(f"/{shorter}".replace(":", "/"))
        for name in account.get(kind, ())
        for longer, shorter in ((physical_id, name), (name, physical_id))
    )


def added(after: Account, before: Account) -> Account:
    return {kind: more for kind in after if (more := after[kind] - before[kind])}


def test_dev_goes_without_a_remnant(deploys: Deploys) -> None:
    environment = load("dev")
    deployment = deploys(TEMPLATES / "dev", environment)
    session = boto3.Session()
    deployment.bootstrap(Silence())
    before = standing(session, environment.account)

    deployment.apply(deployment.plan(image_digest=DIGEST), Silence())

    during = standing(session, environment.account)
    made = [one for one in deployed(session) if one[0] not in PARTS]
    assert len(made) > 60
    assert [one for one in made if not seen(one, during)] == [], "no list of LISTS has them"

    deployment.destroy(Silence())

    after = standing(session, environment.account)
    # Its own stacks' artefacts lie in the bucket, which is bootstrap's.
    assert added(after, before) == {}


def test_prod_keeps_all_that_holds_data_and_nothing_else(deploys: Deploys, tmp_path: Path) -> None:
    """An operator has lifted both locks: that on the stack, and that on the database."""
    environment = msgspec.structs.replace(load("prod"), termination_protection=False)
    unlocked = tmp_path / "templates"
    unlocked.mkdir()
    for file in (TEMPLATES / "prod").glob("*.yaml"):
        text = file.read_text().replace("DeletionProtection: true", "DeletionProtection: false")
        (unlocked / file.name).write_text(
            text.replace("DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false")
        )
    deployment = deploys(unlocked, environment)
    session = boto3.Session()
    deployment.bootstrap(Silence())
    before = standing(session, environment.account)
    deployment.apply(deployment.plan(image_digest=DIGEST), Silence())
    made = [one for one in deployed(session) if one[0] not in PARTS]

    deployment.destroy(Silence())

    after = standing(session, environment.account)
    left = added(after, before)
    kept = {one for one in made if seen(one, left)}
    assert {kind for kind, _ in kept} <= STAYS
    assert {one for one in made if one[0] in STAYS and not seen(one, after)} == set()
    assert left[SNAPSHOT], "the database left no last snapshot"
