"""Where stores stand among the tiers, and what a user of a cache or an event may do there."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import OUTWARD, SHOP

QUIET = """
  Deep:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Net
      CidrBlock: 172.20.5.0/24
      AvailabilityZone: !Select [0, !GetAZs '']
      Tags: [{Key: Stage, Value: test}]
  DeepTable: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}
  DeepIn:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Deep, RouteTableId: !Ref DeepTable}
"""
KEPT = """
  DeepStores: {Type: 'AWS::ElastiCache::SubnetGroup', Properties: {Description: x, SubnetIds: [!Ref Deep]}}
"""
TO_S3 = """
  Objects:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref Net
      ServiceName: !Sub com.amazonaws.${AWS::Region}.s3
      VpcEndpointType: Gateway
      RouteTableIds: [!Ref TABLE]
"""


def test_stores_leave_the_tier_that_leads_out_where_there_is_another(say: Say) -> None:
    (finding,) = say("W9156", SHOP + OUTWARD + QUIET)
    assert "Subnets places stores in Inner1, from which ByNat leads out, and Deep has no way out" in finding
    assert say("W9156", SHOP + QUIET) == [], "no subnet leads out"


@pytest.mark.parametrize(("table", "count"), [("DeepTable", 1), ("Table", 0)])
def test_a_gateway_endpoint_is_where_somebody_calls(say: Say, table: str, count: int) -> None:
    assert len(say("W9157", SHOP + QUIET + KEPT + TO_S3.replace("TABLE", table))) == count


USER = """\
Resources:
  Reader:
    Type: AWS::ElastiCache::User
    Properties:
      UserId: reader
      UserName: reader
      Engine: redis
      AccessString: 'ACCESS'
      Tags: [{Key: env, Value: ci}]
"""


@pytest.mark.parametrize(
    ("access", "count"),
    [
        ("on ~* +@all", 1),
        ("on allkeys allcommands", 1),
        ("on ~* +@all -@dangerous", 0),
        ("on ~app:* +@read +@write", 0),
        ("off ~* +@all", 0),
    ],
)
def test_a_user_of_a_cache_gives_the_commands_that_it_needs(say: Say, access: str, count: int) -> None:
    assert len(say("W9217", USER.replace("ACCESS", access))) == count


TOPIC = """\
Resources:
  News: {Type: AWS::SNS::Topic}
  May:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref News]
      PolicyDocument:
        Statement:
        - Sid: Events
          Effect: Allow
          Principal: {Service: events.amazonaws.com}
          Action: sns:Publish
          Resource: !Ref News
          Condition: {StringEquals: {'aws:SourceAccount': !Ref AWS::AccountId}}
  Stopped:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.ecs]}
      Targets: [{Id: news, Arn: !Ref News}]
"""


def test_a_topic_lets_eventbridge_in_without_a_condition(say: Say) -> None:
    (finding,) = say("E9249", TOPIC)
    assert "Events lets EventBridge speak to News under a condition on aws:SourceAccount" in finding
    condition = "          Condition: {StringEquals: {'aws:SourceAccount': !Ref AWS::AccountId}}\n"
    assert say("E9249", TOPIC.replace(condition, "")) == []
    alarms = TOPIC.replace("events.amazonaws.com", "cloudwatch.amazonaws.com")
    assert say("E9249", alarms) == [], "alarms do meet conditions"


KEY = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
        - Effect: Allow
          Principal: {AWS: !Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'}
          Action: ACTION
          Resource: '*'
  Login: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !GetAtt Key.Arn}}
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]
      Policies:
      - PolicyName: read
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: 'secretsmanager:GetSecretValue', Resource: !Ref Login}
          - {Effect: Allow, Action: 'kms:Decrypt', Resource: !GetAtt Key.Arn}
"""


@pytest.mark.parametrize(("action", "count"), [("'kms:*'", 0), ("['kms:Describe*', 'kms:PutKeyPolicy']", 1)])
def test_a_role_s_policy_counts_where_the_key_leaves_it_to_the_account(
    say: Say, action: str, count: int
) -> None:
    findings = say("E9220", KEY.replace("ACTION", action))
    assert len(findings) == count
    assert all("the policy of Key leaves that to no policy of IAM" in finding for finding in findings)


RESOLVERS = """
  Options: {Type: 'AWS::EC2::DHCPOptions', Properties: {DomainNameServers: [SERVERS]}}
  Resolves:
    Type: AWS::EC2::VPCDHCPOptionsAssociation
    Properties: {VpcId: !Ref Net, DhcpOptionsId: !Ref Options}
"""


@pytest.mark.parametrize(("servers", "count"), [("10.1.1.1, 10.1.1.2", 1), ("AmazonProvidedDNS", 0)])
def test_names_of_endpoints_are_known_to_the_resolver_of_the_vpc(say: Say, servers: str, count: int) -> None:
    assert len(say("E9176", SHOP + RESOLVERS.replace("SERVERS", servers))) == count


def test_an_address_waits_for_the_gateway(say: Say) -> None:
    tagged = SHOP + OUTWARD + QUIET
    assert say("W9158", tagged) == []
    (finding,) = say("W9158", tagged.replace("'AWS::EC2::EIP', DependsOn: Bound", "'AWS::EC2::EIP'"))
    assert "address Address of Nat is made without waiting for Bound" in finding
