"""What holders of roles need, and who may take the roles."""

import pytest

from tests.unit.rules.conftest import Say

TRUST = """
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
        - Effect: Allow
          Principal: {Service: SERVICE.amazonaws.com}
          Action: sts:AssumeRole
          Condition:
            StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}
            ArnLike: {aws:SourceArn: !Sub "arn:aws:BOUND"}
"""
BOUND = {
    "ecs-tasks": "ecs:${AWS::Region}:${AWS::AccountId}:*",
    "iot": "iot:${AWS::Region}:${AWS::AccountId}:*",
    "vpc-flow-logs": "ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*",
}


def role(name: str, service: str, *statements: str) -> str:
    trust = TRUST.replace("SERVICE", service).replace("BOUND", BOUND.get(service, "x:*:*:*"))
    if service not in BOUND:
        trust = trust[: trust.index("          Condition")]
    written = "".join(f"\n          - {one}" for one in statements)
    policies = (
        "      Policies:\n      - PolicyName: own\n        PolicyDocument:\n"
        f"          Version: '2012-10-17'\n          Statement:{written}\n"
    )
    return f"  {name}:\n    Type: AWS::IAM::Role\n    Properties:{trust}{policies if written else ''}"


def allow(actions: str, on: str, more: str = "") -> str:
    return f"{{Effect: Allow, Action: [{actions}], Resource: {on}{more}}}"


def resources(*parts: str) -> str:
    return "Resources:\n" + "\n".join(parts)


AGENT = (
    allow("ecr:GetAuthorizationToken", "'*'"),
    allow(
        "ecr:BatchGetImage, ecr:GetDownloadUrlForLayer, ecr:BatchCheckLayerAvailability", "!GetAtt Shelf.Arn"
    ),
    allow("logs:CreateLogStream, logs:PutLogEvents", "!GetAtt Paper.Arn"),
)
WORK = (allow("sqs:ReceiveMessage, sqs:DeleteMessage", "!GetAtt Jobs.Arn"),)
TASK = """
  Shelf: {Type: AWS::ECR::Repository}
  Paper: {Type: AWS::Logs::LogGroup}
  Jobs: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      ExecutionRoleArn: !GetAtt Agent.Arn
      TaskRoleArn: !GetAtt Worker.Arn
      ContainerDefinitions:
      - Name: worker
        Image: !Sub ${Shelf.RepositoryUri}:1
        Environment: [{Name: JOBS, Value: !Ref Jobs}]
        LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: !Ref Paper}}
"""


def task(
    agent: tuple[str, ...] = AGENT, worker: tuple[str, ...] = WORK, work: str = TASK, by: str = "ecs-tasks"
) -> str:
    tagged = "  Box:\n    Type: AWS::ECS::Cluster\n    Properties: {Tags: [{Key: env, Value: live}]}\n"
    return resources(role("Agent", "ecs-tasks", *agent), role("Worker", by, *worker), work, tagged)


@pytest.mark.parametrize("rule", ["E9201", "E9202", "E9203", "E9204", "W9205", "E9230", "W9231", "E9232"])
def test_a_task_with_both_roles_is_as_it_should_be(say: Say, rule: str) -> None:
    assert say(rule, task()) == []


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_a_task_does_not_start_without_what_its_agent_needs(say: Say, left_out: int) -> None:
    agent = tuple(one for position, one in enumerate(AGENT) if position != left_out)

    assert say("E9201", task(agent=agent))


def test_a_log_group_without_its_streams_is_not_enough(say: Say) -> None:
    group = "!Sub arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Paper}"

    said = say("E9201", task(agent=(*AGENT[:2], AGENT[2].replace("!GetAtt Paper.Arn", f'"{group}"'))))

    assert len(said) == 2
    assert "logs:CreateLogStream" in said[0]


def test_what_an_unknown_managed_policy_allows_is_not_known(say: Say) -> None:
    outside = "ManagedPolicyArns: ['arn:aws:iam::111122223333:policy/team']\n      Policies:"

    assert say("E9201", task(agent=AGENT[:1]).replace("Policies:", outside, 1)) == []


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("E9202", "ExecutionRoleArn: !GetAtt Agent.Arn", ""),
        ("E9204", "TaskRoleArn: !GetAtt Worker.Arn", ""),
        ("W9205", "!GetAtt Worker.Arn", "!GetAtt Agent.Arn"),
        ("E9203", "!GetAtt Worker.Arn", "!GetAtt Agent.Arn"),
    ],
)
def test_roles_of_a_task_are_two_and_each_in_its_place(say: Say, rule: str, before: str, after: str) -> None:
    assert say(rule, task(work=TASK.replace(before, after)))


