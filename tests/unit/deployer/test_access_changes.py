"""Permissions, statement by statement; and what of it broadens."""

import json
from typing import Any

import pytest

from deployer import access_changes, policies
from deployer.changes import Action, Change, PropertyChange

ACCOUNT = "111122223333"
OTHER = "444455556666"
STREAM = f"arn:aws:kinesis:eu-west-2:{ACCOUNT}:stream/readings"
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def statement(**fields: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kinesis:GetRecords", "Resource": STREAM, **fields}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def told(change: Change) -> list[tuple[str, str, str | None]]:
    return [(each.sign, each.text, each.broadens) for each in access_changes.of((), change, ACCOUNT)]


def modified(kind: str, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return told(
        Change(
            "R",
            kind,
            Action.MODIFY,
            properties=(PropertyChange("P", "a", "b"),),
            before={"Properties": before},
            after={"Properties": after},
        )
    )


def test_statements_are_compared_one_by_one_and_whatever_their_order() -> None:
    kept = statement(Sid="Kept", Action=["kinesis:B", "kinesis:A"])
    before = document(kept, statement(Action="kinesis:Old"))
    after = document(statement(Action="kinesis:New"), {**kept, "Action": ["kinesis:A", "kinesis:B"]})

    assert modified("AWS::IAM::ManagedPolicy", {"PolicyDocument": before}, {"PolicyDocument": after}) == [
        ("-", f"Allow kinesis:Old on {STREAM} [policy]", None),
        ("+", f"Allow kinesis:New on {STREAM} [policy]", None),
    ]


@pytest.mark.parametrize(
    ("kind", "properties", "text"),
    [
        (
            "AWS::IAM::Role",
            {"Policies": [{"PolicyName": "Read", "PolicyDocument": document(statement())}]},
            f"Allow kinesis:GetRecords on {STREAM} [policy Read]",
        ),
        (
            "AWS::IAM::Role",
            {
                "AssumeRolePolicyDocument": document(
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
                    }
                )
            },
            "Allow sts:AssumeRole to ecs-tasks.amazonaws.com if aws:SourceAccount StringEquals "
            f"{ACCOUNT} [trust]",
        ),
        (
            "AWS::IAM::Role",
            {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
            "arn:aws:iam::aws:policy/ReadOnlyAccess [managed policy]",
        ),
        (
            "AWS::IAM::Role",
            {"PermissionsBoundary": "arn:aws:iam::aws:policy/Edge"},
            "arn:aws:iam::aws:policy/Edge [permissions boundary]",
        ),
        ("AWS::IAM::Policy", {"Roles": ["Reader"]}, "Reader [attached to role]"),
        (
            "AWS::KMS::Key",
            {
                "KeyPolicy": document(
                    statement(Action="kms:Decrypt", Resource="*", Principal={"AWS": "arn:r"})
                )
            },
            "Allow kms:Decrypt on * to arn:r [key policy]",
        ),
        (
            "AWS::S3::BucketPolicy",
            {"PolicyDocument": document(statement(Effect="Deny", Principal={"AWS": "arn:r"}))},
            f"Deny kinesis:GetRecords on {STREAM} for arn:r [policy]",
        ),
        (
            "AWS::SecretsManager::ResourcePolicy",
            {"ResourcePolicy": document(statement())},
            f"Allow kinesis:GetRecords on {STREAM} [resource policy]",
        ),
        (
            "AWS::Logs::ResourcePolicy",
            {"PolicyDocument": json.dumps(document(statement()))},
            f"Allow kinesis:GetRecords on {STREAM} [policy]",
        ),
        (
            "AWS::ECR::Repository",
            {"RepositoryPolicyText": document(statement(Resource="r"))},
            "Allow kinesis:GetRecords on r [repository policy]",
        ),
        (
            "AWS::EC2::VPCEndpoint",
            {"PolicyDocument": document(statement(Resource="r"))},
            "Allow kinesis:GetRecords on r [policy]",
        ),
        (
            "AWS::IoT::Policy",
            {"PolicyDocument": document(statement(Action="iot:Publish"))},
            f"Allow iot:Publish on {STREAM} [policy]",
        ),
        (
            "AWS::New::Thing",
            {"Deep": [{"Rules": document(statement())}]},
            f"Allow kinesis:GetRecords on {STREAM} [policy]",
        ),
        (
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": "rotate",
                "Principal": "secretsmanager.amazonaws.com",
                "SourceAccount": ACCOUNT,
            },
            "Allow lambda:InvokeFunction on rotate to secretsmanager.amazonaws.com if aws:SourceAccount "
            f"StringEquals {ACCOUNT} [function policy]",
        ),
        (
            "AWS::Events::EventBusPolicy",
            {"Statement": statement(Action="events:PutEvents")},
            f"Allow events:PutEvents on {STREAM} [policy]",
        ),
        (
            "AWS::IAM::ManagedPolicy",
            {"PolicyDocument": document({"Effect": "Deny", "NotAction": "iam:Get", "NotResource": "r"})},
            "Deny all but iam:Get on all but r [policy]",
        ),
    ],
)
def test_policies_of_every_kind_are_found(kind: str, properties: dict[str, Any], text: str) -> None:
    added = Change("R", kind, Action.ADD, after={"Properties": properties})
    gone = Change("R", kind, Action.REMOVE, before={"Properties": properties})

    assert [(sign, said) for sign, said, _ in told(added)] == [("+", text)]
    assert [(sign, said) for sign, said, _ in told(gone)] == [("-", text)]


def resource_policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"PolicyDocument": document(*statements)}


