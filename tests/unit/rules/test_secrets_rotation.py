import pytest

from rules.families.secrets.timing import BadExpression, timing
from tests.unit.rules.conftest import Say

ORDERS = """\
Resources:
  OrdersKey:
    Type: AWS::KMS::Key
    Properties: {KeyPolicy: {Version: '2012-10-17', Statement: [KEYSTATEMENT]}}
  OrdersDb:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      DBName: orders
      MasterUsername: boss
      ManageMasterUserPassword: true
      MasterUserSecret: {KmsKeyId: !Ref OrdersKey}
  OtherDb:
    Type: AWS::RDS::DBCluster
    Properties:
      Engine: aurora-mysql
      ManageMasterUserPassword: true
      MasterUserSecret: {KmsKeyId: !Ref OrdersKey}
  Login:
    Type: AWS::SecretsManager::Secret
    Properties:
      KmsKeyId: !Ref OrdersKey
      GenerateSecretString:
        SecretStringTemplate: '{"username": "shop", "dbname": "orders"}'
        GenerateStringKey: password
        PasswordLength: 24
        ExcludeCharacters: '"@/\\'
  Link:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Login, TargetId: !Ref OrdersDb, TargetType: 'AWS::RDS::DBInstance'}
  Lost:
    Type: AWS::SQS::Queue
    Properties: {KmsMasterKeyId: !Ref OrdersKey, MessageRetentionPeriod: 1209600}
  Rights:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
  MayRotate:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: rotate
      Roles: [!Ref Rights]
      PolicyDocument:
        Statement:
        - Effect: Allow
          Action: secretsmanager:GetSecretValue
          Resource: !GetAtt OrdersDb.MasterUserSecret.SecretArn
  Rotator:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Rights.Arn
      Timeout: 60
      DeadLetterConfig: {TargetArn: !GetAtt Lost.Arn}
      Environment: {Variables: {ADMIN_SECRET: !GetAtt OrdersDb.MasterUserSecret.SecretArn}}
  Call:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Rotator
      Principal: secretsmanager.amazonaws.com
      SourceAccount: !Ref AWS::AccountId
  Monthly:
    Type: AWS::SecretsManager::RotationSchedule
    DependsOn: [Link, Call, MayRotate]
    Properties:
      SecretId: !Ref Login
      RotationLambdaARN: !GetAtt Rotator.Arn
      RotationRules: {ScheduleExpression: cron(0 2 1 * ? *), Duration: 3h}
"""
HOSTED = "HostedRotationLambda: {RotationType: TYPE}"
KEYED = "Properties:\n      KmsKeyId: !Ref OrdersKey"
MASTER = "!GetAtt OrdersDb.MasterUserSecret.SecretArn"
LAMBDA = "RotationLambdaARN: !GetAtt Rotator.Arn"
AT = "ScheduleExpression: cron(0 2 1 * ? *)"
STATEMENT = "{Effect: Allow, Principal: {Service: SERVICE}, Action: 'kms:Decrypt', Resource: '*'}"
KEY_OF_LOGS = ORDERS.replace("KEYSTATEMENT", STATEMENT.replace("SERVICE", "logs.eu-west-2.amazonaws.com"))
GOOD = ORDERS.replace("KEYSTATEMENT", STATEMENT.replace("SERVICE", "rds.amazonaws.com"))


def test_a_rotation_that_works_is_well(say: Say) -> None:
    assert say("E93", GOOD) + say("W93", GOOD) == []


