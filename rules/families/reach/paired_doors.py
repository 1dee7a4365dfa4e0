"""Rules of groups in pairs: each has its other half, and somebody carries both groups."""

from collections.abc import Iterator

from rules.families.reach.network_model import DEFAULT_GROUP, GROUP, OF_AWS, Door, Network, network
from rules.families.reach.network_needs import needs, told_of
from rules.families.reach.network_parties import CALLERS, callers, interface_endpoints, stores
from rules.families.reach.network_paths import LISTS, service_of
from rules.families.reach.open_doors import at
from rules.families.reach.subnet_ways import network_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, references

RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
GROUPS = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"


def _between(net: Network) -> Iterator[tuple[Door, Resource]]:
    """Rules that name a group of this tree."""
    for doors in net.doors.values():
        for door in doors:
            other = net.site.target(door.other, GROUP) if door.kind == "group" else None
            if other is not None:
                yield door, other


def _meets(door: Door, other: Resource, half: Door) -> bool | None:
    """Whether the rule is of the other group, the other way, and for what the first is for."""
    if half.group != other or half.out == door.out:
        return False
    if half.kind == "list":
        return False if isinstance(half.other, str) and OF_AWS.fullmatch(half.other) else None
    if half.kind != "group":
        return half.kind == "range" or None
    return isinstance(half.other, Reference) and half.other.resource == door.group


def _shares(one: Door, other: Door) -> bool:
    if one.ports is None or other.ports is None:
        return True
    if "-1" not in (one.protocol, other.protocol) and one.protocol != other.protocol:
        return False
    return one.ports[0] <= other.ports[1] and other.ports[0] <= one.ports[1]


@rule(
    "W9124",
    cause="{group} lets {other} {way} on {door}, and {other} has no rule for its half, so nothing passes",
    remedy="add the other half to {other}, for the same protocol and ports, or remove this one",
    sources=(RULES,),
)
def a_rule_without_its_other_half(site: Site) -> Iterator[Finding]:
    """What nothing here carries has its rules from others, such as EMR; a group that may call itself alone is
    one that calls nobody.
    """
    net = network(site)
    for door, other in _between(net):
        if net.unsure or (other, not door.out) in net.vague or (door.out and other == door.group):
            continue
        if not net.members.get(other) or not net.members.get(door.group):
            continue
        halves = [half for half in net.doors.get(other, ()) if _meets(door, other, half) is not False]
        if not any(_shares(door, half) for half in halves):
            yield at(door, other=other, way="be called" if door.out else "in")


@rule(
    "W9125",
    cause="{group} has {door} open for {other}, whose half is {half}, so part of it lets nothing through",
    remedy="give both halves the same protocol and the same ports",
    sources=(RULES,),
)
def two_halves_with_different_ports(site: Site) -> Iterator[Finding]:
    net = network(site)
    for door, other in _between(net):
        halves = [
            half
            for half in net.doors.get(other, ())
            if half.kind == "group" and _meets(door, other, half) and _shares(door, half)
        ]
        known_ports = door.ports is not None and all(half.ports is not None for half in halves)
        if halves and known_ports and not any(_within(door, half) for half in halves):
            yield at(door, other=other, half=halves[0])


def _within(narrow: Door, wide: Door) -> bool:
    if narrow.ports is None or wide.ports is None:
        return False
    alike = wide.protocol in ("-1", narrow.protocol)
    return alike and wide.ports[0] <= narrow.ports[0] and narrow.ports[1] <= wide.ports[1]


@rule(
    "W9126",
    cause="{group} lets {range} {way} on {door}, which makes its rule {narrow} pointless",
    remedy="keep the narrower rule and remove this one, or say in one rule what is meant",
    sources=(RULES,),
    demanding=True,
)
def a_wide_rule_beside_a_narrow_one(site: Site) -> Iterator[Finding]:
    net = network(site)
    for doors in net.doors.values():
        for wide in doors:
            if wide.implied or not net.whole(wide):
                continue
            for narrow in doors:
                beside = narrow.out == wide.out and narrow is not wide and _within(narrow, wide)
                far = network_of(wide.other)
                listed = narrow.kind == "list" and far is not None and far.prefixlen == 0
                if beside and (narrow.kind == "group" or listed):
                    way = "be called" if wide.out else "in"
                    yield at(wide, range=wide.other, way=way, narrow=narrow.at)
                    break


