import base64

import pytest

from rules.families.secrets.credential_forms import decoded, form, in_command, literal
from tests.unit.rules.conftest import Say

SHOP = """\
Parameters:
  Stage: {Type: String}
  DbPassword: {Type: String, NoEcho: true}
Resources:
  Login:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {SecretStringTemplate: '{"user": "shop"}', GenerateStringKey: password}
  Db:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: postgres, MasterUsername: boss, MasterUserPassword: !Ref DbPassword}
  Settings:
    Type: AWS::RDS::DBParameterGroup
    Properties: {Parameters: {rds.force_ssl: '1', password_encryption: scram-sha-256}}
  Reader:
    Type: AWS::ElastiCache::User
    Properties: {UserId: r, UserName: r, AccessString: on ~* +@read, AuthenticationMode: {Type: iam}}
  Readers: {Type: AWS::ElastiCache::UserGroup, Properties: {UserIds: [!Ref Reader]}}
  Cache:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties: {UserGroupIds: [!Ref Readers], TransitEncryptionEnabled: true}
  App:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - Name: app
        Command: [serve, --password-file, /run/secret]
        Environment:
        - {Name: DB_SECRET, Value: !Ref Login}
        - {Name: CA, Value: /etc/rds-eu-west-1.pem}
        - {Name: TOKEN_TTL, Value: '3600'}
        - {Name: PASSWORD_MIN_LENGTH, Value: '12'}
        - {Name: URL, Value: 'https://shop.example/login'}
        Secrets:
        - {Name: KEY, ValueFrom: !Sub '${Login}:password::'}
  Job:
    Type: AWS::Lambda::Function
    Properties:
      Environment: {Variables: {LEVEL: info, AUTH: iam}}
      Code: {ZipFile: 'password = boto3.client("secretsmanager").get_secret_value()'}
  Machine:
    Type: AWS::EC2::Instance
    Properties:
      UserData: !Base64
        Fn::Sub: |
          export PGPASSWORD=$(aws secretsmanager get-secret-value --secret-id ${Login})
          run --token "$TOKEN"
  Robot: {Type: AWS::IAM::AccessKey, Properties: {UserName: robot}}
  Name:
    Type: AWS::SSM::Parameter
    Properties: {Name: /shop/login, Type: String, Value: !Ref Login}
Outputs:
  LoginArn: {Value: !Ref Login}
"""
SCHEDULE = """\
  Weekly:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Login, RotationRules: {AutomaticallyAfterDays: 7}}
"""
TOKEN = "gh" + "p_" + "a1B2" * 9


