from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from deployer import removal
from deployer.removal import Fate
from deployer.stack import Stack


def resource(logical_id: str, kind: str, physical: str, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": 0,
    }


def test_what_is_kept_and_lost_is_listed_by_the_deployed_policies(aws: Any) -> None:
    aws.says(
        "list_stack_resources",
        {"StackResourceSummaries": [resource("Data", "AWS::CloudFormation::Stack", aws.stack_id("Data"))]},
    )
    aws.says("get_template", {"TemplateBody": "Resources:\n  Data:\n    Type: AWS::CloudFormation::Stack\n"})
    aws.says(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                resource("Readings", "AWS::Kinesis::Stream", "readings"),
                resource("Database", "AWS::RDS::DBInstance", "db"),
                resource("Key", "AWS::KMS::Key", "key"),
                resource("Role", "AWS::IAM::Role", "role"),
                resource("Gone", "AWS::S3::Bucket", "bucket", "DELETE_COMPLETE"),
                resource("LetGo", "AWS::S3::Bucket", "bucket", "DELETE_SKIPPED"),
            ]
        },
    )
    body = (
        "Resources:\n"
        "  Readings: {Type: 'AWS::Kinesis::Stream', DeletionPolicy: Delete}\n"
        "  Database: {Type: 'AWS::RDS::DBInstance', DeletionPolicy: Snapshot}\n"
        "  Key: {Type: 'AWS::KMS::Key', DeletionPolicy: RetainExceptOnCreate}\n"
        "  Role: {Type: 'AWS::IAM::Role', Properties: {RoleName: !Sub 'r-${AWS::Region}'}}\n"
    )
    aws.says("get_template", {"TemplateBody": body}, StackName=aws.stack_id("Data"))

    listed = removal.read(aws.cloudformation, Stack("millrace-dev", "id", "CREATE_COMPLETE"))

    assert listed.render().splitlines() == [
        "millrace-dev: 4 resources",
        "kept:",
        "  Data/Key  AWS::KMS::Key  key",
        "lost, with a last snapshot:",
        "  Data/Database  AWS::RDS::DBInstance  db",
        "lost:",
        "  Data/Readings  AWS::Kinesis::Stream  readings",
        "and 1 more without data: deleted",
    ]


@pytest.mark.parametrize(
    ("kind", "policy", "fate"),
    [
        ("AWS::S3::Bucket", None, Fate.LOST),
        ("AWS::S3::Bucket", "Retain", Fate.KEPT),
        ("AWS::RDS::DBInstance", None, Fate.SNAPSHOT),
        ("AWS::RDS::DBInstance", "Delete", Fate.LOST),
    ],
)
def test_a_type_has_its_own_default(kind: str, policy: str | None, fate: Fate) -> None:
    assert removal.fate_of(kind, policy) is fate


@pytest.mark.parametrize(("policy", "guarded"), [("Snapshot", ("Database",)), ("Retain", ())])
def test_what_refuses_its_deletion_is_known_before(aws: Any, policy: str, guarded: tuple[str, ...]) -> None:
    database = resource("Database", "AWS::RDS::DBInstance", "db")
    aws.says("list_stack_resources", {"StackResourceSummaries": [database]})
    body = (
        "Resources:\n"
        "  Database:\n"
        "    Type: AWS::RDS::DBInstance\n"
        f"    DeletionPolicy: {policy}\n"
        "    Properties: {DeletionProtection: true}\n"
    )
    aws.says("get_template", {"TemplateBody": body})

    assert removal.read(aws.cloudformation, Stack("millrace-dev", "id", "CREATE_COMPLETE")).guarded == guarded


def test_what_lifts_a_protection_is_told_for_each_type() -> None:
    """Options of the AWS CLI are the API's members in kebab case; a boolean one has its `--no-` form."""
    for kind, command in removal.LIFTED_BY.items():
        _, service, operation, *options = command.split()
        shape = (
            botocore.session.get_session()
            .get_service_model(service)
            .operation_model("".join(map(str.capitalize, operation.split("-"))).replace("Db", "DB"))
            .input_shape
        )
        assert shape is not None
        known = {xform_name(member, "-") for member in shape.members}
        named = {option.removeprefix("--").removeprefix("no-") for option in options if option[:2] == "--"}
        assert named <= known, (kind, named - known)


def test_an_empty_stack_has_no_template_to_ask_for(aws: Any) -> None:
    aws.says("list_stack_resources", {"StackResourceSummaries": []})

    listed = removal.read(aws.cloudformation, Stack("millrace-dev", "id", "REVIEW_IN_PROGRESS"))

    assert listed.resources == ()
