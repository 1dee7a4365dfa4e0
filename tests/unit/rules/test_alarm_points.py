"""Alarms that want more than comes: points of a scheduled function, an age, a member that is not there."""

import pytest

from tests.unit.rules.conftest import Say

NIGHTLY = """
Resources:
  Sweep:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.13, Handler: a.b, Role: r, Code: {ZipFile: x}}
  Night:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(6 hours)
      Targets: [{Id: s, Arn: !GetAtt Sweep.Arn}]
  Failed:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions: [{Name: FunctionName, Value: !Ref Sweep}]
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 1
      Threshold: 0
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
"""
CALLED = """
  Called:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Sweep, EventSourceArn: 'arn:aws:sqs:eu-west-1:111122223333:q'}
"""


def points(say: Say, root: str) -> int:
    return len(say("W9690", root))


def test_one_point_is_what_one_failure_makes(say: Say) -> None:
    assert points(say, NIGHTLY) == 0


@pytest.mark.parametrize(
    ("periods", "schedule", "many"),
    [
        ("EvaluationPeriods: 3", "rate(6 hours)", 1),
        ("EvaluationPeriods: 12\n      DatapointsToAlarm: 3", "rate(1 day)", 1),
        ("EvaluationPeriods: 12", "cron(0 3 * * ? *)", 1),
        ("EvaluationPeriods: 12", "cron(0 */6 * * ? *)", 1),
        ("EvaluationPeriods: 2", "rate(6 hours)", 0),  # its second try may fall into the next period
        ("EvaluationPeriods: 3", "rate(5 minutes)", 0),
        ("EvaluationPeriods: 3", "cron(*/5 * * * ? *)", 0),
        ("EvaluationPeriods: 3", "cron(0/5 8-17 ? * MON-FRI *)", 0),
        ("EvaluationPeriods: 3", "cron(0,15 8-17 ? * MON-FRI *)", 0),
    ],
)
def test_more_points_than_calls_never_come(say: Say, periods: str, schedule: str, many: int) -> None:
    root = NIGHTLY.replace("EvaluationPeriods: 1", periods).replace("rate(6 hours)", schedule)
    assert points(say, root) == many


def test_whoever_else_calls_may_make_points(say: Say) -> None:
    root = NIGHTLY.replace("EvaluationPeriods: 1", "EvaluationPeriods: 12")
    assert points(say, root) == 1
    assert points(say, root + CALLED) == 0
    assert points(say, root.replace("notBreaching", "missing")) == 0


AGED = """
Resources:
  Login: {Type: 'AWS::SecretsManager::Secret', Properties: {GenerateSecretString: {}}}
  Turn:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Login, RotationRules: {ScheduleExpression: rate(30 days)}}
  Old:
    Type: AWS::CloudWatch::Alarm
    Properties: {Namespace: Shop, MetricName: PasswordAgeDays, Statistic: Maximum, Period: 86400,
      EvaluationPeriods: 1, Threshold: 35, ComparisonOperator: GreaterThanThreshold}
"""


@pytest.mark.parametrize(
    ("name", "threshold", "many"),
    [
        ("PasswordAgeDays", 35, 0),
        ("PasswordAgeDays", 365, 1),
        ("PasswordAgeHours", 800, 0),
        ("PasswordAgeHours", 8000, 1),
        ("OrderAgeDays", 365, 0),
    ],
)
def test_an_age_is_measured_against_its_rotation(say: Say, name: str, threshold: int, many: int) -> None:
    root = AGED.replace("PasswordAgeDays", name).replace("Threshold: 35", f"Threshold: {threshold}")
    assert len(say("W9693", root)) == many


@pytest.mark.parametrize(
    ("name", "threshold", "said"),
    [
        ("PasswordAgeDays", 20, True),
        ("PasswordAgeDays", 29, True),
        ("PasswordAgeDays", 30, False),
        ("PasswordAgeDays", 35, False),
        ("PasswordAge", 20, False),  # days, or hours: nobody says
        ("QueueAgeDays", 20, False),
    ],
)
def test_an_age_that_every_rotation_exceeds_is_no_alarm(
    say: Say, name: str, threshold: int, said: bool
) -> None:
    root = AGED.replace("PasswordAgeDays", name).replace("Threshold: 35", f"Threshold: {threshold}")
    assert bool(say("W9691", root)) is said


BOTH = """
Resources:
  Slow: {{Type: 'AWS::CloudWatch::Alarm', Properties: {{AlarmName: shop-slow}}}}
  Down: {{Type: 'AWS::CloudWatch::Alarm', Properties: {{}}}}
  Any:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties: {{AlarmRule: !Sub '{rule}'}}
"""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("ALARM(shop-slow) OR ALARM(${Down})", set()),
        ("ALARM(${Slow.Arn}) OR ALARM(${Down})", set()),
        ("ALARM(Slow) OR ALARM(${Down})", {"E9660"}),
        ('ALARM("Down") AND ALARM("Slow")', {"E9660"}),
        ("ALARM(shop-sloww) OR ALARM(${Down})", {"W9658"}),
        ("ALARM(of-another-team)", set()),
        ("ALARM(${AWS::StackName}-slow) OR ALARM(${Down})", set()),
    ],
)
def test_a_member_is_an_alarm_by_its_name(say: Say, rule: str, said: set[str]) -> None:
    root = BOTH.format(rule=rule)
    assert {one.split()[1] for one in say(("E9660", "W9658"), root)} == said
