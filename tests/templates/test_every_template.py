"""What holds for every template of every environment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from parameters.settings import load

TEMPLATES = Path(__file__).parents[2] / "templates"
REGION = "eu-west-2"

Templates = dict[str, dict[str, Any]]
ROOT_PARAMETERS = {"ImageDigest", "NotificationAddress", "ArtefactBucket", "RotationCodeKey"}
ROOT_OUTPUTS = {
    "VpcId",
    "KinesisStreamName",
    "EcsClusterName",
    "EcsServiceName",
    "RedisEndpoint",
    "RdsEndpoint",
    "DbSecretArn",
}
HOLDS_DATA = {
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBInstance",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::S3::Bucket",
    "AWS::ECR::Repository",
    "AWS::SQS::Queue",
    "AWS::DynamoDB::Table",
}


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
    assert set(templates["bootstrap"]["Outputs"]) == {"ArtefactBucket", "ImageRepositoryUri"}


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


def test_dev_deletes_cleanly_and_prod_keeps_what_holds_data(dev: Templates, prod: Templates) -> None:
    for name, resource in resources(dev):
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name
    for name, resource in resources(prod):
        if resource["Type"] in HOLDS_DATA:
            assert resource["DeletionPolicy"] in ("RetainExceptOnCreate", "Snapshot"), name
            assert resource["UpdateReplacePolicy"] in ("Retain", "Snapshot"), name


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
            (account,) = statement["Condition"]["StringEquals"]["aws:SourceAccount"].values()
            assert account in ("AWS::AccountId", "${AWS::AccountId}"), name


def test_sizes_stay_far_from_the_quotas() -> None:
    for file in TEMPLATES.glob("*/*.yaml"):
        # Bootstrap makes the bucket that all others are sent by, so it must fit into a request.
        most = 51_200 if file.stem == "bootstrap" else 800_000
        assert file.stat().st_size < most, f"{file} is more than CloudFormation takes, or nearly"
