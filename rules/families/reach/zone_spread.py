"""Zones: what must outlive one stands in several, and each subnet is named once."""

from collections import Counter
from collections.abc import Iterator

from rules.families.reach.network_model import Network, flat, network
from rules.families.reach.network_needs import needs
from rules.families.reach.network_parties import callers, interface_endpoints
from rules.families.reach.network_paths import service_of
from rules.families.reach.routed_subnets import lists
from rules.families.reach.subnet_ways import SUBNET
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
ENDPOINTS = "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"
SUBNETS = "https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html"
RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html"
RDS_GROUPS = ("AWS::RDS::DBSubnetGroup", "AWS::DocDB::DBSubnetGroup", "AWS::Neptune::DBSubnetGroup")


@rule(
    "E9151",
    cause="endpoint {endpoint} has two subnets of zone {zone}: {one} and {other}",
    remedy="name one subnet of each zone",
    sources=(ENDPOINTS,),
)
def an_endpoint_with_two_subnets_of_one_zone(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in interface_endpoints(net):
        seen: dict[str, Resource] = {}
        for subnet in endpoint.subnets or ():
            for zone in net.zones([subnet]) or ():
                if seen.setdefault(zone, subnet) != subnet:
                    parts = {"endpoint": endpoint, "zone": zone, "one": seen[zone], "other": subnet}
                    yield found(endpoint.resource, *endpoint.subnets_at, **parts)


@rule(
    "W9150",
    cause="{user} names {subnet} twice, so it stands in fewer zones than it seems to",
    remedy="name each subnet once, one of each zone",
    sources=(SUBNETS,),
)
def a_subnet_that_is_named_twice(site: Site) -> Iterator[Finding]:
    net = network(site)
    for user, place, _ in lists(net):
        named = [site.target(value, SUBNET) for value in flat(site.items(user, *place))]
        for subnet, count in Counter(named).items():
            if subnet is not None and count > 1:
                yield found(user, *place, user=user, subnet=subnet)


@rule(
    "W9151",
    cause="{user} stands in one zone, {zone}, and ends with it",
    remedy="name subnets of at least two Availability Zones",
    sources=(ECS, LAMBDA, SUBNETS),
    demanding=True,
)
def a_user_of_one_zone(site: Site) -> Iterator[Finding]:
    net = network(site)
    several = len(net.zones(site.all(SUBNET)) or ()) > 1
    for user, place, subnets in lists(net):
        zones = net.zones(subnets)
        if several and zones is not None and len(zones) == 1 and user.kind not in RDS_GROUPS:
            yield found(user, *place, user=user, zone=zones.pop())


@rule(
    "W9152",
    cause="{user} stands in {count} zones, and {other} of the same network in {more}",
    remedy="name a subnet of each zone that the network has a tier in",
    sources=(SUBNETS,),
    demanding=True,
)
def a_user_of_fewer_zones_than_its_neighbours(site: Site) -> Iterator[Finding]:
    net = network(site)
    spread: dict[tuple[Resource | None, int], list[tuple[Resource, tuple[str | int, ...]]]] = {}
    for user, place, subnets in lists(net):
        zones = net.zones(subnets)
        if zones is not None and len(zones) > 1:
            spread.setdefault((net.vpc(subnets[0]), len(zones)), []).append((user, place))
    for (vpc, count), users in spread.items():
        more = max(number for of, number in spread if of == vpc)
        wider = spread[vpc, more]
        if count < more and len(wider) > len(users):
            for user, place in users:
                yield found(user, *place, user=user, count=count, other=wider[0][0], more=more)


@rule(
    "W9153",
    cause="{subnet} names no zone, so EC2 chooses one, maybe that of {other}, which {user} has as well",
    remedy="set AvailabilityZone, another for each subnet of a list",
    sources=(SUBNETS,),
    demanding=True,
)
def a_subnet_without_a_zone(site: Site) -> Iterator[Finding]:
    net = network(site)
    for user, _, subnets in lists(net):
        for subnet in subnets:
            others = [one for one in subnets if one != subnet]
            if others and net.zone(subnet) is None:
                yield found(subnet, "AvailabilityZone", subnet=subnet, other=others[0], user=user)


@rule(
    "W9154",
    cause="{subnets} of one tier stand in one zone, {zone}: {user} has both",
    remedy="place each in a zone of its own",
    sources=(SUBNETS,),
    demanding=True,
)
def two_subnets_of_one_list_in_one_zone(site: Site) -> Iterator[Finding]:
    net = network(site)
    for user, _, subnets in lists(net):
        zones: dict[str, list[Resource]] = {}
        for subnet in subnets:
            for zone in net.zones([subnet]) or ():
                zones.setdefault(zone, []).append(subnet)
        for zone, inside in zones.items():
            if len(inside) > 1 and not _spread(net, subnets):
                both = " and ".join(map(str, inside))
                yield found(inside[-1], "AvailabilityZone", subnets=both, zone=zone, user=user)


def _spread(net: Network, subnets: tuple[Resource, ...]) -> bool:
    """Whether each zone has as many: then two in one are meant."""
    counted = Counter(str(net.zone(subnet)) for subnet in subnets)
    return len(counted) > 1 and len(set(counted.values())) == 1


@rule(
    "W9155",
    cause="endpoint {endpoint} has no interface in {zones}, where {caller} calls it from",
    remedy="name a subnet of that zone as well, or calls cross zones and end with the other one",
    sources=(ENDPOINTS,),
    demanding=True,
)
def an_endpoint_that_is_not_in_the_zone_of_its_callers(site: Site) -> Iterator[Finding]:
    net = network(site)
    for caller in callers(net):
        mine = net.zones(caller.subnets or ())
        wanted = {need.service for need in needs(net, caller)}
        for endpoint in interface_endpoints(net):
            theirs = net.zones(endpoint.subnets or ()) if endpoint.subnets else None
            service = service_of(net, endpoint.resource)
            if mine and theirs and service in wanted and mine - theirs:
                zones = ", ".join(sorted(mine - theirs))
                yield found(
                    endpoint.resource, *endpoint.subnets_at, endpoint=endpoint, zones=zones, caller=caller
                )
