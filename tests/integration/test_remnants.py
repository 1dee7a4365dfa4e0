"""What a deployment leaves in the account when it goes: nothing of dev; of prod, all that holds data."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import jmespath
import msgspec
import pytest

from deployer.deployment import Deployment
from deployer.events import Silence
from local.aws import EmbeddedAws
from local.aws.embedded import CacheServer, DatabaseServer
from parameters.settings import Environment, load

TEMPLATES = Path(__file__).parents[2] / "templates"
DIGEST = f"sha256:{'a' * 64}"

# What lists a service's resources: client, call → where in the answer they stand, each by its name or id.
LISTS: dict[tuple[str, str], str] = {
    ("budgets", "describe_budgets"): "Budgets[].BudgetName",
    ("cloudformation", "list_stacks"): "StackSummaries[?StackStatus != 'DELETE_COMPLETE'].StackName",
    ("cloudwatch", "describe_alarms"): "[MetricAlarms, CompositeAlarms][][].AlarmName",
    ("cloudwatch", "list_dashboards"): "DashboardEntries[].DashboardName",
    ("dynamodb", "list_tables"): "TableNames[]",
    ("ec2", "describe_addresses"): "Addresses[].PublicIp",
    ("ec2", "describe_flow_logs"): "FlowLogs[].FlowLogId",
    ("ec2", "describe_internet_gateways"): "InternetGateways[].InternetGatewayId",
    ("ec2", "describe_nat_gateways"): "NatGateways[?State != 'deleted'].NatGatewayId",
    ("ec2", "describe_network_interfaces"): "NetworkInterfaces[].NetworkInterfaceId",
    ("ec2", "describe_route_tables"): "RouteTables[].RouteTableId",
    ("ec2", "describe_security_groups"): "SecurityGroups[].GroupId",
    ("ec2", "describe_subnets"): "Subnets[].SubnetId",
    ("ec2", "describe_vpc_endpoints"): "VpcEndpoints[].VpcEndpointId",
    ("ec2", "describe_vpcs"): "Vpcs[].VpcId",
    ("ecr", "describe_repositories"): "repositories[].repositoryName",
    ("ecs", "list_clusters"): "clusterArns[]",
    ("ecs", "list_task_definitions"): "taskDefinitionArns[]",
    ("elasticache", "describe_cache_parameter_groups"): "CacheParameterGroups[].CacheParameterGroupName",
    ("elasticache", "describe_cache_subnet_groups"): "CacheSubnetGroups[].CacheSubnetGroupName",
    ("elasticache", "describe_replication_groups"): "ReplicationGroups[].ReplicationGroupId",
    ("elasticache", "describe_user_groups"): "UserGroups[].UserGroupId",
    ("elasticache", "describe_users"): "Users[].UserId",
    ("events", "list_rules"): "Rules[].Name",
    ("iam", "list_policies"): "Policies[?starts_with(Arn, 'arn:aws:iam::1')].Arn",
    ("iam", "list_roles"): "Roles[].RoleName",
    ("iot", "list_policies"): "policies[].policyName",
    ("iot", "list_topic_rules"): "rules[].ruleName",
    ("kinesis", "list_streams"): "StreamNames[]",
    ("kms", "list_keys"): "Keys[].KeyId",
    ("lambda", "list_functions"): "Functions[].FunctionName",
    ("logs", "describe_log_groups"): "logGroups[].logGroupName",
    ("rds", "describe_db_instances"): "DBInstances[].DBInstanceIdentifier",
    ("rds", "describe_db_parameter_groups"): "DBParameterGroups[].DBParameterGroupName",
    ("rds", "describe_db_snapshots"): "DBSnapshots[].DBSnapshotIdentifier",
    ("rds", "describe_db_subnet_groups"): "DBSubnetGroups[].DBSubnetGroupName",
    ("s3", "list_buckets"): "Buckets[].Name",
    ("secretsmanager", "list_secrets"): "SecretList[].ARN",
    ("sns", "list_subscriptions"): "Subscriptions[].SubscriptionArn",
    ("sns", "list_topics"): "Topics[].TopicArn",
    ("sqs", "list_queues"): "QueueUrls[]",
    ("ssm", "describe_parameters"): "Parameters[].Name",
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
HOLDING_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
}

Account = dict[tuple[str, str], set[str]]
Deploys = Callable[[Environment, Path], Deployment]


@pytest.fixture
def deploys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploys]:
    """Makes a deployment of a directory's templates into an AWS of this test's own."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()  # nothing connects to the database here
    aws = EmbeddedAws(
        account=load("dev").account,
        database=DatabaseServer("localhost", 1, "unused"),
        cache=CacheServer("localhost", 2),
        ca_file=bundle,
        log=tmp_path / "aws.log",
    )
    with aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        yield lambda environment, templates: Deployment(
            environment, boto3.Session(), templates=templates, poll=0.05
        )


def standing(session: boto3.Session, account: str) -> Account:
    """Every resource of the account by its name or id; keys that wait for their deletion are gone."""
    found: Account = {}
    for (service, call), where in LISTS.items():
        client: Any = session.client(service)  # type: ignore[call-overload]
        asked: dict[str, Any] = {"AccountId": account} if service == "budgets" else {}
        if call == "describe_alarms":
            asked = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}  # unasked, it leaves composites out
        answer = (
            client.get_paginator(call).paginate(**asked).build_full_result()
            if client.can_paginate(call)
            else getattr(client, call)(**asked)
        )
        found[service, call] = set(jmespath.search(where, answer) or ())
    kms = session.client("kms")
    keys = found["kms", "list_keys"]
    found["kms", "list_keys"] = {
        key for key in keys if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion"
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


def seen(physical_id: str, account: Mapping[tuple[str, str], set[str]]) -> bool:
    """Whether any list has it: some types' Ref is a name where the list has ARNs, some the other way."""
    return any(
        f"/{one}".replace(":", "/").endswith(f"/{other}".replace(":", "/"))
        for listed in account.values()
        for name in listed
        for one, other in ((physical_id, name), (name, physical_id))
    )


def test_dev_goes_without_a_remnant(deploys: Deploys) -> None:
    environment = load("dev")
    deployment = deploys(environment, TEMPLATES / "dev")
    session = boto3.Session()
    deployment.bootstrap(Silence())
    before = standing(session, environment.account)

    deployment.apply(deployment.plan(image_digest=DIGEST), Silence())

    during = standing(session, environment.account)
    made = [one for one in deployed(session) if one[0] not in PARTS]
    assert len(made) > 60
    assert [one for one in made if not seen(one[1], during)] == [], "no list of LISTS has them"

    deployment.destroy(Silence())

    after = standing(session, environment.account)
    # Its own stacks' artefacts lie in the bucket, which is bootstrap's.
    assert {what: after[what] - before[what] for what in after if after[what] - before[what]} == {}


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
    deployment = deploys(environment, unlocked)
    session = boto3.Session()
    deployment.bootstrap(Silence())
    before = standing(session, environment.account)
    deployment.apply(deployment.plan(image_digest=DIGEST), Silence())
    made = [one for one in deployed(session) if one[0] not in PARTS]

    deployment.destroy(Silence())

    after = standing(session, environment.account)
    left = {what: after[what] - before[what] for what in after if after[what] - before[what]}
    kept = {one for one in made if seen(one[1], left)}
    assert {kind for kind, _ in kept} <= HOLDING_DATA
    assert {one for one in made if one[0] in HOLDING_DATA and not seen(one[1], after)} == set()
    assert left["rds", "describe_db_snapshots"], "the database left no last snapshot"
