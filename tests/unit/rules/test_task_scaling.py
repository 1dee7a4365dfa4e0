"""Scaling of services: targets, policies, steps, schedules."""

import pytest

from tests.unit.rules.conftest import Say

SCALED = """\
Resources:
  Floor: {Type: AWS::ECS::Cluster, Properties: {ClusterName: floor}}
  Attic: {Type: AWS::ECS::Cluster}
  Belt: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 8}}
  Job:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: job, Environment: [{Name: BELT, Value: !Ref Belt}]}]
  Press: {Type: AWS::ECS::Service, Properties: {Cluster: !Ref Floor, TaskDefinition: !Ref Job}}
  Lathe: {Type: AWS::ECS::Service, Properties: {Cluster: !Ref Floor, TaskDefinition: !Ref Job}}
  Presses:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      ServiceNamespace: ecs
      ScalableDimension: ecs:service:DesiredCount
      ResourceId: !Join ["/", [service, !Ref Floor, !GetAtt Press.Name]]
      MinCapacity: 2
      MaxCapacity: 8
      ScheduledActions:
      - ScheduledActionName: day
        Schedule: cron(0 6 ? * MON-FRI *)
        Timezone: Europe/Paris
        ScalableTargetAction: {MinCapacity: 4}
      - ScheduledActionName: night
        Schedule: cron(30 20 ? * 2-6 *)
        Timezone: Europe/Paris
        ScalableTargetAction: {MinCapacity: 2}
  ByCpu:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: by-cpu
      PolicyType: TargetTrackingScaling
      ScalingTargetId: !Ref Presses
      TargetTrackingScalingPolicyConfiguration:
        PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
        TargetValue: 60
        ScaleOutCooldown: 120
        DisableScaleIn: true
  Add:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: add
      PolicyType: StepScaling
      ScalingTargetId: !Ref Presses
      StepScalingPolicyConfiguration:
        AdjustmentType: ChangeInCapacity
        Cooldown: 120
        MetricAggregationType: Maximum
        StepAdjustments:
        - {MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 20, ScalingAdjustment: 1}
        - {MetricIntervalLowerBound: 20, ScalingAdjustment: 3}
  Full:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: CPUUtilization
      Dimensions: [{Name: ServiceName, Value: !GetAtt Press.Name}]
      Statistic: Maximum
      Period: 60
      ComparisonOperator: GreaterThanThreshold
      AlarmActions: [!Ref Add]
  Take:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: take
      PolicyType: StepScaling
      ScalingTargetId: !Ref Presses
      StepScalingPolicyConfiguration:
        AdjustmentType: ChangeInCapacity
        StepAdjustments: [{MetricIntervalUpperBound: 0, ScalingAdjustment: -1}]
  Empty:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: CPUUtilization
      Dimensions: [{Name: ServiceName, Value: !GetAtt Press.Name}]
      Statistic: Average
      ComparisonOperator: LessThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref Take]
"""
RULES = ("E9504", "E9506", "E9507", "E9509", "E951", "E9521", "E9522", "E954", "W9501", "W9502",
         "W9503", "W9505", "W9508", "W9513", "W9529", "W9536", "W9538", "W9539", "W954", "W9595", "W9596",
         "W9597", "W9598", "W9599")  # fmt: skip
NAMED = '!Join ["/", [service, !Ref Floor, !GetAtt Press.Name]]'
DAY = "cron(0 6 ? * MON-FRI *)"
AGAIN = f"""\
  Again:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: {{ResourceId: {NAMED}, ScalableDimension: ecs:service:DesiredCount}}
"""

