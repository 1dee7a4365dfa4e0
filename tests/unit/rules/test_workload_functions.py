"""Functions: time, size, concurrency, failures, roles, code."""

import pytest

from tests.unit.rules.conftest import Say

ROTATION = """\
Resources:
  Key: {Type: AWS::KMS::Key}
  Journal: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /shop/rotation}}
  Failed: {Type: AWS::SQS::Queue}
  Work: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 600}}
  Store: {Type: AWS::RDS::DBInstance, Properties: {Engine: mysql}}
  Login: {Type: AWS::SecretsManager::Secret}
  Join:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Login, TargetId: !Ref Store}
  Turn:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Login, RotationLambdaARN: !GetAtt Rotator.Arn}
  Hourly:
    Type: AWS::Events::Rule
    Properties: {Targets: [{Id: one, Arn: !GetAtt Rotator.Arn}]}
  RotatorRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
      - PolicyName: rotate
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: "secretsmanager:*", Resource: !Ref Login}
          - {Effect: Allow, Action: ["logs:CreateLogStream", "logs:Put*"], Resource: !GetAtt Journal.Arn}
          - {Effect: Allow, Action: "ec2:*NetworkInterface*", Resource: "*"}
          - {Effect: Allow, Action: "sqs:SendMessage", Resource: !GetAtt Failed.Arn}
  Rotator:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: rotate.handle
      Code: {S3Bucket: code, S3Key: rotate-3.zip}
      Role: !GetAtt RotatorRole.Arn
      Timeout: 60
      MemorySize: 256
      ReservedConcurrentExecutions: 1
      DeadLetterConfig: {TargetArn: !GetAtt Failed.Arn}
      KmsKeyArn: !GetAtt Key.Arn
      Environment: {Variables: {LOGIN: !Ref Login}}
      LoggingConfig: {LogGroup: !Ref Journal}
      VpcConfig: {SubnetIds: [subnet-1, subnet-2], SecurityGroupIds: [sg-1]}
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Rotator, EventSourceArn: !GetAtt Work.Arn}
"""
RULES = ("E9555", "E956", "E9573", "E9574", "E9575", "W9520", "W9523", "W9524",
         "W9527", "W9528", "W9533", "W9534", "W9537", "W9589")  # fmt: skip

BREAKS = [
    ("E9555", "  Timeout: 60", "  Timeout: 1000"),
    ("E9555", "MemorySize: 256", "MemorySize: 64"),
    ("W9520", "      Timeout: 60\n", ""),
    ("W9520", "  Timeout: 60", "  Timeout: 10"),
    ("E9561", "ReservedConcurrentExecutions: 1", "ReservedConcurrentExecutions: 0"),
    ("W9523", "      ReservedConcurrentExecutions: 1\n", ""),
    ("W9524", "      MemorySize: 256\n", ""),
    ("E9569", "{TargetArn: !GetAtt Failed.Arn}", "{TargetArn: !Ref Failed}"),
    ("E9569", "{TargetArn: !GetAtt Failed.Arn}", "{TargetArn: !Ref Login}"),
    ("E9569", "{TargetArn: !GetAtt Failed.Arn}", "{TargetArn: !GetAtt Work.Arn}"),
    ("W9527", "      KmsKeyArn: !GetAtt Key.Arn\n", ""),
    ("E9564", "Role: !GetAtt RotatorRole.Arn", "Role: !Ref RotatorRole"),
    ("E9573", "python3.12", "python3.8"),
    ("E9574", "python3.12", "python4.1"),
    ("E9575", "rotate.handle", "handle"),
    ("E9575", "rotate.handle", "rotate.py"),
    ("E9575", "{S3Bucket: code, S3Key: rotate-3.zip}", "{ZipFile: 'def handle(e, c): pass'}"),
    ("W9528", "rotate-3.zip", "latest.zip"),
    ("W9534", "      Memory", "      RuntimeManagementConfig: {UpdateRuntimeOn: Manual}\n      Memory"),
    ("W9537", "      MemorySize", "      RecursiveLoop: Allow\n      MemorySize"),
    ("W9589", ", SecurityGroupIds: [sg-1]}", "}"),
]  # fmt: skip


def test_what_is_well_made_is_left_alone(say: Say) -> None:
    assert [one for ids in RULES for one in say(ids, ROTATION)] == []


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS)
def test_one_edit_is_named(say: Say, rule: str, old: str, new: str) -> None:
    assert old in ROTATION
    assert say(rule, ROTATION.replace(old, new, 1)) != []


def test_a_function_that_anybody_calls(say: Say) -> None:
    url = """\
  Url:
    Type: AWS::Lambda::Url
    Properties: {AuthType: KIND, TargetFunctionArn: !Ref Rotator}
"""
    assert say("W9533", ROTATION + url.replace("KIND", "AWS_IAM")) == []
    assert len(say("W9533", ROTATION + url.replace("KIND", "NONE"))) == 1


def test_a_function_may_rotate_as_many_secrets_at_once_as_it_has(say: Say) -> None:
    two = ROTATION.replace("ReservedConcurrentExecutions: 1", "ReservedConcurrentExecutions: 2")
    another = """\
  Other: {Type: AWS::SecretsManager::Secret}
  OtherTurn:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Other, RotationLambdaARN: !GetAtt Rotator.Arn}
"""
    (finding,) = say("W9523", two)
    assert "set ReservedConcurrentExecutions to 1" in finding
    assert say("W9523", two + another) == []


def test_a_destination_keeps_what_a_function_cannot_do(say: Say) -> None:
    lost = ROTATION.replace("      DeadLetterConfig: {TargetArn: !GetAtt Failed.Arn}\n", "")
    kept = """\
  Kept:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Rotator
      DestinationConfig: {OnFailure: {Destination: !GetAtt Failed.Arn}}
"""
    assert say("W9772", lost + kept) == []
    assert len(say("W9772", lost)) == 1


def test_where_only_a_deployment_knows_nothing_is_said(say: Say) -> None:
    given = """\
Parameters:
  Role: {Type: String}
  Size: {Type: Number}
  Key: {Type: String}
  Net: {Type: CommaDelimitedList}
Resources:
  Handler:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: !Ref Key
      Handler: !Ref Key
      Code: {S3Bucket: !Ref Key, S3Key: !Ref Key}
      Role: !Ref Role
      Timeout: !Ref Size
      MemorySize: !Ref Size
      ReservedConcurrentExecutions: !Ref Size
      DeadLetterConfig: {TargetArn: !ImportValue failed}
      VpcConfig: {SubnetIds: !Ref Net, SecurityGroupIds: !Ref Net}
"""
    assert say("E95", given) + say("W95", given) == []
