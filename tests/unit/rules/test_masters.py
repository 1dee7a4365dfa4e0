"""The master's login, kept and rotated by its service; rotation functions that CloudFormation makes."""

import pytest

from tests.unit.rules.conftest import Say

KEPT = """
Transform: AWS::SecretsManager-2024-09-16
Resources:
  Shop:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: mysql, ManageMasterUserPassword: true, PubliclyAccessible: false}
  Login:
    Type: AWS::SecretsManager::Secret
    Properties:
      Tags: [{Key: Environment, Value: prod}]
      GenerateSecretString: {SecretStringTemplate: '{"username": "web"}', GenerateStringKey: password}
  Bound:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Login, TargetId: !Ref Shop, TargetType: 'AWS::RDS::DBInstance'}
  Turn:
    Type: AWS::SecretsManager::RotationSchedule
    Properties:
      SecretId: !Ref Login
      HostedRotationLambda:
        RotationType: MySQLMultiUser
        MasterSecretArn: !GetAtt Shop.MasterUserSecret.SecretArn
        VpcSubnetIds: subnet-1,subnet-2
        VpcSecurityGroupIds: sg-1
      RotationRules: {ScheduleExpression: rate(30 days)}
Outputs:
  Master: {Value: !GetAtt Shop.MasterUserSecret.SecretArn}
"""
OUTSIDE = "MasterUserPassword: '{{resolve:ssm-secure:/shop/boss:1}}'"


def ids(say: Say, root: str) -> set[str]:
    return {one.split()[1] for one in say(("E939", "W939"), root)}


def test_a_master_that_its_service_keeps_is_well(say: Say) -> None:
    assert ids(say, KEPT) == set()


@pytest.mark.parametrize("instead", ["ManageMasterUserPassword: false", OUTSIDE, "DBSnapshotIdentifier: old"])
def test_a_secret_that_no_service_keeps_is_named(say: Say, instead: str) -> None:
    broken = KEPT.replace("ManageMasterUserPassword: true", instead)
    assert "E9392" in ids(say, broken)
    assert "output Master of the root" in str(say("E9392", broken)) or "Turn" in str(say("E9392", broken))


def test_what_a_deployment_decides_is_not_concluded_from(say: Say) -> None:
    given = KEPT.replace("Resources:", "Parameters: {Kept: {Type: String}}\nResources:")
    assert (
        ids(say, given.replace("ManageMasterUserPassword: true", "ManageMasterUserPassword: !Ref Kept"))
        == set()
    )


UNROTATED = "Boss: {Type: 'AWS::SecretsManager::Secret', Properties: {GenerateSecretString: {}}}"


@pytest.mark.parametrize(
    ("password", "beside", "said"),
    [
        (OUTSIDE, "", {"W9392"}),
        ("MasterUserPassword: !Ref Word", "", {"W9392"}),
        (
            "MasterUserPassword: !Sub '{{resolve:secretsmanager:${Boss}:SecretString:p}}'",
            UNROTATED,
            {"W9392"},
        ),
        ("MasterUserPassword: !Sub '{{resolve:secretsmanager:${Login}:SecretString:p}}'", "", set()),
        ("MasterUserPassword: '{{resolve:secretsmanager:elsewhere:SecretString:p}}'", "", set()),
    ],
)
def test_a_password_that_nobody_changes_is_named(
    say: Say, password: str, beside: str, said: set[str]
) -> None:
    template = KEPT.replace("ManageMasterUserPassword: true", password).partition("Outputs:")[0]
    template = template.replace("        MasterSecretArn: !GetAtt Shop.MasterUserSecret.SecretArn\n", "")
    template = template.replace(
        "Resources:\n", f"Parameters: {{Word: {{Type: String}}}}\nResources:\n  {beside}\n"
    )
    assert ids(say, template) == said


def test_a_hosted_rotation_wants_its_transform(say: Say) -> None:
    assert ids(say, KEPT.replace("Transform: AWS::SecretsManager-2024-09-16", "")) == {"E9394"}
    listed = KEPT.replace("AWS::SecretsManager-2024-09-16", "[AWS::Serverless-2016-10-31]")
    assert ids(say, listed) == {"E9394"}
    assert ids(say, KEPT.replace("2024-09-16", "2020-07-23")) == set()


def test_a_hosted_rotation_stands_in_the_network_of_its_database(say: Say) -> None:
    bare = KEPT.replace("        VpcSubnetIds: subnet-1,subnet-2\n", "")
    assert ids(say, bare) == {"E9395"}
    assert ids(say, KEPT.replace("        VpcSecurityGroupIds: sg-1\n", "")) == {"E9395"}
    assert ids(say, bare.replace("PubliclyAccessible: false", "PubliclyAccessible: true")) == set()
