"""Doors that stand wider open than anybody needs: to the world, to a whole network, on every port."""

from collections.abc import Iterator

from rules.families.reach.network_model import Door, Network, network
from rules.families.reach.network_needs import containers
from rules.families.reach.network_parties import (
    FUNCTION,
    PORTS,
    SERVICE,
    STORES,
    Party,
    interface_endpoints,
    port,
    stores,
)
from rules.families.reach.network_paths import HTTPS, by_https
from rules.families.reach.subnet_ways import network_of
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource

RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html"
SERVERLESS = "AWS::ElastiCache::ServerlessCache"
# The port on which one answers reads from the nearest node: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ReadReplicas.html
READING = 6380
LARGE = 8  # a range of public addresses with a prefix so short is no partner's


def worldwide(door: Door) -> bool:
    """Whether a range is of anybody: all addresses, or more public ones than anyone has."""
    if door.kind == "range6":
        return str(door.other) in ("::/0", "::/1", "8000::/1", "2000::/3")
    block = network_of(door.other) if door.kind == "range" else None
    return block is not None and block.prefixlen <= LARGE and str(block) != "10.0.0.0/8"


def _ins(net: Network, guarded: Party) -> Iterator[Door]:
    for group in guarded.groups or ():
        yield from (door for door in net.doors.get(group, ()) if not door.out)


def _guarded(net: Network) -> Iterator[tuple[Party, int | None]]:
    """Databases, caches and endpoints, and the port that each listens on."""
    for store in stores(net):
        yield store, port(net, store.resource)
    for endpoint in interface_endpoints(net):
        yield endpoint, HTTPS if by_https(net, endpoint.resource) else None


def _told_once(net: Network) -> Iterator[tuple[Door, Party, int | None]]:
    seen: set[Door] = set()
    for guarded, on in _guarded(net):
        for door in _ins(net, guarded):
            if door not in seen:
                seen.add(door)
                yield door, guarded, on


def at(door: Door, **parts: object) -> Finding:
    return Finding(door.at, ("Properties", *door.path), {"group": door.group, "door": door, **parts})


@rule(
    "E9120",
    cause="{group} of {store} lets {range} in on {door}, so whoever finds a way to it may try to log in",
    remedy="let in only the security groups of what uses it",
    sources=(RULES, CONTROLS),
)
def a_store_that_is_open_to_the_world(site: Site) -> Iterator[Finding]:
    for door, guarded, _ in _told_once(network(site)):
        if worldwide(door) and guarded.resource.kind in STORES:
            yield at(door, store=guarded, range=door.other)


@rule(
    "W9135",
    cause="{group} of endpoint {endpoint} lets any address in ({range}, on {door})",
    remedy="let in the security groups of what calls it, or the VPC's own range",
    sources=("https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",),
    demanding=True,
)
def an_endpoint_that_is_open_to_any_address(site: Site) -> Iterator[Finding]:
    for door, guarded, _ in _told_once(network(site)):
        if worldwide(door) and guarded.resource.kind not in STORES:
            yield at(door, endpoint=guarded, range=door.other)


@rule(
    "W9120",
    cause="{group} of {store} lets the whole network in ({range}, on {door}), where a group would say who",
    remedy="let in the security groups of what uses it instead of a range of addresses",
    sources=(RULES,),
    demanding=True,
)
def a_store_that_is_open_to_a_whole_network(site: Site) -> Iterator[Finding]:
    """An endpoint is open so by custom, and named only where others are not."""
    net = network(site)
    pairs = any(door.kind == "group" for one in interface_endpoints(net) for door in _ins(net, one))
    for door, guarded, _ in _told_once(net):
        wide = net.whole(door) and not worldwide(door)
        if wide and (pairs or guarded.resource.kind in STORES):
            yield at(door, store=guarded, range=door.other)


@rule(
    "W9121",
    cause="{group} opens {door} of {store}, which listens on {port} alone",
    remedy="open FromPort and ToPort {port}, and nothing beside it",
    sources=(RULES,),
    demanding=True,
)
def a_door_wider_than_the_port_behind_it(site: Site) -> Iterator[Finding]:
    net = network(site)
    ports: dict[Resource, set[int | None]] = {}
    for guarded, on in _guarded(net):
        for group in guarded.groups or ():
            ports.setdefault(group, set()).add(on)
    for door, guarded, on in _told_once(net):
        listened = ports[door.group]
        others = set(net.members.get(door.group, ())) - {one.resource for one, _ in _guarded(net)}
        if None in listened or others or door.ports is None or on is None or worldwide(door):
            continue
        first, last = min(filter(None, listened)), max(filter(None, listened))
        if guarded.resource.kind == SERVERLESS and last == PORTS["valkey"]:
            last = READING
        if door.protocol != "tcp" or door.ports[0] < first or door.ports[1] > last:
            yield at(door, store=guarded, port=on)


@rule(
    "W9122",
    cause="{group} lets everything out, where the other groups of its network say to whom",
    remedy="give it SecurityGroupEgress with what its members call; where they call nobody, one rule to "
    "127.0.0.1/32 keeps EC2 from adding one to everywhere",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroup.html",
    ),
    demanding=True,
)
def a_group_that_lets_everything_out(site: Site) -> Iterator[Finding]:
    net = network(site)
    wide: dict[Resource, Door] = {}
    for group, doors in net.doors.items():
        for door in doors:
            everywhere = door.kind in ("range", "range6") and str(door.other) in ("0.0.0.0/0", "::/0")
            if door.out and everywhere and door.protocol == "-1":
                wide.setdefault(group, door)
    for group, door in wide.items():
        beside = [one for one in net.doors if one != group and net.vpc(one) == net.vpc(group)]
        closed = [one for one in beside if one not in wide]
        if len(closed) == len(beside) > 1 and not net.unsure:
            place = ("SecurityGroupEgress",) if door.implied else door.path
            yield Finding(door.at, ("Properties", *place), {"group": group})


@rule(
    "W9123",
    cause="{group} lets {range} in on {door}, and nothing that carries it takes calls: {members}",
    remedy="remove the rule; answers to calls that they make come back without one",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",),
    demanding=True,
)
def a_door_to_what_takes_no_calls(site: Site) -> Iterator[Finding]:
    net = network(site)
    for group, doors in net.doors.items():
        members = net.members.get(group, ())
        if members and group not in net.given_out and all(_takes_none(net, one) for one in members):
            for door in doors:
                if not door.out:
                    yield at(door, range=door.other, members=", ".join(map(str, members)))


def _takes_none(net: Network, resource: Resource) -> bool:
    """A function has no port; a service has none where no container, balancer or registry names one."""
    if resource.kind == FUNCTION:
        return True
    if resource.kind != SERVICE:
        return False
    named = ("LoadBalancers", "ServiceRegistries", "ServiceConnectConfiguration", "VpcLatticeConfigurations")
    told = list(containers(net, resource))
    return (
        bool(told)
        and not any(net.site.items(resource, name) for name in named)
        and not any(container.get("PortMappings") for container in told)
    )
