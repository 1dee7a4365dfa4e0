"""Routes to gateways: each leads to one that has a way on, in its own zone, and is made after it."""

from collections.abc import Iterator

from rules.families.reach.network_model import Network, network
from rules.families.reach.subnet_ways import ANYWHERE, ATTACHMENT, INTERNET, NAT, ROUTE, SUBNET, TABLE
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.reach import TARGETS
from topology.tree import Resource
from topology.values import known, references

GATEWAYS = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html"


@rule(
    "E9140",
    cause="NAT gateway {gateway} reaches nothing: {why}",
    remedy="place it in a subnet whose route table leads 0.0.0.0/0 to the VPC's own internet gateway",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html", GATEWAYS),
)
def a_nat_gateway_without_a_way_to_the_internet(site: Site) -> Iterator[Finding]:
    net = network(site)
    for gateway in site.all(NAT):
        used = any(site.target(net.target(route)) == gateway for route in site.all(ROUTE))
        private = site.get(gateway, "ConnectivityType") == "private" and not _to_internet(net, gateway)
        why = net.nat_blocked(gateway)
        if why and not private and (used or site.get(gateway, "ConnectivityType") != "private"):
            yield found(gateway, "SubnetId", gateway=gateway, why=why)


def _to_internet(net: Network, gateway: Resource) -> bool:
    return any(
        net.site.target(net.target(route)) == gateway
        and net.site.get(route, "DestinationCidrBlock") == ANYWHERE
        for route in net.site.all(ROUTE)
    )


@rule(
    "E9141",
    cause="{route} leads to {gateway}, which is attached to no VPC of {table}",
    remedy="attach the internet gateway to that VPC with a VPCGatewayAttachment",
    sources=(GATEWAYS,),
)
def a_route_to_an_internet_gateway_that_is_not_attached(site: Site) -> Iterator[Finding]:
    net = network(site)
    for route in site.all(ROUTE):
        gateway = site.target(net.target(route), INTERNET)
        table = site.target(site.get(route, "RouteTableId"), TABLE)
        vpc = net.vpc(table) if table else None
        if gateway is not None and vpc is not None and net.attached(gateway, vpc) is False:
            yield found(route, "GatewayId", route=route, gateway=gateway, table=table)


@rule(
    "E9142",
    cause="{route} leads nowhere: it names {count} targets",
    remedy="name one target: an internet gateway, a NAT gateway, an endpoint, a peering connection",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-route.html",),
)
def a_route_without_its_one_target(site: Site) -> Iterator[Finding]:
    for route in site.all(ROUTE):
        count = sum(site.get(route, name) is not None for name in TARGETS)
        if count != 1 and known(site.get(route, "RouteTableId")):
            yield found(route, route=route, count=count or "no")


@rule(
    "W9142",
    cause="{route} takes {subnet} of zone {zone} to {gateway} in zone {other}, though {near} is in its own",
    remedy="lead it to the NAT gateway of its own zone, so that another zone's end takes nothing with it",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html",),
    demanding=True,
)
def a_route_to_the_nat_gateway_of_another_zone(site: Site) -> Iterator[Finding]:
    net = network(site)
    zones: dict[str, Resource] = {}
    for gateway in site.all(NAT):
        stands = site.target(site.get(gateway, "SubnetId"), SUBNET)
        found_in = net.zones([stands]) if stands else None
        for zone in found_in or ():
            zones.setdefault(zone, gateway)
    for subnet in site.all(SUBNET):
        route = net.default_route(subnet)
        gateway_of = site.target(net.target(route), NAT) if route else None
        mine = net.zones([subnet])
        if route is None or gateway_of is None or mine is None or gateway_of not in zones.values():
            continue
        (zone,) = mine
        theirs = next(name for name, one in zones.items() if one == gateway_of)
        if zone in zones and theirs != zone and zones[zone] != gateway_of:
            parts = {"route": route, "subnet": subnet, "gateway": gateway_of, "zone": zone, "other": theirs}
            yield found(route, "NatGatewayId", **parts, near=zones[zone])


