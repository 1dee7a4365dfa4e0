"""Names and ARNs in event patterns."""

import pytest

from tests.unit.rules.conftest import Say

HEARD = """
Parameters: {{Table: {{Type: String}}}}
Resources:
  Bell: {{Type: 'AWS::CloudWatch::Alarm', Properties: {{}}}}
  Ear:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {{source: [{source}], {where}}}
      Targets: [{{Id: t, Arn: 'arn:aws:sns:eu-west-1:111122223333:told'}}]
"""


def said(say: Say, source: str, where: str) -> list[str]:
    return say("E9694", HEARD.format(source=source, where=where))


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("aws.rds", "detail: {SourceIdentifier: ['arn:aws:rds:eu-west-1:111122223333:db:shop']}"),
        ("aws.rds", "detail: {SourceIdentifier: [!Sub 'arn:aws:rds:${AWS::Region}:${AWS::AccountId}:db:x']}"),
        ("aws.rds", "detail: {SourceIdentifier: [{prefix: 'arn:aws:rds:'}]}"),
        ("aws.ecr", "detail: {repository-name: ['arn:aws:ecr:eu-west-1:111122223333:repository/web']}"),
        ("aws.cloudwatch", "detail: {alarmName: [!GetAtt Bell.Arn]}"),
        ("aws.ecs", "detail: {group: [web]}"),
        ("aws.states", "detail: {stateMachineArn: [orders]}"),
        ("aws.ec2", "resources: [i-0123456789abcdef0]"),
    ],
)
def test_the_other_form_never_matches(say: Say, source: str, where: str) -> None:
    assert len(said(say, source, where)) == 1


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("aws.rds", "detail: {SourceIdentifier: [shop]}"),
        ("aws.rds", "detail: {SourceIdentifier: [!Ref Table]}"),
        ("aws.cloudwatch", "detail: {alarmName: [!Ref Bell, {prefix: shop-}]}"),
        ("aws.ecs", "detail: {group: ['service:web', 'family:web']}"),
        (
            "aws.states",
            "detail: {stateMachineArn: ['arn:aws:states:eu-west-1:111122223333:stateMachine:orders']}",
        ),
        ("aws.states", "detail: {stateMachineArn: [{suffix: ':orders'}]}"),
        ("aws.health", "resources: [i-0123456789abcdef0]"),
    ],
)
def test_the_right_form_is_well(say: Say, source: str, where: str) -> None:
    assert said(say, source, where) == []
