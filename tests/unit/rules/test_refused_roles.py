"""Roles that may, and resources that turn them away; topics that only a program speaks to."""

import pytest

from tests.unit.rules.conftest import Say

REFUSES = "{ArnNotEquals: {aws:PrincipalArn: !GetAtt Speaker.Arn}}"
TRUST = "{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: 'sts:AssumeRole'}"
SPOKEN = f"""
Parameters:
  Where: {{Type: String}}
Resources:
  News: {{Type: AWS::SNS::Topic}}
  Says:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref News]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
        - {{Effect: Deny, Principal: '*', Action: 'sns:Publish', Resource: !Ref News, Condition: {REFUSES}}}
  Person: {{Type: AWS::SNS::Subscription, Properties: {{TopicArn: !Ref News, Protocol: sms, Endpoint: '1'}}}}
  Speaker:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{Version: '2012-10-17', Statement: [{TRUST}]}}
      Policies:
      - PolicyName: Speak
        PolicyDocument:
          Version: '2012-10-17'
          Statement: [{{Effect: Allow, Action: ['sns:Publish'], Resource: !Ref News}}]
  Mute:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{Version: '2012-10-17', Statement: [{TRUST}]}}
"""
SESSION = "{ArnNotLike: {aws:PrincipalArn: !Sub 'arn:aws:sts::${AWS::AccountId}:assumed-role/${Speaker}/*'}}"
TURNED_AWAY = [
    REFUSES.replace("Speaker.Arn", "Mute.Arn"),
    REFUSES.replace("ArnNotEquals", "ArnEquals"),
    SESSION,
    "{Bool: {aws:SecureTransport: 'true'}}",
    "{Bool: {aws:PrincipalIsAWSService: 'false'}}",
    "{StringNotEquals: {aws:SourceAccount: !Ref AWS::AccountId}}",  # a role's request has none
]
NOT_SURELY = [
    REFUSES.replace("!GetAtt Speaker.Arn", "!Ref Where"),  # a deployment says which
    "{StringNotEquals: {aws:PrincipalOrgID: o-example}}",
    "{StringNotEquals: {aws:PrincipalAccount: !Ref AWS::AccountId}}",
    "{Bool: {aws:SecureTransport: 'false'}}",
]


@pytest.mark.parametrize("condition", TURNED_AWAY)
def test_a_role_that_a_topic_turns_away_is_told_at_the_statement_that_does(say: Say, condition: str) -> None:
    assert say("E9228", SPOKEN) == []

    (told,) = say("E9228", SPOKEN.replace(REFUSES, condition))

    assert "Speaker may sns:publish on News by its own policy" in told
    assert told.startswith("root.yaml:13: ")


@pytest.mark.parametrize("condition", NOT_SURELY)
def test_what_may_be_meant_for_others_is_not_told(say: Say, condition: str) -> None:
    assert say("E9228", SPOKEN.replace(REFUSES, condition)) == []


def test_a_queue_and_a_secret_turn_away_as_well(say: Say) -> None:
    queue = SPOKEN.replace("AWS::SNS::Topic}", "AWS::SQS::Queue}").replace(
        "SNS::TopicPolicy", "SQS::QueuePolicy"
    )
    queue = queue.replace("Topics:", "Queues:").replace("sns:Publish", "sqs:SendMessage")
    queue = queue.replace("Resource: !Ref News", "Resource: !GetAtt News.Arn")
    secret = SPOKEN.replace("AWS::SNS::Topic}", "AWS::SecretsManager::Secret}")
    secret = secret.replace("AWS::SNS::TopicPolicy", "AWS::SecretsManager::ResourcePolicy")
    secret = secret.replace("Topics: [!Ref News]", "SecretId: !Ref News").replace(
        "PolicyDocument:\n        V", "ResourcePolicy:\n        V", 1
    )
    secret = secret.replace("sns:Publish", "secretsmanager:GetSecretValue")

    for template in (queue, secret):
        assert say("E9228", template) == []
        assert len(say("E9228", template.replace("Speaker.Arn}}", "Mute.Arn}}"))) == 1


def test_a_role_that_is_let_everywhere_is_not_meant(say: Say) -> None:
    wide = SPOKEN.replace(
        "Action: ['sns:Publish'], Resource: !Ref News", "Action: ['sns:Publish'], Resource: '*'"
    )

    assert say("E9228", wide.replace("Speaker.Arn}}", "Mute.Arn}}")) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("  Person: {Type: AWS::SNS::Subscription, ", 1),
        ("      Topics: [!Ref News]", 0),
    ],
)
def test_a_topic_that_a_program_speaks_to_wants_somebody_who_listens(
    say: Say, changed: str, told: int
) -> None:
    lines = [line for line in SPOKEN.splitlines() if not line.startswith(changed)]

    assert len(say("W9617", "\n".join(lines))) == told


def test_a_topic_that_is_handed_out_or_that_nobody_speaks_to_is_left_alone(say: Say) -> None:
    alone = "\n".join(line for line in SPOKEN.splitlines() if "Person" not in line)

    assert len(say("W9617", alone)) == 1
    assert say("W9617", alone + "\nOutputs: {News: {Value: !Ref News}}") == []
    assert say("W9617", alone.replace("sns:Publish", "sns:Subscribe")) == []
    assert say("W9617", alone.replace("Topic}", "Topic, Properties: {TopicName: news}}")) == []
    assert (
        say(
            "W9617",
            alone.replace("AWS::SNS::Topic}", "AWS::SNS::Topic, Properties: {Subscription: !Ref Where}}"),
        )
        == []
    )
