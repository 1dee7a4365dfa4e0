"""Routes, gateways, zones, ranges and public addresses of one network."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import OUTWARD, SHOP

BOTH = SHOP + OUTWARD
INNER2 = "{SubnetId: !Ref Inner2, RouteTableId: !Ref Table}"
OTHER = "172.20.2.0/24, AvailabilityZone: !Select [AT,"
IDS = ("E914", "W914", "E915", "W915", "E916")


def ids(say: Say, root: str) -> set[str]:
    return {finding.split()[1] for prefix in IDS for finding in say(prefix, root)}


def changed(old: str, new: str, root: str = BOTH) -> str:
    assert old in root
    return root.replace(old, new)


def test_a_network_with_a_way_out_is_well(say: Say) -> None:
    assert ids(say, BOTH) == set()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (INNER2, INNER2.replace("Table}", "OuterTable}"), "W9140"),
        (INNER2, INNER2.replace("Inner2", "Outer"), "W9141"),
        ("SubnetId: !Ref Outer, AllocationId", "SubnetId: !Ref Inner1, AllocationId", "E9140"),
        ("CidrBlock: 0.0.0.0/0, GatewayId", "CidrBlock: 10.0.0.0/8, GatewayId", "E9140"),
        ("VpcId: !Ref Net, InternetGatewayId", "VpcId: vpc-0, InternetGatewayId", "E9141"),
        ("0.0.0.0/0, NatGatewayId: !Ref Nat}", "0.0.0.0/0}", "E9142"),
        ("    DependsOn: Bound\n", "", "W9143"),
        (", DependsOn: Bound, Properties", ", Properties", "W9143"),
        (INNER2, INNER2.replace("Table}", "OuterTable}"), "E9143"),
        ("0.0.0.0/0, NatGatewayId: !Ref Nat}", "0.0.0.0/0, GatewayId: !Ref World}", "W9145"),
        ("CidrBlock: 172.20.1.0/24,", "CidrBlock: 172.20.1.0/24, MapPublicIpOnLaunch: true,", "W9146"),
        ("CidrBlock: 172.20.9.0/24,", "CidrBlock: 172.20.9.0/24, MapPublicIpOnLaunch: true,", "W9146"),
        (", AllocationId: !GetAtt Address.AllocationId", "", "E9147"),
        (", AllocationId: !GetAtt Address.AllocationId", "", "W9148"),
        ("0.0.0.0/0, NatGatewayId: !Ref Nat}", "0.0.0.0/0, GatewayId: !Ref World}", "W9148"),
        (OTHER.replace("AT", "1"), OTHER.replace("AT", "0"), "E9151"),
        (OTHER.replace("AT", "1"), OTHER.replace("AT", "0"), "W9154"),
        ("{SubnetIds: [!Ref Inner1, !Ref Inner2]}", "{SubnetIds: [!Ref Inner1, !Ref Inner1]}", "W9150"),
        ("{SubnetIds: [!Ref Inner1, !Ref Inner2], Sec", "{SubnetIds: [!Ref Inner1], Sec", "W9151"),
        ("172.20.2.0/24, AvailabilityZone: !Select [1, !GetAZs '']", "172.20.2.0/24", "W9153"),
        ("SubnetIds: [!Ref Inner1, !Ref Inner2]\n      Sec", "SubnetIds: [!Ref Inner1]\n      Sec", "W9155"),
        ("CidrBlock: 172.20.2.0/24", "CidrBlock: 172.20.1.128/25", "E9160"),
        ("CidrBlock: 172.20.2.0/24", "CidrBlock: 172.21.2.0/24", "E9161"),
        ("CidrBlock: 172.20.2.0/24", "CidrBlock: 172.20.2.0/30", "E9162"),
        ("{VpcId: !Ref Net, GroupDescription: web}", "{GroupDescription: web}", "E9163"),
        ("      DBSubnetGroupName: !Ref Subnets\n", "", "E9164"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_network_is_named(say: Say, old: str, new: str, expected: str) -> None:
    assert expected in ids(say, changed(old, new))


def test_a_database_for_everybody(say: Say) -> None:
    public = changed("Engine: aurora-mysql", "Engine: aurora-mysql\n      PubliclyAccessible: 'true'")
    assert ids(say, public) == {"E9145"}


SECOND = """
  Outer2:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 172.20.10.0/24, AvailabilityZone: !Select [1, !GetAZs '']}
  Outer2In:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Outer2, RouteTableId: !Ref OuterTable}
  Address2: {Type: 'AWS::EC2::EIP', DependsOn: Bound, Properties: {Domain: vpc}}
  Nat2:
    Type: AWS::EC2::NatGateway
    Properties: {SubnetId: !Ref Outer2, AllocationId: !GetAtt Address2.AllocationId}
  Table2: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}
  ByNat2:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table2, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat2}
"""
PER_ZONE = changed(INNER2, INNER2.replace("Table}", "Table2}")) + SECOND


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", set()),
        ("NatGatewayId: !Ref Nat2", "NatGatewayId: !Ref Nat", {"W9142", "W9148"}),
        ("SubnetId: !Ref Outer2, AllocationId", "SubnetId: !Ref Outer, AllocationId", {"W9144"}),
        ("GetAtt Address2.AllocationId", "GetAtt Address.AllocationId", {"E9146", "W9148"}),
    ],
)
def test_a_nat_gateway_for_each_zone(say: Say, old: str, new: str, expected: set[str]) -> None:
    assert ids(say, changed(old, new, PER_ZONE)) == expected


def test_subnets_of_stores_alone_need_no_way_out(say: Say) -> None:
    apart = "\n".join(line for line in BOTH.splitlines() if "VpcConfig" not in line)
    apart = apart.replace(
        "SubnetIds: [!Ref Inner1, !Ref Inner2]\n      Sec", "SubnetIds: [!Ref Outer]\n      Sec"
    )
    assert "W9149" in ids(say, apart)
    assert "W9149" not in ids(say, BOTH)


def test_a_subnet_group_of_two_subnets_in_one_zone(say: Say) -> None:
    assert say("E9437", BOTH) == []
    assert len(say("E9437", changed(OTHER.replace("AT", "1"), OTHER.replace("AT", "0")))) == 1


def test_one_of_fewer_zones_than_its_neighbours(say: Say) -> None:
    third = """
  Inner3:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 172.20.3.0/24, AvailabilityZone: !Select [2, !GetAZs '']}
"""
    wide = (SHOP + third).replace("[!Ref Inner1, !Ref Inner2]", "[!Ref Inner1, !Ref Inner2, !Ref Inner3]")
    assert "W9152" not in ids(say, wide)
    narrow = wide.replace("Inner2, !Ref Inner3]}", "Inner2]}")
    assert "W9152" in ids(say, narrow)


def test_a_child_alone_says_nothing_of_what_its_parent_knows(say: Say) -> None:
    child = """
Parameters: {Net: {Type: 'AWS::EC2::VPC::Id'}, Table: {Type: String}, Group: {Type: String}}
Resources:
  Inner:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 10.1.2.0/24, AvailabilityZone: !Select [0, !GetAZs '']}
  Bound: {Type: 'AWS::EC2::SubnetRouteTableAssociation', Properties: {SubnetId: !Ref Inner, RouteTableId: !Ref Table}}
  Web:
    Type: AWS::Lambda::Function
    Properties: {VpcConfig: {SubnetIds: [!Ref Inner], SecurityGroupIds: [!Ref Group]}}
"""  # noqa: E501
    assert ids(say, child) == set()
