"""Flow logs of a network, and its ACLs."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import SHOP

LOGGED = (
    SHOP
    + """
  Flows:
    Type: AWS::EC2::FlowLog
    Properties:
      ResourceType: VPC
      ResourceId: !Ref Net
      TrafficType: ALL
      LogGroupName: !Ref Records
      DeliverLogsPermissionArn: !GetAtt Writer.Arn
      LogFormat: '${srcaddr} ${dstaddr} ${dstport} ${action}'
  Records: {Type: 'AWS::Logs::LogGroup'}
  Writer:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
        - {Effect: Allow, Principal: {Service: vpc-flow-logs.amazonaws.com}, Action: 'sts:AssumeRole'}
      Policies:
      - PolicyName: write
        PolicyDocument:
          Statement:
          - Effect: Allow
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents']
            Resource: !GetAtt Records.Arn
"""
)
TAGGED = LOGGED.replace(
    "EnableDnsSupport: true}", "EnableDnsSupport: true, Tags: [{Key: Stage, Value: live}]}"
)


def ids(say: Say, root: str) -> set[str]:
    return {finding.split()[1] for prefix in ("E919", "W919") for finding in say(prefix, root)}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", set()),
        ("AWS::EC2::FlowLog", "AWS::EC2::Elsewhere", {"W9190"}),
        ("TrafficType: ALL", "TrafficType: ACCEPT", {"W9191"}),
        ("ResourceType: VPC", "ResourceType: Subnet", {"E9190"}),
        ("      DeliverLogsPermissionArn: !GetAtt Writer.Arn\n", "", {"E9191", "W9190"}),
        ("LogGroupName: !Ref Records", "LogGroupName: /elsewhere", {"E9191"}),
        ("'logs:CreateLogStream', ", "", {"E9191"}),
        (" ${action}", "", {"W9192"}),
        ("LogGroupName: !Ref Records", "LogGroupName: !GetAtt Records.Arn", {"E9191"}),
        ("ResourceType: VPC", "ResourceType: NetworkInterface", {"E9190"}),
    ],
)
def test_a_network_is_logged(say: Say, old: str, new: str, expected: set[str]) -> None:
    assert old in TAGGED
    found = ids(say, TAGGED.replace(old, new))
    assert found == expected or (found < expected and "E9191" in found)


def test_a_tree_that_keeps_logs_keeps_one_of_its_network(say: Say) -> None:
    mine = (
        LOGGED.replace("  Writer:", "  Ghost:")
        .replace("vpc-flow-logs.", "logs.")
        .replace("!GetAtt Writer.Arn", "x")
    )
    elsewhere = mine.replace("ResourceId: !Ref Net", "ResourceId: vpc-1")
    tagged = "'AWS::Logs::LogGroup', Properties: {Tags: [{Key: Stage, Value: dev}]}"
    elsewhere = elsewhere.replace("'AWS::Logs::LogGroup'", tagged)
    assert "W9190" in ids(say, elsewhere)


def test_two_logs_of_one_half_are_half(say: Say) -> None:
    half = TAGGED.replace("TrafficType: ALL", "TrafficType: REJECT")
    again = half[half.index("  Flows:") : half.index("  Records:")].replace("  Flows:", "  Again:")
    assert "W9191" in ids(say, half + again)
    assert "W9191" not in ids(say, half + again.replace("REJECT", "ACCEPT"))


def test_nobody_asks_for_a_log_of_what_need_not_last(say: Say) -> None:
    assert ids(say, SHOP) == set()


ACL = """
  Acl: {Type: 'AWS::EC2::NetworkAcl', Properties: {VpcId: !Ref Net}}
  Bound:
    Type: AWS::EC2::SubnetNetworkAclAssociation
    Properties: {SubnetId: !Ref Inner1, NetworkAclId: !Ref Acl}
  AllIn:
    Type: AWS::EC2::NetworkAclEntry
    Properties: {NetworkAclId: !Ref Acl, RuleNumber: 100, Protocol: 6, RuleAction: allow,
      CidrBlock: 0.0.0.0/0, PortRange: {From: 1024, To: 65535}}
  AllOut:
    Type: AWS::EC2::NetworkAclEntry
    Properties: {NetworkAclId: !Ref Acl, Egress: true, RuleNumber: 100, Protocol: -1, RuleAction: allow,
      CidrBlock: 0.0.0.0/0}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", 0),
        ("From: 1024, To: 65535", "From: 443, To: 443", 2),
        ("Protocol: -1, RuleAction: allow", "Protocol: -1, RuleAction: deny", 3),
        ("From: 1024, To: 65535", "From: 1024, To: 40000", 0),
    ],
)
def test_an_acl_lets_calls_and_answers_through(say: Say, old: str, new: str, expected: int) -> None:
    assert old in ACL
    assert len(say("E9192", SHOP + ACL.replace(old, new))) == expected
