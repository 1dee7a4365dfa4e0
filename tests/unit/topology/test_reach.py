from collections.abc import Callable

import pytest

from topology.reach import PORTS, Reach, reach
from topology.rendering import Renderer
from topology.resolution import Unresolvable
from topology.tree import Tree

Plant = Callable[..., Tree]

GROUPS = """\
Resources:
  Caller: {Type: 'AWS::EC2::SecurityGroup'}
  Callee:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress:
      - {IpProtocol: tcp, FromPort: 1, ToPort: 6000, SourceSecurityGroupId: !GetAtt Caller.GroupId}
      SecurityGroupEgress:
      - {IpProtocol: '-1', CidrIp: 127.0.0.1/32}
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Properties:
      GroupId: !GetAtt Caller.GroupId
      IpProtocol: tcp
      FromPort: 5432
      ToPort: 5433
      DestinationSecurityGroupId: !GetAtt Callee.GroupId
  Away:
    Type: AWS::EC2::SecurityGroupEgress
    Properties:
      GroupId: !GetAtt Caller.GroupId
      IpProtocol: '-1'
      CidrIp: 0.0.0.0/0
      Description: anywhere
  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {CidrBlock: 10.0.0.0/24}}
  Closed: {Type: 'AWS::EC2::Subnet', Properties: {CidrBlock: 10.0.1.0/24}}
  Group: {Type: 'AWS::RDS::DBSubnetGroup', Properties: {SubnetIds: [!Ref Closed]}}
  Database:
    Type: AWS::RDS::DBInstance
    Properties: {DBSubnetGroupName: !Ref Group, VPCSecurityGroups: [!GetAtt Callee.GroupId]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      VpcConfig: {SubnetIds: [!Ref Subnet], SecurityGroupIds: [!GetAtt Caller.GroupId]}
  Table: {Type: 'AWS::EC2::RouteTable'}
  Bound:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}
  Nat: {Type: 'AWS::EC2::NatGateway'}
  Route:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}
  Gateway:
    Type: AWS::EC2::VPCEndpoint
    Properties: {ServiceName: com.amazonaws.eu-west-2.s3, RouteTableIds: [!Ref Table]}
"""


def read(plant: Plant, changed: str = GROUPS) -> Reach:
    tree = plant(root=changed)
    return reach(tree, Renderer(tree))


def test_an_edge_takes_both_halves_and_the_ports_that_both_have(plant: Plant) -> None:
    found = read(plant)
    assert [(str(edge.caller), str(edge.callee), edge.protocol, edge.ports) for edge in found.edges] == [
        ("Caller", "Callee", "tcp", (5432, 5433))
    ]
    assert found.halves == ()


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ("FromPort: 1, ToPort: 6000", "FromPort: 1, ToPort: 5431"),
        ("IpProtocol: tcp, FromPort: 1", "IpProtocol: udp, FromPort: 1"),
        ("SourceSecurityGroupId: !GetAtt Caller.GroupId", "SourceSecurityGroupId: !GetAtt Callee.GroupId"),
    ],
)
def test_a_rule_that_meets_no_other_lets_nothing_through(plant: Plant, whole: str, broken: str) -> None:
    found = read(plant, GROUPS.replace(whole, broken))
    assert ("Caller", "Callee") not in [(str(edge.caller), str(edge.callee)) for edge in found.edges]
    assert "Out" in [half.where for half in found.halves]


def test_a_rule_for_all_protocols_meets_any(plant: Plant) -> None:
    found = read(plant, GROUPS.replace("IpProtocol: tcp, FromPort: 1, ToPort: 6000", "IpProtocol: '-1'"))
    assert [(edge.protocol, edge.ports) for edge in found.edges] == [("tcp", (5432, 5433))]


def test_ports_may_be_quoted(plant: Plant) -> None:
    found = read(
        plant, GROUPS.replace("FromPort: 5432\n      ToPort: 5433", "FromPort: '5432'\n      ToPort: '5432'")
    )
    assert [edge.ports for edge in found.edges] == [(5432, 5432)]


def test_rules_on_addresses_are_listed_and_those_for_nothing_are_not(plant: Plant) -> None:
    (rule,) = read(plant).outward
    assert (str(rule.group), rule.out, rule.other, rule.ports, rule.about) == (
        "Caller",
        True,
        "0.0.0.0/0",
        PORTS,
        "anywhere",
    )


def test_groups_have_members_and_subnets_tenants(plant: Plant) -> None:
    found = read(plant)
    members = {str(group): [str(one) for one in inside] for group, inside in found.members.items()}
    assert members == {"Caller": ["Function"], "Callee": ["Database"]}
    tenants = {str(subnet): [str(one) for one in inside] for subnet, inside in found.tenants.items()}
    assert tenants == {"Subnet": ["Function"], "Closed": ["Database"]}


def test_routes_lead_out_of_the_subnets_that_have_their_table(plant: Plant) -> None:
    routes = {
        str(subnet): [(route.destination, str(route.target)) for route in ways]
        for subnet, ways in read(plant).routes.items()
    }
    assert routes == {
        "Subnet": [("0.0.0.0/0", "Nat"), ("com.amazonaws.eu-west-2.s3", "Gateway")],
        "Closed": [],
    }


def test_a_rule_of_a_group_from_elsewhere_is_an_error(plant: Plant) -> None:
    changed = GROUPS.replace(
        "      GroupId: !GetAtt Caller.GroupId\n      IpProtocol: '-1'", "      GroupId: sg-1\n"
    )
    with pytest.raises(Unresolvable, match="Away: its group, sg-1, is no resource of these templates"):
        read(plant, changed)