@rule(
    "W9143",
    cause="{resource} is made without waiting for {attachment}, and fails where it comes first",
    remedy="add DependsOn: {name}",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",),
)
def a_route_or_nat_gateway_that_does_not_wait_for_the_gateway(site: Site) -> Iterator[Finding]:
    net = network(site)
    for attachment in site.all(ATTACHMENT):
        gateway = site.target(site.get(attachment, "InternetGatewayId"), INTERNET)
        if gateway is None:
            continue
        for resource in site.all(ROUTE, NAT):
            if resource.stack != attachment.stack or attachment.name in _before(site, resource):
                continue
            if resource.kind == ROUTE:
                by_it = site.target(net.target(resource)) == gateway
            else:
                by_it = _is_public(net, resource, attachment)
            if by_it:
                parts = {"resource": resource, "attachment": attachment, "name": attachment.name}
                yield Finding(resource, ("DependsOn",), parts)


def _is_public(net: Network, gateway: Resource, attachment: Resource) -> bool:
    """Whether a NAT gateway needs the internet gateway of the network that is attached."""
    subnet = net.site.target(net.site.get(gateway, "SubnetId"), SUBNET)
    if subnet is None or net.site.get(gateway, "ConnectivityType") == "private":
        return False
    return net.vpc(subnet) is not None and net.vpc(subnet) == net.site.target(
        net.site.get(attachment, "VpcId")
    )


def _before(site: Site, resource: Resource) -> set[str]:
    """The logical ids of its own template that CloudFormation makes first."""
    stack = site.tree.stacks[resource.stack]
    found_names: set[str] = set()
    open_names = [resource.name]
    while open_names:
        one = stack.resources[open_names.pop()]
        waits = one.body.get("DependsOn") or []
        named = set(waits if isinstance(waits, list) else [waits])
        for value in site.properties(one).values():
            named |= {ref.resource.name for ref in references(value) if ref.resource.stack == resource.stack}
        fresh = {name for name in named if name in stack.resources} - found_names
        found_names |= fresh
        open_names += fresh
    return found_names


@rule(
    "W9144",
    cause="{gateway} and {other} both stand in zone {zone}, and {subnet}, which uses one, is in {away}",
    remedy="place one in a public subnet of {away}, so that no zone's end takes another's way out with it",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html",),
    demanding=True,
)
def two_nat_gateways_in_one_zone(site: Site) -> Iterator[Finding]:
    net = network(site)
    placed: dict[str, Resource] = {}
    twice: list[tuple[Resource, Resource, str]] = []
    for gateway in site.all(NAT):
        stands = site.target(site.get(gateway, "SubnetId"), SUBNET)
        for zone in (net.zones([stands]) if stands else None) or ():
            if placed.setdefault(zone, gateway) != gateway:
                twice.append((gateway, placed[zone], zone))
    for gateway, other, zone in twice:
        for subnet in site.all(SUBNET):
            route = net.default_route(subnet)
            to = site.target(net.target(route), NAT) if route else None
            mine = net.zones([subnet])
            if to in (gateway, other) and mine and not mine & placed.keys():
                parts = {"gateway": gateway, "other": other, "zone": zone, "subnet": subnet}
                yield found(gateway, "SubnetId", **parts, away=", ".join(mine))


@rule(
    "W9158",
    cause="address {address} of {gateway} is made without waiting for {attachment}",
    remedy="add DependsOn: {name}, as AWS asks for addresses in a network of the same template",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",),
    demanding=True,
)
def an_address_that_does_not_wait_for_the_gateway(site: Site) -> Iterator[Finding]:
    net = network(site)
    for attachment in site.all(ATTACHMENT):
        for gateway in site.all(NAT):
            address = site.target(site.get(gateway, "AllocationId"), "AWS::EC2::EIP")
            if address is None or address.stack != attachment.stack:
                continue
            if _is_public(net, gateway, attachment) and attachment.name not in _before(site, address):
                parts = {"address": address, "gateway": gateway, "attachment": attachment}
                yield Finding(address, ("DependsOn",), {**parts, "name": attachment.name})
