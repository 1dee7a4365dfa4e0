"""Services and clusters: rollouts, capacity, network."""

import pytest

from tests.unit.rules.conftest import Say

SHOP = """\
Resources:
  Performance:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/ecs/containerinsights/shop/performance}
  Shop:
    Type: AWS::ECS::Cluster
    DependsOn: Performance
    Properties:
      ClusterName: shop
      CapacityProviders: [FARGATE, FARGATE_SPOT]
      ClusterSettings: [{Name: containerInsights, Value: enabled}]
  ZoneA: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: eu-west-2a}}
  ZoneB: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: eu-west-2b}}
  Table: {Type: AWS::EC2::RouteTable}
  Way:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: nat-1}
  WayOfA:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref ZoneA, RouteTableId: !Ref Table}
  Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {TargetType: ip}}
  Runner:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}
  Web:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      TaskRoleArn: !GetAtt Runner.Arn
      ContainerDefinitions:
      - {Name: web, ReadonlyRootFilesystem: true, PortMappings: [{ContainerPort: 80}]}
  Slow:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: ECS/ContainerInsights
      Dimensions: [{Name: ClusterName, Value: !Ref Shop}, {Name: ServiceName, Value: !GetAtt Front.Name}]
      AlarmActions: [!Ref Topic]
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: errors, Namespace: Shop, AlarmActions: [!Ref Topic]}
  Topic: {Type: AWS::SNS::Topic}
  More: {Type: AWS::ApplicationAutoScaling::ScalingPolicy}
  Busy: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: busy, AlarmActions: [!Ref More]}}
  Front:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Shop
      TaskDefinition: !Ref Web
      DesiredCount: 3
      CapacityProviderStrategy:
      - {CapacityProvider: FARGATE, Base: 3, Weight: 1}
      - {CapacityProvider: FARGATE_SPOT, Weight: 2}
      LoadBalancers: [{ContainerName: web, ContainerPort: 80, TargetGroupArn: !Ref Group}]
      PlatformVersion: LATEST
      AvailabilityZoneRebalancing: ENABLED
      PropagateTags: SERVICE
      EnableECSManagedTags: true
      Tags: [{Key: env, Value: live}]
      DeploymentConfiguration:
        MinimumHealthyPercent: 100
        MaximumPercent: 150
        DeploymentCircuitBreaker: {Enable: true, Rollback: true}
        Alarms: {AlarmNames: [errors], Enable: true, Rollback: true}
      NetworkConfiguration:
        AwsvpcConfiguration:
          SecurityGroups: [sg-1]
          Subnets: [!Ref ZoneA, !Ref ZoneB]
"""
RULES = ("E9576", "E9577", "W9576", "W9577", "W9578", "W9579", "E958", "W958", "E9590", "E9591",
         "E9592", "E9593", "W9590", "W9591", "W9592", "W9510")  # fmt: skip
STRATEGY = """\
      CapacityProviderStrategy:
      - {CapacityProvider: FARGATE, Base: 3, Weight: 1}
      - {CapacityProvider: FARGATE_SPOT, Weight: 2}
"""
BREAKER = "{Enable: true, Rollback: true}\n        Alarms"
WEIGHTS = "Weight: 1}\n      - {CapacityProvider: FARGATE_SPOT, Weight: 2}"
PERCENTS = "MinimumHealthyPercent: 100\n        MaximumPercent: 150"

BREAKS = [
    ("W9576", BREAKER, BREAKER.replace("Enable: true", "Enable: false")),
    ("W9576", "        DeploymentCircuitBreaker: {Enable: true, Rollback: true}\n", ""),
    ("E9576", "MaximumPercent: 150", "MaximumPercent: 110"),
    ("E9576", "MinimumHealthyPercent: 100", "MinimumHealthyPercent: 200"),
    ("E9577", "{Name: web,", "{Name: web, Essential: false,"),
    ("W9577", "MinimumHealthyPercent: 100", "MinimumHealthyPercent: 50"),
    ("W9578", "        Alarms: {AlarmNames: [errors], Enable: true, Rollback: true}\n", ""),
    ("W9578", "[errors], Enable: true", "[errors], Enable: false"),
    ("E9580", "      DesiredCount: 3", "      DeploymentController: {Type: EXTERNAL}"),
    ("E9581", "      TaskDefinition: !Ref Web\n", ""),
    ("W9582", "DesiredCount: 3", "DesiredCount: 0"),
    ("E9582", "DesiredCount: 3", "SchedulingStrategy: DAEMON"),
    ("E9583", "DesiredCount: 3", "LaunchType: FARGATE"),
    ("W9583", "      Cluster: !Ref Shop\n", ""),
    ("E9584", "FARGATE_SPOT, Weight: 2}", "FARGATE_SPOT, Weight: 2, Base: 1}"),
    ("E9584", WEIGHTS, WEIGHTS.replace("1", "0").replace("2", "0")),
    ("W9584", "      - {CapacityProvider: FARGATE, Base: 3, Weight: 1}\n", ""),
    ("W9585", "FARGATE, Base: 3,", "FARGATE,"),
    ("W9585", "FARGATE, Base: 3,", "FARGATE, Base: 1,"),
    ("E9585", "[FARGATE, FARGATE_SPOT]", "[FARGATE]"),
    ("E9586", STRATEGY, ""),
    ("W9586", "      PropagateTags: SERVICE\n", ""),
    ("W9586", "EnableECSManagedTags: true", "EnableECSManagedTags: false"),
    ("E9587", "PlatformVersion: LATEST", "PlatformVersion: 1.3.0"),
    ("W9588", "SecurityGroups: [sg-1]", "SecurityGroups: [sg-1]\n          AssignPublicIp: ENABLED"),
    ("E9588", "          Subnets: [!Ref ZoneA, !Ref ZoneB]\n", ""),
    ("W9589", "          SecurityGroups: [sg-1]\n", ""),
    ("E9589", PERCENTS, PERCENTS.replace("150", "100")),
    ("W9590", "AvailabilityZoneRebalancing: ENABLED", "AvailabilityZoneRebalancing: DISABLED"),
    ("E9590", "DesiredCount: 3", "EnableExecuteCommand: true"),
    ("W9591", "DesiredCount: 3", "EnableExecuteCommand: true"),
    ("E9591", "ContainerPort: 80,", "ContainerPort: 8080,"),
    ("E9592", "{TargetType: ip}", "{TargetType: instance}"),
    ("W9592", "Value: enabled", "Value: disabled"),
    ("W9592", "      ClusterSettings: [{Name: containerInsights, Value: enabled}]\n", ""),
    ("E9593", "Value: enabled", "Value: disabled"),
    ("W9510", "      DesiredCount: 3\n", ""),
]  # fmt: skip


