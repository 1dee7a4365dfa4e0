"""Every resource of the starting point has its successor, with its figures in dev, minus its defects."""

import json
from typing import Any

import pytest

Templates = dict[str, dict[str, Any]]

# What the starting point has → (our stack, type, title, figures that must be ours too).
SUCCESSORS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "vpc": ("network", "AWS::EC2::VPC", "Vpc", {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True}),
    "internet gateway": ("network", "AWS::EC2::InternetGateway", "Internet", {}),
    "its attachment": ("network", "AWS::EC2::VPCGatewayAttachment", "InternetAttached", {}),
    "public subnet 1": ("network", "AWS::EC2::Subnet", "PublicA", {"CidrBlock": "10.0.1.0/24"}),
    "public subnet 2": ("network", "AWS::EC2::Subnet", "PublicB", {"CidrBlock": "10.0.2.0/24"}),
    "private subnet 1": ("network", "AWS::EC2::Subnet", "AppA", {"CidrBlock": "10.0.11.0/24"}),
    "private subnet 2": ("network", "AWS::EC2::Subnet", "AppB", {"CidrBlock": "10.0.12.0/24"}),
    "public route table": ("network", "AWS::EC2::RouteTable", "PublicRoutesA", {}),
    "public route": ("network", "AWS::EC2::Route", "PublicOutA", {"DestinationCidrBlock": "0.0.0.0/0"}),
    "association 1": ("network", "AWS::EC2::SubnetRouteTableAssociation", "PublicARouted", {}),
    "association 2": ("network", "AWS::EC2::SubnetRouteTableAssociation", "PublicBRouted", {}),
    "tasks' security group": ("network", "AWS::EC2::SecurityGroup", "ProcessorGroup", {}),
    "cache's security group": ("network", "AWS::EC2::SecurityGroup", "CacheGroup", {}),
    "database's security group": ("network", "AWS::EC2::SecurityGroup", "DatabaseGroup", {}),
    "stream": (
        "stream",
        "AWS::Kinesis::Stream",
        "Readings",
        {"ShardCount": 2, "RetentionPeriodHours": 24, "StreamModeDetails": {"StreamMode": "PROVISIONED"}},
    ),
    "cluster": ("processor", "AWS::ECS::Cluster", "Cluster", {}),
    "log group": ("processor", "AWS::Logs::LogGroup", "Log", {"RetentionInDays": 7}),
    "execution role": ("processor", "AWS::IAM::Role", "ExecutionRole", {}),
    "task role": ("processor", "AWS::IAM::Role", "TaskRole", {}),
    # The starting point's 256/512 are below what the engine needs.
    "task definition": ("processor", "AWS::ECS::TaskDefinition", "Task", {"Cpu": "512", "Memory": "1024"}),
    "service": ("processor", "AWS::ECS::Service", "Service", {}),
    "cache's subnets": ("cache", "AWS::ElastiCache::SubnetGroup", "Subnets", {}),
    "cache": (
        "cache",
        "AWS::ElastiCache::ReplicationGroup",
        "Latest",
        {
            "NumCacheClusters": 2,
            "MultiAZEnabled": True,
            "AutomaticFailoverEnabled": True,
            "AtRestEncryptionEnabled": True,
            "TransitEncryptionEnabled": True,
        },
    ),
    "cache's settings": ("cache", "AWS::ElastiCache::ParameterGroup", "EngineSettings", {}),
    "database's subnets": ("database", "AWS::RDS::DBSubnetGroup", "Subnets", {}),
    "database": (
        "database",
        "AWS::RDS::DBInstance",
        "Database",
        {
            "Engine": "postgres",
            "DBInstanceClass": "db.t4g.micro",
            "MultiAZ": True,
            "AllocatedStorage": "20",
            "StorageType": "gp3",
            "StorageEncrypted": True,
            "BackupRetentionPeriod": 7,
            "EnableCloudwatchLogsExports": ["postgresql", "upgrade"],
        },
    ),
    "secret": ("rotation", "AWS::SecretsManager::Secret", "Application", {}),
    "its host": ("rotation", "AWS::SecretsManager::SecretTargetAttachment", "Attachment", {}),
    "its rotation": ("rotation", "AWS::SecretsManager::RotationSchedule", "Schedule", {}),
    "encryption key": ("keys", "AWS::KMS::Key", "Data", {"EnableKeyRotation": True}),
}
OUTPUTS = {
    "vpc_id": "VpcId",
    "kinesis_stream_name": "KinesisStreamName",
    "ecs_cluster_name": "EcsClusterName",
    "redis_endpoint": "RedisEndpoint",
    "rds_endpoint": "RdsEndpoint",
    "db_secret_arn": "DbSecretArn",
}


@pytest.mark.parametrize("what", SUCCESSORS)
def test_it_has_its_successor_with_its_figures(dev: Templates, what: str) -> None:
    stack, kind, title, figures = SUCCESSORS[what]
    made = dev[stack]["Resources"][title]
    assert made["Type"] == kind
    properties = made.get("Properties", {})
    assert {name: properties.get(name) for name in figures} == figures


def test_thirty_resources_are_accounted_for() -> None:
    assert len(SUCCESSORS) == 30
    assert len({(stack, title) for stack, _, title, _ in SUCCESSORS.values()}) == 30


@pytest.mark.parametrize(("old", "name"), OUTPUTS.items())
def test_its_outputs_are_there_and_found_under_their_old_names(
    templates: Templates, old: str, name: str
) -> None:
    root = templates["platform"]
    parameter = root["Resources"][f"{name}Parameter"]["Properties"]
    environment = root["Resources"]["Keys"]["Properties"]["Tags"][0]["Value"]
    assert parameter["Name"] == f"/millrace/{environment}/{old}"
    assert parameter["Value"] == root["Outputs"][name]["Value"]


def test_the_secret_rotates_within_thirty_days(dev: Templates) -> None:
    rules = dev["rotation"]["Resources"]["Schedule"]["Properties"]["RotationRules"]
    assert rules["ScheduleExpression"] == "rate(30 days)"


def test_its_defects_are_gone(templates: Templates) -> None:
    database = templates["database"]["Resources"]["Database"]["Properties"]
    cache = templates["cache"]["Resources"]["Latest"]["Properties"]
    service = templates["processor"]["Resources"]["Service"]["Properties"]
    task = templates["processor"]["Resources"]["Task"]["Properties"]

    assert database["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in database
    assert database["PubliclyAccessible"] is False
    assert "." in database["EngineVersion"]
    assert cache["TransitEncryptionMode"] == "required"
    assert cache["UserGroupIds"]
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert "nginx" not in json.dumps(task)
    assert "PrimaryEndPoint" in json.dumps(templates["cache"]["Outputs"]["Address"])
    for group in ("ProcessorGroup", "CacheGroup", "DatabaseGroup"):
        egress = templates["network"]["Resources"][group]["Properties"]["SecurityGroupEgress"]
        assert [rule["CidrIp"] for rule in egress] == ["127.0.0.1/32"]
