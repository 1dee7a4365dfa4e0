import pytest

from tests.unit.rules.conftest import Say

MILL = """\
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 180
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Failed.Arn, maxReceiveCount: 5}
  Failed: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}
  Lost: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}
  Grain: {Type: AWS::Kinesis::Stream}
  Worker:
    Type: AWS::Lambda::Function
    Properties: {Timeout: 30, DeadLetterConfig: {TargetArn: !GetAtt Lost.Arn}}
  Nightly:
    Type: AWS::Events::Rule
    Properties: {ScheduleExpression: rate(1 day), Targets: [{Id: w, Arn: !GetAtt Worker.Arn}]}
  FromQueue:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Jobs.Arn, FunctionName: !Ref Worker}
  FromStream:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Grain.Arn
      FunctionName: !Ref Worker
      StartingPosition: TRIM_HORIZON
      MaximumRetryAttempts: 5
      DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}
"""
LOST = "Lost: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}"


def test_what_is_set_aside_for_long_enough_is_well(say: Say) -> None:
    assert say("E977", MILL) + say("W977", MILL) == []


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("W9771", "VisibilityTimeout: 180", "VisibilityTimeout: 180\n      MessageRetentionPeriod: 1209601"),
        ("W9772", ", DeadLetterConfig: {TargetArn: !GetAtt Lost.Arn}", ""),
        ("W9773", "MaximumRetryAttempts: 5", "MaximumRetryAttempts: -1"),
        ("W9773", "      DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}\n", ""),
        ("W9774", "TRIM_HORIZON", "LATEST"),
        ("E9775", "VisibilityTimeout: 180", "VisibilityTimeout: 20"),
        ("W9778", LOST, LOST.replace("MessageRetentionPeriod: 1209600", "MaximumMessageSize: 1024")),
    ],
)
def test_what_is_dropped_or_waits_is_named(say: Say, id: str, old: str, new: str) -> None:
    assert old in MILL
    assert say(id, MILL.replace(old, new, 1)) != []


def test_an_invoke_configuration_sets_aside_as_well(say: Say) -> None:
    bare = MILL.replace(", DeadLetterConfig: {TargetArn: !GetAtt Lost.Arn}", "")
    configured = f"""{bare}\
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Worker
      DestinationConfig: {{OnFailure: {{Destination: !GetAtt Lost.Arn}}}}
"""
    assert say("W9772", bare) != []
    assert say("W9772", configured) == []
