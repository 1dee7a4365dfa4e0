"""The way of one flow, hop by hop, up to where it breaks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.reach.network_model import ENDPOINT, Door, Network
from rules.families.reach.network_needs import Need
from rules.families.reach.network_parties import AWSVPC, Party, party, port
from rules.families.reach.subnet_ways import ANYWHERE, TABLE, either, network_of
from rules.seam.rule import Steps
from topology.tree import Resource
from topology.values import Reference, known

HTTPS = 443
LISTED = {"s3": "s3", "dynamodb": "dynamodb"}  # services with gateway endpoints
ROUTE, OUT, IN, POLICY, NAMES = "route", "out", "in", "policy", "names"
# The lists of AWS by region: https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
# An id means one thing in one region and another in another.
LISTS: Mapping[str, Mapping[str, str]] = {
    "ap-northeast-1": {"s3": "pl-61a54008", "dynamodb": "pl-78a54011"},
    "ap-northeast-2": {"s3": "pl-78a54011", "dynamodb": "pl-48a54021"},
    "ap-south-1": {"s3": "pl-78a54011", "dynamodb": "pl-66a7420f"},
    "ap-southeast-1": {"s3": "pl-6fa54006", "dynamodb": "pl-67a5400e"},
    "ap-southeast-2": {"s3": "pl-6ca54005", "dynamodb": "pl-62a5400b"},
    "eu-central-1": {"s3": "pl-6ea54007", "dynamodb": "pl-66a5400f"},
    "eu-north-1": {"s3": "pl-c3aa4faa", "dynamodb": "pl-adae4bc4"},
    "eu-west-1": {"s3": "pl-6da54004", "dynamodb": "pl-6fa54006"},
    "eu-west-2": {"s3": "pl-7ca54015", "dynamodb": "pl-b3a742da"},
    "us-east-1": {"s3": "pl-63a5400a", "dynamodb": "pl-02cd2c6b"},
    "us-east-2": {"s3": "pl-7ba54012", "dynamodb": "pl-4ca54025"},
    "us-west-1": {"s3": "pl-6ba54002", "dynamodb": "pl-6ea54007"},
    "us-west-2": {"s3": "pl-68a54001", "dynamodb": "pl-00a54069"},
}


@dataclass(frozen=True)
class Break:
    """Where a flow ends."""

    where: str  # route, out, in
    path: str  # hop by hop, up to it
    at: Resource
    steps: Steps


def names(resources: tuple[Resource, ...]) -> str:
    return ", ".join(map(str, resources)) or "the VPC's default security group"


def between(net: Network, caller: Party, callee: Party, on: int) -> Break | None:
    """Where the flow between two parties of one network breaks, if it surely does."""
    way = f"{caller} → {names(caller.groups or ())}"
    if caller.groups is not None and not caller.by_default:
        out = net.lets(caller.groups, True, on, callee.groups, callee.subnets)
        if out is False:
            return Break(
                OUT,
                f"{way}, which does not let out to {_of(callee)} on tcp {on}",
                caller.groups[0] if caller.groups else caller.resource,
                ("Properties", "SecurityGroupEgress"),
            )
    if callee.groups is None or (callee.by_default and caller.by_default):
        return None
    if callee.by_default:
        others = f"{callee} has only the VPC's default security group, which lets in its own members alone"
        return Break(IN, f"{way} → {others}", callee.resource, ("Properties", *callee.groups_at))
    if net.lets(callee.groups, False, on, caller.groups, caller.subnets) is False:
        inside = f"{names(callee.groups)} of {callee} does not let {names(caller.groups or ())} in"
        return Break(
            IN,
            f"{way} → {inside} on tcp {on}",
            callee.groups[0] if callee.groups else callee.resource,
            ("Properties", "SecurityGroupIngress"),
        )
    return None


def _of(callee: Party) -> str:
    return f"{names(callee.groups)} of {callee}" if callee.groups else str(callee)


def to_store(net: Network, caller: Party, store: Party) -> Break | None:
    on = port(net, store.resource)
    return None if on is None else between(net, caller, store, on)


def service_of(net: Network, endpoint: Resource) -> str | None:
    """kinesis-streams, of com.amazonaws.<region>.kinesis-streams; None of what is no service of AWS here."""
    name = net.site.get(endpoint, "ServiceName")
    if not known(name):
        return None
    parts = str(name).replace("${AWS::Region}", "region").split(".", 3)
    return parts[3] if len(parts) == 4 and parts[:2] in (["com", "amazonaws"], ["aws", "sagemaker"]) else None


def endpoints_for(net: Network, caller: Party, service: str) -> list[Resource] | None:
    """Those of the caller's network; None where one may be of it, or for the service, and nobody knows."""
    (found,) = net.once(_endpoints_for, caller, service)
    return found


def by_https(net: Network, endpoint: Resource) -> bool:
    """Whether it is of a service of AWS that speaks HTTPS; mail has ports of its own."""
    return service_of(net, endpoint) not in (None, "email-smtp")


def _endpoints_for(net: Network, caller: Party, service: str) -> Iterator[list[Resource] | None]:
    found = []
    vpcs = {net.vpc(subnet) for subnet in caller.subnets or ()}
    for endpoint in net.site.all(ENDPOINT):
        of, vpc = service_of(net, endpoint), net.vpc(endpoint)
        if not known(net.site.get(endpoint, "ServiceName")) or vpc is None or None in vpcs:
            yield None
            return
        if of == service and vpc in vpcs:
            found.append(endpoint)
    yield found


def private_names(net: Network, endpoint: Resource) -> bool | None:
    """Whether the service's own name leads to an interface endpoint."""
    value = net.site.get(endpoint, "PrivateDnsEnabled")
    if not known(value):
        return None
    return str(value).lower() == "true"


