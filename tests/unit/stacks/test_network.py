"""The network in each of its shapes."""

import itertools
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import msgspec
import pytest

from parameters.network import Nat
from parameters.settings import load

Template = dict[str, Any]
Nested = Callable[..., Template]
OfType = Callable[[Template, str], dict[str, dict[str, Any]]]

# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
DEFAULT_FLOW_LOG = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} "
    "${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)

# Why each is there: docs/decisions/endpoints.md
INTERFACES = ["ecr.api", "ecr.dkr", "kinesis-streams", "logs", "secretsmanager", "sns"]

SHAPES = [
    pytest.param(
        environment, nat, private, id=f"{environment}-{nat.value}-{'endpoints' if private else 'open'}"
    )
    for environment in ("dev", "prod")
    for nat in Nat
    for private in (True, False)
    if private or nat is not Nat.NONE
]


@pytest.fixture
def network(environment: str, nat: Nat, private: bool, nested: Nested) -> Template:
    return {
        **nested("network", environment, nat=nat, interface_endpoints=private),
        "nat": nat.value,
        "private": private,
        "zones": 2 if environment == "dev" else 3,
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes the network is held in each of its shapes."""
    if "network" in metafunc.fixturenames:
        metafunc.parametrize(("environment", "nat", "private"), SHAPES)


def defaults(network: Template, of_type: OfType) -> dict[str, dict[str, Any]]:
    """Route table → its default route."""
    return {
        route["Properties"]["RouteTableId"]["Ref"]: route["Properties"]
        for route in of_type(network, "AWS::EC2::Route").values()
        if route["Properties"]["DestinationCidrBlock"] == "0.0.0.0/0"
    }


def test_every_subnet_has_a_table_of_its_own(network: Template, of_type: OfType) -> None:
    bound = {
        made["Properties"]["SubnetId"]["Ref"]: made["Properties"]["RouteTableId"]["Ref"]
        for made in of_type(network, "AWS::EC2::SubnetRouteTableAssociation").values()
    }
    assert set(bound) == set(of_type(network, "AWS::EC2::Subnet"))
    assert sorted(bound.values()) == sorted(of_type(network, "AWS::EC2::RouteTable"))
    assert len(bound) == network["zones"] * (2 if network["nat"] == "none" else 3)


def test_no_subnet_gives_public_addresses(network: Template, of_type: OfType) -> None:
    subnets = of_type(network, "AWS::EC2::Subnet").values()
    assert {made["Properties"]["MapPublicIpOnLaunch"] for made in subnets} == {False}


def test_the_data_tier_has_no_way_out(network: Template, of_type: OfType) -> None:
    assert not [table for table in defaults(network, of_type) if table.startswith("Data")]


def test_each_mode_has_its_gateways(network: Template, of_type: OfType) -> None:
    count = {"none": 0, "one": 1, "per-az": network["zones"]}[network["nat"]]
    assert len(of_type(network, "AWS::EC2::NatGateway")) == count
    assert len(of_type(network, "AWS::EC2::EIP")) == count
    assert len(of_type(network, "AWS::EC2::InternetGateway")) == (count > 0)


def test_the_app_tier_leaves_through_nat_in_its_own_zone_where_there_is_one(
    network: Template, of_type: OfType
) -> None:
    ways = {
        table[-1]: route["NatGatewayId"]["Ref"][-1]
        for table, route in defaults(network, of_type).items()
        if table.startswith("App")
    }
    zones = "ABC"[: network["zones"]]
    assert (
        ways
        == {
            "none": {},
            "one": dict.fromkeys(zones, "A"),
            "per-az": {zone: zone for zone in zones},
        }[network["nat"]]
    )


def test_a_nat_gateway_stands_in_a_subnet_that_leads_to_the_internet(
    network: Template, of_type: OfType
) -> None:
    for gateway in of_type(network, "AWS::EC2::NatGateway").values():
        subnet = gateway["Properties"]["SubnetId"]["Ref"]
        table = subnet.replace("Public", "PublicRoutes")
        assert defaults(network, of_type)[table]["GatewayId"] == {"Ref": "Internet"}


def test_without_nat_there_must_be_endpoints() -> None:
    network = load("prod").network
    with pytest.raises(ValueError, match="interface_endpoints must be true with nat: none"):
        msgspec.structs.replace(network, nat=Nat.NONE, interface_endpoints=False)


def test_dev_saves_the_endpoints_and_prod_has_them() -> None:
    assert not load("dev").network.interface_endpoints
    assert load("prod").network.interface_endpoints


def test_every_service_has_an_endpoint_in_every_app_subnet_or_none_has(
    network: Template, of_type: OfType
) -> None:
    made = [endpoint["Properties"] for endpoint in of_type(network, "AWS::EC2::VPCEndpoint").values()]
    interfaces = [endpoint for endpoint in made if endpoint["VpcEndpointType"] == "Interface"]
    services = [endpoint["ServiceName"]["Fn::Sub"].partition("${AWS::Region}.")[2] for endpoint in interfaces]
    assert sorted(services) == (INTERFACES if network["private"] else [])
    for endpoint in interfaces:
        subnets = [subnet["Ref"] for subnet in endpoint["SubnetIds"]]
        assert subnets == [f"App{zone}" for zone in "ABC"[: network["zones"]]]
        assert endpoint["PrivateDnsEnabled"] is True


def test_gateways_serve_every_app_table(network: Template, of_type: OfType) -> None:
    made = of_type(network, "AWS::EC2::VPCEndpoint")
    for title in ("S3Endpoint", "DynamoDbEndpoint"):
        tables = [table["Ref"] for table in made[title]["Properties"]["RouteTableIds"]]
        assert tables == [f"AppRoutes{zone}" for zone in "ABC"[: network["zones"]]]


def edges(network: Template, of_type: OfType) -> tuple[set[tuple[str, str, int]], set[tuple[str, str, int]]]:
    """(caller, called, port) as the callers' rules say, and as the called ones' do."""

    def name(reference: dict[str, Any]) -> str:
        return str(reference["Fn::GetAtt"][0])

    egress = [made["Properties"] for made in of_type(network, "AWS::EC2::SecurityGroupEgress").values()]
    ingress = [made["Properties"] for made in of_type(network, "AWS::EC2::SecurityGroupIngress").values()]
    return (
        {
            (name(rule["GroupId"]), name(rule["DestinationSecurityGroupId"]), rule["ToPort"])
            for rule in egress
            if "DestinationSecurityGroupId" in rule
        },
        {(name(rule["SourceSecurityGroupId"]), name(rule["GroupId"]), rule["ToPort"]) for rule in ingress},
    )


def test_every_rule_out_meets_a_rule_in(network: Template, of_type: OfType) -> None:
    out, into = edges(network, of_type)
    assert out == into
    services = {
        ("ProcessorGroup", "EndpointsGroup", 443),
        ("ProcessorGroup", "SecretsEndpointGroup", 443),
        ("RotationGroup", "SecretsEndpointGroup", 443),
    }
    assert out == {
        ("ProcessorGroup", "DatabaseGroup", 5432),
        ("ProcessorGroup", "CacheGroup", 6379),
        ("RotationGroup", "DatabaseGroup", 5432),
        *(services if network["private"] else ()),
    }


def test_the_open_internet_is_named_only_where_there_are_no_endpoints(
    network: Template, of_type: OfType
) -> None:
    egress = {
        title: made["Properties"] for title, made in of_type(network, "AWS::EC2::SecurityGroupEgress").items()
    }
    open_rules = {title: rule for title, rule in egress.items() if "CidrIp" in rule}
    assert set(open_rules) == (set() if network["private"] else {"ProcessorToServices", "RotationToServices"})
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in open_rules.values()} <= {
        ("tcp", 443, 443)
    }
    lists = {
        title: rule["DestinationPrefixListId"]
        for title, rule in egress.items()
        if "DestinationPrefixListId" in rule
    }
    expected = {"ProcessorToS3": "pl-7ca54015", "ProcessorToDynamoDb": "pl-b3a742da"}
    assert lists == (expected if network["private"] else {})


def test_a_corrected_prefix_list_reaches_the_firewall(nested: Nested) -> None:
    made = nested("network", "prod", s3_prefix_list="pl-0123456789abcdef0")["Resources"]
    assert made["ProcessorToS3"]["Properties"]["DestinationPrefixListId"] == "pl-0123456789abcdef0"


def test_a_group_is_made_empty(network: Template, of_type: OfType) -> None:
    for group in of_type(network, "AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group["Properties"]
        (only,) = group["Properties"]["SecurityGroupEgress"]
        assert only["CidrIp"] == "127.0.0.1/32"


def test_traffic_is_recorded_refused_or_not(network: Template, of_type: OfType) -> None:
    (log,) = of_type(network, "AWS::EC2::FlowLog").values()
    assert log["Properties"]["TrafficType"] == "ALL"
    fields = log["Properties"]["LogFormat"].split()
    assert fields[:14] == DEFAULT_FLOW_LOG.split(), "tools that read the default format find it in front"
    assert {"${pkt-srcaddr}", "${flow-direction}", "${traffic-path}"} <= set(fields[14:])
    (group,) = of_type(network, "AWS::Logs::LogGroup").values()
    assert group["Properties"]["KmsKeyId"] == {"Ref": "LogsKeyArn"}


def test_the_flow_logs_may_write_their_own_group_only(
    network: Template, statements: Callable[[Template], list[dict[str, Any]]]
) -> None:
    (statement,) = statements(network["Resources"]["FlowLogWriter"])
    assert statement["Resource"] == [{"Fn::GetAtt": ["FlowLogGroup", "Arn"]}], "it ends in :* by itself"


def test_subnets_do_not_overlap_and_lie_in_the_network(network: Template, of_type: OfType) -> None:
    (vpc,) = of_type(network, "AWS::EC2::VPC").values()
    whole = IPv4Network(vpc["Properties"]["CidrBlock"])
    subnets = [
        IPv4Network(made["Properties"]["CidrBlock"]) for made in of_type(network, "AWS::EC2::Subnet").values()
    ]
    assert all(subnet.subnet_of(whole) for subnet in subnets)
    assert not [pair for pair in itertools.combinations(subnets, 2) if pair[0].overlaps(pair[1])]