BREAKS = [
    ("E9504", "!Ref Floor, !GetAtt Press.Name]", "!Ref Floor, !Ref Press]"),
    ("E9504", "!Ref Floor, !GetAtt Press.Name]", "!Ref Attic, !GetAtt Press.Name]"),
    ("E9504", "!Ref Floor, !GetAtt Press.Name]", "!GetAtt Press.Name, !Ref Floor]"),
    ("E9504", "[service, !Ref Floor,", "[services, !Ref Floor,"),
    ("E9504", NAMED, '!Sub "service/default/${Press.Name}"'),
    ("E9506", "ecs:service:DesiredCount", "ecs:service:RunningCount"),
    ("E9506", "ServiceNamespace: ecs", "ServiceNamespace: dynamodb"),
    ("E9507", "MaxCapacity: 8", "MaxCapacity: 1"),
    ("E9507", "{MinCapacity: 4}", "{MinCapacity: 9}"),
    ("E9509", "  ByCpu:", AGAIN + "  ByCpu:"),
    ("W9595", "MinCapacity: 2\n", "MinCapacity: 0\n"),
    ("W9597", "MaxCapacity: 8", "MaxCapacity: 9"),
    ("W9598", "MaxCapacity: 8", "MaxCapacity: 8\n      SuspendedState: {DynamicScalingInSuspended: true}"),
    ("E9511", "ScalingTargetId: !Ref Presses", "ScalingTargetId: !Ref Press"),
    ("E9511", "      ScalingTargetId: !Ref Presses\n", ""),
    ("E9512", "PolicyType: TargetTrackingScaling", "PolicyType: StepScaling"),
    ("E9512", "PolicyType: StepScaling", "PolicyType: SimpleScaling"),
    ("E9514", "ECSServiceAverageCPUUtilization", "DynamoDBReadCapacityUtilization"),
    ("E9514", "ECSServiceAverageCPUUtilization", "ALBRequestCountPerTarget"),
    ("E9515", "TargetValue: 60", "TargetValue: 160"),
    ("E9515", "TargetValue: 60", "TargetValue: 0.6"),
    ("E9515", "TargetValue: 60", "TargetValue: 95"),
    ("E9516", "PolicyName: take", "PolicyName: add"),
    ("E9517", "LowerBound: 20", "LowerBound: 30"),
    ("E9517", "LowerBound: 20", "LowerBound: 10"),
    ("E9517", "LowerBound: 20", "LowerBound: 20, MetricIntervalUpperBound: 40"),
    ("E9518", "LowerBound: 0,", "LowerBound: 10,"),
    ("E9518", "{MetricIntervalUpperBound: 0,", "{MetricIntervalLowerBound: 0,"),
    ("E9519", "[!Ref Add]", "[!Ref Take]"),
    ("E9519", "      Period: 60\n", "      ActionsEnabled: false\n"),
    ("E9521", "ScalingAdjustment: 3", "ScalingAdjustment: -3"),
    ("E9521", "ScalingAdjustment: -1", "ScalingAdjustment: 1"),
    ("E9521", "[!Ref Add]", "[!Ref Take]"),
    ("E9522", "ScalingAdjustment: 1}", "ScalingAdjustment: 0}"),
    ("E9522", "ScalingAdjustment: 1}", "ScalingAdjustment: 4}"),
    ("E9522", "UpperBound: 0, ScalingAdjustment: -1}", "UpperBound: 0, ScalingAdjustment: -1}, "
     "{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}"),
    ("E9517", "UpperBound: 20, ScalingAdjustment: 1}", "UpperBound: 10, ScalingAdjustment: !Ref By}"),
    ("E9519", "Resources:\n", "Resources:\n  Hosts: {Type: AWS::AutoScaling::ScalingPolicy, "
     "Properties: {PolicyType: StepScaling}}\n"),
    ("E9542", "AdjustmentType: ChangeInCapacity", "AdjustmentType: ExactCapacity"),
    ("W9513", "AdjustmentType: ChangeInCapacity", "AdjustmentType: PercentChangeInCapacity"),
    ("W9538", "MetricAggregationType: Maximum", "MetricAggregationType: Average"),
    ("W9539", "ScalingAdjustment: -1", "ScalingAdjustment: -7"),
    ("W9540", "notBreaching", "breaching"),
    ("W9529", "Cooldown: 120\n        Metric", "Cooldown: 10\n        Metric"),
    ("W9529", "ScaleOutCooldown: 120", "ScaleOutCooldown: -1"),
    ("E9541", "[!Ref Add]", "[!Ref Presses]"),
    ("W9536", "ScalingAdjustment: -1", "ScalingAdjustment: 1"),
    ("W9508", "DisableScaleIn: true", "DisableScaleIn: false"),
    ("E9543", DAY, "cron(0 6 * * MON-FRI *)"),
    ("E9543", DAY, "cron(0 26 ? * MON-FRI *)"),
    ("E9543", DAY, "cron(0 6 ? * MON-FRI)"),
    ("E9543", DAY, "rate(1 hours)"),
    ("E9543", DAY, "at(2026-13-01T00:00:00)"),
    ("E9544", "Timezone: Europe/Paris", "Timezone: Europe/Pairs"),
    ("E9545", "cron(30 20 ? * 2-6 *)", DAY),
    ("E9545", "ScheduledActionName: night", "ScheduledActionName: day"),
    ("E9545", "{MinCapacity: 4}", "{}"),
    ("W9501", "ScalableTargetAction: {MinCapacity: 2}", "ScalableTargetAction: {MinCapacity: 3}"),
    ("W9502", "{MinCapacity: 4}", "{MinCapacity: 2}"),
    ("W9503", "        Timezone: Europe/Paris\n", ""),
    ("W9505", "{MinCapacity: 4}", "{MinCapacity: 4, MaxCapacity: 4}"),
]  # fmt: skip


