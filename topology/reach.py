"""Who can reach whom on which port: security groups, routes and endpoints, and what stands behind them.

A flow passes only where the caller's group lets it out and the callee's group lets it in, so an edge is a
pair of rules; a rule without its other half lets nothing through, and is listed as such.
https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from topology.rendering import Renderer
from topology.resolution import Unresolvable
from topology.tree import Resource, Tree
from topology.values import Reference, Value, references

GROUP = "AWS::EC2::SecurityGroup"
RULES = {"AWS::EC2::SecurityGroupEgress": "out", "AWS::EC2::SecurityGroupIngress": "in"}
PORTS = (0, 65535)
NOWHERE = {"127.0.0.1/32", "::1/128"}  # how a group without rules is written: EC2 would else let all out
ALL, ANYTHING = "-1", "all"  # as EC2 writes it, as we do
TARGETS = (
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
)
DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


@dataclass(frozen=True)
class Rule:
    """One direction of one flow, as one group has it."""

    group: Resource
    out: bool
    other: Resource | str  # a group, or addresses: a range, a prefix list
    protocol: str  # tcp, udp, icmp, all
    ports: tuple[int, int]  # the first and the last
    where: str
    about: str = ""  # its description

    def meets(self, other: "Rule") -> tuple[int, int] | None:
        """The ports that both halves of a flow let through."""
        if self.out == other.out or (self.group, self.other) != (other.other, other.group):
            return None
        if self.protocol != other.protocol and ANYTHING not in (self.protocol, other.protocol):
            return None
        first, last = max(self.ports[0], other.ports[0]), min(self.ports[1], other.ports[1])
        return (first, last) if first <= last else None


@dataclass(frozen=True)
class Edge:
    """A flow that both sides let pass."""

    caller: Resource
    callee: Resource
    protocol: str
    ports: tuple[int, int]


@dataclass(frozen=True)
class Route:
    """One way out of a subnet."""

    destination: str
    target: Resource | str


@dataclass(frozen=True)
class Reach:
    """All of it, of one tree."""

    members: Mapping[Resource, tuple[Resource, ...]]  # group → what has its interfaces in it
    edges: tuple[Edge, ...]
    outward: tuple[Rule, ...]  # rules to or from addresses, not groups
    halves: tuple[Rule, ...]  # rules whose other half is missing
    routes: Mapping[Resource, tuple[Route, ...]]  # subnet → ways out, besides the VPC itself
    tenants: Mapping[Resource, tuple[Resource, ...]]  # subnet → what stands in it


def reach(tree: Tree, renderer: Renderer) -> Reach:
    """Raises Unresolvable."""
    groups = list(tree.resources(GROUP))
    rules = list(_rules(tree, renderer))
    between = [rule for rule in rules if isinstance(rule.other, Resource)]
    edges, halves = [], []
    for rule in between:
        met = [(other, ports) for other in between if (ports := rule.meets(other)) is not None]
        if not met:
            halves.append(rule)
        for other, ports in met:
            if rule.out:
                protocol = other.protocol if rule.protocol == ANYTHING else rule.protocol
                edges.append(Edge(rule.group, other.group, protocol, ports))
    named = dict(_named(tree, renderer, groups))
    subnets = list(tree.resources("AWS::EC2::Subnet"))
    return Reach(
        members=named,
        edges=tuple(dict.fromkeys(edges)),
        outward=tuple(rule for rule in rules if not isinstance(rule.other, Resource)),
        halves=tuple(halves),
        routes={subnet: tuple(_routes(tree, renderer, subnet)) for subnet in subnets},
        tenants=dict(_named(tree, renderer, subnets)),
    )


def _rules(tree: Tree, renderer: Renderer) -> Iterator[Rule]:
    for resource in tree.resources(GROUP, *RULES):
        properties = renderer.resolver.properties(resource)
        if resource.kind == GROUP:
            for name, out in (("SecurityGroupEgress", True), ("SecurityGroupIngress", False)):
                inline = properties.get(name) or []
                for rule in inline if isinstance(inline, list) else [inline]:
                    if isinstance(rule, dict):
                        yield from _rule(resource, rule, out, resource.address, renderer)
        else:
            group = properties.get("GroupId")
            if not isinstance(group, Reference) and renderer.resolver.patient:
                continue  # a rule of a group that stands elsewhere says nothing of what stands here
            if not isinstance(group, Reference):
                raise Unresolvable(resource.address, f"its group, {group}, is no resource of these templates")
            out = RULES[resource.kind] == "out"
            yield from _rule(group.resource, properties, out, resource.address, renderer)


def _rule(
    group: Resource, rule: Mapping[str, Value], out: bool, where: str, renderer: Renderer
) -> Iterator[Rule]:
    written = str(rule.get("IpProtocol", ALL))
    protocol = ANYTHING if written == ALL else written
    first, last = rule.get("FromPort"), rule.get("ToPort")
    narrow = protocol != ANYTHING and _whole(first) and _whole(last)  # also where a template quotes them
    ports = (int(str(first)), int(str(last))) if narrow else PORTS
    side = "Destination" if out else "Source"
    about = str(rule.get("Description", ""))
    for name in (f"{side}SecurityGroupId", f"{side}PrefixListId", "CidrIp", "CidrIpv6"):
        other = rule.get(name)
        if other is None or other in NOWHERE:
            continue
        party = other.resource if isinstance(other, Reference) else renderer.text(other)
        yield Rule(group, out, party, protocol, ports, where, about)


def _whole(value: Value) -> bool:
    return isinstance(value, int | str) and str(value).isdigit()


def _named(
    tree: Tree, renderer: Renderer, wanted: list[Resource]
) -> Iterator[tuple[Resource, tuple[Resource, ...]]]:
    """What names each of `wanted` and has interfaces of its own, rather than being a rule about it."""
    about = {GROUP, *RULES, "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SubnetNetworkAclAssociation"}
    naming: dict[Resource, list[Resource]] = {resource: [] for resource in wanted}
    for resource in tree.resources():
        if resource.kind in about or resource.kind == "AWS::CloudFormation::Stack":
            continue
        for name in resource.properties:
            for reference in references(renderer.resolver.property(resource, name)):
                if reference.resource in naming and resource not in naming[reference.resource]:
                    naming[reference.resource].append(resource)
    for resource, found in naming.items():
        subnet_groups = [one for one in found if one.kind.endswith("SubnetGroup")]
        behind = dict(_named(tree, renderer, subnet_groups)) if subnet_groups else {}
        yield resource, tuple(user for one in found for user in behind.get(one, (one,)))


def _routes(tree: Tree, renderer: Renderer, subnet: Resource) -> Iterator[Route]:
    tables = [
        table.resource
        for association in tree.resources("AWS::EC2::SubnetRouteTableAssociation")
        if renderer.resolver.property(association, "SubnetId") == Reference(subnet)
        and isinstance(table := renderer.resolver.property(association, "RouteTableId"), Reference)
    ]
    for route in tree.resources("AWS::EC2::Route"):
        properties = renderer.resolver.properties(route)
        table = properties.get("RouteTableId")
        if isinstance(table, Reference) and table.resource in tables:
            yield Route(_first(properties, DESTINATIONS, renderer), _target(properties, renderer))
    for endpoint in tree.resources("AWS::EC2::VPCEndpoint"):
        attached: Any = renderer.resolver.property(endpoint, "RouteTableIds") or []
        if any(isinstance(table, Reference) and table.resource in tables for table in attached):
            service = renderer.text(renderer.resolver.property(endpoint, "ServiceName"))
            yield Route(service, endpoint)


def _target(properties: Mapping[str, Value], renderer: Renderer) -> Resource | str:
    for name in TARGETS:
        value = properties.get(name)
        if isinstance(value, Reference):
            return value.resource
        if value is not None:
            return renderer.text(value)
    return "nothing"


def _first(properties: Mapping[str, Value], names: tuple[str, ...], renderer: Renderer) -> str:
    return next((renderer.text(properties[name]) for name in names if name in properties), "nowhere")