def test_an_attachment_stands_for_its_secret(say: Say) -> None:
    through = GOOD.replace("SecretId: !Ref Login\n", "SecretId: !Ref Link\n").replace("[Link, ", "[")
    assert say("E93", through) == []


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("E9300", "Type: AWS::SecretsManager::RotationSchedule", "Type: AWS::Nobody::Rotates"),
        ("W9301", AT, "ScheduleExpression: rate(31 days)"),
        ("W9301", AT, "ScheduleExpression: cron(0 2 1 */2 ? *)"),
        ("W9301", f"{AT}, Duration: 3h", "AutomaticallyAfterDays: 60"),
        ("E9302", AT, "ScheduleExpression: rate(90 minutes)"),
        ("E9302", AT, "ScheduleExpression: cron(0 2 30 2 ? *)"),
        ("E9303", "Duration: 3h", "Duration: 25h"),
        ("E9303", "Duration: 3h", "Duration: 3 hours"),
        ("E9303", f"{AT}, Duration: 3h", "ScheduleExpression: rate(4 hours), Duration: 5h"),
        ("E9303", AT, "ScheduleExpression: cron(0 22 1 * ? *)"),
        ("E9304", "Duration: 3h", "AutomaticallyAfterDays: 30"),
        ("E9305", f"{AT}, ", ""),
        ("E9306", "  Monthly:", "  Again:\n    Type: AWS::SecretsManager::RotationSchedule\n"
         "    Properties: {SecretId: !Ref Login}\n  Monthly:"),
        ("E9307", "SecretId: !Ref Login\n", "SecretId: !GetAtt OrdersDb.MasterUserSecret.SecretArn\n"),
        ("E9307", "SecretId: !Ref Login\n", "SecretId: !Ref OrdersKey\n"),
        ("E9310", f"      {LAMBDA}\n", ""),
        ("E9311", LAMBDA, "RotationLambdaARN: !GetAtt Rights.Arn"),
        ("E9311", LAMBDA, "RotationLambdaARN: !Ref Rotator"),
        ("E9260", "Principal: secretsmanager.amazonaws.com", "Principal: events.amazonaws.com"),
        ("W9313", "Timeout: 60", "Timeout: 10"),
        ("W9313", "      Timeout: 60\n", ""),
        ("E9315", LAMBDA, HOSTED.replace("TYPE", "PostgreSQLMultiUser")),
        ("E9315", LAMBDA, HOSTED.replace("TYPE", "MySQLSingleUser")),
        ("E9316", f"{{ADMIN_SECRET: {MASTER}}}", "{ADMIN_SECRET: !Ref Login}"),
        ("E9317", f"{{ADMIN_SECRET: {MASTER}}}", "{ADMIN_SECRET: !Ref OrdersKey}"),
        ("W9318", f"{{ADMIN_SECRET: {MASTER}}}", "{LEVEL: info}"),
        ("W9261", "      SourceAccount: !Ref AWS::AccountId\n", ""),
        ("E9260", "Action: lambda:InvokeFunction", "Action: lambda:GetFunction"),
        ("W9354", "PasswordLength: 24", "IncludeSpace: true"),
        ("W9319", "{KmsMasterKeyId: !Ref OrdersKey, ", "{"),
        ("E9330", "[Link, Call, MayRotate]", "[Call, MayRotate]"),
        ("E9330", "[Link, Call, MayRotate]", "[Link, MayRotate]"),
        ("E9330", "[Link, Call, MayRotate]", "[Link, Call]"),
        ("W9331", LAMBDA, f"{LAMBDA}\n      RotateImmediatelyOnUpdate: false"),
        ("E9340", "Type: AWS::SecretsManager::SecretTargetAttachment", "Type: AWS::Nobody::Attaches"),
        ("E9341", "TargetType: 'AWS::RDS::DBInstance'", "TargetType: 'AWS::RDS::DBCluster'"),
        ("E9341", "TargetId: !Ref OrdersDb", "TargetId: !Ref OtherDb"),
        ("E9342", "TargetId: !Ref OrdersDb", "TargetId: !GetAtt OrdersDb.Endpoint.Address"),
        ("E9343", "SecretId: !Ref Login,", "SecretId: !GetAtt OrdersDb.MasterUserSecret.SecretArn,"),
        ("E9344", '"username": "shop"', '"username": "boss"'),
        ("W9345", '"dbname": "orders"', '"dbname": "order"'),
        ("E9350", "        GenerateStringKey: password\n", ""),
        ("E9350", '{"username": "shop", "dbname": "orders"}', "username: shop"),
        ("E9350", '{"username": "shop"', '{"password": "", "username": "shop"'),
        ("E9351", '"username": "shop", ', ""),
        ("E9351", "GenerateStringKey: password", "GenerateStringKey: Password"),
        ("W9353", "PasswordLength: 24", "PasswordLength: 12"),
        ("W9354", "'\"@/\\'", "'\"@\\'"),
        ("W9355", "PasswordLength: 24", "ExcludePunctuation: true\n        ExcludeLowercase: true\n"
         "        ExcludeUppercase: true"),
        ("W9356", "Properties:\n      KmsKeyId: !Ref OrdersKey", "Properties:\n      Name: shop-a1b2c3\n"
         "      KmsKeyId: !Ref OrdersKey"),
        ("W9360", "Properties:\n      KmsKeyId: !Ref OrdersKey", "Properties:\n      Description: x"),
        ("W9360", "      MasterUserSecret: {KmsKeyId: !Ref OrdersKey}\n", ""),
        ("W9361", KEYED, f"{KEYED}\n      ReplicaRegions: [{{Region: eu-west-1}}]"),
    ],
)  # fmt: skip
def test_a_rotation_that_does_not_is_named(say: Say, id: str, old: str, new: str) -> None:
    assert old in GOOD
    assert say(id, GOOD.replace(old, new, 1)) != []


