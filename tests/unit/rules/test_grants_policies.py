"""Keys, policies of resources, permissions of functions, and how statements are written."""

import pytest

from tests.unit.rules.conftest import Say

ROOT_LINE = (
    "{Effect: Allow, Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}, "
    "Action: 'kms:*', Resource: '*'}"
)
LOGS = (
    "{Effect: Allow, Principal: {Service: !Sub 'logs.${AWS::Region}.amazonaws.com'}, Action: ['kms:Encrypt', "
    "'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'], Resource: '*', Condition: {ArnLike: "
    "{'kms:EncryptionContext:aws:logs:arn': "
    "!Sub 'arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:/plant/*'}}}"
)
ALARMS = (
    "{Effect: Allow, Principal: {Service: cloudwatch.amazonaws.com}, Action: ['kms:Decrypt', "
    "'kms:GenerateDataKey*'], Resource: '*', Condition: {StringEquals: "
    "{aws:SourceAccount: !Ref AWS::AccountId}}}"
)
EVENTS = (
    "{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: ['kms:Decrypt', "
    "'kms:GenerateDataKey*'], Resource: '*'}"
)
PUBLISH = (
    "{Effect: Allow, Principal: {Service: cloudwatch.amazonaws.com}, Action: sns:Publish,"
    " Resource: !Ref News,"
    " Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}}"
)
EVENTS_PUBLISH = (
    "{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sns:Publish, Resource: !Ref News}"
)
KEYED = f"""
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      KeyPolicy:
        Version: '2012-10-17'
        Statement:
        - {ROOT_LINE}
        - {LOGS}
        - {ALARMS}
        - {EVENTS}
  Paper: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: /plant/a, KmsKeyId: !GetAtt Key.Arn}}}}
  News: {{Type: AWS::SNS::Topic, Properties: {{KmsMasterKeyId: !Ref Key}}}}
  Says:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref News]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
        - {PUBLISH}
        - {EVENTS_PUBLISH}
  Loud: {{Type: AWS::CloudWatch::Alarm, Properties: {{AlarmActions: [!Ref News]}}}}
  Seen: {{Type: AWS::Events::Rule, Properties: {{Targets: [{{Id: a, Arn: !Ref News}}]}}}}
"""
BROKEN = [
    ("E9240", LOGS, "#"),
    ("E9240", "/plant/*", "/office/*"),
    ("E9240", "'kms:ReEncrypt*', ", ""),
    ("E9240", "aws:logs:arn", "aws:log:arn"),
    ("E9241", ALARMS, "#"),
    ("E9241", "cloudwatch.amazonaws.com}, Action: ['kms:Decrypt', ", "cloudwatch.amazonaws.com}, Action: ["),
    ("E9242", "KmsMasterKeyId: !Ref Key", "KmsMasterKeyId: alias/aws/sns"),
    (
        "W9243",
        EVENTS,
        EVENTS[:-1] + ", Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}}",
    ),
    ("W9244", ", KmsKeyId: !GetAtt Key.Arn", ""),
    ("W9245", ALARMS, ALARMS.partition(", Condition")[0] + "}"),
    ("E9246", EVENTS_PUBLISH, "#"),
    ("E9246", PUBLISH, PUBLISH.replace("sns:Publish", "sns:Subscribe")),
    ("E9246", PUBLISH, PUBLISH.replace("StringEquals", "StringNotEquals")),
    ("W9247", PUBLISH, PUBLISH.partition(", Condition")[0] + "}"),
    ("E9250", ROOT_LINE, "#"),
    ("E9250", ROOT_LINE, ROOT_LINE.replace("kms:*", "kms:Decrypt")),
    ("E9250", ROOT_LINE, ROOT_LINE.replace("Effect: Allow", "Effect: Deny")),
    ("E9251", ROOT_LINE, ROOT_LINE.replace("!Sub 'arn:aws:iam::${AWS::AccountId}:root'", "'*'")),
    ("W9252", EVENTS, EVENTS.replace("kms:Decrypt", "kms:*")),
    ("E9253", "EnableKeyRotation: true", "Enabled: false"),
    ("E9254", "EnableKeyRotation: true", "KeyUsage: SIGN_VERIFY"),
    ("W9255", "EnableKeyRotation: true", "EnableKeyRotation: false"),
    ("W9256", "EnableKeyRotation: true", "RotationPeriodInDays: 2000"),
    ("E9268", PUBLISH, "{Effect: Allow, Principal: '*', Action: sns:Publish, Resource: !Ref News}"),
    ("E9270", EVENTS_PUBLISH, EVENTS_PUBLISH.replace("!Ref News", "'arn:aws:sns:*:*:other'")),
    ("E9271", "sns:Publish, Resource", "sns:Publsih, Resource"),
    ("W9277", "Version: '2012-10-17'", "Version: '2008-10-17'"),
    ("E9278", "ArnLike:", "StringEquals:"),
    ("E9279", PUBLISH, PUBLISH.replace("StringEquals", "ArnLike").replace("!Ref AWS::AccountId", "me")),
    ("E9280", "StringEquals", "StringEqual"),
    ("E9281", "aws:SourceAccount", "aws:SourceAcount"),
    ("W9283", "StringEquals", "StringEqualsIfExists"),
    ("W9291", PUBLISH, PUBLISH.replace("!Ref AWS::AccountId", "'111122223333'")),
]


