"""Whether each flow of a shop's function and its tasks is open to the end."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import OUTWARD, SHOP


def of(say: Say, root: str, **others: str) -> list[str]:
    """The ids of the flows that break."""
    return sorted(finding.split()[1] for finding in say("E910", root, **others))


def broken(old: str, new: str) -> str:
    assert old in SHOP
    return SHOP.replace(old, new)


def test_flows_that_are_open_to_the_end_are_well(say: Say) -> None:
    assert of(say, SHOP) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("PrivateDnsEnabled: true", "PrivateDnsEnabled: false", "E9101"),
        (".sqs\n", ".sns\n", "E9101"),
        ("CidrIp: !GetAtt Net.CidrBlock", "CidrIp: 172.20.1.0/24", "E9103"),
        ("FromPort: 443, ToPort: 443", "FromPort: 80, ToPort: 80", "E9103"),
        ("'sqs:Send*'", "'sqs:Receive*'", "E9104"),
        ("'aws:PrincipalAccount'", "'aws:PrincipleAccount'", "E9104"),
        ("Principal: '*'", "Principal: {Service: lambda.amazonaws.com}", "E9104"),
        ("Resource: '*'", "Resource: 'arn:aws:sqs:eu-west-2:111122223333:other'", "E9104"),
        ("SourceSecurityGroupId: !GetAtt WebGroup", "SourceSecurityGroupId: !GetAtt EndGroup", "E9106"),
        ("Engine: aurora-mysql", "Engine: aurora-mysql\n      Port: 3307", "E9106"),
        ("FromPort: '3306', ToPort: '3306'", "FromPort: '5432', ToPort: '5432'", "E9106"),
        ("DB_HOST: !GetAtt Db.Endpoint.Address", "DB_HOST: !Ref Db", "E9108"),
        ("DB_PORT: !GetAtt Db.Endpoint.Port", "DB_PORT: '5432'", "E9109"),
    ],
)
def test_a_flow_is_told_where_it_breaks(say: Say, old: str, new: str, expected: str) -> None:
    assert of(say, broken(old, new))[0] == expected


CLOSED = "WebGroup: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Net, GroupDescription: web}}"
OUT = """WebGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      GroupDescription: web
      SecurityGroupEgress:
      - {IpProtocol: tcp, FromPort: FIRST, ToPort: LAST, CidrIp: 172.20.0.0/16}
"""


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [("443", "3306", []), ("3306", "3306", ["E9102"]), ("443", "443", ["E9105"])],
)
def test_a_group_with_rules_lets_out_what_they_name(
    say: Say, first: str, last: str, expected: list[str]
) -> None:
    assert of(say, broken(CLOSED, OUT.replace("FIRST", first).replace("LAST", last))) == expected


def test_the_way_is_told_hop_by_hop(say: Say) -> None:
    (finding,) = say("E9106", broken("GetAtt WebGroup.GroupId}\n", "GetAtt DbGroup.GroupId}\n"))
    assert "Web → WebGroup → DbGroup of Db does not let WebGroup in on tcp 3306" in finding


def test_a_function_without_a_network_does_not_reach_a_private_database(say: Say) -> None:
    alone = "\n".join(line for line in SHOP.splitlines() if "VpcConfig" not in line)
    assert of(say, alone) == ["E9107"]
    by_data_api = alone.replace("Engine: aurora", "EnableHttpEndpoint: true\n      Engine: aurora")
    assert of(say, by_data_api) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SecurityGroupIds: [!GetAtt WebGroup.GroupId]", "SecurityGroupIds: [!ImportValue web]"),
        ("SourceSecurityGroupId: !GetAtt WebGroup.GroupId", "SourceSecurityGroupId: !ImportValue web"),
        ("CidrIp: !GetAtt Net.CidrBlock", "CidrIp: !ImportValue range"),
        ("Principal: '*'", "Principal: {AWS: !ImportValue who}"),
    ],
)
def test_what_stands_elsewhere_is_no_break(say: Say, old: str, new: str) -> None:
    assert of(say, broken(old, new)) == []


def test_a_network_from_elsewhere_may_have_every_way(say: Say) -> None:
    imported = SHOP.replace("VpcId: !Ref Net", "VpcId: !ImportValue net")
    assert of(say, imported.replace(".sqs\n", ".sns\n").replace("!GetAtt Net.CidrBlock", "0.0.0.0/0")) == []


TASKS = """
  Cluster: {Type: 'AWS::ECS::Cluster'}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      ContainerDefinitions:
      - Name: api
        Image: !Sub ${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/api:1
        LogConfiguration:
          LogDriver: awslogs
          Options: {awslogs-region: !Ref AWS::Region, awslogs-group: api, awslogs-stream-prefix: api}
  Api:
    Type: AWS::ECS::Service
    Properties:
      LaunchType: FARGATE
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Task
      NetworkConfiguration:
        AwsvpcConfiguration: {Subnets: [!Ref Inner1], SecurityGroups: [!GetAtt WebGroup.GroupId]}
"""


def test_a_task_needs_its_registry_its_layers_and_its_log(say: Say) -> None:
    told = say("E9101", SHOP + TASKS)
    services = {finding.split(" to ")[1].split(" (")[0] for finding in told}
    assert services == {"ecr.api", "ecr.dkr", "s3", "logs"}


def test_a_nat_gateway_is_a_way_to_all_of_them(say: Say) -> None:
    assert of(say, SHOP + TASKS + OUTWARD) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DestinationCidrBlock: 0.0.0.0/0, NatGatewayId", "DestinationCidrBlock: 10.0.0.0/8, NatGatewayId"),
        ("SubnetId: !Ref Outer, AllocationId", "SubnetId: !Ref Inner1, AllocationId"),
        ("NatGatewayId: !Ref Nat", "GatewayId: !Ref World"),
        ("VpcId: !Ref Net, InternetGatewayId", "VpcId: vpc-0, InternetGatewayId"),
    ],
)
def test_a_nat_gateway_that_leads_nowhere_is_no_way(say: Say, old: str, new: str) -> None:
    assert old in OUTWARD
    assert "E9101" in of(say, SHOP + TASKS + OUTWARD.replace(old, new))


def test_an_agent_on_a_host_calls_from_the_host(say: Say) -> None:
    on_hosts = TASKS.replace("LaunchType: FARGATE", "LaunchType: EC2")
    assert of(say, SHOP + on_hosts) == []


LISTED = """
  Bucket:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref Net
      ServiceName: !Sub com.amazonaws.${AWS::Region}.s3
      RouteTableIds: [!Ref Table]
      PolicyDocument:
        Statement:
        - {Effect: Allow, Principal: '*', Action: 's3:GetObject', Resource: LAYERS}
"""
LAYERS = "!Sub 'arn:aws:s3:::prod-${AWS::Region}-starport-layer-bucket/*'"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [(LAYERS, 0), (LAYERS.replace("/*", ""), 1), ("'arn:aws:s3:::shop/*'", 1), ("'*'", 0)],
)
def test_the_layers_of_images_pass_the_gateway_endpoint(say: Say, resource: str, expected: int) -> None:
    told = say("E9104", SHOP + TASKS + OUTWARD + LISTED.replace("LAYERS", resource))
    assert len(told) == expected