def test_a_login_without_a_value_is_named(say: Say) -> None:
    begin, end = GOOD.index("      GenerateSecretString:"), GOOD.index("  Link:")
    assert say("E9352", GOOD) == []
    assert say("E9352", GOOD[:begin] + GOOD[end:]) != []


def test_a_key_of_another_service_is_no_key_for_secrets(say: Say) -> None:
    assert "logs.eu-west-2.amazonaws.com may decrypt" in say("W9362", KEY_OF_LOGS)[0]
    assert say("W9362", GOOD) == []


def test_the_key_of_data_is_no_key_for_secrets(say: Say) -> None:
    data = """\
  DataKey: {Type: AWS::KMS::Key}
  Frames: {Type: AWS::Kinesis::Stream, Properties: {StreamEncryption: {KeyId: !Ref DataKey}}}
"""
    assert say("W9363", GOOD + data) == []
    (finding,) = say("W9363", GOOD.replace(KEYED, KEYED.replace("OrdersKey", "DataKey")) + data)
    assert "W9363 Login lies under DataKey, with which Frames is encrypted, while OrdersDb has" in finding


def test_a_container_is_told_of_what_its_role_may_read(say: Say) -> None:
    task = """\
  AppRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyName: read
        PolicyDocument:
          Statement: {Effect: Allow, Action: 'secretsmanager:GetSecretValue', Resource: !Ref Login}
  App:
    Type: AWS::ECS::TaskDefinition
    Properties:
      TaskRoleArn: !GetAtt AppRole.Arn
      ContainerDefinitions: [{Name: app, Image: !ImportValue image, Environment: [{Name: DB, Value: TOLD}]}]
"""
    assert say("W9320", GOOD + task.replace("TOLD", "!Ref Login")) == []
    assert "W9320 AppRole lets App read ${Login}" in say("W9320", GOOD + task.replace("TOLD", "x"))[0]


def test_an_application_reads_no_master_where_it_has_a_login(say: Say) -> None:
    task = """\
  App:
    Type: AWS::ECS::TaskDefinition
    Properties: {ContainerDefinitions: [{Environment: [{Name: DB, Value: !SECRET}]}]}
"""
    assert say("W9346", GOOD + task.replace("!SECRET", "!Ref Login")) == []
    (finding,) = say("W9346", GOOD + task.replace("!SECRET", "!GetAtt OrdersDb.MasterUserSecret.SecretArn"))
    assert "W9346 App reads ${OrdersDb.MasterUserSecret.SecretArn}" in finding


