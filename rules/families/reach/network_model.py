"""Groups and their rules, on top of subnets and routes, as a flow meets them on its way.

Answers have three values: True, False, and None where a deployment or another team decides. Nothing is
concluded from None.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from rules.families.reach.subnet_ways import ANYWHERE, Ways, either, network_of
from rules.seam.rule import Steps
from rules.seam.site import Site
from topology.tree import NESTED, Resource
from topology.values import Given, Reference, Text, Unknown, Value, known

GROUP = "AWS::EC2::SecurityGroup"
EGRESS, INGRESS = "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"
ENDPOINT = "AWS::EC2::VPCEndpoint"
KEPT = "_reach_network"
Made = TypeVar("Made")
DEFAULT_GROUP = "DefaultSecurityGroup"
NOBODY = ("127.0.0.1/32", "::1/128")
OF_AWS = re.compile(r"pl-[0-9a-f]{8}")  # a list of public addresses; those of customers have longer ids
ALL_PORTS = (0, 65535)
ANY = "-1"
# https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


@dataclass(frozen=True)
class Door:
    """One rule of a group: what it lets out, or in."""

    group: Resource
    out: bool
    other: Value  # a group, a range or a prefix list, as `kind` says
    kind: str  # group, range, range6, list
    protocol: str | None  # None: not known
    ports: tuple[int, int] | None
    at: Resource
    path: Steps
    implied: bool = False  # what EC2 adds to a group that has no rule for what goes out

    def on(self, port: int) -> bool | None:
        """Whether TCP on this port is meant."""
        if self.protocol is None or self.ports is None:
            return None
        return self.protocol in (ANY, "tcp") and self.ports[0] <= port <= self.ports[1]

    def __str__(self) -> str:
        if self.ports is None or self.protocol is None:
            return "what a deployment decides"
        first, last = self.ports
        span = "" if self.ports == ALL_PORTS else f" {first}" if first == last else f" {first}-{last}"
        return ("everything" if self.protocol == ANY else self.protocol) + span


def flat(values: Iterable[Value]) -> list[Value]:
    """Items of a list, also of one that a parent hands down as text with commas."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, Text) and all(
            part.strip() == "," for part in value.parts if isinstance(part, str)
        ):
            found += [part for part in value.parts if not isinstance(part, str)]
        elif isinstance(value, list):
            found += value
        else:
            found.append(value)
    return found