@pytest.mark.parametrize(("rule", "before", "after"), BROKEN)
def test_services_use_keys_and_topics_by_policies_that_hold(
    say: Say, rule: str, before: str, after: str
) -> None:
    assert say(rule, KEYED) == []
    assert before in KEYED
    if after == "#":
        before, after = f"        - {before}\n", ""
    assert say(rule, KEYED.replace(before, after))


def test_two_statements_have_two_names(say: Say) -> None:
    named = KEYED.replace("- {Effect", "- {Sid: Same, Effect")

    assert len(say("E9282", named)) == 2
    assert say("E9282", KEYED) == []


def test_a_key_that_is_soon_gone_where_data_must_last(say: Say) -> None:
    soon = KEYED.replace("EnableKeyRotation: true", "PendingWindowInDays: 7")

    assert say("W9257", soon) == []
    assert say("W9257", "Metadata: {Durable: true}" + soon)


DOMAINS = """
Resources:
  One: {Type: AWS::KMS::Key}
  Two: {Type: AWS::KMS::Key}
  Login: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref SECRETS}}
  Other: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref One}}
  Rows: {Type: AWS::DynamoDB::Table, Properties: {SSESpecification: {KMSMasterKeyId: !Ref Two}}}
  Objects: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: !Ref Two}}
"""


def test_a_key_is_for_one_domain_where_others_are(say: Say) -> None:
    apart = DOMAINS.replace("SNS::Topic", "SQS::Queue")

    assert say("W9258", apart.replace("SECRETS", "One")) == []
    assert say("W9258", apart.replace("SECRETS", "Two"))


def test_a_key_that_encrypts_nothing_has_been_forgotten(say: Say) -> None:
    used = DOMAINS.replace("SECRETS", "One")

    assert say("W9259", used) == []
    assert say("W9259", used.replace("!Ref Two", "!Ref One"))


def test_what_is_left_out_of_the_keys_of_its_tree(say: Say) -> None:
    used = DOMAINS.replace("SECRETS", "One")

    assert say("W9299", used) == []
    assert say("W9299", used.replace("Properties: {KmsKeyId: !Ref One}}", "Properties: {Name: a}}", 1))


CALLED = """
Resources:
  Fn: {Type: AWS::Lambda::Function}
  Daily: {Type: AWS::Events::Rule, Properties: {Targets: [{Id: a, Arn: !GetAtt Fn.Arn}]}}
  Lets:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Fn
      Principal: events.amazonaws.com
      SourceArn: !GetAtt Daily.Arn
"""


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("E9260", "events.amazonaws.com", "s3.amazonaws.com"),
        ("E9260", "lambda:InvokeFunction", "lambda:GetFunction"),
        ("E9260", "SourceArn: !GetAtt Daily.Arn", "SourceArn: !GetAtt Fn.Arn"),
        ("W9261", "SourceArn: !GetAtt Daily.Arn", ""),
        ("E9262", "Principal: events.amazonaws.com", "Principal: '*'"),
        ("E9263", "lambda:InvokeFunction", "lambda:GetFunction"),
    ],
)
def test_a_function_is_called_by_who_must_and_nobody_else(
    say: Say, rule: str, before: str, after: str
) -> None:
    assert say(rule, CALLED) == []
    assert say(rule, CALLED.replace(before, after))


