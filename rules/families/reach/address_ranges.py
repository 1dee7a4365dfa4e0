"""Ranges of addresses: subnets lie within their VPC, and what belongs together is of one VPC."""

from collections.abc import Iterator
from itertools import combinations

from rules.families.reach.network_model import ENDPOINT, GROUP, INGRESS, Network, network
from rules.families.reach.network_parties import (
    SUBNET_GROUPS,
    Party,
    callers,
    interface_endpoints,
    resources,
    stores,
)
from rules.families.reach.subnet_ways import ASSOCIATION, SUBNET, TABLE, VPC, network_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

SIZING = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"
GROUPS = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"
TABLES = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"


@rule(
    "E9160",
    cause="{subnet} ({range}) and {other} ({others}) overlap",
    remedy="give each subnet of a VPC a range of its own",
    sources=(SIZING,),
)
def two_subnets_that_overlap(site: Site) -> Iterator[Finding]:
    net = network(site)
    placed = [(one, network_of(site.get(one, "CidrBlock"))) for one in site.all(SUBNET)]
    for (one, first), (other, second) in combinations(placed, 2):
        alike = net.vpc(one) is not None and net.vpc(one) == net.vpc(other)
        if alike and first is not None and second is not None and first.overlaps(second):
            yield found(other, "CidrBlock", subnet=other, range=second, other=one, others=first)


@rule(
    "E9161",
    cause="{subnet} ({range}) lies outside of {vpc} ({whole})",
    remedy="give it a range within the VPC's",
    sources=(SIZING,),
)
def a_subnet_outside_of_its_vpc(site: Site) -> Iterator[Finding]:
    net = network(site)
    blocks = list(site.all("AWS::EC2::VPCCidrBlock"))
    for subnet in site.all(SUBNET):
        vpc = net.vpc(subnet)
        mine = network_of(site.get(subnet, "CidrBlock"))
        if vpc is None or mine is None or any(not known(site.get(one, "CidrBlock")) for one in blocks):
            continue
        more = [one for one in blocks if site.target(site.get(one, "VpcId"), VPC) == vpc]
        if any(site.get(one, "CidrBlock") is None and site.get(one, "Ipv4IpamPoolId") for one in more):
            continue
        wholes = [network_of(site.get(one, "CidrBlock")) for one in (vpc, *more)]
        if None not in wholes and not any(whole and mine.subnet_of(whole) for whole in wholes):
            yield found(subnet, "CidrBlock", subnet=subnet, range=mine, vpc=vpc, whole=wholes[0])


@rule(
    "E9162",
    cause="{subnet} has a range of {size} addresses ({range}), and a VPC takes /16 to /28",
    remedy="give it a block between /16 and /28",
    sources=(SIZING,),
)
def a_range_of_a_size_that_no_vpc_takes(site: Site) -> Iterator[Finding]:
    for one in site.all(VPC, SUBNET):
        block = network_of(site.get(one, "CidrBlock"))
        if block is not None and not 16 <= block.prefixlen <= 28:
            yield found(one, "CidrBlock", subnet=one, size=block.num_addresses, range=block)


@rule(
    "E9163",
    cause="{user} names {one} of {vpc} and {other} of {another}",
    remedy="name subnets, groups and tables of one VPC; a group without VpcId is of the default one",
    sources=(GROUPS, TABLES),
)
def things_of_two_networks(site: Site) -> Iterator[Finding]:
    net = network(site)
    for user, place, named in _together(net):
        homes = [(one, _home(net, one)) for one in named]
        settled = [(one, home) for one, home in homes if home]
        for one, home in settled[1:]:
            if home != settled[0][1]:
                yield found(
                    user, *place, user=user, one=settled[0][0], vpc=settled[0][1], other=one, another=home
                )
                break


def _home(net: Network, resource: Resource) -> str:
    """Its VPC; "" where nobody knows."""
    value = net.site.get(resource, "VpcId")
    if resource.kind == VPC:
        return str(resource)
    if value is None:
        return "the default VPC"
    vpc = net.vpc(resource)
    return str(vpc) if vpc is not None else str(value) if known(value) else ""


def _together(net: Network) -> Iterator[tuple[Resource, tuple[str | int, ...], list[Resource]]]:
    site = net.site
    parties: list[Party] = [*callers(net), *stores(net)]
    for party in parties:
        yield party.resource, party.groups_at, [*(party.subnets or ()), *(party.groups or ())]
    for endpoint in interface_endpoints(net):
        vpc = net.vpc(endpoint.resource)
        own = [vpc] if vpc is not None else []
        yield endpoint.resource, ("VpcId",), [*own, *(endpoint.subnets or ()), *(endpoint.groups or ())]
    for endpoint_of in site.all(ENDPOINT):
        tables = resources(net, site.items(endpoint_of, "RouteTableIds"), TABLE) or ()
        vpc = net.vpc(endpoint_of)
        yield endpoint_of, ("RouteTableIds",), [*([vpc] if vpc else []), *tables]
    for association in site.all(ASSOCIATION):
        subnet = site.target(site.get(association, "SubnetId"), SUBNET)
        table = site.target(site.get(association, "RouteTableId"), TABLE)
        yield association, ("RouteTableId",), [one for one in (subnet, table) if one is not None]
    for group in site.all(*SUBNET_GROUPS):
        yield group, ("SubnetIds",), list(resources(net, site.items(group, "SubnetIds"), SUBNET) or ())
    peered = any(site.all("AWS::EC2::VPCPeeringConnection", "AWS::EC2::TransitGatewayAttachment"))
    for kind, name in (
        (INGRESS, "SourceSecurityGroupId"),
        ("AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId"),
    ):
        for alone in site.all(kind) if not peered else ():
            ends = [site.target(site.get(alone, key), GROUP) for key in ("GroupId", name)]
            yield alone, (name,), [one for one in ends if one is not None]


@rule(
    "E9164",
    cause="{store} names a security group of {vpc} and no subnets, so it is made in the default VPC",
    remedy="name a subnet group of {vpc}",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    ),
)
def a_store_outside_of_the_network_of_its_group(site: Site) -> Iterator[Finding]:
    net = network(site)
    for store in stores(net):
        bound = (
            "DBClusterIdentifier",
            "ReplicationGroupId",
            "DBSnapshotIdentifier",
            "SourceDBInstanceIdentifier",
        )
        if site.get(store.resource, *store.subnets_at) is not None:
            continue
        if any(site.get(store.resource, name) is not None for name in bound[:2] + bound[3:]):
            continue
        for group in store.groups or ():
            vpc = net.vpc(group)
            if vpc is not None:
                yield found(store.resource, *store.subnets_at, store=store, vpc=vpc)
                break
