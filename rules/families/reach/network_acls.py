"""Network ACLs: they keep no state, so calls and answers each need an entry."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.reach.network_model import Network, network
from rules.families.reach.network_needs import needs, told_of
from rules.families.reach.network_parties import callers, party, port
from rules.families.reach.network_paths import HTTPS
from rules.families.reach.subnet_ways import SUBNET
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Unknown, known

ACL, ENTRY = "AWS::EC2::NetworkAcl", "AWS::EC2::NetworkAclEntry"
BOUND = "AWS::EC2::SubnetNetworkAclAssociation"
DOCS = "https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html"
EPHEMERAL = "https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html"
# Of Linux, which tasks and databases run on; functions and NAT gateways use more.
ANSWERS = (32768, 60999)


@dataclass(frozen=True)
class Passage:
    """Ports that must pass a subnet's list, one way."""

    subnet: Resource
    out: bool
    ports: tuple[int, int]
    near: tuple[Resource, ...]  # the subnets on the other side; () for any address
    why: str


def _passages(net: Network) -> Iterator[Passage]:
    for caller in callers(net):
        mine = caller.subnets or ()
        if any(need.service for need in needs(net, caller)):
            for subnet in mine:
                yield Passage(subnet, True, (HTTPS, HTTPS), (), f"{caller} calls services of AWS")
                yield Passage(subnet, False, ANSWERS, (), f"services of AWS answer {caller}")
        for store in told_of(net, caller.resource):
            other, on = party(net, store), port(net, store)
            theirs = (other.subnets or ()) if other is not None else ()
            if on is None:
                continue
            for subnet in mine:
                yield Passage(subnet, True, (on, on), theirs, f"{caller} calls {store}")
                yield Passage(subnet, False, ANSWERS, theirs, f"{store} answers {caller}")
            for subnet in theirs:
                yield Passage(subnet, False, (on, on), mine, f"{caller} calls {store}")
                yield Passage(subnet, True, ANSWERS, mine, f"{store} answers {caller}")


@rule(
    "E9192",
    cause="{acl} of {subnet} does not let tcp {ports} {way}: {why}",
    remedy="add entries for the call and, since an ACL keeps no state, for its answer on ports 1024-65535",
    sources=(DOCS, EPHEMERAL),
)
def a_network_acl_that_stops_what_is_needed(site: Site) -> Iterator[Finding]:
    net = network(site)
    lists = dict(_lists(site))
    if not lists:
        return
    told: set[tuple[Resource, bool, tuple[int, int]]] = set()
    for passage in _passages(net):
        acl = lists.get(passage.subnet)
        if acl is None or (acl, passage.out, passage.ports) in told:
            continue
        if passes(net, acl, passage) is False:
            told.add((acl, passage.out, passage.ports))
            ports = "-".join(map(str, sorted(set(passage.ports))))
            way = "out" if passage.out else "in"
            yield found(acl, acl=acl, subnet=passage.subnet, ports=ports, way=way, why=passage.why)


def _lists(site: Site) -> Iterator[tuple[Resource, Resource]]:
    for bound in site.all(BOUND):
        subnet = site.target(site.get(bound, "SubnetId"), SUBNET)
        acl = site.target(site.get(bound, "NetworkAclId"), ACL)
        if subnet is not None and acl is not None:
            yield subnet, acl


def passes(net: Network, acl: Resource, passage: Passage) -> bool | None:
    """What the entry with the lowest number that is about it says; None where nobody knows."""
    site = net.site
    entries = [one for one in site.all(ENTRY) if site.target(site.get(one, "NetworkAclId"), ACL) == acl]
    if net.handed_on(acl) or any(
        isinstance(site.get(one, "NetworkAclId"), Unknown) for one in site.all(ENTRY)
    ):
        return None
    mine = [one for one in entries if (str(site.get(one, "Egress")).lower() == "true") == passage.out]
    if not all(str(site.get(one, "RuleNumber")).isdigit() for one in mine):
        return None
    for entry in sorted(mine, key=lambda one: int(str(site.get(one, "RuleNumber")))):
        about = _about(net, entry, passage)
        if about is None:
            return None
        if about:
            return site.get(entry, "RuleAction") == "allow"
    return False


def _about(net: Network, entry: Resource, passage: Passage) -> bool | None:
    ports, block = _ports(net, entry, passage), net.site.get(entry, "CidrBlock")
    if ports is False or block is None:
        return False
    if block == "0.0.0.0/0":
        return ports
    near = net.covers(block, passage.near) or None if passage.near else None
    return near and ports


def _ports(net: Network, entry: Resource, passage: Passage) -> bool | None:
    protocol, span = net.site.get(entry, "Protocol"), net.site.get(entry, "PortRange")
    if not known(protocol) or not known(span):
        return None
    if str(protocol) != "6" or not isinstance(span, dict):
        return str(protocol) in ("-1", "6")
    ends = [str(span.get(name)) for name in ("From", "To")]
    if not all(end.isdigit() for end in ends):
        return None
    first, last = map(int, ends)
    if passage.ports[1] < first or last < passage.ports[0]:
        return False
    return (first <= passage.ports[0] and passage.ports[1] <= last) or None
