"""What holds for every template of every environment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from deployer import foundation
from deployer.holding import HOLDING_DATA
from parameters.settings import load
from stacks import dangling

TEMPLATES = Path(__file__).parents[2] / "templates"
REGION = "eu-west-2"

Templates = dict[str, dict[str, Any]]
ROOT_PARAMETERS = {"ImageDigest", "NotificationAddress", "PlantAddress", "ArtefactBucket", "RotationCodeKey"}
ROOT_OUTPUTS = {
    "VpcId",
    "KinesisStreamName",
    "EcsClusterName",
    "EcsServiceName",
    "RedisEndpoint",
    "RdsEndpoint",
    "DbSecretArn",
    "MigratorSecretArn",
    "RollbackAlarms",
}
# Types of which no resource holds what cannot be made again from the templates. A type that is on neither
# list fails the test: whoever brings it says which.
HOLDS_NOTHING = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
    "AWS::CloudFormation::Stack",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElastiCache::ParameterGroup",
    "AWS::ElastiCache::SubnetGroup",
    "AWS::ElastiCache::User",
    "AWS::ElastiCache::UserGroup",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::IoT::Policy",
    "AWS::IoT::ProvisioningTemplate",
    "AWS::IoT::TopicRule",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::SecretsManager::SecretTargetAttachment",
}
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
# (deletion, replacement) of what prod keeps.
KEPT = {("RetainExceptOnCreate", "Retain"), ("Snapshot", "Snapshot")}


def resources(templates: Templates) -> Iterator[tuple[str, dict[str, Any]]]:
    for stack, template in templates.items():
        for title, resource in template["Resources"].items():
            yield f"{stack}.{title}", resource


def tag_property(kind: str) -> str | None:
    """The name of the property that takes a type's tags, as its schema says; None when it takes none."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    tagging = schema.get("tagging", {})
    if tagging.get("taggable"):
        return str(tagging.get("tagProperty", "/properties/Tags")).rpartition("/")[2]
    return "Tags" if "Tags" in schema["properties"] else None


def pairs(tags: object) -> dict[str, object]:
    if isinstance(tags, dict):
        return tags
    assert isinstance(tags, list)
    return {tag["Key"]: tag["Value"] for tag in tags}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_what_takes_tags_has_the_environment_s(environment: str, dev: Templates, prod: Templates) -> None:
    expected = load(environment).tags
    taken = {
        f"{name} ({resource['Type']}.{where})": pairs(resource.get("Properties", {}).get(where, {}))
        for name, resource in resources({"dev": dev, "prod": prod}[environment])
        if (where := tag_property(resource["Type"]))
    }
    assert len(taken) > 60
    assert [name for name, found in taken.items() if not expected.items() <= found.items()] == []


def test_the_schemas_know_three_shapes_of_tags() -> None:
    assert tag_property("AWS::Kinesis::Stream") == "Tags"
    assert tag_property("AWS::Budgets::Budget") == "ResourceTags"
    assert tag_property("AWS::EC2::Route") is None


def test_the_root_takes_what_only_the_deployer_knows(templates: Templates) -> None:
    root = templates["platform"]
    assert set(root["Parameters"]) == ROOT_PARAMETERS
    assert {made["Type"] for made in root["Parameters"].values()} == {"String"}
    assert root["Parameters"]["ImageDigest"]["AllowedPattern"] == "^sha256:[0-9a-f]{64}$"
    assert set(root["Outputs"]) == ROOT_OUTPUTS


def test_bootstrap_needs_nothing_and_says_what_the_deployer_needs(templates: Templates) -> None:
    assert "Parameters" not in templates["bootstrap"]
    assert set(templates["bootstrap"]["Outputs"]) == {
        "ArtefactBucket",
        "DeployerPolicyArn",
        "ExecutionRoleArn",
        "ImageRepositoryUri",
    }


def test_every_child_lies_beside_the_root_and_every_file_is_nested(templates: Templates) -> None:
    nested = {
        title: made["Properties"]["TemplateURL"]
        for title, made in templates["platform"]["Resources"].items()
        if made["Type"] == "AWS::CloudFormation::Stack"
    }
    assert {title.lower(): url for title, url in nested.items()} == {
        stack: f"{stack}.yaml" for stack in templates if stack not in ("platform", "bootstrap")
    }


def test_what_a_child_asks_for_is_what_the_root_gives(templates: Templates) -> None:
    for title, made in templates["platform"]["Resources"].items():
        if made["Type"] == "AWS::CloudFormation::Stack":
            asked = templates[title.lower()].get("Parameters", {})
            assert set(made["Properties"].get("Parameters", {})) == set(asked)


