import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Clicks:
    Type: AWS::Kinesis::Stream
    Properties:
      ShardCount: 3
      RetentionPeriodHours: 200
      StreamEncryption: {EncryptionType: KMS, KeyId: alias/clicks}
      Tags: [{Key: Environment, Value: STAGE}]
  Late:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: GetRecords.IteratorAgeMilliseconds
      Dimensions: [{Name: StreamName, Value: !Ref Clicks}]
      Threshold: 3600000
      ComparisonOperator: GreaterThanThreshold
  Reader: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyName: read, PolicyDocument: {Statement: [
    {Effect: Allow, Action: kinesis:GetRecords, Resource: !GetAtt Clicks.Arn}]}}]}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      TaskRoleArn: !GetAtt Reader.Arn
      ContainerDefinitions: [{Name: app, Environment: [{Name: STREAM, Value: !Ref Clicks}]}]
  Service: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref Task}}
  Scaled:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: {ResourceId: !Sub 'service/shop/${Service.Name}', MaxCapacity: 3}
  Carry:
    Type: AWS::IoT::TopicRule
    Properties:
      TopicRulePayload:
        Sql: SELECT temp FROM 'shop/+/said/+'
        Actions: [{Kinesis: {StreamName: !Ref Clicks, PartitionKey: '${topic(4)}', RoleArn: x}}]
        ErrorAction: {S3: {BucketName: lost, Key: x, RoleArn: x}}
  Thing:
    Type: AWS::IoT::Policy
    Properties:
      PolicyDocument:
        Statement:
        - Effect: Allow
          Action: iot:Publish
          Resource: !Sub 'arn:aws:iot:${AWS::Region}:${AWS::AccountId}:topic/shop/*/said/${!iot:ClientId}'
"""
IDS = ("E946", "W945")


def ids(say: Say, template: str, stage: str = "prod") -> set[str]:
    return {line.split()[1] for line in say(IDS, template.replace("STAGE", stage))}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


@pytest.mark.parametrize("stage", ["prod", "dev", "blue"])
def test_a_stream_that_keeps_and_orders_is_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("RetentionPeriodHours: 200", "RetentionPeriodHours: 9000", {"E9460"}),
        ("RetentionPeriodHours: 200", "RetentionPeriodHours: 48", {"W9450"}),
        ("      RetentionPeriodHours: 200\n", "", {"W9450"}),
        ("EncryptionType: KMS", "EncryptionType: NONE", {"E9462"}),
        ("      StreamEncryption: {EncryptionType: KMS, KeyId: alias/clicks}\n", "", {"E9462"}),
        ("ShardCount: 3", "ShardCount: 3\n      StreamModeDetails: {StreamMode: ON_DEMAND}", {"E9463"}),
        ("      ShardCount: 3\n", "", {"E9463"}),
        ("ShardCount: 3", "StreamModeDetails: {StreamMode: PROVISIONED}", {"E9463"}),
        ("ShardCount: 3", "StreamModeDetails: ON_DEMAND", set()),
        ("ShardCount: 3", "ShardCount: 3\n      RecordDistributionStrategy: AUTO", {"E9464"}),
        ("'${topic(4)}'", "'${topic(2)}-${topic(4)}'", set()),
        ("'${topic(4)}'", "'${device}'", set()),
        ("'${topic(4)}'", "'${topic()}'", set()),
    ],
)
def test_each_way_to_lose_or_mix_records_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


def test_a_passing_stream_may_forget(say: Say) -> None:
    assert ids(say, edited("      RetentionPeriodHours: 200\n", ""), "dev") == set()
