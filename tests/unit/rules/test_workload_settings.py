"""What programs are told by their environment, and what their roles let them do with it."""

import pytest

from tests.unit.rules.conftest import Say

WORKER = """\
Resources:
  Orders: {Type: AWS::SQS::Queue}
  Ledger: {Type: AWS::DynamoDB::Table, Properties: {TableName: ledger}}
  Other: {Type: AWS::SQS::Queue}
  Sessions: {Type: AWS::ElastiCache::ReplicationGroup, Properties: {Engine: redis}}
  Reader:
    Type: AWS::ElastiCache::User
    Properties: {UserId: reader, AuthenticationMode: {Type: iam}}
  Store:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: postgres}
  Login: {Type: AWS::SecretsManager::Secret}
  LoginToStore:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Login, TargetId: !Ref Store}
  WorkerRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
      - PolicyName: work
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: "sqs:*", Resource: !GetAtt Orders.Arn}
          - {Effect: Allow, Action: "dynamodb:*", Resource: !GetAtt Ledger.Arn}
          - {Effect: Allow, Action: "secretsmanager:GetSecretValue", Resource: !Ref Login}
          - Effect: Allow
            Action: elasticache:Connect
            Resource:
            - !Sub "arn:aws:elasticache:${AWS::Region}:${AWS::AccountId}:replicationgroup:${Sessions}"
            - !GetAtt Reader.Arn
  Worker:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Tags: [{Key: Stage, Value: prod}]
      TaskRoleArn: !GetAtt WorkerRole.Arn
      ContainerDefinitions:
      - Name: worker
        Environment:
        - {Name: STAGE, Value: prod}
        - {Name: ORDERS_QUEUE_URL, Value: !Ref Orders}
        - {Name: LEDGER, Value: !Ref Ledger}
        - {Name: LOGIN_ARN, Value: !Ref Login}
        - {Name: SESSIONS_HOST, Value: !GetAtt Sessions.PrimaryEndPoint.Address}
        - {Name: SESSIONS_PORT, Value: !GetAtt Sessions.PrimaryEndPoint.Port}
        - {Name: SESSIONS, Value: !Ref Sessions}
        - {Name: SESSIONS_USER, Value: reader}
        - {Name: DB_HOST, Value: !GetAtt Store.Endpoint.Address}
        - {Name: DB_PORT, Value: "5432"}
"""
RULES = ("E9568", "W9569", "E957", "W957")

BREAKS = [
    ("W9569", "{Name: STAGE, Value: prod}", "{Name: STAGE, Value: test}"),
    ("E9570", "{Name: LOGIN_ARN, Value: !Ref Login}", "{Name: LOGIN_ARN, Value: !Ref Ledger}"),
    ("E9570", "URL, Value: !Ref Orders}", "URL, Value: !GetAtt Orders.Arn}"),
    ("E9570", 'Value: "5432"', "Value: postgres"),
    ("E9108", "HOST, Value: !GetAtt Store.Endpoint.Address}", "HOST, Value: !Ref Store}"),
    ("W9573", "        - {Name: ORDERS_QUEUE_URL, Value: !Ref Orders}\n", ""),
    ("W9573", "        - {Name: LOGIN_ARN, Value: !Ref Login}\n", ""),
    ("W9574", "        - {Name: SESSIONS_USER, Value: reader}\n", ""),
    ("W9574", "        - {Name: SESSIONS, Value: !Ref Sessions}\n", ""),
    ("W9574", "!GetAtt Sessions.PrimaryEndPoint.Address", "localhost"),
    ("W9575", "Value: !Ref Login}", "Value: !GetAtt Store.MasterUserSecret.SecretArn}"),
]  # fmt: skip


def test_what_is_told_rightly_is_left_alone(say: Say) -> None:
    assert [one for ids in RULES for one in say(ids, WORKER)] == []


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS)
def test_one_edit_is_named(say: Say, rule: str, old: str, new: str) -> None:
    assert old in WORKER
    assert say(rule, WORKER.replace(old, new, 1)) != []


def test_a_table_with_a_fixed_name_needs_no_telling(say: Say) -> None:
    assert say("W9573", WORKER.replace("        - {Name: LEDGER, Value: !Ref Ledger}\n", "")) == []


def test_a_topic_is_told_by_its_arn_whatever_its_name(say: Say) -> None:
    spoken = WORKER.replace(
        '          - {Effect: Allow, Action: "sqs:*"',
        "          - {Effect: Allow, Action: 'sns:Publish', Resource: !Ref News}\n"
        '          - {Effect: Allow, Action: "sqs:*"',
    )
    spoken += "  News: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}\n"
    stage = "        - {Name: STAGE, Value: prod}\n"

    assert len(say("W9573", spoken)) == 1
    for value in ("!Ref News", "!Sub 'arn:aws:sns:${AWS::Region}:${AWS::AccountId}:news'"):
        told = spoken.replace(stage, f"{stage}        - {{Name: NEWS, Value: {value}}}\n")
        assert say("W9573", told) == []


def test_what_calls_a_function_tells_it(say: Say) -> None:
    role = WORKER.replace("ecs-tasks", "lambda").partition("  Worker:\n")[0]
    called = (
        role
        + """\
  Handler:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt WorkerRole.Arn, Environment: {Variables: {LOGIN: !Ref Login}}}
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Handler, EventSourceArn: !GetAtt Orders.Arn}
"""
    )
    assert say("W9573", called) == []
    assert len(say("W9573", called.replace("EventSourceArn: !GetAtt Orders.Arn", "Enabled: true"))) == 1


def test_rights_that_stand_elsewhere_end_every_conclusion(say: Say) -> None:
    elsewhere = WORKER.replace("Value: !Ref Orders}", "Value: !Ref Other}").replace(
        "      Policies:",
        "      ManagedPolicyArns: ['arn:aws:iam::aws:policy/PowerUserAccess']\n      Policies:",
    )
    assert say("W9573", elsewhere) == []