HOSTS = "  Hosts: {Type: 'AWS::AutoScaling::AutoScalingGroup'}\n"


@pytest.mark.parametrize(
    ("old", "new"), [(STRATEGY, "      LaunchType: EC2\n"), ("[FARGATE]\n      Net", "[EC2]\n      Net")]
)
def test_instances_come_from_somewhere(say: Say, old: str, new: str) -> None:
    assert old in SHOP
    on_instances = SHOP.replace(old, new)
    assert len(say("W9587", on_instances)) == 1
    assert say("W9587", on_instances.replace("Resources:\n", f"Resources:\n{HOSTS}")) == []
    assert say("W9587", on_instances.replace("CapacityProviders: [FARGATE, FARGATE_SPOT]", "Tags: []")) == []


OPEN = """\
Resources:
  Net: {Type: AWS::EC2::InternetGateway}
  Front: {Type: AWS::EC2::Subnet, Properties: {Tags: [{Key: env, Value: dev}]}}
  Back: {Type: AWS::EC2::Subnet}
  Out: {Type: AWS::EC2::RouteTable}
  Far: {Type: AWS::EC2::RouteTable}
  Gate: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Front}}
  WayOut:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Out, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Net}
  WayFar:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Far, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Gate}
  OfFront:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Front, RouteTableId: !Ref Out}
  OfBack:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Back, RouteTableId: !Ref Far}
  Web:
    Type: AWS::ECS::Service
    Properties:
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Ref Front], AssignPublicIp: ENABLED}}
"""


def test_tasks_stand_in_private_subnets_where_there_are_some(say: Say) -> None:
    assert "Back could carry them without" in say("W9588", OPEN)[0]
    nowhere = OPEN.replace("NatGatewayId: !Ref Gate", "TransitGatewayId: tgw-1")
    assert say("W9588", nowhere) == []
    assert len(say("W9588", nowhere.replace("Value: dev", "Value: prod"))) == 1


def test_what_is_well_made_is_left_alone(say: Say) -> None:
    assert [one for ids in RULES for one in say(ids, SHOP)] == []


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS)
def test_one_edit_is_named(say: Say, rule: str, old: str, new: str) -> None:
    assert old in SHOP
    assert say(rule, SHOP.replace(old, new, 1)) != []


def test_an_alarm_by_a_name_that_nothing_here_has(say: Say) -> None:
    named = SHOP.replace("      Namespace: ECS/", "      AlarmName: slow\n      Namespace: ECS/")
    assert say("W9579", named) == []
    assert len(say("W9579", named.replace("[errors]", "[error]"))) == 1


def test_a_count_beside_scaling(say: Say) -> None:
    scaled = """\
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: {ResourceId: !Sub "service/${Shop}/${Front.Name}", MinCapacity: 3, MaxCapacity: 6}
"""
    assert len(say("W9581", SHOP + scaled)) == 1
    assert say("W9581", (SHOP + scaled).replace("      DesiredCount: 3\n", "")) == []


def test_a_cluster_from_elsewhere_is_not_judged(say: Say) -> None:
    elsewhere = "Parameters: {Cluster: {Type: String}, Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}}\n" + (
        SHOP.replace("Cluster: !Ref Shop", "Cluster: !Ref Cluster")
        .replace("[!Ref ZoneA, !Ref ZoneB]", "!Ref Subnets")
        .replace("[FARGATE, FARGATE_SPOT]", "[]")
    )
    assert [one for ids in ("E9585", "E9586", "W9583") for one in say(ids, elsewhere)] == []