def chosen(net: Network, need: Need) -> Resource | None:
    """The interface endpoint to which the service's name leads, wherever else a route would lead."""
    for endpoint in endpoints_for(net, need.caller, need.service) or ():
        if net.site.get(endpoint, "VpcEndpointType") == "Interface" and private_names(net, endpoint):
            return endpoint
    return None


def gateway(net: Network, need: Need, subnet: Resource) -> Resource | None:
    """The gateway endpoint that the subnet's table leads to."""
    table = net.table(subnet)
    for endpoint in endpoints_for(net, need.caller, need.service) or ():
        if net.site.get(endpoint, "VpcEndpointType") in (None, "Gateway"):
            tables = net.site.items(endpoint, "RouteTableIds")
            if table is not None and any(net.site.target(one, TABLE) == table for one in tables):
                return endpoint
    return None


def to_service(net: Network, need: Need) -> Break | None:
    """Where the way to a service of AWS breaks, if it surely does."""
    found = net.once(_to_service, Need(need.caller, need.service, "", need.caller.resource))
    return found[0] if found else None


def _to_service(net: Network, need: Need) -> Iterator[Break]:
    caller = need.caller
    listed = endpoints_for(net, caller, need.service)
    if caller.subnets is None or listed is None or net.unsure:
        return
    endpoint = chosen(net, need)
    if endpoint is not None:
        made = party(net, endpoint)
        broken = between(net, caller, made, HTTPS) if made else None
        yield from [broken] if broken else []
    elif not any(private_names(net, one) is None for one in listed):
        for subnet in caller.subnets:
            yield from _without(net, need, subnet)


def _without(net: Network, need: Need, subnet: Resource) -> Iterator[Break]:
    """From one subnet, where no interface endpoint takes the call."""
    caller = need.caller
    near = gateway(net, need, subnet)
    if near is None:
        if any(
            not known(one) for end in _gateways(net, need) for one in net.site.items(end, "RouteTableIds")
        ):
            return
        public = _public_address(net, caller)
        why = net.way_out(subnet, public) if public is not None else None
        if why:
            yield Break(
                ROUTE,
                f"{caller} → {subnet}: {_no_endpoint(net, need)}{why}",
                caller.resource,
                ("Properties", *caller.subnets_at),
            )
            return
    if caller.groups is None or caller.by_default:
        return
    # A list names a service's own addresses: it lets out to them by whatever way the subnet has.
    if _lets_far(net, caller.groups, need.service if need.service in LISTED else "") is False:
        yield Break(
            OUT,
            f"{caller} → {names(caller.groups)}, which does not let out on tcp {HTTPS} to "
            + (
                f"the prefix list of {near}"
                if near
                else f"addresses of {need.service}, for which {subnet} has no endpoint that takes the call"
            ),
            caller.groups[0],
            ("Properties", "SecurityGroupEgress"),
        )


def _gateways(net: Network, need: Need) -> list[Resource]:
    return endpoints_for(net, need.caller, need.service) or []


def _no_endpoint(net: Network, need: Need) -> str:
    listed = endpoints_for(net, need.caller, need.service) or []
    if not listed:
        return "no endpoint for it, and " if need.service != "internet" else ""
    off = [one for one in listed if net.site.get(one, "VpcEndpointType") == "Interface"]
    if off:
        return f"{off[0]} has no private DNS, so its name leads elsewhere, and "
    return f"{listed[0]} is not in its route table, and "


def _public_address(net: Network, caller: Party) -> bool | None:
    """Whether it has one of its own; a function never does."""
    value = net.site.get(caller.resource, *AWSVPC, "AssignPublicIp")
    return None if not known(value) else value == "ENABLED"


def _lets_far(net: Network, groups: tuple[Resource, ...], service: str) -> bool | None:
    """Whether they let out to addresses of AWS, or by the prefix list of a service."""
    doors = [door for group in groups for door in net.doors.get(group, ()) if door.out]
    answers = [_far(net, door, service) for door in doors]
    if any((group, True) in net.vague for group in groups):
        answers.append(None)
    return either(answers)


def _far(net: Network, door: Door, service: str) -> bool | None:
    on = door.on(HTTPS)
    if on is False or door.kind == "group":
        return False if known(door.other) or on is False else None
    if door.kind == "list":
        means = is_list_of(net, door, service)
        return False if means is False else (means if on else None)
    if door.kind == "range6":
        return None if any(net.site.all("AWS::EC2::VPCCidrBlock")) else False
    if door.other == ANYWHERE:
        return on
    block = network_of(door.other)
    if isinstance(door.other, Reference) or (block is not None and block.is_private):
        return False
    return None


def is_list_of(net: Network, door: Door, service: str) -> bool | None:
    """Whether a prefix list is a service's, in the one region that the lists of this tree can be of."""
    if not service or not isinstance(door.other, str):
        return None if not isinstance(door.other, str) else False if _meaning(door.other) else None
    means = _meaning(door.other)
    region = region_of(net)
    if region:
        return LISTS[region][service] == door.other
    return None if not means else service in means


def _meaning(name: str) -> set[str]:
    return {service for lists in LISTS.values() for service, one in lists.items() if one == name}


def region_of(net: Network) -> str | None:
    """The region that most lists in this tree agree on, if they name one."""
    named = {
        str(door.other)
        for doors in net.doors.values()
        for door in doors
        if door.kind == "list" and isinstance(door.other, str) and _meaning(door.other)
    }
    counted = {region: len(named & set(lists.values())) for region, lists in LISTS.items()}
    best = max(counted.values())
    regions = [region for region, count in counted.items() if count == best]
    return regions[0] if best and len(regions) == 1 else None
