"""Doors that stand open, and pairs of rules that do not meet."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import SHOP

DB = "{IpProtocol: tcp, FromPort: '3306', ToPort: '3306', SourceSecurityGroupId: !GetAtt WebGroup.GroupId}"
IDS = ("E912", "W912", "W913")
WEB = "WebGroup: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Net, GroupDescription: web}}"


def ids(say: Say, root: str) -> set[str]:
    return {finding.split()[1] for prefix in IDS for finding in say(prefix, root)}


def beside(rule: str) -> str:
    """The shop with one more rule for its database."""
    assert DB in SHOP
    return SHOP.replace(DB, f"{DB}\n      - {rule}")


def test_pairs_of_groups_and_a_range_for_endpoints_alone_are_well(say: Say) -> None:
    shared = SHOP.replace("CidrIp: !GetAtt Net.CidrBlock", "SourceSecurityGroupId: !GetAtt WebGroup.GroupId")
    assert ids(say, shared) == set()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 0.0.0.0/0}", "E9120"),
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIpv6: '::/0'}", "E9120"),
        ("{IpProtocol: '-1', CidrIp: 128.0.0.0/1}", "E9120"),
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 172.20.0.0/16}", "W9120"),
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: !GetAtt Net.CidrBlock}", "W9120"),
        (DB.replace("ToPort: '3306'", "ToPort: '3310'"), "W9121"),
        (DB.replace("tcp", "udp"), "W9121"),
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 172.20.0.0/16}", "W9126"),
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 172.20.1.0/24}", "W9132"),
        ("{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 203.0.113.0/24}", "W9132"),
    ],
)
def test_a_database_that_stands_open_is_named(say: Say, rule: str, expected: str) -> None:
    assert expected in ids(say, beside(rule))


def test_another_network_s_range_may_have_no_group_to_name(say: Say) -> None:
    rule = "{IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 192.168.7.0/24}"
    assert not ids(say, beside(rule)) & {"E9120", "W9120", "W9132"}


CLOSING = "\n      SecurityGroupEgress: [{IpProtocol: '-1', CidrIp: 127.0.0.1/32}]"


def test_a_group_that_lets_all_out_shows_where_others_do_not(say: Say) -> None:
    assert "W9122" not in ids(say, SHOP)
    others = SHOP.replace("GroupDescription: db", "GroupDescription: db" + CLOSING)
    others = others.replace("GroupDescription: endpoints", "GroupDescription: endpoints" + CLOSING)
    assert "W9122" in ids(say, others)


def test_a_door_to_a_function_is_one_to_nowhere(say: Say) -> None:
    door = """
  Door:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt WebGroup.GroupId, IpProtocol: '-1', CidrIp: 0.0.0.0/0}
"""
    assert "W9123" in ids(say, SHOP + door)
    machine = (
        "\n  Box: {Type: 'AWS::EC2::Instance', Properties: {SecurityGroupIds: [!GetAtt WebGroup.GroupId]}}"
    )
    assert "W9123" not in ids(say, SHOP + door + machine)


PAIR = """
  ToDb:
    Type: AWS::EC2::SecurityGroupEgress
    Properties:
      GroupId: !GetAtt WebGroup.GroupId
      IpProtocol: tcp
      FromPort: 3306
      ToPort: 3306
      DestinationSecurityGroupId: !GetAtt DbGroup.GroupId
"""
CLOSED = SHOP.replace(
    WEB, WEB.replace("web}", "web, SecurityGroupEgress: [{IpProtocol: '-1', CidrIp: 127.0.0.1/32}]}")
)


def test_a_pair_has_two_halves_of_the_same_ports(say: Say) -> None:
    assert not ids(say, CLOSED + PAIR) & {"W9124", "W9125"}
    assert "W9124" in ids(say, CLOSED)
    assert "W9124" in ids(say, CLOSED + PAIR.replace("3306", "5432"))
    assert "W9125" in ids(say, CLOSED + PAIR.replace("ToPort: 3306", "ToPort: 3310"))


def test_groups_that_others_carry_and_a_group_that_calls_itself_alone_need_no_half(say: Say) -> None:
    lone = """
  Own: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Net, GroupDescription: of a service}}
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Properties: {GroupId: !GetAtt WHOSE.GroupId, IpProtocol: tcp, FromPort: 0, ToPort: 0,
      DestinationSecurityGroupId: !GetAtt WHOM.GroupId}
