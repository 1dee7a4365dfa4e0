from collections.abc import Callable

import pytest

from topology.policies import Kind, Policy, UnknownPolicy, managed_by_aws, policies
from topology.rendering import Renderer
from topology.tree import Tree

Plant = Callable[..., Tree]

# Every place of a policy in one template; DOCUMENT is replaced by a statement for anyone to publish.
ALL = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: '2012-10-17'
        Statement:
          Effect: Allow
          Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root', Service: [logs.amazonaws.com]}
          Action: kms:*
          Resource: '*'
  Topic:
    Type: AWS::SNS::Topic
  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Statement:
        - {Sid: Everyone, Effect: Deny, Principal: '*', Action: 'sns:*', Resource: !Ref Topic}
  Role:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns:
      - !Ref Own
      - arn:aws:iam::aws:policy/service-role/Theirs
      AssumeRolePolicyDocument:
        Statement:
        - {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}
  Own:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement: [{Effect: Allow, Action: ['sns:Publish'], Resource: [!Ref Topic]}]
  Function:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Role.Arn}
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !GetAtt Function.Arn
      Action: lambda:InvokeFunction
      Principal: secretsmanager.amazonaws.com
      SourceAccount: !Ref AWS::AccountId
  Written:
    Type: AWS::Logs::ResourcePolicy
    Properties:
      PolicyName: written
      PolicyDocument: '{"Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}'
"""


@pytest.fixture
def found(plant: Plant) -> dict[str, Policy]:
    tree = plant(root=ALL)
    return {f"{policy.resource} {policy.name}": policy for policy in policies(tree, Renderer(tree))}


def test_every_place_of_a_policy_is_found(found: dict[str, Policy]) -> None:
    assert {name: (policy.kind, [str(one) for one in policy.about]) for name, policy in found.items()} == {
        "Key KeyPolicy": (Kind.RESOURCE, ["Key"]),
        "TopicPolicy PolicyDocument": (Kind.RESOURCE, ["Topic"]),
        "Role AssumeRolePolicyDocument": (Kind.TRUST, ["Role"]),
        "Own PolicyDocument": (Kind.IDENTITY, ["Role"]),
        "Permission Permission": (Kind.RESOURCE, ["Function"]),
        "Written PolicyDocument": (Kind.RESOURCE, []),
    }


def test_statements_are_resolved_and_know_their_line(plant: Plant) -> None:
    tree = plant()
    policy = next(one for one in policies(tree, Renderer(tree)) if one.name == "read")
    (statement,) = policy.statements
    assert statement.document["Resource"] == ["arn:aws:kinesis:eu-west-2:111122223333:stream/readings"]
    assert statement.where == "Service/Role.Policies.0.PolicyDocument.Statement.0"
    assert tree.stacks["Service"].file.read_text().splitlines()[statement.line - 1].strip() == "- Sid: Read"
    assert (statement.name, statement.actions, statement.allows) == ("Read", ("kinesis:GetRecords",), True)


def test_a_statement_that_is_no_list_is_one(found: dict[str, Policy]) -> None:
    (statement,) = found["Key KeyPolicy"].statements
    assert statement.name == "statement 1"
    assert statement.principals == (
        ("AWS", "arn:aws:iam::111122223333:root"),
        ("Service", "logs.amazonaws.com"),
    )


def test_everybody_is_a_principal(found: dict[str, Policy]) -> None:
    (statement,) = found["TopicPolicy PolicyDocument"].statements
    assert statement.principals == (("*", "*"),)
    assert not statement.allows


def test_a_permission_is_the_statement_that_lambda_makes_of_it(found: dict[str, Policy]) -> None:
    assert found["Permission Permission"].document["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "secretsmanager.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:eu-west-2:111122223333:function:function",
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        }
    ]


def test_a_document_that_is_taken_out_of_its_place_names_what_it_is_about(plant: Plant) -> None:
    tree = plant(root=ALL)
    renderer = Renderer(tree)
    listed = list(policies(tree, renderer))
    taken = {one.resource.name: one.taken_out(renderer)["Statement"][0] for one in listed}
    assert taken["Key"]["Resource"] == [renderer.arn(tree.resource("Key"))]
    assert taken["Role"]["Resource"] == ["arn:aws:iam::111122223333:role/role"]
    assert taken["Written"]["Resource"] == "*"
    assert taken["Own"]["Resource"] == ["arn:aws:sns:eu-west-2:111122223333:topic"]


def test_policies_of_aws_are_named(plant: Plant) -> None:
    tree = plant(root=ALL)
    assert [(str(role), name) for role, name in managed_by_aws(tree, Renderer(tree))] == [
        ("Role", "service-role/Theirs")
    ]


def test_a_document_in_an_unknown_place_is_an_error(plant: Plant) -> None:
    with pytest.raises(
        UnknownPolicy, match=r"Service/Thing\.Value\.a: a policy document in an unknown place"
    ):
        tree = plant("{a: {Statement: []}}")
        list(policies(tree, Renderer(tree)))