def test_what_scales_well_is_left_alone(say: Say) -> None:
    assert [one for ids in RULES for one in say(ids, SCALED)] == []


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS)
def test_one_edit_is_named(say: Say, rule: str, old: str, new: str) -> None:
    assert old in SCALED
    assert say(rule, SCALED.replace(old, new, 1)) != []


@pytest.mark.parametrize(
    "schedule", ["rate(5 minutes)", "at(2027-01-01T08:00:00)", "cron(0/15 8-17 1W * ? *)"]
)
def test_a_time_that_comes(say: Say, schedule: str) -> None:
    assert say("E9543", SCALED.replace(DAY, schedule)) == []


def test_always_the_same_number_where_it_must_last(say: Say) -> None:
    fixed = SCALED.replace("MaxCapacity: 8", "MaxCapacity: 2")
    assert say("W9596", fixed) == []
    lasting = fixed.replace("      MaxCapacity", "      Tags: [{Key: env, Value: prod}]\n      MaxCapacity")
    assert len(say("W9596", lasting)) == 1


def test_a_target_of_which_no_policy_speaks(say: Say) -> None:
    alone = """\
  Lathes:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: {ResourceId: service/floor/lathe}
"""
    assert len(say("W9599", SCALED + alone)) == 1


def test_a_computed_signal_has_a_direction(say: Say) -> None:
    computed = SCALED.replace(
        "      MetricName: CPUUtilization\n"
        "      Dimensions: [{Name: ServiceName, Value: !GetAtt Press.Name}]\n"
        "      Statistic: Average\n      ComparisonOperator: LessThanThreshold\n",
        "      ComparisonOperator: GreaterThanOrEqualToThreshold\n"
        "      Metrics:\n"
        "      - {Id: cpu, MetricStat: {Metric: {MetricName: CPUUtilization}}}\n"
        "      - {Id: idle, Expression: 'IF(cpu < 20, 1, 0)'}\n",
    ).replace("{MetricIntervalUpperBound: 0,", "{MetricIntervalLowerBound: 0,")
    assert say("E9521", computed) == []
    assert len(say("E9521", computed.replace("cpu < 20", "cpu > 20"))) == 1


def test_a_policy_whose_target_stands_elsewhere(say: Say) -> None:
    elsewhere = "Parameters: {Target: {Type: String}, Id: {Type: String}}\n" + SCALED.replace(
        "ScalingTargetId: !Ref Presses", "ScalingTargetId: !Ref Target"
    ).replace(NAMED, "!Ref Id")
    assert [one for ids in ("E9504", "E9511", "W9536", "W9599") for one in say(ids, elsewhere)] == []