def test_a_permission_for_a_function_given_by_name_may_be_any(say: Say) -> None:
    given = CALLED.replace("!Ref Fn\n", "!Ref Name\n").replace("events.amazonaws", "s3.amazonaws")

    assert say("E9260", "Parameters: {Name: {Type: String}}" + given) == []


DENY_PLAIN = (
    "{Effect: Deny, Principal: '*', Action: 'sqs:*', Resource: '*', "
    "Condition: {Bool: {aws:SecureTransport: false}}}"
)
DENY_OTHERS = (
    "{Effect: Deny, Principal: '*', Action: 'sqs:*', Resource: '*', "
    "Condition: {StringNotEquals: {aws:PrincipalAccount: !Ref AWS::AccountId}}}"
)
QUEUES = f"""
Resources:
  A: {{Type: AWS::SQS::Queue}}
  B: {{Type: AWS::SQS::Queue}}
  OfA:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref A]
      PolicyDocument: {{Version: '2012-10-17', Statement: [{DENY_PLAIN}, {DENY_OTHERS}]}}
  OfB:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref B]
      PolicyDocument: {{Version: '2012-10-17', Statement: [{DENY_OTHERS}, {DENY_PLAIN}]}}
"""


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("E9264", "aws:SecureTransport: false", "aws:SecureTransport: true"),
        ("E9264", "StringNotEquals", "StringEquals"),
        ("E9264", ", Condition: {Bool: {aws:SecureTransport: false}}", ""),
        ("W9265", f"[{DENY_PLAIN}, ", "["),
        ("W9266", f", {DENY_OTHERS}]", "]"),
        ("W9267", DENY_PLAIN, DENY_PLAIN.replace("'sqs:*'", "sqs:SendMessage")),
        ("E9269", "Queues: [!Ref B]", "Queues: [!Ref A]"),
    ],
)
def test_a_queue_refuses_what_it_should_and_nothing_else(
    say: Say, rule: str, before: str, after: str
) -> None:
    assert say(rule, QUEUES) == []
    assert before in QUEUES
    assert say(rule, QUEUES.replace(before, after, 1))


def test_a_refusal_of_plain_text_may_pass_services_over(say: Say) -> None:
    spared = "{aws:SecureTransport: false, aws:PrincipalIsAWSService: false}"
    both = QUEUES.replace("{aws:SecureTransport: false}", spared)

    assert say("W9265", QUEUES.replace("{aws:SecureTransport: false}", spared, 1)) == []
    assert say("W9265", both) == []
    assert say("W9265", both.replace(f"{{Bool: {spared}}}", "{Bool: {aws:SecureTransport: true}}", 1))
    assert say("E9264", both) == []


