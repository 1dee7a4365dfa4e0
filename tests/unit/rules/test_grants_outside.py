"""Readers from outside of the account, and rights that belong to another."""

import pytest

from tests.unit.rules.conftest import Say

SHARED = """
Resources:
  Lock:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: '2012-10-17'
        Statement:
        - Effect: Allow
          Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}
          Action: 'kms:*'
          Resource: '*'
        - Effect: Allow
          Principal: {AWS: 'arn:aws:iam::111122223333:role/reports'}
          Action: [kms:Decrypt]
          Resource: '*'
  Login:
    Type: AWS::SecretsManager::Secret
    Properties: {KmsKeyId: !GetAtt Lock.Arn, GenerateSecretString: {}}
  Readers:
    Type: AWS::SecretsManager::ResourcePolicy
    Properties:
      SecretId: !Ref Login
      ResourcePolicy:
        Version: '2012-10-17'
        Statement:
        - Effect: Allow
          Principal: {AWS: 'arn:aws:iam::111122223333:role/reports'}
          Action: secretsmanager:GetSecretValue
          Resource: '*'
"""
PRINCIPAL = "Principal: {AWS: 'arn:aws:iam::111122223333:role/reports'}\n          Action: secretsmanager"
ORGANIZATION = (
    "Condition: {StringEquals: {'aws:PrincipalOrgID': o-1}}\n          Principal: {AWS: '*'}\n          "
)


def ids(say: Say, root: str) -> set[str]:
    return {one.split()[1] for one in say(("W9294", "W9295", "W9296", "W9297"), root)}


def test_a_reader_that_the_key_lets_too_is_well(say: Say) -> None:
    assert ids(say, SHARED) == set()


def test_a_reader_from_another_account_needs_the_key(say: Say) -> None:
    other = SHARED.replace("Action: [kms:Decrypt]", "Action: [kms:DescribeKey]")
    assert ids(say, other) == {"W9295"}
    assert ids(say, SHARED.replace("KmsKeyId: !GetAtt Lock.Arn, ", "")) == {"W9295"}


def test_a_whole_organization_is_too_many(say: Say) -> None:
    wide = SHARED.replace(PRINCIPAL, f"{ORGANIZATION}Action: secretsmanager")
    assert ids(say, wide) == {"W9294", "W9295"}
    bound = wide.replace(
        "'aws:PrincipalOrgID': o-1", "'aws:PrincipalOrgID': o-1, 'aws:PrincipalArn': 'arn:x'"
    )
    assert ids(say, bound) == set()


MASTER = """
Resources:
  Shop: {Type: 'AWS::RDS::DBInstance', Properties: {Engine: mysql, ManageMasterUserPassword: true}}
  Clerk:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
      Policies:
      - PolicyName: p
        PolicyDocument:
          Version: '2012-10-17'
          Statement:
          - Effect: Allow
            Action: secretsmanager:GetSecretValue
            Resource: !GetAtt Shop.MasterUserSecret.SecretArn
"""


@pytest.mark.parametrize(
    "action", ["PutSecretValue", "UpdateSecretVersionStage", "Update*", "*", "RotateSecret"]
)
def test_nobody_changes_what_a_service_keeps(say: Say, action: str) -> None:
    assert ids(say, MASTER) == set()
    assert ids(say, MASTER.replace("GetSecretValue", action)) == {"W9296"}


STREAM = """
Resources:
  Beats: {Type: 'AWS::Kinesis::Stream', Properties: {}}
  Source:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Action: ['kinesis:PutRecords'], Resource: !GetAtt Beats.Arn}]
  Sink:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Action: ['kinesis:GetRecords'], Resource: !GetAtt Beats.Arn}]
"""


def test_what_writes_does_not_read(say: Say) -> None:
    assert ids(say, STREAM) == set()
    assert ids(say, STREAM.replace("'kinesis:PutRecords'", "'kinesis:PutRecords', 'kinesis:Get*'")) == {
        "W9297"
    }
    alone = STREAM.partition("  Sink:")[0].replace(
        "'kinesis:PutRecords'", "'kinesis:PutRecords', 'kinesis:Get*'"
    )
    assert ids(say, alone) == set()


def test_a_key_of_the_same_words_is_what_was_meant(say: Say) -> None:
    statement = "            Resource: !GetAtt Shop.MasterUserSecret.SecretArn"
    condition = "            Condition: {ArnLike: {'lambda:FunctionSourceArn': 'arn:aws:lambda:*'}}"
    turned = f"{statement}\n{condition}"
    assert "lambda:sourcefunctionarn" in say("E9281", MASTER.replace(statement, turned))[0]