def test_secrets_that_are_secret_are_well(say: Say) -> None:
    assert say("E93", SHOP) + say("W93", SHOP) == []


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("E9370", "LEVEL: info", "ID: AKIAIOSFODNN7EXAMPLE"),
        ("E9370", "LEVEL: info", f"X: {TOKEN}"),
        ("E9370", "https://shop.example/login", "postgres://shop:sesame@db:5432/shop"),
        ("E9370", "https://shop.example/login", "rediss://:sesame@cache:6379"),
        ("E9370", "LoginArn: {Value: !Ref Login}", "Url: {Value: 'amqps://u:sesame@mq'}"),
        ("E9371", "LEVEL: info", "DB_PASSWORD: sesame"),
        ("E9371", "LEVEL: info", "ApiToken: 3f9a2c17b0"),
        ("E9371", "LEVEL: info", "AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI/K7MDENG/bPx"),
        ("E9371", "LEVEL: info", "DSN: host=db user=shop password=sesame"),
        ("E9371", "LEVEL: info", "DB_PASSWORD: !Ref DbPassword"),
        ("E9371", "{Name: TOKEN_TTL, Value: '3600'}", "{Name: MASTER_PASS, Value: '1234'}"),
        ("E9371", "[serve, --password-file, /run/secret]", "[serve, --db-password, sesame]"),
        ("E9371", "[serve, --password-file, /run/secret]", "[sh, -c, PGPASSWORD=sesame psql]"),
        ("E9371", "[serve, --password-file, /run/secret]", "[redis-cli, -a, sesame, ping]"),
        ("E9371", "MasterUserPassword: !Ref DbPassword", "MasterUserPassword: sesame123"),
        ("E9371", '--token "$TOKEN"', "--token 3f9a2c17b0"),
        ("E9371", "{Name: /shop/login, Type: String, Value: !Ref Login}",
         "{Name: /shop/db_password, Type: String, Value: sesame}"),
        ("E9371", "LoginArn: {Value: !Ref Login}", "AdminPassword: {Value: sesame}"),
        ("E9371", "LoginArn: {Value: !Ref Login}", "Answer: {Value: !Ref DbPassword}"),
        ("E9371", '{"user": "shop"}', '{"user": "shop", "token": "3f9a2c17b0"}'),
        ("E9371", "Type: AWS::EC2::Instance",
         "Type: AWS::EC2::Instance\n    Metadata: {SEED_PASSWORD: sesame}"),
        ("E9371", "Resources:", "Description: 'the login is shop, password: sesame123'\nResources:"),
        ("E9373", "LEVEL: info", "X: '{{resolve:secretsmanager:shop:SecretString:password}}'"),
        ("E9373", "Value: !Ref Login}\n  Old", "x"),
        ("E9373", "LoginArn: {Value: !Ref Login}", "A: {Value: '{{resolve:secretsmanager:shop}}'}"),
        ("E9373", "Type: String, Value: !Ref Login",
         "Type: String, Value: !Sub '{{resolve:secretsmanager:${Login}:SecretString:password}}'"),
        ("E9374", ", NoEcho: true", ""),
        ("E9374", "Stage: {Type: String}", "AdminPassword: {Type: String}"),
        ("E9375", ", NoEcho: true", ", NoEcho: true, Default: sesame"),
        ("E9376", "!Ref DbPassword", "'{{resolve:ssm:/shop/password}}'"),
        ("W9377", "Outputs:", SCHEDULE + "Outputs:"),
        ("E9378", ":password::", ":passwort::"),
        ("E9380", ", MasterUserPassword: !Ref DbPassword", ""),
        ("E9380", ", MasterUserPassword", ", ManageMasterUserPassword: true, MasterUserPassword"),
        ("E9382", "{Type: iam}", "{Type: no-password-required}"),
        ("E9382", "on ~* +@read", "on nopass ~* +@read"),
        ("E9382", "AuthenticationMode: {Type: iam}", "NoPasswordRequired: true"),
        ("E9383", "on ~* +@read", "on >sesame123 ~* +@read"),
        ("E9384", "rds.force_ssl: '1'", "rds.force_ssl: 0"),
        ("E9379", "LEVEL: info", "KEY: !GetAtt Robot.SecretAccessKey"),
        ("E9379", "LoginArn: {Value: !Ref Login}", "Key: {Value: !GetAtt Robot.SecretAccessKey}"),
        ("E9389", "LEVEL: info", "PGSSLMODE: prefer"),
        ("E9389", "https://shop.example/login", "postgres://db/shop?sslmode=disable"),
        ("W9390", "LEVEL: info", "CA: /etc/rds-us-east-1.pem"),
        ("E9391", "UserName: r", "UserName: reader"),
        ("E9391", ", AuthenticationMode: {Type: iam}", ""),
        ("E9391", "AccessString: on", "AccessString: off"),
        ("E9385", "TransitEncryptionEnabled: true", "TransitEncryptionEnabled: false"),
        ("E9385", "TransitEncryptionEnabled: true",
         "TransitEncryptionEnabled: true, TransitEncryptionMode: preferred"),
        ("W9387", "scram-sha-256", "md5"),
        ("W9388", "Engine: postgres,", "Engine: postgres, EnableIAMDatabaseAuthentication: false,"),
    ],
)  # fmt: skip
def test_secrets_in_plain_text_are_named(say: Say, id: str, old: str, new: str) -> None:
    if new == "x":
        old, new = "Outputs:", "Metadata: {}\nOutputs:\n  Old: {Value: '{{resolve:ssm-secure:/shop:1}}'}"
    assert old in SHOP
    assert say(id, SHOP.replace(old, new, 1)) != []


def test_the_place_is_the_value(say: Say) -> None:
    (finding,) = say("E9371", SHOP.replace("LEVEL: info", "DB_PASSWORD: sesame"))
    assert finding.startswith("root.yaml:39: E9371 DB_PASSWORD is given a credential in plain text; ")


def test_a_password_that_a_parent_hands_down_is_named_there_and_where_it_lands(say: Say) -> None:
    parent = """\
Resources:
  Shop:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml, Parameters: {Password: sesame}}
"""
    child = """\
Parameters: {Password: {Type: String, NoEcho: true}}
Resources:
  Db:
    Type: AWS::RDS::DBInstance
    Properties: {MasterUserPassword: !Ref Password}
"""
    assert [one[:13] for one in say("E9371", parent, child=child)] == ["child.yaml:5:", "root.yaml:4: "]


def test_user_data_is_read_in_base64_too() -> None:
    text = base64.b64encode(b"#!/bin/sh\nexport DB_PASSWORD=sesame\n").decode()
    assert in_command(decoded(text)) == "DB_PASSWORD"
    assert decoded("no base64!") == "no base64!"


@pytest.mark.parametrize(
    "text",
    ["https://example.com:443/a@b", "postgres://${User}:${Password}@db/x", "arn:aws:iam::aws:policy/x"],
)
def test_what_has_the_form_of_no_credential(text: str) -> None:
    assert form(text) == ""


@pytest.mark.parametrize(
    "value", ["", "true", "prod/shop/login", "/run/secrets/token", "arn:aws:x", "${Login}", True]
)
def test_what_is_no_credential_though_its_name_says_so(value: object) -> None:
    assert not literal(value, "API_TOKEN")


def test_a_container_that_ends_before_the_others_start_keeps_no_stale_secret(say: Say) -> None:
    rotated = SHOP.replace("Outputs:", SCHEDULE + "Outputs:")
    first = rotated.replace(
        "      - Name: app\n",
        "      - {Name: web, DependsOn: [{ContainerName: app, Condition: WHEN}]}\n"
        "      - Name: app\n        Essential: false\n",
    )
    assert say("W9377", first.replace("WHEN", "SUCCESS")) == []
    assert len(say("W9377", first.replace("WHEN", "START"))) == 1
    assert len(say("W9377", first.replace("WHEN", "SUCCESS").replace("        Essential: false\n", ""))) == 1