@pytest.mark.parametrize(
    ("before", "after", "broadens"),
    [
        ([], [statement(Action="*")], "every action of every service"),
        ([], [statement(Action="kinesis:*")], "every action, kinesis:*"),
        ([statement(Action="kinesis:*", Resource="a")], [statement(Action="kinesis:*", Resource="b")], None),
        ([statement()], [statement(Resource="*")], "every resource"),
        ([], [statement(Principal="*")], "every principal"),
        (
            [],
            [statement(Principal={"AWS": "*"}, Condition={"ArnLike": {"aws:SourceArn": "a"}})],
            "every principal that meets the conditions",
        ),
        (
            [],
            [statement(Principal={"AWS": f"arn:aws:iam::{OTHER}:root"})],
            f"a principal of another account, {OTHER}",
        ),
        ([], [statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})], None),
        (
            [statement(Principal={"AWS": f"arn:aws:iam::{OTHER}:root"})],
            [statement(Action="kinesis:X", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"})],
            None,
        ),
        (
            [],
            [{"Effect": "Allow", "NotAction": "iam:X", "Resource": "r"}],
            "everything but what it names of Action",
        ),
        ([statement(Condition={"Bool": {"aws:SecureTransport": "true"}})], [statement()], "a condition goes"),
        ([], [statement(Effect="Deny", Action="*", Resource="*")], None),
    ],
)
def test_what_broadens_access_is_marked(
    before: list[dict[str, Any]], after: list[dict[str, Any]], broadens: str | None
) -> None:
    found = modified("AWS::SQS::QueuePolicy", resource_policy(*before), resource_policy(*after))

    assert [reason for sign, _, reason in found if sign == "+"] == [broadens]


def test_a_refusal_that_goes_broadens_and_one_that_goes_with_its_resource_does_not() -> None:
    deny = resource_policy(statement(Effect="Deny"))

    ((_, _, broadens),) = modified("AWS::SQS::QueuePolicy", deny, resource_policy())
    ((_, _, nothing),) = told(
        Change("R", "AWS::SQS::QueuePolicy", Action.REMOVE, before={"Properties": deny})
    )

    assert broadens == "a refusal goes"
    assert nothing is None


@pytest.mark.parametrize(
    ("kind", "before", "after", "text"),
    [
        (
            "AWS::RDS::DBInstance",
            {"PubliclyAccessible": "false"},
            {"PubliclyAccessible": "true"},
            "Allow connections to * [PubliclyAccessible]",
        ),
        (
            "AWS::Lambda::Url",
            {"TargetFunctionArn": "f", "AuthType": "AWS_IAM"},
            {"TargetFunctionArn": "f", "AuthType": "NONE"},
            "Allow lambda:InvokeFunctionUrl to * [AuthType NONE]",
        ),
        (
            "AWS::S3::Bucket",
            {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True}},
            {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": True}},
            "Deny BlockPublicAcls [public access block]",
        ),
    ],
)
def test_what_opens_a_resource_without_a_policy_is_access_too(
    kind: str, before: dict[str, Any], after: dict[str, Any], text: str
) -> None:
    ((_, said, broadens),) = modified(kind, before, after)

    assert said == text
    assert broadens in {"every principal", "a refusal goes"}
    assert modified(kind, after, before)[0][2] is None


def test_an_administrator_is_marked() -> None:
    administrator = {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}

    ((_, _, broadens),) = modified("AWS::IAM::Role", {}, administrator)

    assert broadens == "attaches AdministratorAccess"


def test_a_statement_that_differs_in_an_unknown_value_only_may_be_the_one_that_is_there() -> None:
    before = resource_policy(statement(), statement(Action="kinesis:Old", Resource="r"))
    after = resource_policy(statement(Resource=LATER), statement(Action="kinesis:New", Resource=LATER))

    assert modified("AWS::IAM::ManagedPolicy", before, after) == [
        ("?", f"Allow kinesis:GetRecords on {STREAM} [policy]", None),
        ("-", "Allow kinesis:Old on r [policy]", None),
        ("+", "Allow kinesis:New on (known after apply) [policy]", None),
    ]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::IAM::Role", "Policies"),
        ("AWS::IAM::Role", "AssumeRolePolicyDocument"),
        ("AWS::KMS::Key", "KeyPolicy"),
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
        ("AWS::Lambda::Permission", "Principal"),
    ],
)
def test_a_policy_of_which_no_value_was_told_is_not_left_out(kind: str, path: str) -> None:
    change = Change("R", kind, Action.MODIFY, properties=(PropertyChange(path),))

    assert told(change) == [
        ("~", f"{path} changes; no whole statement was told: see the tree, or compare the templates", None)
    ]


def test_what_is_no_policy_is_none() -> None:
    assert policies.grants("AWS::SQS::Queue", {"RedrivePolicy": {"maxReceiveCount": 3}}) == ()
    assert (
        told(Change("R", "AWS::SQS::Queue", Action.MODIFY, properties=(PropertyChange("RedrivePolicy"),)))
        == []
    )