def test_nesting_points_one_way(templates: Templates) -> None:
    order = [
        title
        for title, made in templates["platform"]["Resources"].items()
        if made["Type"] == "AWS::CloudFormation::Stack"
    ]
    for position, title in enumerate(order):
        given = json.dumps(templates["platform"]["Resources"][title]["Properties"].get("Parameters", {}))
        assert not [later for later in order[position:] if f'"{later}", "Outputs.' in given]


def test_no_text_of_a_template_names_an_account(templates: Templates) -> None:
    assert "111122223333" not in json.dumps(templates)


def test_no_secret_is_a_parameter_or_a_value(templates: Templates) -> None:
    text = json.dumps(templates)
    assert "NoEcho" not in text
    assert '"MasterUserPassword"' not in text
    assert "{{resolve:secretsmanager" not in text


def fates(templates: Templates) -> dict[str, tuple[object, ...]]:
    """What becomes of each resource that holds data; None where the template leaves it to CloudFormation.

    That deletes most, and keeps a snapshot of some:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    return {
        name: tuple(resource.get(policy) for policy in POLICIES)
        for name, resource in resources(templates)
        if resource["Type"] in HOLDING_DATA
    }


def test_every_type_holds_data_or_does_not(dev: Templates, prod: Templates) -> None:
    types = {resource["Type"] for templates in (dev, prod) for _, resource in resources(templates)}
    assert types - HOLDING_DATA == HOLDS_NOTHING


def test_dev_deletes_cleanly(dev: Templates) -> None:
    found = fates(dev)
    assert len(found) > 20
    assert {name: fate for name, fate in found.items() if fate != ("Delete", "Delete")} == {}
    for name, resource in resources(dev):
        assert {resource.get(policy, "Delete") for policy in POLICIES} == {"Delete"}, name


def test_prod_keeps_what_holds_data(prod: Templates) -> None:
    found = fates(prod)
    assert len(found) > 20
    assert {name: fate for name, fate in found.items() if fate not in KEPT} == {}


def test_log_groups_are_encrypted_expire_and_are_admitted_by_the_key(templates: Templates) -> None:
    key = templates["keys"]["Resources"]["Logs"]["Properties"]["KeyPolicy"]
    admitted = [
        pattern["Fn::Sub"].partition(":log-group:")[2].removesuffix("*")
        for statement in key["Statement"]
        if statement["Sid"] == "LogGroupsOfThisEnvironment"
        for pattern in statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    ]
    groups = [
        (name, made["Properties"])
        for name, made in resources(templates)
        if made["Type"] == "AWS::Logs::LogGroup"
    ]
    assert len(groups) >= 6
    for name, group in groups:
        assert group["KmsKeyId"] == {"Ref": "LogsKeyArn"}, name
        assert group["RetentionInDays"] > 0, name
        assert group["LogGroupName"].startswith(tuple(admitted)), name


def test_every_role_is_assumed_by_a_service_for_this_account_only(templates: Templates) -> None:
    roles = [(name, made) for name, made in resources(templates) if made["Type"] == "AWS::IAM::Role"]
    assert len(roles) >= 5
    for name, role in roles:
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert set(statement["Principal"]) == {"Service"}, name
            if statement["Principal"]["Service"] == ["lambda.amazonaws.com"]:
                continue  # Lambda sends no source when it assumes a role: a condition would lock it out
            # Nobody says that CloudFormation sends one, so it is asked only where it comes.
            made = statement["Principal"]["Service"] == ["cloudformation.amazonaws.com"]
            operator = "StringEqualsIfExists" if made else "StringEquals"
            (account,) = statement["Condition"][operator]["aws:SourceAccount"].values()
            assert account in ("AWS::AccountId", "${AWS::AccountId}"), name


def test_sizes_stay_far_from_the_quotas() -> None:
    for file in TEMPLATES.glob("*/*.yaml"):
        assert file.stat().st_size < 800_000, f"{file} is more than CloudFormation takes, or nearly"


def test_what_bootstrap_is_made_of_first_fits_many_times_into_a_request(templates: Templates) -> None:
    assert len(foundation.of(templates["bootstrap"])) < 51_200 / 4


def test_what_bootstrap_is_made_of_first_needs_nothing_that_comes_later(templates: Templates) -> None:
    first = json.loads(foundation.of(templates["bootstrap"]))

    assert list(dangling.within(first)) == []
    assert first["Resources"].items() <= templates["bootstrap"]["Resources"].items()
    assert set(first["Resources"]) == {
        *("ArtefactKey", "AccessLog", "AccessLogPolicy", "Artefacts", "ArtefactsPolicy", "Images")
    }
    assert set(first["Outputs"]) == {"ArtefactBucket", "ImageRepositoryUri"}
