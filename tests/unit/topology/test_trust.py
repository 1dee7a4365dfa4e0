from collections.abc import Callable

import pytest

from topology import trust
from topology.policies import policies
from topology.rendering import Renderer
from topology.tree import Tree

Plant = Callable[..., Tree]

ROOT = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
        - {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}
        - {Effect: Deny, Principal: '*', Action: 'sts:TagSession'}
  Passing:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument: {Statement: [{Effect: Allow, Action: 'iam:PassRole', Resource: !GetAtt Role.Arn}]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Role.Arn}
"""


def problems(plant: Plant, root: str) -> list[str]:
    tree = plant(root=root)
    renderer = Renderer(tree)
    return list(trust.problems(tree, list(policies(tree, renderer)), renderer))


def test_a_role_that_its_service_uses_is_no_problem(plant: Plant) -> None:
    assert problems(plant, ROOT) == []


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        (
            "{Service: lambda.amazonaws.com}",
            "{Service: [lambda.amazonaws.com, ec2.amazonaws.com]}",
            "Role: trusts ec2.amazonaws.com, for which nothing here uses it",
        ),
        (
            "Properties: {Role: !GetAtt Role.Arn}",
            "Properties: {Role: arn:aws:iam::111122223333:role/other}",
            "Role: trusts lambda.amazonaws.com, for which nothing here uses it",
        ),
        (
            "Type: AWS::Lambda::Function\n    Properties: {Role:",
            "Type: AWS::EC2::FlowLog\n    Properties: {DeliverLogsPermissionArn:",
            "Role: is used by Function, and does not trust vpc-flow-logs.amazonaws.com",
        ),
        (
            "{Service: lambda.amazonaws.com}",
            "{Service: lambda.amazonaws.com, AWS: 'arn:aws:iam::444455556666:root'}",
            "trusts arn:aws:iam::444455556666:root, which is no service",
        ),
        ("{Service: lambda.amazonaws.com}", "'*'", "trusts *, which is no service"),
        (
            "Action: 'sts:AssumeRole'",
            "Action: ['sts:AssumeRole', 'sts:TagSession']",
            "sts:TagSession; a service",
        ),
        (
            "Type: AWS::Lambda::Function",
            "Type: AWS::Batch::JobQueue",
            "Function: names Role in Role; say in topology/trust.py which service takes",
        ),
    ],
)
def test_a_trust_that_nothing_uses_is_one(plant: Plant, written: str, instead: str, told: str) -> None:
    assert written in ROOT
    assert any(told in problem for problem in problems(plant, ROOT.replace(written, instead)))


HANDED = """\
Resources:
  Making:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
        - {Effect: Allow, Principal: {Service: cloudformation.amazonaws.com}, Action: 'sts:AssumeRole'}
  Deployer:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement:
        - Effect: Allow
          Action: 'iam:PassRole'
          Resource: !GetAtt Making.Arn
          Condition: {StringEquals: {'iam:PassedToService': cloudformation.amazonaws.com}}
"""


def test_a_role_that_a_policy_hands_to_its_service_is_used(plant: Plant) -> None:
    assert problems(plant, HANDED) == []
    (told,) = problems(plant, HANDED.replace("PassedToService': cloudformation", "PassedToService': lambda"))[
        :1
    ]
    assert told.startswith("Making: trusts cloudformation.amazonaws.com, for which nothing here uses it")


PIPELINE = """\
Resources:
  Deployer:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
        - Effect: Allow
          Principal: {Federated: arn:aws:iam::111122223333:oidc-provider/example.com}
          Action: 'sts:AssumeRoleWithWebIdentity'
          Condition:
            StringEquals:
              example.com:aud: sts.amazonaws.com
              example.com:sub: repo:example/millrace:environment:prod
"""


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("example.com:sub: repo:example/millrace:environment:prod", "example.com:amr: x"),
        ("environment:prod", "*"),
        ("example.com:aud: sts.amazonaws.com", "example.com:amr: x"),
        ("StringEquals", "StringLike"),
    ],
)
def test_a_pipeline_is_let_in_by_audience_and_subject_and_not_without(
    plant: Plant, written: str, instead: str
) -> None:
    assert problems(plant, PIPELINE) == []
    told = problems(plant, PIPELINE.replace(written, instead))
    assert any("trusts arn:aws:iam::111122223333:oidc-provider/example.com" in one for one in told)