"""
    for whose, whom in (("Own", "WebGroup"), ("WebGroup", "WebGroup")):
        assert "W9124" not in ids(say, CLOSED + PAIR + lone.replace("WHOSE", whose).replace("WHOM", whom))
    assert "W9124" in ids(say, CLOSED + PAIR + lone.replace("WHOSE", "WebGroup").replace("WHOM", "DbGroup"))


def test_a_half_by_range_of_a_pair_by_group(say: Say) -> None:
    ranged = PAIR.replace("DestinationSecurityGroupId: !GetAtt DbGroup.GroupId", "CidrIp: 172.20.0.0/16")
    assert "W9131" in ids(say, CLOSED + ranged)
    assert "W9131" not in ids(say, CLOSED + PAIR)


def test_a_group_that_nothing_carries(say: Say) -> None:
    rule = "{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}"
    idle = f"\n  Idle: {{Type: 'AWS::EC2::SecurityGroup', Properties: {{SecurityGroupIngress: [{rule}]}}}}"
    assert "W9127" in ids(say, SHOP + idle)
    assert "W9127" not in ids(say, SHOP + idle + "\nOutputs: {Idle: {Value: !Ref Idle}}\n")


def test_the_default_group_is_nobody_s_own(say: Say) -> None:
    given = SHOP.replace(
        "SecurityGroupIds: [!GetAtt EndGroup", "SecurityGroupIds: [!GetAtt Net.DefaultSecurityGroup"
    )
    assert "W9128" in ids(say, given.replace("DefaultSecurityGroup.GroupId", "DefaultSecurityGroup"))
    assert "W9128" in ids(say, SHOP.replace("      VpcSecurityGroupIds: [!GetAtt DbGroup.GroupId]\n", ""))


STRANGER = """
  Strange: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Net, GroupDescription: other}}
  Other:
    Type: AWS::Lambda::Function
    Properties: {VpcConfig: {SubnetIds: [!Ref Inner1], SecurityGroupIds: [!GetAtt Strange.GroupId]}}
"""


def test_a_door_for_a_function_that_is_told_of_no_database(say: Say) -> None:
    root = beside(DB.replace("WebGroup", "Strange")) + STRANGER
    assert "W9129" in ids(say, root)
    told = "Properties: {Environment: {Variables: {HOST: !GetAtt Db.Endpoint.Address}}, VpcConfig"
    assert "W9129" not in ids(say, root.replace("Properties: {VpcConfig", told))


def listed(first: str, second: str) -> str:
    rules = "".join(
        f"\n  L{at}: {{Type: 'AWS::EC2::SecurityGroupEgress', Properties: {{GroupId: !GetAtt "
        "WebGroup.GroupId,"
        f" IpProtocol: tcp, FromPort: 443, ToPort: 443, DestinationPrefixListId: {one}}}}}"
        for at, one in enumerate((first, second))
    )
    return SHOP + rules


def test_prefix_lists_are_of_one_region(say: Say) -> None:
    assert "W9130" not in ids(say, listed("pl-7ca54015", "pl-b3a742da"))
    assert "W9130" in ids(say, listed("pl-7ca54015", "pl-02cd2c6b"))


def out_of(group: str, port: int) -> str:
    return f"""
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Properties:
      GroupId: !GetAtt {group}.GroupId
      IpProtocol: tcp
      FromPort: {port}
      ToPort: {port}
      CidrIp: 0.0.0.0/0
"""


def test_stores_call_nobody_and_callers_what_they_need(say: Say) -> None:
    closed = CLOSED.replace("GroupDescription: db", "GroupDescription: db" + CLOSING)
    closed = closed.replace("GroupDescription: endpoints", "GroupDescription: endpoints" + CLOSING)
    assert "W9133" in ids(say, closed + out_of("DbGroup", 443))
    assert "W9134" in ids(say, closed + out_of("WebGroup", 80))
    assert "W9134" not in ids(say, closed + out_of("WebGroup", 443))
