"""What the picture holds, before anything has a place: frames, boxes in them, and lines.

A frame is what one stack has in one zone of the network, or outside of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from topology.diagram.faces import COUNTED, SHOWN, Face, counted, face
from topology.diagram.flows import OUTSIDE, Flow, What, flows, outside_title, outsider, works_with
from topology.diagram.measure import TOGETHER
from topology.reach import reach
from topology.rendering import Renderer
from topology.tree import NESTED, Resource, Stack, Tree
from topology.values import references

SUBNET = "AWS::EC2::Subnet"
OUTSIDERS = ("AWS::IoT::Policy", "AWS::IAM::ManagedPolicy", "AWS::SNS::Subscription")
MOST_NAMED = 3  # stacks that alarms watch; more are counted


@dataclass(frozen=True)
class Box:
    """One resource, several that are counted, or somebody outside."""

    key: str
    face: Face


@dataclass(frozen=True)
class Frame:
    """A stack's boxes in one zone; somebody outside has a frame without a name."""

    key: str
    name: str
    zone: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Zone:
    """A tier of subnets."""

    name: str
    cidrs: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    environment: str
    frames: tuple[Frame, ...]
    zones: tuple[Zone, ...]  # those that hold something
    network: tuple[str, ...]  # what is said of the network as a whole
    flows: tuple[Flow, ...]  # between keys of boxes


def content(tree: Tree, environment: str) -> Content:
    """Raises Unresolvable, NoForm, UnknownPolicy."""
    return _Reader(tree).content(environment)


