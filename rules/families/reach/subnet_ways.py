"""Subnets, their tables and routes, and where these lead.

Answers have three values: True, False, and None where a deployment or another team decides. Nothing is
concluded from None.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Network, ip_network

from rules.seam.site import Site
from topology.reach import TARGETS
from topology.tree import NESTED, Resource
from topology.values import Given, Reference, Unknown, Value, known, leaves, references

VPC, SUBNET = "AWS::EC2::VPC", "AWS::EC2::Subnet"
TABLE, ROUTE = "AWS::EC2::RouteTable", "AWS::EC2::Route"
ASSOCIATION = "AWS::EC2::SubnetRouteTableAssociation"
NAT, INTERNET = "AWS::EC2::NatGateway", "AWS::EC2::InternetGateway"
ATTACHMENT = "AWS::EC2::VPCGatewayAttachment"
ANYWHERE = "0.0.0.0/0"


def either(answers: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is."""
    found = set(answers)
    return True if True in found else None if None in found else False


def network_of(value: Value) -> IPv4Network | None:
    """A range of IPv4 addresses; None for what is none, or is not known."""
    try:
        made = ip_network(str(value))
    except ValueError:
        return None
    return made if isinstance(made, IPv4Network) else None


class Ways:
    def __init__(self, site: Site) -> None:
        self.site = site

    def vpc(self, resource: Resource) -> Resource | None:
        return self.site.target(self.site.get(resource, "VpcId"), VPC)

    def table(self, subnet: Resource) -> Resource | None:
        """Its table; None where it has the main table of its VPC, or one that cannot be followed."""
        return self._tables.get(subnet)

    @cached_property
    def _tables(self) -> Mapping[Resource, Resource]:
        found: dict[Resource, Resource] = {}
        for association in self.site.all(ASSOCIATION):
            subnet = self.site.target(self.site.get(association, "SubnetId"), SUBNET)
            table = self.site.target(self.site.get(association, "RouteTableId"), TABLE)
            if subnet is not None and table is not None:
                found[subnet] = table
        return found

    @cached_property
    def unrouted(self) -> frozenset[Resource]:
        """Subnets that no association names, where all associations can be followed."""
        sites = self.site
        named: set[Resource] = set()
        for association in sites.all(ASSOCIATION):
            subnet = sites.get(association, "SubnetId")
            if not isinstance(subnet, Reference):
                return frozenset()
            named.add(subnet.resource)
        return frozenset(one for one in sites.all(SUBNET) if one not in named and not self.handed_on(one))

    def handed_on(self, resource: Resource) -> bool:
        """Whether a stack that is not here, or a program, is given it and may do anything with it."""
        return resource in self._handed_on

    def mentioned(self, resource: Resource) -> bool:
        """Whether a value that cannot be followed may lead to it."""
        return any(f"'{resource.name}'" in text or resource.name + "." in text for text in self._unfollowed)

    @cached_property
    def _unfollowed(self) -> tuple[str, ...]:
        return tuple(
            str(resource.properties[name])
            for resource in self.site.tree.resources()
            for name, value in self.site.properties(resource).items()
            if any(isinstance(leaf, Unknown) for leaf in leaves(value))
        )

    @cached_property
    def _handed_on(self) -> frozenset[Resource]:
        found: set[Resource] = set()
        for resource in self.site.tree.resources():
            opaque = resource.kind == NESTED and resource.address not in self.site.tree.stacks
            if opaque or resource.kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource")):
                for value in self.site.properties(resource).values():
                    found.update(reference.resource for reference in references(value))
        return frozenset(found)

    @cached_property
    def given_out(self) -> frozenset[Resource]:
        """What the root's outputs name, for whoever takes it; and all that is handed on."""
        root = self.site.tree.root
        values = (self.site.resolver.value(value, root.address) for value in root.outputs.values())
        named = {reference.resource for value in values for reference in references(value)}
        # whoever looks a parameter up takes it as well
        for parameter in self.site.all("AWS::SSM::Parameter"):
            named |= {one.resource for one in references(self.site.get(parameter, "Value"))}
        return self._handed_on | frozenset(named)

    def routes(self, table: Resource) -> Iterator[tuple[Resource, Value]]:
        """(route, destination) of each route that a table has."""
        for route in self._routes.get(table, ()):
            yield route, self.site.get(route, "DestinationCidrBlock")

    @cached_property
    def _routes(self) -> Mapping[Resource, tuple[Resource, ...]]:
        found: dict[Resource, list[Resource]] = defaultdict(list)
        for route in self.site.all(ROUTE):
            table = self.site.target(self.site.get(route, "RouteTableId"), TABLE)
            if table is not None:
                found[table].append(route)
        return {table: tuple(routes) for table, routes in found.items()}

    @cached_property
    def routes_elsewhere(self) -> bool:
        """Whether a route's table cannot be followed, so that any table may have it."""
        values = [self.site.get(route, "RouteTableId") for route in self.site.all(ROUTE)]
        return any(isinstance(value, Unknown) for value in values)

    def default_route(self, subnet: Resource) -> Resource | None:
        """The route to all of the internet that a subnet has."""
        table = self.table(subnet)
        if table is not None:
            for route, destination in self.routes(table):
                if destination == ANYWHERE:
                    return route
        return None

    def target(self, route: Resource) -> Value:
        """What a route leads to; None where it names nothing."""
        for name in TARGETS:
            value = self.site.get(route, name)
            if value is not None:
                return value
        return None

    def public(self, subnet: Resource) -> bool:
        """Whether its way to the internet is an internet gateway."""
        route = self.default_route(subnet)
        return route is not None and self.site.target(self.target(route), INTERNET) is not None

    def way_out(self, subnet: Resource, public_address: bool) -> str | None:
        """Why nothing that stands there reaches the internet; "" where it does, None where nobody knows."""
        table, route = self.table(subnet), self.default_route(subnet)
        if self._unclear(subnet, table):
            return None
        if table is None:
            return f"{subnet} has no route table of its own, and the VPC's main table leads nowhere"
        if route is None:
            odd = [one for one, to in self.routes(table) if to != ANYWHERE and _leads_far(to)]
            return None if odd else f"{table} of {subnet} has no route to 0.0.0.0/0"
        return self._behind(subnet, route, public_address)

    def _unclear(self, subnet: Resource, table: Resource | None) -> bool:
        if self.routes_elsewhere or self.vpc(subnet) is None or self.handed_on(subnet):
            return True
        return subnet not in self.unrouted if table is None else self.handed_on(table)

    def _behind(self, subnet: Resource, route: Resource, public_address: bool) -> str | None:
        value = self.target(route)
        if value is None:
            return f"{route} of {subnet} names no target"
        if (gateway := self.site.target(value, NAT)) is not None:
            return self.nat_blocked(gateway)
        if (internet := self.site.target(value, INTERNET)) is None:
            return None
        if self.attached(internet, self.vpc(subnet)) is False:
            return f"{route} leads to {internet}, which is not attached to {self.vpc(subnet)}"
        alone = f"{route} of {subnet} leads to {internet}, which carries public addresses alone"
        return "" if public_address else alone

    def nat_blocked(self, gateway: Resource) -> str | None:
        """Why a NAT gateway reaches nothing; "" where it does."""
        if self.site.get(gateway, "ConnectivityType") == "private":
            return f"{gateway} is a private NAT gateway"
        subnet = self.site.target(self.site.get(gateway, "SubnetId"), SUBNET)
        if subnet is None or self._unclear(subnet, self.table(subnet)):
            return None
        route = self.default_route(subnet)
        value = self.target(route) if route is not None else None
        if self.public(subnet) and (why := self.way_out(subnet, True)) is not None:
            return why and f"{gateway} stands in {subnet}, and {why}"
        if value is None or self.site.target(value, NAT) is not None:
            return f"{gateway} stands in {subnet}, which has no route to an internet gateway"
        return None

    def attached(self, internet: Resource, vpc: Resource | None) -> bool | None:
        answers: list[bool | None] = []
        for attachment in self.site.all(ATTACHMENT):
            to = self.site.get(attachment, "InternetGatewayId")
            of = self.site.get(attachment, "VpcId")
            if not isinstance(to, Reference) and to is not None:
                answers.append(None)
            elif to == Reference(internet):
                followed = isinstance(of, Reference | str) and vpc is not None
                answers.append(of == Reference(vpc) if followed and vpc is not None else None)
        if self.handed_on(internet):
            answers.append(None)
        return either(answers)

    def zone(self, subnet: Resource) -> Value:
        return self.site.get(subnet, "AvailabilityZone") or self.site.get(subnet, "AvailabilityZoneId")

    def zones(self, subnets: Iterable[Resource]) -> set[str] | None:
        """Their zones as text; None where one is not known."""
        found = [self.zone(subnet) for subnet in subnets]
        if any(zone is None or not _zone_known(zone) for zone in found):
            return None
        return {str(zone) for zone in found}


def _zone_known(value: Value) -> bool:
    """Zones that `Fn::GetAZs` lists are told apart by their number."""
    return known(value) or (isinstance(value, Given) and value.name.startswith("AvailabilityZone"))


def _leads_far(destination: Value) -> bool:
    """A range of public addresses, or one that nobody knows: some of the internet may lie there."""
    block = network_of(destination)
    return destination is not None and (block is None or not block.is_private)