@rule(
    "W9127",
    cause="{group} is carried by nothing here and given to nobody, so {rule} lets nothing through",
    remedy="give the group to what it was meant for, or remove it with its rules",
    sources=(GROUPS,),
    demanding=True,
)
def a_group_that_nothing_carries(site: Site) -> Iterator[Finding]:
    net = network(site)
    for group, doors in net.doors.items():
        if net.members.get(group) or group in net.given_out or net.mentioned(group):
            continue
        written = [door for door in doors if not door.implied]
        about = [door for door, other in _between(net) if other == group]
        for door in (*written, *about)[:1]:
            yield found(group, group=group, rule=door.at)


@rule(
    "W9128",
    cause="{user} uses the default security group of {vpc}, in which all members reach each other",
    remedy="give it a security group of its own, with rules for what it needs",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",),
    demanding=True,
)
def a_default_security_group_in_use(site: Site) -> Iterator[Finding]:
    net = network(site)
    for resource in site.tree.resources():
        if resource.kind == "AWS::CloudFormation::Stack":
            continue
        for name, value in site.properties(resource).items():
            for reference in references(value):
                if reference.attribute == DEFAULT_GROUP:
                    yield found(resource, name, user=resource, vpc=reference.resource)
    for party in (*callers(net), *interface_endpoints(net), *stores(net)):
        vpcs = [vpc for vpc in map(net.vpc, party.subnets or ()) if vpc is not None]
        if party.by_default and vpcs and not site.get(party.resource, "DBClusterIdentifier"):
            yield found(party.resource, *party.groups_at, user=party, vpc=vpcs[0])


@rule(
    "W9129",
    cause="{group} of {store} lets {other} in, and {members} of it is told of no such thing, while {user} is",
    remedy="remove both halves of the pair, or tell {members} of {store} where the template shows it",
    sources=(RULES,),
    demanding=True,
)
def a_door_for_somebody_with_no_business_there(site: Site) -> Iterator[Finding]:
    net = network(site)
    users: dict[Resource, list[Resource]] = {}
    for caller in callers(net):
        for store in told_of(net, caller.resource):
            users.setdefault(store, []).append(caller.resource)
        for need in needs(net, caller):
            for endpoint in interface_endpoints(net):
                if service_of(net, endpoint.resource) == need.service:
                    users.setdefault(endpoint.resource, []).append(caller.resource)
    apart = len({endpoint.groups for endpoint in interface_endpoints(net)}) > 1
    for guarded in (*stores(net), *(interface_endpoints(net) if apart else ())):
        known_users = users.get(guarded.resource, [])
        for door, other in _between(net):
            if door.out or door.group not in (guarded.groups or ()) or not known_users:
                continue
            members = net.members.get(other, ())
            idle = [one for one in members if one not in known_users]
            if members and len(idle) == len(members) and all(one.kind in CALLERS for one in idle):
                yield at(door, store=guarded, other=other, members=idle[0], user=known_users[0])


@rule(
    "W9130",
    cause="{group} lets {range} be called, a prefix list of {region}, and its other lists are of another one",
    remedy="name the prefix lists of the region that the stack is deployed to",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html",),
)
def prefix_lists_of_different_regions(site: Site) -> Iterator[Finding]:
    net = network(site)
    listed = [door for doors in net.doors.values() for door in doors if door.kind == "list"]
    of = {door: _regions(str(door.other)) for door in listed if isinstance(door.other, str)}
    placed = {door: regions for door, regions in of.items() if regions}
    if placed and not set.intersection(*placed.values()):
        last = list(placed)[-1]
        yield at(last, range=last.other, region=" or ".join(sorted(placed[last])))


def _regions(name: str) -> set[str]:
    return {region for region, lists in LISTS.items() if name in lists.values()}