LOGGED = """
Resources:
  Kept:
    Type: AWS::S3::Bucket
    Properties: {LoggingConfiguration: {DestinationBucketName: !Ref Asked, LogFilePrefix: kept/}}
  Asked: {Type: AWS::S3::Bucket}
  Lets:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Asked
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          Effect: Allow
          Principal: {Service: logging.s3.amazonaws.com}
          Action: s3:PutObject
          Resource: !Sub ${Asked.Arn}/kept/*
          Condition: {ArnLike: {aws:SourceArn: !GetAtt Kept.Arn}}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [("/kept/*", "/other/*"), ("SourceArn: !GetAtt Kept", "SourceArn: !GetAtt Asked"), ("logging.s3", "s3")],
)
def test_requests_are_logged_where_s3_may_write_them(say: Say, before: str, after: str) -> None:
    assert say("E9248", LOGGED) == []
    assert say("E9248", LOGGED.replace(before, after))


def identity(*statements: str, more: str = "") -> str:
    listed = "".join(f"\n        - {one}" for one in statements)
    return (
        "Resources:\n  Stream: {Type: AWS::Kinesis::Stream}\n  Takes:\n    Type: AWS::IAM::Role\n"
        "    Properties:\n      AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow,"
        " Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}\n"
        f"{more}"
        "  May:\n    Type: AWS::IAM::Policy\n    Properties:\n      Roles: [!Ref Takes]\n"
        f"      PolicyDocument:\n        Version: '2012-10-17'\n        Statement:{listed}\n"
    )


RIGHT = "{Effect: Allow, Action: ['kinesis:PutRecord'], Resource: !GetAtt Stream.Arn}"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("E9271", RIGHT.replace("PutRecord", "PutRecrods")),
        ("E9271", RIGHT.replace("kinesis:Put", "kinesys:Put")),
        ("E9272", RIGHT.replace("kinesis:PutRecord", "dynamodb:GetItem")),
        ("W9273", RIGHT.replace("!GetAtt Stream.Arn", "[!GetAtt Stream.Arn, 'arn:aws:sqs:*:*:a']")),
        ("W9274", RIGHT.replace("kinesis:PutRecord", "ecr:GetAuthorizationToken")),
        ("E9275", RIGHT.replace("!GetAtt Stream.Arn", "stream")),
        ("W9284", RIGHT.replace("!GetAtt Stream.Arn", "'*'")),
        ("W9285", RIGHT.replace("!GetAtt Stream.Arn", "'arn:aws:kinesis:eu-west-2:*:stream/*'")),
        ("W9286", RIGHT.replace("PutRecord", "*")),
        ("W9287", RIGHT.replace("Action", "NotAction")),
        ("E9289", RIGHT.replace("kinesis:PutRecord", "iam:PassRole").replace("!GetAtt Stream.Arn", "'*'")),
        ("W9290", RIGHT.replace("PutRecord", "DeleteStream")),
    ],
)
def test_a_statement_says_what_its_holder_needs(say: Say, rule: str, wrong: str) -> None:
    assert say(rule, identity(RIGHT)) == []
    assert say(rule, identity(wrong))


def test_variables_take_the_newest_version(say: Say) -> None:
    own = RIGHT.replace("!GetAtt Stream.Arn", "'arn:aws:kinesis:*:*:stream/${aws:username}'")

    assert say("E9276", identity(own)) == []
    assert say("E9276", identity(own).replace("Version: '2012-10-17'\n", "Version: '2008-10-17'\n"))


@pytest.mark.parametrize(
    ("rule", "name", "many"),
    [
        ("W9288", "AmazonKinesisFullAccess", 1),
        ("W9288", "service-role/AWSLambdaBasicExecutionRole", 0),
        ("E9227", "AWSLambdaBasicExecutionRole", 1),
        ("E9227", "service-role/AWSLambdaBasicExecutionRole", 0),
    ],
)
def test_policies_of_aws_are_narrow_and_exist(say: Say, rule: str, name: str, many: int) -> None:
    taken = f"      ManagedPolicyArns: ['arn:aws:iam::aws:policy/{name}']\n"

    assert len(say(rule, identity(RIGHT, more=taken))) == many


def test_a_key_through_a_service_that_nothing_uses(say: Say) -> None:
    via = (
        "{Effect: Allow, Action: kms:GenerateDataKey, Resource: !GetAtt Key.Arn, Condition: {StringEquals: "
        "{kms:ViaService: !Sub 'SERVICE.${AWS::Region}.amazonaws.com'}}}"
    )
    key = "  Key: {Type: AWS::KMS::Key}\n"

    assert say("W9293", identity(RIGHT, via.replace("SERVICE", "kinesis"), more=key)) == []
    assert say("W9293", identity(RIGHT, via.replace("SERVICE", "sqs"), more=key))


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        ("W9285", RIGHT.replace("!GetAtt Stream.Arn", "'arn:aws:kinesis:eu-west-2:*:stream/*'")),
        ("W9290", RIGHT.replace("PutRecord", "DeleteStream")),
    ],
)
def test_cloudformation_makes_all_of_a_kind_and_takes_it_away(say: Say, rule: str, made: str) -> None:
    alone = identity(made).replace("lambda.amazonaws.com", "cloudformation.amazonaws.com")
    shared = identity(made).replace(
        "lambda.amazonaws.com", "[cloudformation.amazonaws.com, lambda.amazonaws.com]"
    )

    assert say(rule, alone) == []
    assert say(rule, shared)


def test_a_service_of_which_nobody_says_that_it_names_its_source_is_asked_where_it_does(say: Say) -> None:
    def trust(service: str) -> str:
        condition = "Condition: {StringEqualsIfExists: {aws:SourceAccount: !Ref AWS::AccountId}}"
        return identity(RIGHT).replace("lambda.amazonaws.com}", f"{service}}}, {condition}")

    assert say("W9283", trust("cloudformation.amazonaws.com")) == []
    assert say("W9283", trust("ecs-tasks.amazonaws.com"))