def test_a_role_must_trust_who_uses_it_and_nobody_else(say: Say) -> None:
    assert "does not trust ecs-tasks" in say("E9230", task(by="lambda"))[0]
    assert "trusts lambda" in say("W9231", task(by="lambda"))[0]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("E9230", ":ecs:$", ":ecr:$"),
        ("E9232", "{Service: ecs-tasks.amazonaws.com}", "'*'"),
        ("W9234", "Condition", "NoCondition"),
        ("W9235", "ArnLike", "Ignored"),
        (
            "W9236",
            "StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}",
            "Bool: {aws:SecureTransport: true}",
        ),
    ],
)
def test_a_trust_is_bound_to_whom_the_service_acts_for(say: Say, rule: str, before: str, after: str) -> None:
    assert say(rule, task()) == []
    text = task().replace(before, after, 1)
    if after == "Ignored":
        text = task().replace("            ArnLike: {aws:SourceArn: ", "#", 1)
    assert say(rule, text)


def test_a_role_for_another_account_demands_more_than_its_number(say: Say) -> None:
    outsider = "{AWS: 'arn:aws:iam::444455556666:root'}"
    open_ = resources(role("Taken", "lambda").replace("{Service: lambda.amazonaws.com}", outsider))

    assert say("W9233", open_)
    bound = open_.replace(
        "Action: sts:AssumeRole",
        "Action: sts:AssumeRole\n          Condition: {StringEquals: {sts:ExternalId: x}}",
    )
    assert say("W9233", bound) == []


LEASES = """
  Readings: {Type: AWS::Kinesis::Stream}
  Leases:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: consumer
      KeySchema: [{AttributeName: leaseKey, KeyType: HASH}]
      GlobalSecondaryIndexes:
      - IndexName: LeaseOwnerToLeaseKeyIndex
        KeySchema: [{AttributeName: leaseOwner, KeyType: HASH}]
"""
CONSUMING = (
    allow(
        "kinesis:DescribeStream, kinesis:DescribeStreamSummary, kinesis:ListShards, "
        "kinesis:GetShardIterator, kinesis:GetRecords",
        "!GetAtt Readings.Arn",
    ),
    allow(
        "dynamodb:DescribeTable, dynamodb:Scan, dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem, "
        "dynamodb:DeleteItem",
        '[!GetAtt Leases.Arn, !Sub "${Leases.Arn}-*"]',
    ),
    allow("dynamodb:Query", "!Sub '${Leases.Arn}/index/*'"),
    allow("cloudwatch:PutMetricData", "'*'", ", Condition: {StringEquals: {cloudwatch:namespace: consumer}}"),
)


def consumer(statements: tuple[str, ...] = CONSUMING, tables: str = LEASES) -> str:
    return resources(role("Consumer", "ecs-tasks", *statements), tables)


@pytest.mark.parametrize("rule", ["E9206", "E9207", "W9208", "W9209", "E9210"])
def test_a_consumer_with_all_that_the_library_asks_for(say: Say, rule: str) -> None:
    assert say(rule, consumer()) == []


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("E9206", "dynamodb:Scan, ", ""),
        ("E9206", "dynamodb:Query", "dynamodb:GetItem"),
        ("E9206", "/index/*", "/index/Other"),
        ("E9206", "kinesis:DescribeStreamSummary, ", ""),
        ("E9207", "IndexName: LeaseOwnerToLeaseKeyIndex", "IndexName: Owners"),
        ("W9208", "namespace: consumer", "namespace: other"),
        ("W9209", "cloudwatch:namespace", "aws:RequestedRegion"),
        ("E9210", "kinesis:GetShardIterator, ", ""),
    ],
)
def test_a_consumer_that_lacks_one_thing(say: Say, rule: str, before: str, after: str) -> None:
    assert say(rule, consumer().replace(before, after))


def test_version_three_of_the_library_never_calls_describe_stream(say: Say) -> None:
    before = LEASES[: LEASES.index("      GlobalSecondaryIndexes")]
    lacking = tuple(one.replace("kinesis:DescribeStream, ", "") for one in CONSUMING)

    assert say("E9206", consumer(lacking)) == []
    assert say("E9206", consumer(tuple(one.replace("/index/*", "") for one in lacking), before))


def test_a_consumer_that_may_write_no_metrics_at_all_writes_none(say: Say) -> None:
    assert say("W9208", consumer(CONSUMING[:-1])) == []


@pytest.mark.parametrize(
    ("on", "many"),
    [
        ("['arn:aws:elasticache:*:*:replicationgroup:a', 'arn:aws:elasticache:*:*:user:b']", 0),
        ("['arn:aws:elasticache:*:*:replicationgroup:a', 'arn:aws:elasticache:*:*:usergroup:b']", 1),
        ("['arn:aws:elasticache:*:*:user:b']", 1),
    ],
)
def test_a_login_to_a_cache_takes_the_cache_and_the_user(say: Say, on: str, many: int) -> None:
    assert len(say("E9211", resources(role("App", "lambda", allow("elasticache:Connect", on))))) == many


