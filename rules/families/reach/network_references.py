"""References among parts of a network: each property names the kind of thing that it is for."""

from collections.abc import Iterator, Mapping

from rules.families.reach.network_model import DEFAULT_GROUP, EGRESS, GROUP, INGRESS, flat, network
from rules.families.reach.network_parties import CALLERS, STORES, callers, stores
from rules.families.reach.subnet_ways import INTERNET, NAT, SUBNET, TABLE, VPC
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import REF, Reference, Value

EIP = "AWS::EC2::EIP"
TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
# What answers with the id of each kind.
IDS: Mapping[str, tuple[str, ...]] = {
    EIP: ("AllocationId",),
    GROUP: (REF, "GroupId", "Id"),
    INTERNET: (REF, "InternetGatewayId"),
    NAT: (REF, "NatGatewayId"),
    SUBNET: (REF, "SubnetId"),
    TABLE: (REF, "RouteTableId"),
    VPC: (REF, "VpcId"),
}
WANTED: Mapping[str, str] = {
    "AllocationId": EIP,
    "DestinationSecurityGroupId": GROUP,
    "GroupId": GROUP,
    "InternetGatewayId": INTERNET,
    "NatGatewayId": NAT,
    "RouteTableId": TABLE,
    "RouteTableIds": TABLE,
    "SecurityGroupIds": GROUP,
    "SecurityGroups": GROUP,
    "SourceSecurityGroupId": GROUP,
    "SubnetId": SUBNET,
    "SubnetIds": SUBNET,
    "Subnets": SUBNET,
    "VPCSecurityGroups": GROUP,
    "VpcId": VPC,
    "VpcSecurityGroupIds": GROUP,
}
PORTED = ("tcp", "udp", "6", "17")


def _named(value: Value, path: Steps) -> Iterator[tuple[Reference, str, Steps]]:
    """(reference, property, where) of each property of these names, at any depth."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name in WANTED:
                for one in flat(part if isinstance(part, list) else [part]):
                    if isinstance(one, Reference):
                        yield one, name, (*path, name)
            if isinstance(part, dict | list):
                yield from _named(part, (*path, name))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _named(part, (*path, at))


@rule(
    "E9165",
    cause="{resource}: {name} is {value}, which is no id of a {kind}",
    remedy="name one of that kind, by Ref or by the attribute that holds its id",
    sources=(f"{TEMPLATES}/aws-resource-ec2-subnet.html", f"{TEMPLATES}/aws-resource-ec2-natgateway.html"),
)
def a_reference_to_another_kind(site: Site) -> Iterator[Finding]:
    for user in site.tree.resources():
        if not user.kind.startswith("AWS::EC2::") and user.kind not in (*CALLERS, *STORES):
            continue
        for reference, name, place in _named(dict(site.properties(user)), ()):
            kind, attribute = reference.resource.kind, reference.attribute
            wanted = WANTED[name]
            default = wanted == GROUP and kind == VPC and attribute == DEFAULT_GROUP
            right = kind == wanted and attribute in IDS[wanted]
            if kind in IDS and not right and not default:
                parts = {"name": name, "value": reference, "kind": wanted.rpartition("::")[2]}
                yield Finding(user, ("Properties", *place), {"resource": user, **parts})


def _rules(site: Site) -> Iterator[tuple[Resource, Steps, dict[str, Value], bool]]:
    """Each rule of a group as it is written, and whether it is for what goes out."""
    for kind, out in ((EGRESS, True), (INGRESS, False)):
        for alone in site.all(kind):
            yield alone, (), dict(site.properties(alone)), out
    for group in site.all(GROUP):
        for name, out in (("SecurityGroupEgress", True), ("SecurityGroupIngress", False)):
            for at, one in enumerate(site.items(group, name)):
                if isinstance(one, dict):
                    yield group, (name, at), one, out


@rule(
    "E9121",
    cause="{rule} is for ports {first} to {last} of {protocol}, which is no range",
    remedy="give FromPort and ToPort, the lower first, within 0 and 65535",
    sources=(RULES, f"{TEMPLATES}/aws-properties-ec2-securitygroup-ingress.html"),
)
def a_range_of_ports_that_is_none(site: Site) -> Iterator[Finding]:
    for holder, place, written, _ in _rules(site):
        protocol = str(written.get("IpProtocol")).lower()
        first, last = written.get("FromPort"), written.get("ToPort")
        if protocol not in PORTED or not all(_plain(one) for one in (first, last)):
            continue
        missing = (first is None) != (last is None) or first is last is None
        ends = [int(str(one)) for one in (first, last) if one is not None]
        if missing or ends[0] > ends[1] or not -1 <= ends[0] <= ends[1] <= 65535:
            names = {"first": "none" if first is None else first, "last": "none" if last is None else last}
            yield found(holder, *place, "FromPort", rule=holder, protocol=protocol, **names)


def _plain(value: Value) -> bool:
    return value is None or (isinstance(value, int | str) and str(value).lstrip("-").isdigit())


@rule(
    "E9122",
    cause="{rule} names {count} for the other side, so EC2 refuses it or adds nothing",
    remedy="name one of a security group, a range of addresses, a prefix list",
    sources=(RULES, f"{TEMPLATES}/aws-properties-ec2-securitygroup-egress.html"),
)
def a_rule_without_its_one_other_side(site: Site) -> Iterator[Finding]:
    for holder, place, written, out in _rules(site):
        side = "Destination" if out else "Source"
        own = [f"{side}SecurityGroupId", f"{side}PrefixListId", "CidrIp", "CidrIpv6"]
        given = [one for one in own if written.get(one) is not None]
        by_name = written.get(f"{side}SecurityGroupName") is not None
        if len(given) != 1 and not by_name:
            yield found(holder, *place, rule=holder, count=" and ".join(given) or "nobody")


@rule(
    "W9136",
    cause="{user} carries {group} beside its own group, and {owner} carries it as well, so doors of one are "
    "doors of both",
    remedy="let each carry its own group, and name groups in rules",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",),
    demanding=True,
)
def a_group_of_something_else_beside_the_own(site: Site) -> Iterator[Finding]:
    net = network(site)
    called, calling = list(stores(net)), list(callers(net))
    for mine, others in ((called, calling), (calling, called)):
        for party in mine:
            for group in (party.groups or ()) if len(party.groups or ()) > 1 else ():
                owner = next((one for one in others if group in (one.groups or ())), None)
                if owner is not None:
                    yield found(party.resource, *party.groups_at, user=party, group=group, owner=owner)
