"""Instances that are open to the world, and what stands behind them."""

import pytest

from tests.unit.rules.conftest import Say

HOST = """
Resources:
  Net: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 172.20.0.0/16}}
  Jump:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      GroupDescription: jump
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 203.0.113.0/24}]
  Box: {Type: 'AWS::EC2::Instance', Properties: {SecurityGroupIds: [!GetAtt Jump.GroupId]}}
  Inner:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      GroupDescription: inner
      SecurityGroupIngress:
      - {IpProtocol: tcp, FromPort: 3306, ToPort: 3306, SourceSecurityGroupId: !GetAtt Jump.GroupId}
  Shop:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: mysql, VPCSecurityGroups: [!GetAtt Inner.GroupId]}
"""
RULE = "{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 203.0.113.0/24}"


def ids(say: Say, root: str) -> set[str]:
    return {one.split()[1] for one in say(("E9123", "W9137", "W9138"), root)}


def test_a_host_for_few_is_well(say: Say) -> None:
    assert ids(say, HOST) == set()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}", {"E9123", "W9138"}),
        ("{IpProtocol: tcp, FromPort: 20, ToPort: 30, CidrIpv6: '::/0'}", {"E9123", "W9138"}),
        ("{IpProtocol: '-1', CidrIp: 0.0.0.0/0}", {"E9123", "W9138"}),
        ("{IpProtocol: tcp, FromPort: 9090, ToPort: 9090, CidrIp: 0.0.0.0/0}", {"W9137", "W9138"}),
        ("{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}", {"W9138"}),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 203.0.113.7/32}", set()),
    ],
)
def test_a_host_for_anybody_is_named(say: Say, rule: str, said: set[str]) -> None:
    assert ids(say, HOST.replace(RULE, rule)) == said


def test_a_group_for_logins_is_named_though_nothing_carries_it(say: Say) -> None:
    alone = HOST.partition("  Box:")[0]
    open_ = alone.replace(RULE, "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}")
    assert ids(say, open_) == {"E9123"}
    everything = alone.replace(RULE, "{IpProtocol: '-1', CidrIp: 0.0.0.0/0}")
    assert ids(say, everything) == set()  # a balancer's may be so


def test_an_address_of_its_own_is_a_way_in(say: Say) -> None:
    card = "NetworkInterfaces: [{AssociatePublicIpAddress: true, GroupSet: [!GetAtt Jump.GroupId]}]"
    assert ids(say, HOST.replace("SecurityGroupIds: [!GetAtt Jump.GroupId]", card)) == {"W9138"}
    at = "  At: {Type: 'AWS::EC2::EIP', Properties: {InstanceId: !Ref Box}}\n"
    assert ids(say, HOST + at) == {"W9138"}


SERVED = """
Resources:
  Net: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 172.20.0.0/16}}
  Zone: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Net, CidrBlock: 172.20.1.0/24}}
  Ways: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}
  Has:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Zone, RouteTableId: !Ref Ways}
  Bucket: {Type: 'AWS::S3::Bucket', Properties: {}}
  Near:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref Net
      ServiceName: !Sub com.amazonaws.${AWS::Region}.s3
      RouteTableIds: [!Ref Ways]
  Wide:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      GroupDescription: wide
      SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]
  May:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
      Policies:
      - PolicyName: p
        PolicyDocument:
          Version: '2012-10-17'
          Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: !Sub '${Bucket.Arn}/*'}]
  Work:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt May.Arn
      VpcConfig: {SubnetIds: [!Ref Zone], SecurityGroupIds: [!GetAtt Wide.GroupId]}
"""


def test_the_internet_is_for_who_has_no_endpoint(say: Say) -> None:
    assert len(say("W9139", SERVED)) == 1
    assert say("W9139", SERVED.replace("CidrIp: 0.0.0.0/0", "DestinationPrefixListId: pl-6da54004")) == []
    assert say("W9139", SERVED.replace("s3:GetObject', Resource", "sqs:SendMessage', Resource")) == []


def test_a_list_of_a_service_lets_out_to_it_by_any_way(say: Say) -> None:
    listed = SERVED.replace("CidrIp: 0.0.0.0/0", "DestinationPrefixListId: pl-6da54004")
    by_nat = listed.replace("RouteTableIds: [!Ref Ways]", "RouteTableIds: [rtb-1]").replace(
        "  Bucket:",
        "  Out: {Type: 'AWS::EC2::Route', Properties: {RouteTableId: !Ref Ways, "
        "DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: nat-1}}\n  Bucket:",
    )
    assert say("E9102", by_nat) == []
    assert len(say("E9102", by_nat.replace("pl-6da54004", "pl-02cd2c6b"))) == 1  # DynamoDB's