FUNCTION = """
  Paper: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /fn}}
  Lost: {Type: AWS::SQS::Queue}
  Jobs: {Type: AWS::SQS::Queue}
  Login: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref Key}}
  Key: {Type: AWS::KMS::Key}
  Turns:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Login, RotationLambdaARN: !GetAtt Turner.Arn}
  Wakes:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Turner, EventSourceArn: !GetAtt Jobs.Arn}
  Turner:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Own.Arn
      KmsKeyArn: !GetAtt Key.Arn
      DeadLetterConfig: {TargetArn: !GetAtt Lost.Arn}
      VpcConfig: {SubnetIds: [subnet-1], SecurityGroupIds: [sg-1]}
      LoggingConfig: {LogGroup: !Ref Paper}
      Environment: {Variables: {LOGIN: !Ref Login}}
"""
OWN = (
    allow("logs:CreateLogStream, logs:PutLogEvents", "!GetAtt Paper.Arn"),
    allow("ec2:CreateNetworkInterface, ec2:DeleteNetworkInterface, ec2:DescribeNetworkInterfaces", "'*'"),
    allow("ec2:AssignPrivateIpAddresses, ec2:UnassignPrivateIpAddresses, ec2:DescribeSubnets", "'*'"),
    allow("sqs:SendMessage", "!GetAtt Lost.Arn"),
    allow("sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes", "!GetAtt Jobs.Arn"),
    allow("secretsmanager:GetSecretValue, secretsmanager:DescribeSecret", "!Ref Login"),
    allow("secretsmanager:PutSecretValue, secretsmanager:UpdateSecretVersionStage", "!Ref Login"),
    allow("kms:Decrypt, kms:GenerateDataKey", "!GetAtt Key.Arn"),
    "{Effect: Deny, Action: 'ec2:*', Resource: '*', Condition: "
    "{ArnLike: {lambda:SourceFunctionArn: 'arn:aws:lambda:*:*:function:*'}}}",
)
LACKING = [
    ("E9212", 0),
    ("E9213", 1),
    ("W9214", 2),
    ("E9216", 3),
    ("E9217", 4),
    ("E9215", 5),
    ("E9218", 6),
    ("W9219", 7),
    ("E9220", 7),
    ("W9200", 8),
]


@pytest.mark.parametrize(("rule", "position"), LACKING)
def test_a_function_needs_each_of_its_statements(say: Say, rule: str, position: int) -> None:
    assert say(rule, resources(role("Own", "lambda", *OWN), FUNCTION)) == []
    less = (one for at, one in enumerate(OWN) if at != position)
    assert say(rule, resources(role("Own", "lambda", *less), FUNCTION))


def test_a_denial_without_condition_stops_lambda_itself(say: Say) -> None:
    denied = OWN[-1].partition(", Condition")[0] + "}"

    root = resources(role("Own", "lambda", *OWN[:-1], denied), FUNCTION)
    assert "denies it" in say("E9213", root)[0]
    assert say("W9200", root) == []  # it stops the code as well


TABLE = """
  Key: {Type: AWS::KMS::Key}
  Rows:
    Type: AWS::DynamoDB::Table
    Properties: {SSESpecification: {SSEEnabled: true, KMSMasterKeyId: !Ref Key}}
"""
PUT = allow("dynamodb:PutItem", "!GetAtt Rows.Arn")
VIA = ", Condition: {StringEquals: {kms:ViaService: !Sub 'SERVICE.${AWS::Region}.amazonaws.com'}}"
USING = "kms:Decrypt, kms:Encrypt, kms:ReEncrypt*, kms:GenerateDataKey*, kms:DescribeKey"


def test_who_works_with_a_table_may_use_its_key_through_dynamodb(say: Say) -> None:
    right = allow(USING, "!GetAtt Key.Arn", VIA.replace("SERVICE", "dynamodb"))
    wrong = allow(USING, "!GetAtt Key.Arn", VIA.replace("SERVICE", "s3"))

    assert say("E9220", resources(role("App", "lambda", PUT, right), TABLE)) == []
    assert say("W9222", resources(role("App", "lambda", PUT, right), TABLE)) == []
    assert say("E9220", resources(role("App", "lambda", PUT, wrong), TABLE))
    assert say("W9222", resources(role("App", "lambda", PUT, right.replace("kms:Encrypt, ", "")), TABLE))


def test_a_policy_that_nobody_here_takes_brings_the_key_too(say: Say) -> None:
    policy = (
        "  Sending:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n"
        "        Version: '2012-10-17'\n        Statement:\n        - " + PUT
    )
    key = "\n        - " + allow("kms:Decrypt", "!GetAtt Key.Arn")

    assert say("W9221", resources(policy + key, TABLE)) == []
    assert say("W9221", resources(policy, TABLE))
    assert say("W9292", resources(policy + key, TABLE))
    assert (
        say("W9292", resources(policy + key.replace("}", VIA.replace("SERVICE", "dynamodb") + "}"), TABLE))
        == []
    )


TASKS = """\
Resources:
  Runs:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
        - Effect: Allow
          Principal: {Service: ecs-tasks.amazonaws.com}
          Action: sts:AssumeRole
          Condition:
            ArnLike: {'aws:SourceArn': !Sub 'arn:aws:ecs:${AWS::Region}:${AWS::AccountId}:WHICH'}
"""


@pytest.mark.parametrize(
    ("which", "count"), [("cluster/web", 1), ("service/web/shop", 1), ("*", 0), ("cluster/*", 0)]
)
def test_ecs_gives_a_role_to_tasks_of_all_clusters(say: Say, which: str, count: int) -> None:
    assert len(say("E9231", TASKS.replace("WHICH", which))) == count