CHILD = """\
Parameters: {Db: {Type: String}}
Resources:
  Login: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: {}}}
  Schedule:
    Type: AWS::SecretsManager::RotationSchedule
    Properties:
      SecretId: !Ref Login
      RotationLambdaARN: !Ref Db
      RotationRules: {AutomaticallyAfterDays: 7}
"""
PARENT = """\
Resources:
  Function: {Type: AWS::Lambda::Function, Properties: {Timeout: 60, Role: 'arn:aws:iam::111122223333:role/x'}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Function, Principal: secretsmanager.amazonaws.com, Action: '*'}
  Rotation:
    Type: AWS::CloudFormation::Stack
    DependsOn: [DEPENDS]
    Properties: {TemplateURL: child.yaml, Parameters: {Db: !GetAtt Function.Arn}}
"""


def test_what_the_nested_stack_waits_for_stands_before_its_schedule(say: Say) -> None:
    assert say("E93", PARENT.replace("DEPENDS", "Permission"), child=CHILD) == []
    (finding,) = say("E9330", PARENT.replace("DEPENDS", ""), child=CHILD)
    assert finding.startswith("child.yaml:4: E9330 Rotation/Schedule may be made, and rotate at once, before")


def test_a_child_alone_is_not_judged_by_what_it_does_not_have(say: Say) -> None:
    assert say("E93", CHILD) + say("W93", CHILD) == []


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("rate(30 days)", 30),
        ("rate(12 hours)", 0),
        ("cron(0 2 1 * ? *)", 31),
        ("cron(0 8,20 * * ? *)", 0),
        ("cron(0 /4 * * ? *)", 0),
        ("cron(0 2 L * ? *)", 31),
        ("cron(0 2 ? * SUN#1 *)", 35),
        ("cron(0 2 ? * 6L *)", 35),
        ("cron(0 2 ? 1/3 MON-FRI *)", 66),
        ("cron(0 2 1W * ? *)", 31),
    ],
)
def test_the_longest_time_between_two_rotations(expression: str, days: int) -> None:
    assert timing(expression).interval.days == days


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "rate(3 hours)",
        "cron(0 2 1 * ?)",
        "cron(5 2 1 * ? *)",
        "cron(0 2 * * * *)",
        "cron(0 2 ? * ? *)",
        "cron(0 24 1 * ? *)",
        "cron(0 2,4 1 * ? *)",
        "cron(0 2 9-3 * ? *)",
        "cron(0 2 1 * ? 2030)",
        "cron(0 2 ? * FOO *)",
    ],
)
def test_what_secrets_manager_does_not_take(expression: str) -> None:
    with pytest.raises(BadExpression):
        timing(expression)


ASKED = """\
Resources:
  Login: {Type: AWS::SecretsManager::Secret}
  Other: {Type: AWS::SecretsManager::Secret}
  Turns:
    Type: AWS::Lambda::Function
  Plan:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Login, RotationLambdaARN: !GetAtt Turns.Arn}
  Daily:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 day)
      Targets: [{Id: one, Arn: !GetAtt Turns.Arn, Input: !Sub '{"secret": "${WHICH}"}'}]
"""


@pytest.mark.parametrize(("which", "count"), [("Other", 1), ("Login", 0)])
def test_a_function_is_asked_about_the_secret_that_it_rotates(say: Say, which: str, count: int) -> None:
    assert len(say("W9314", ASKED.replace("WHICH", which))) == count


PUBLISHED = (
    ASKED.partition("  Daily:")[0]
    + """\
  Db: {Type: AWS::RDS::DBInstance, Properties: {ManageMasterUserPassword: true}}
  Told:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: WHICH, Tags: {Environment: test}}
"""
)


@pytest.mark.parametrize(
    ("which", "count"), [("!GetAtt Db.MasterUserSecret.SecretArn", 1), ("!Ref Login", 0)]
)
def test_the_secret_that_is_published_is_not_the_master_s(say: Say, which: str, count: int) -> None:
    assert len(say("W9315", PUBLISHED.replace("WHICH", which))) == count