class Network(Ways):
    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._memory: dict[tuple[object, ...], object] = {}
        self.unsure = False  # a rule of a group that cannot be followed: it may be of any
        self.doors: dict[Resource, list[Door]] = {group: [] for group in site.all(GROUP)}
        self.vague: set[tuple[Resource, bool]] = set()
        self.default_doors: list[tuple[Resource, Resource]] = []  # a rule of a VPC's default group
        self._read()

    def _read(self) -> None:
        site = self.site
        for group in site.all(GROUP):
            for name, out in (("SecurityGroupEgress", True), ("SecurityGroupIngress", False)):
                for at, rule in enumerate(site.items(group, name)):
                    self._door(group, rule, out, group, (name, at))
        for kind, out in ((EGRESS, True), (INGRESS, False)):
            for alone in site.all(kind):
                owner = site.get(alone, "GroupId")
                group_of = site.target(owner, GROUP)
                if group_of is not None:
                    self._door(group_of, dict(site.properties(alone)), out, alone, ())
                elif isinstance(owner, Reference) and owner.attribute == DEFAULT_GROUP:
                    self.default_doors.append((alone, owner.resource))
                elif isinstance(owner, Unknown):
                    self.unsure = True
        for group, doors in self.doors.items():
            if not site.items(group, "SecurityGroupEgress") and (group, True) not in self.vague:
                ports = ALL_PORTS
                doors.append(Door(group, True, ANYWHERE, "range", ANY, ports, group, (), implied=True))

    def _door(self, group: Resource, rule: Value, out: bool, at: Resource, path: Steps) -> None:
        if not isinstance(rule, dict):
            self.vague.add((group, out))
            return
        side = "Destination" if out else "Source"
        given = rule.get("IpProtocol", ANY)
        protocol = NUMBERS.get(str(given).lower(), str(given).lower()) if known(given) else None
        ports = _ports(protocol, rule)
        kinds = (
            (f"{side}SecurityGroupId", "group"),
            (f"{side}SecurityGroupName", "group"),
            (f"{side}PrefixListId", "list"),
            ("CidrIp", "range"),
            ("CidrIpv6", "range6"),
        )
        for name, kind in kinds:
            other = rule.get(name)
            if other is not None and other not in NOBODY:
                self.doors[group].append(Door(group, out, other, kind, protocol, ports, at, (*path, name)))

    def once(self, make: Callable[..., Iterable[Made]], *of: Hashable) -> tuple[Made, ...]:
        """What `make` yields of this network, asked once by however many rules."""
        key = (make, *of)
        if key not in self._memory:
            self._memory[key] = tuple(make(self, *of))
        return self._memory[key]  # type: ignore[return-value]

    def lets(
        self,
        groups: tuple[Resource, ...] | None,
        out: bool,
        port: int,
        others: tuple[Resource, ...] | None,
        subnets: tuple[Resource, ...] | None,
    ) -> bool | None:
        """Whether one of `groups` has a door to one of the groups `others`, or to where these stand."""
        if groups is None:
            return None
        doors = [door for group in groups for door in self.doors.get(group, ()) if door.out == out]
        answers = [self.fits(door, port, others, subnets) for door in doors]
        if subnets is not None and len(subnets) > 1:
            answers.append(self._together(doors, port, others, subnets))
        if self.unsure or any((group, out) in self.vague for group in groups):
            answers.append(None)
        return either(answers)

    def _together(
        self,
        doors: list[Door],
        port: int,
        others: tuple[Resource, ...] | None,
        subnets: tuple[Resource, ...],
    ) -> bool | None:
        """Whether each of the subnets has a door, be it another one than the next."""
        each = [either(self.fits(door, port, others, (one,)) for door in doors) for one in subnets]
        return False if False in each else None if None in each else True

    def fits(
        self,
        door: Door,
        port: int,
        others: tuple[Resource, ...] | None,
        subnets: tuple[Resource, ...] | None,
    ) -> bool | None:
        on, party = door.on(port), self._party(door, others, subnets)
        return False if False in (on, party) else True if on and party else None

    def _party(
        self, door: Door, others: tuple[Resource, ...] | None, subnets: tuple[Resource, ...] | None
    ) -> bool | None:
        if door.kind == "group":
            target = self.site.target(door.other, GROUP)
            if target is None or others is None:
                return None
            return target in others
        if door.kind == "range6":
            return None if any(self.site.all("AWS::EC2::VPCCidrBlock")) else False
        if door.kind == "range":
            return self.covers(door.other, subnets)
        return False if isinstance(door.other, str) and OF_AWS.fullmatch(door.other) else None

    def covers(self, block: Value, subnets: tuple[Resource, ...] | None) -> bool | None:
        """Whether a range holds all of the subnets."""
        if block == ANYWHERE:
            return True
        block = self._block(block)
        if subnets is None:
            return None
        wide = network_of(block)
        answers: list[bool | None] = []
        for subnet in subnets:
            vpc = self.vpc(subnet)
            if vpc is not None and block == self._block(self.site.get(vpc, "CidrBlock")):
                answers.append(True)
                continue
            narrow = network_of(self.site.get(subnet, "CidrBlock"))
            answers.append(None if wide is None or narrow is None else narrow.subnet_of(wide))
        return None if None in answers else all(answers)

    def _block(self, value: Value) -> Value:
        """`!GetAtt Vpc.CidrBlock` is the range that the VPC names."""
        if isinstance(value, Reference) and value.attribute == "CidrBlock":
            return self.site.get(value.resource, "CidrBlock")
        return value

    def whole(self, door: Door) -> bool:
        """Whether a range holds a VPC of this tree, and more than one subnet of it."""
        if door.kind != "range" or not isinstance(door.other, str | Reference | Given):
            return False
        if door.other == ANYWHERE:
            return True
        vpc = self.vpc(door.group)
        if vpc is None:
            return False
        mine, block = self._block(self.site.get(vpc, "CidrBlock")), self._block(door.other)
        wide, narrow = network_of(block), network_of(mine)
        return block == mine or (wide is not None and narrow is not None and narrow.subnet_of(wide))

    @cached_property
    def members(self) -> Mapping[Resource, tuple[Resource, ...]]:
        """Group → what has its interfaces in it."""
        about = {GROUP, EGRESS, INGRESS, NESTED}
        return {
            group: tuple(
                dict.fromkeys(use.user for use in self.site.uses(group) if use.user.kind not in about)
            )
            for group in self.site.all(GROUP)
        }


def _ports(protocol: str | None, rule: Mapping[str, Value]) -> tuple[int, int] | None:
    if protocol is None:
        return None
    if protocol not in ("tcp", "udp"):
        return ALL_PORTS
    first, last = rule.get("FromPort"), rule.get("ToPort")
    if first is None and last is None:
        return ALL_PORTS
    try:
        return int(str(first)), int(str(last))
    except ValueError:
        return None


def network(site: Site) -> Network:
    """Kept with the site, so that it ends with it."""
    kept = vars(site)
    if KEPT not in kept:
        kept[KEPT] = Network(site)
    made: Network = kept[KEPT]
    return made
