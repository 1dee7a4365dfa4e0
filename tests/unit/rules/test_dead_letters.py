import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 360
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Failed.Arn, maxReceiveCount: 3}
  Failed: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}
  Undone: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}
  Work:
    Type: AWS::Lambda::Function
    Properties:
      Timeout: 60
      DeadLetterConfig: {TargetArn: !GetAtt Undone.Arn}
      Tags: [{Key: Environment, Value: STAGE}]
  May:
    Type: AWS::IAM::Policy
    Properties: {PolicyDocument: {Statement: [
      {Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Undone.Arn}]}}
  Fed:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Jobs.Arn, FunctionName: !Ref Work}
"""
IDS = (*(f"E949{number}" for number in range(7)), "W9490", "W9491", "W9492")


def ids(say: Say, template: str, stage: str = "prod") -> set[str]:
    return {line.split()[1] for line in say(IDS, template.replace("STAGE", stage))}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


@pytest.mark.parametrize("stage", ["prod", "dev", "blue"])
def test_letters_that_are_kept_are_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("VisibilityTimeout: 360", "MessageRetentionPeriod: 30", {"E9490"}),
        (
            "Failed: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}",
            "Failed: {Type: AWS::SQS::Queue}",
            {"E9491", "W9490"},
        ),
        (
            "Undone: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}",
            "Undone: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 3600}}",
            {"W9490"},
        ),
        ("VisibilityTimeout: 360", "VisibilityTimeout: 360\n      FifoQueue: true", {"E9492"}),
        ("deadLetterTargetArn: !GetAtt Failed.Arn", "deadLetterTargetArn: !GetAtt Jobs.Arn", {"E9493"}),
        ("maxReceiveCount: 3", "maxReceiveCount: 1", {"E9493"}),
        ("VisibilityTimeout: 360", "VisibilityTimeout: 360\n      SqsManagedSseEnabled: false", {"E9495"}),
        ("VisibilityTimeout: 360", "VisibilityTimeout: 360\n      QueueName: jobs.fifo", {"E9496"}),
        (
            "VisibilityTimeout: 360",
            "VisibilityTimeout: 360\n      KmsMasterKeyId: alias/x\n      SqsManagedSseEnabled: true",
            {"W9491"},
        ),
        ("      DeadLetterConfig: {TargetArn: !GetAtt Undone.Arn}\n", "", {"W9492"}),
    ],
)
def test_each_way_to_lose_a_letter_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


def test_a_queue_that_the_root_hands_out_may_be_sent_to(say: Say) -> None:
    without = edited("      DeadLetterConfig: {TargetArn: !GetAtt Undone.Arn}\n", "")
    assert ids(say, without + "Outputs: {Undone: {Value: !Ref Undone}}\n") == set()
