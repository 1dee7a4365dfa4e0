"""Doors that name addresses where a group would say who: towards stores and endpoints, and out of stores."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from rules.families.reach.network_model import GROUP, Door, Network, network
from rules.families.reach.network_needs import needs
from rules.families.reach.network_parties import CALLERS, STORES, callers, interface_endpoints, port, stores
from rules.families.reach.network_paths import HTTPS, chosen
from rules.families.reach.open_doors import at, worldwide
from rules.families.reach.subnet_ways import SUBNET, network_of
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource

# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"


def _explicit(net: Network, group: Resource) -> Iterator[Door]:
    """Rules of a group for single ports that let out to addresses of a whole network."""
    for door in net.doors.get(group, ()):
        if door.out and not door.implied and door.protocol != "-1" and net.whole(door):
            yield door


def _closed(net: Network, group: Resource) -> bool:
    """Whether most groups of its network say to whom they let out."""
    beside = [one for one in net.doors if net.vpc(one) == net.vpc(group)]
    open_ones = [one for one in beside if any(door.implied for door in net.doors[one])]
    return len(open_ones) * 2 < len(beside)


@rule(
    "W9131",
    cause="{group} lets {range} be called on {door}, where {other} of {callee} names {group} for its half",
    remedy="name {other} as the DestinationSecurityGroupId",
    sources=(RULES,),
    demanding=True,
)
def a_half_by_range_of_a_pair_by_group(site: Site) -> Iterator[Finding]:
    net = network(site)
    listening = [(store, port(net, store.resource)) for store in stores(net)]
    listening += [(endpoint, HTTPS) for endpoint in interface_endpoints(net)]
    told: set[Door] = set()
    for callee, on in listening:
        for other in callee.groups or ():
            for half in net.doors.get(other, ()):
                group = site.target(half.other, GROUP) if half.kind == "group" and not half.out else None
                if group is None or on is None or half.on(on) is not True:
                    continue
                if on == HTTPS and not _served_within(net, group):
                    continue
                for door in _explicit(net, group):
                    if door.on(on) and door not in told:
                        told.add(door)
                        yield at(door, range=door.other, other=other, callee=callee)


def _served_within(net: Network, group: Resource) -> bool:
    """Whether all that its members are known to call has an endpoint."""
    inside = [caller for caller in callers(net) if group in (caller.groups or ())]
    wanted = [need for caller in inside for need in needs(net, caller)]
    return bool(wanted) and all(chosen(net, need) is not None for need in wanted)


@rule(
    "W9132",
    cause="{group} of {store} lets {range} in on {door}: {why}",
    remedy="let in the security groups of what uses it instead of a range of addresses",
    sources=(RULES,),
    demanding=True,
)
def a_store_that_lets_a_range_in(site: Site) -> Iterator[Finding]:
    """A private range beyond the VPC is another network's, which has no groups to name."""
    net = network(site)
    blocks = [(one, network_of(site.get(one, "CidrBlock"))) for one in site.all(SUBNET)]
    for store in stores(net):
        private = str(site.get(store.resource, "PubliclyAccessible")).lower() != "true"
        for group in store.groups or ():
            for door in net.doors.get(group, ()):
                block = network_of(door.other) if door.kind == "range" else None
                if door.out or block is None or worldwide(door) or net.whole(door):
                    continue
                inside = [one for one, range_of in blocks if range_of and range_of.subnet_of(block)]
                if inside:
                    why = f"whatever stands in {', '.join(map(str, inside))}"
                    yield at(door, store=store, range=block, why=why)
                elif private and not any(block.subnet_of(one) for one in PRIVATE):
                    yield at(door, store=store, range=block, why="public addresses, and it is private")


@rule(
    "W9133",
    cause="{group} lets {range} be called on {door}, and what carries it calls nobody: {members}",
    remedy="remove the rule; answers to those who call it go back without one",
    sources=(RULES,),
    demanding=True,
)
def a_store_that_may_call_out(site: Site) -> Iterator[Finding]:
    net = network(site)
    for group in net.doors:
        members = net.members.get(group, ())
        if members and all(one.kind in STORES for one in members) and _closed(net, group):
            for door in net.doors[group]:
                if door.out and not door.implied and door.kind != "group" and door.protocol != "-1":
                    yield at(door, range=door.other, members=", ".join(map(str, members)))


@rule(
    "W9134",
    cause="{group} lets any address be called on {door}, and {members} is known to call tcp 443 alone",
    remedy="let out on tcp 443 alone, or name whom it calls",
    sources=(RULES,),
    demanding=True,
)
def a_caller_that_may_call_the_world_on_any_port(site: Site) -> Iterator[Finding]:
    net = network(site)
    inside = {caller.resource: caller for caller in callers(net)}
    for group in net.doors:
        members = net.members.get(group, ())
        if not members or not all(one.kind in CALLERS for one in members) or not _closed(net, group):
            continue
        wanted = [need for one in members if one in inside for need in needs(net, inside[one])]
        for door in _explicit(net, group):
            if wanted and door.ports != (HTTPS, HTTPS) and str(door.other) == "0.0.0.0/0":
                yield at(door, members=members[0])
