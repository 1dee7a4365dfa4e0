"""Subnets and their tables: where routes lead, and that what belongs together has the same ways out."""

from collections.abc import Iterator

from rules.families.reach.network_model import ENDPOINT, Network, network
from rules.families.reach.network_parties import (
    AWSVPC,
    FUNCTION,
    SERVICE,
    SUBNET_GROUPS,
    callers,
    interface_endpoints,
    resources,
    stores,
)
from rules.families.reach.network_paths import service_of
from rules.families.reach.subnet_ways import SUBNET
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known

TABLES = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"
GATEWAYS = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html"
RDS_VPC = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html"


def lists(net: Network) -> Iterator[tuple[Resource, Steps, tuple[Resource, ...]]]:
    """(what names them, where, subnets) of each list of subnets that can be followed."""
    for group in net.site.all(*SUBNET_GROUPS):
        listed = resources(net, net.site.items(group, "SubnetIds"), SUBNET)
        if listed:
            yield group, ("SubnetIds",), listed
    for party in (*callers(net), *interface_endpoints(net)):
        if party.subnets:
            yield party.resource, party.subnets_at, party.subnets


def _ways(net: Network, subnet: Resource) -> frozenset[str]:
    """What kinds of ways a subnet has out, whatever zone they are of."""
    table = net.table(subnet)
    if table is None:
        return frozenset({"the main table" if subnet in net.unrouted else "?"})
    ways = set()
    for route, destination in net.routes(table):
        value = net.target(route)
        kind = value.resource.kind.rpartition("::")[2] if isinstance(value, Reference) else str(value)
        ways.add(f"{destination} by a {kind}")
    for endpoint in net.site.all(ENDPOINT):
        if any(net.site.target(one) == table for one in net.site.items(endpoint, "RouteTableIds")):
            ways.add(f"{service_of(net, endpoint) or endpoint} by a gateway endpoint")
    return frozenset(ways)


def _told(ways: frozenset[str]) -> str:
    return ", ".join(sorted(ways)) or "no way out"


@rule(
    "W9140",
    cause="{user} stands in subnets with different ways out: {one} has {ways}, {other} has {others}",
    remedy="route the subnets alike, or name subnets of one tier alone",
    sources=(TABLES,),
)
def subnets_of_one_list_with_different_ways_out(site: Site) -> Iterator[Finding]:
    net = network(site)
    if net.routes_elsewhere:
        return
    for user, place, subnets in lists(net):
        ways = {subnet: _ways(net, subnet) for subnet in subnets}
        counted = sorted(ways, key=lambda subnet: sum(one == ways[subnet] for one in ways.values()))
        odd, usual = counted[0], counted[-1]
        if ways[odd] != ways[usual] and not any("?" in one for one in ways.values()):
            parts = {"one": odd, "ways": _told(ways[odd]), "other": usual, "others": _told(ways[usual])}
            yield found(user, *place, user=user, **parts)


@rule(
    "W9141",
    cause="{subnet} has no route table of its own, so it has the VPC's main table, which anyone may change",
    remedy="add a SubnetRouteTableAssociation, also where the table has no route out",
    sources=(TABLES,),
    demanding=True,
)
def a_subnet_with_the_main_table(site: Site) -> Iterator[Finding]:
    net = network(site)
    if site.tree.root.parameters and not any(site.all("AWS::EC2::SubnetRouteTableAssociation")):
        return
    for subnet in site.all(SUBNET):
        beside = [one for one in site.all(SUBNET) if net.table(one) and net.vpc(one) == net.vpc(subnet)]
        if subnet in net.unrouted and net.vpc(subnet) is not None and beside:
            yield found(subnet, subnet=subnet)


@rule(
    "E9143",
    cause="{store} stands in {subnet}, which {route} makes public",
    remedy="place it in subnets whose route table has no internet gateway",
    sources=(RDS_VPC,),
    demanding=True,
)
def a_store_in_a_public_subnet(site: Site) -> Iterator[Finding]:
    net = network(site)
    for store in stores(net):
        for subnet in store.subnets or ():
            if net.public(subnet):
                route = net.default_route(subnet)
                yield found(store.resource, *store.subnets_at, store=store, subnet=subnet, route=route)


@rule(
    "W9149",
    cause="{subnet} holds {tenants} and nothing that calls out, and {route} leads out to the internet",
    remedy="leave its table without a default route",
    sources=(RDS_VPC,),
    demanding=True,
)
def a_way_out_of_subnets_of_stores(site: Site) -> Iterator[Finding]:
    net = network(site)
    for subnet in site.all(SUBNET):
        route = net.default_route(subnet)
        tenants = [use.user for use in site.uses(subnet) if not use.user.kind.startswith("AWS::EC2::Subnet")]
        quiet = tenants and all(one.kind in SUBNET_GROUPS for one in tenants)
        if route is not None and quiet and subnet not in net.given_out and not net.public(subnet):
            names = ", ".join(map(str, dict.fromkeys(tenants)))
            yield found(route, "DestinationCidrBlock", subnet=subnet, tenants=names, route=route)


@rule(
    "W9145",
    cause="{caller} stands in {subnet}, which is public, and has no public address to call out by",
    remedy="place it in private subnets with a way out by a NAT gateway",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html",
    ),
)
def a_caller_without_an_address_in_a_public_subnet(site: Site) -> Iterator[Finding]:
    net = network(site)
    for caller in callers(net):
        address = site.get(caller.resource, *AWSVPC, "AssignPublicIp")
        if caller.resource.kind == SERVICE and (not known(address) or address == "ENABLED"):
            continue
        subnets = [subnet for subnet in caller.subnets or () if net.public(subnet)]
        if subnets and caller.resource.kind in (SERVICE, FUNCTION):
            yield found(caller.resource, *caller.subnets_at, caller=caller, subnet=subnets[0])