class _Reader:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.renderer = Renderer(tree)
        self.flows = flows(tree, self.renderer)
        self.tenants = reach(tree, self.renderer).tenants

    def content(self, environment: str) -> Content:
        frames = [*self._outsiders(), *self._frames()]
        boxes = {box.key for frame in frames for box in frame.boxes}
        between = [
            Flow(self._box_of(flow.source), self._box_of(flow.target), flow.what, flow.port)
            for flow in self.flows
        ]
        tiers = self._tiers()
        held = {frame.zone for frame in frames}
        return Content(
            environment,
            tuple(frames),
            tuple(Zone(name, cidrs) for name, cidrs in tiers.items() if name in held),
            tuple(self._network([name for name in tiers if name not in held])),
            tuple(dict.fromkeys(flow for flow in between if {flow.source, flow.target} <= boxes)),
        )

    def _box_of(self, address: str) -> str:
        """The box in which a flow ends: one for all that are counted together."""
        if address.startswith(OUTSIDE) or self.tree.resource(address).kind not in COUNTED:
            return address
        resource = self.tree.resource(address)
        return f"{resource.stack}/{resource.kind}"

    def _outsiders(self) -> Iterator[Frame]:
        ends = {end for flow in self.flows for end in (flow.source, flow.target)}
        for resource in self.tree.resources(*OUTSIDERS):
            key = outsider(resource)
            if key in ends:
                title, how = outside_title(resource, self.renderer)
                yield Frame(key, "", "", (Box(key, Face(title, (how,))),))

    def _frames(self) -> Iterator[Frame]:
        """Stack by stack, in the order in which they are nested; within one, zone by zone."""
        carrying = {
            self.tree.resource(end).stack
            for flow in self.flows
            for end in (flow.source, flow.target)
            if flow.what is not What.ALARMS and not end.startswith(OUTSIDE)
        }
        for stack in self.tree.stacks.values():
            zones: dict[str, list[Box]] = {}
            if stack.address not in carrying:  # elsewhere alarms stand beside what they watch, and go without
                zones = {"": made} if (made := list(self._counted(stack))) else {}
            for resource in stack.resources.values():
                if resource.kind in SHOWN:
                    zones.setdefault(self._zone(resource), []).append(self._box(resource))
            for zone, boxes in zones.items():
                yield Frame(f"{stack.address}@{zone}", stack.file.stem, zone, tuple(boxes))

    def _box(self, resource: Resource) -> Box:
        made = face(resource, self.renderer.resolver)
        return Box(resource.address, Face(made.title, (*made.lines, *self._notes(resource))))

    def _counted(self, stack: Stack) -> Iterator[Box]:
        for kind in COUNTED:
            same = [resource for resource in stack.resources.values() if resource.kind == kind]
            if same:
                watched = {
                    found.resource.stack
                    for one in same
                    for found in references(self.renderer.resolver.property(one, "Dimensions"))
                }
                names = self._named(watched)
                on = ", ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} stacks"
                yield Box(f"{stack.address}/{kind}", Face(counted(same), (f"on {on}",) if names else ()))

    def _notes(self, resource: Resource) -> Iterator[str]:
        """What others say of it: whose data a key encrypts, how often a secret changes, a task's size."""
        ask = self.renderer.resolver.property
        if resource.kind == "AWS::KMS::Key":
            users = {
                one.stack
                for one in self.tree.resources()
                if one.kind != NESTED and self._is_named(resource, one)
            }
            yield "for " + ", ".join(self._named(users))
        if resource.kind == "AWS::SecretsManager::Secret":
            for schedule in self.tree.resources("AWS::SecretsManager::RotationSchedule"):
                if self._is_named(resource, schedule):
                    rate = str(ask(schedule, "RotationRules", "ScheduleExpression"))
                    often = rate.removeprefix("rate(").removesuffix(")").replace(" ", TOGETHER)
                    yield f"rotated every {often}"
        for task in works_with(resource, self.renderer, "AWS::ECS::TaskDefinition"):
            yield f"{ask(task, 'Cpu')}{TOGETHER}CPU, {ask(task, 'Memory')}{TOGETHER}MiB"

    def _named(self, addresses: set[str]) -> list[str]:
        return [stack.file.stem for address, stack in self.tree.stacks.items() if address in addresses]

    def _is_named(self, resource: Resource, by: Resource) -> bool:
        """Whether a property of the other names it; what documents say of it does not count."""
        return any(
            found.resource == resource
            for name, value in self.renderer.resolver.properties(by).items()
            if "Polic" not in name and name != "EventPattern"
            for found in references(value)
        )

    def _zone(self, resource: Resource) -> str:
        """The tier of the subnets that a resource stands in; empty for what stands in none."""
        tiers = {tier(subnet) for subnet, standing in self.tenants.items() if resource in standing}
        return min(tiers, default="")

    def _tiers(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for subnet in self.tree.resources(SUBNET):
            cidr = str(self.renderer.resolver.property(subnet, "CidrBlock"))
            found[tier(subnet)] = (*found.get(tier(subnet), ()), cidr)
        return found

    def _network(self, empty: list[str]) -> Iterator[str]:
        """What of the network has no box: its addresses, the ways out, the endpoints."""
        ask, subnets = self.renderer.resolver.property, list(self.tree.resources(SUBNET))
        zones = {str(ask(subnet, "AvailabilityZone")) for subnet in subnets}
        for vpc in self.tree.resources("AWS::EC2::VPC"):
            yield f"VPC {ask(vpc, 'CidrBlock')} in {len(zones)} zones"
        gateways = len(list(self.tree.resources("AWS::EC2::NatGateway")))
        for name in empty:
            yield f"{name} tier: {gateways or 'no'} NAT gateway{'' if gateways == 1 else 's'}"
        services = [
            str(self.renderer.document(ask(endpoint, "ServiceName"))).split(".", 3)[-1]
            for endpoint in self.tree.resources("AWS::EC2::VPCEndpoint")
        ]
        if services:
            yield f"endpoints: {', '.join(sorted(services))}"


def tier(subnet: Resource) -> str:
    """AppA → app"""
    return subnet.name.rstrip("ABCDEF0123456789").lower()
