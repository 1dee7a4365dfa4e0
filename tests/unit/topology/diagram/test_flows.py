"""What goes from whom to whom, as grants and security groups say."""

from collections.abc import Callable

import pytest

from topology.diagram.flows import Flow, What, flows
from topology.rendering import Renderer
from topology.tree import Tree

MakeTree = Callable[[str], Tree]

WORKER = """
  Stream: {Type: AWS::Kinesis::Stream, Properties: {}}
  Leases: {Type: AWS::DynamoDB::Table, Properties: {}}
  Login: {Type: AWS::SecretsManager::Secret, Properties: {}}
  Database: {Type: AWS::RDS::DBInstance, Properties: {VPCSecurityGroups: [!GetAtt Inner.GroupId]}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyName: work
        PolicyDocument:
          Statement:
          - {Effect: EFFECT, Action: [ACTION], Resource: [RESOURCE]}
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {TaskRoleArn: !GetAtt Role.Arn}}
  Worker:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: !Ref Task
      NetworkConfiguration: {AwsvpcConfiguration: {SecurityGroups: [!GetAtt Outer.GroupId]}}
  Outer: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: callers}}
  Inner: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: callees}}
"""
OUT = """
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Properties:
      GroupId: !GetAtt Outer.GroupId
      DestinationSecurityGroupId: !GetAtt Inner.GroupId
      IpProtocol: tcp
      FromPort: 5432
      ToPort: 5432
"""
IN = """
  In:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: !GetAtt Inner.GroupId
      SourceSecurityGroupId: !GetAtt Outer.GroupId
      IpProtocol: tcp
      FromPort: 5432
      ToPort: 5432
"""


def worker(action: str, resource: str, effect: str = "Allow") -> str:
    return WORKER.replace("ACTION", action).replace("RESOURCE", resource).replace("EFFECT", effect)


def found(tree: Tree) -> list[Flow]:
    return flows(tree, Renderer(tree))


@pytest.mark.parametrize(
    ("actions", "resource", "line"),
    [
        ("kinesis:GetRecords", "Stream", ("Stream", "Worker", What.READINGS)),
        ("kinesis:PutRecords", "Stream", ("Worker", "Stream", What.READINGS)),
        ("dynamodb:UpdateItem", "Leases", ("Worker", "Leases", What.STATE)),
        ("secretsmanager:GetSecretValue", "Login", ("Login", "Worker", What.CREDENTIALS)),
        (
            "secretsmanager:GetSecretValue, secretsmanager:PutSecretValue",
            "Login",
            ("Worker", "Login", What.CREDENTIALS),
        ),
    ],
)
def test_a_grant_is_a_line_in_the_direction_in_which_something_goes(
    tree: MakeTree, actions: str, resource: str, line: tuple[str, str, What]
) -> None:
    source, target, what = line

    assert found(tree(worker(actions, f"!GetAtt {resource}.Arn"))) == [
        Flow(f"Plant/{source}", f"Plant/{target}", what)
    ]


@pytest.mark.parametrize(
    ("action", "effect"), [("kinesis:GetRecords", "Deny"), ("kinesis:ListShards", "Allow")]
)
def test_what_hands_nothing_over_is_no_line(tree: MakeTree, action: str, effect: str) -> None:
    assert found(tree(worker(action, "!GetAtt Stream.Arn", effect))) == []


def test_a_connection_needs_both_halves_of_its_rule(tree: MakeTree) -> None:
    nothing = worker("kinesis:ListShards", "!GetAtt Stream.Arn")

    assert found(tree(nothing + OUT)) == []
    assert found(tree(nothing + IN)) == []
    assert found(tree(nothing + OUT + IN)) == [Flow("Plant/Worker", "Plant/Database", What.READINGS, "5432")]


def test_what_changes_a_login_brings_logins_where_it_connects(tree: MakeTree) -> None:
    changer = worker("secretsmanager:PutSecretValue", "!Ref Login")

    assert Flow("Plant/Worker", "Plant/Database", What.CREDENTIALS, "5432") in found(tree(changer + OUT + IN))


def test_a_policy_that_nobody_here_holds_is_for_somebody_outside(tree: MakeTree) -> None:
    given = tree("""
  Stream: {Type: AWS::Kinesis::Stream, Properties: {}}
  Gateway:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement:
        - {Effect: Allow, Action: [kinesis:PutRecords], Resource: [!GetAtt Stream.Arn]}
""")

    assert found(given) == [Flow("outside:Plant/Gateway", "Plant/Stream", What.READINGS)]


@pytest.mark.parametrize(("selected", "lines"), [("plant/+/temp", 1), ("office/+/temp", 0)])
def test_devices_lead_to_the_rule_that_selects_what_they_may_publish(
    tree: MakeTree, selected: str, lines: int
) -> None:
    given = tree(f"""
  Rule:
    Type: AWS::IoT::TopicRule
    Properties: {{TopicRulePayload: {{Sql: "SELECT * FROM '{selected}'", Actions: []}}}}
  Device:
    Type: AWS::IoT::Policy
    Properties:
      PolicyDocument:
        Statement:
        - {{Effect: Allow, Action: [iot:Publish], Resource: ["arn:aws:iot:eu-west-2:*:topic/plant/*"]}}
""")

    assert found(given) == [Flow("outside:Plant/Device", "Plant/Rule", What.READINGS)] * lines


def test_alarms_go_to_their_topic_and_on_to_people(tree: MakeTree) -> None:
    given = tree("""
  Topic: {Type: AWS::SNS::Topic}
  Mail: {Type: AWS::SNS::Subscription, Properties: {Protocol: email, TopicArn: !Ref Topic}}
  Slow: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [!Ref Topic]}}
""")

    assert found(given) == [
        Flow("Plant/Slow", "Plant/Topic", What.ALARMS),
        Flow("Plant/Topic", "outside:Plant/Mail", What.ALARMS),
    ]
