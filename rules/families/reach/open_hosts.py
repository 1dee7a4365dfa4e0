"""Instances that anybody may speak to: on ports for their keepers, and as a way to databases behind them."""

from collections.abc import Iterator

from rules.families.reach.network_model import Door, Network, network
from rules.families.reach.network_parties import port as port_of
from rules.families.reach.network_parties import stores
from rules.families.reach.network_paths import names
from rules.families.reach.open_doors import CONTROLS, RULES, at, worldwide
from rules.families.reach.subnet_ways import SUBNET
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value

# What runs programs that somebody logs in to. The groups of those of a launch template stand in it.
HOSTS = frozenset(
    {
        "AWS::AutoScaling::LaunchConfiguration",
        "AWS::EC2::Instance",
        "AWS::EC2::LaunchTemplate",
        "AWS::EC2::NetworkInterface",
        "AWS::EC2::SpotFleet",
    }
)
KEEPERS = {22: "SSH", 3389: "RDP"}
# Of protocols that are for the public: the web, mail, names, time, VPN.
PUBLIC = frozenset({25, 53, 80, 123, 443, 465, 500, 587, 853, 993, 995, 1194, 4500, 8080, 8443, 51820})
NARROW = 1000  # a range of more ports is for no one protocol
SESSIONS = "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html"


def _open(net: Network) -> Iterator[Door]:
    """The rules by which any address is let in."""
    for doors in net.doors.values():
        yield from (door for door in doors if not door.out and worldwide(door))


def _hosts(net: Network, group: Resource) -> list[Resource]:
    return [one for one in net.members.get(group, ()) if one.kind in HOSTS]


def _wide(door: Door) -> bool:
    return door.ports is None or door.ports[1] - door.ports[0] > NARROW


@rule(
    "E9123",
    cause="{group} lets any address in on {port} ({what}), by its rule for {door} from {range}",
    remedy="let in the addresses of those who keep the hosts, or none: Session Manager needs no open port",
    sources=(CONTROLS, RULES, SESSIONS),
    demanding=True,
)
def a_group_that_lets_the_world_log_in(site: Site) -> Iterator[Finding]:
    """A demand, for samples and bastions of libraries are open so on purpose."""
    net = network(site)
    for door in _open(net):
        for number, what in KEEPERS.items():
            if door.on(number) and (not _wide(door) or _hosts(net, door.group)):
                yield at(door, port=number, what=what, range=door.other)
                break


@rule(
    "W9137",
    cause="{group} of {host} lets any address in on {door}, which is no port of a public service",
    remedy="let in the groups or addresses that call it",
    sources=(CONTROLS, RULES),
    demanding=True,
)
def a_host_that_is_open_to_the_world(site: Site) -> Iterator[Finding]:
    net = network(site)
    for door in _open(net):
        hosts = _hosts(net, door.group)
        keepers = any(door.on(one) for one in KEEPERS)
        icmp = door.protocol is not None and door.protocol.startswith("icmp")
        if not hosts or door.ports is None or keepers or icmp:
            continue
        first, last = door.ports
        if any(one not in PUBLIC for one in range(first, min(last, first + len(PUBLIC)) + 1)):
            yield at(door, host=hosts[0])


@rule(
    "W9138",
    cause="{host} {how}, and {group} of {store} lets it in: from the internet it is one step to {store}",
    remedy="let the store in on what stands in private subnets alone, and reach a host by Session Manager",
    sources=(RULES, SESSIONS),
    demanding=True,
)
def a_store_behind_an_open_host(site: Site) -> Iterator[Finding]:
    net = network(site)
    exposed = {group: why for group in net.doors if (why := _exposed(net, group))}
    for store in stores(net):
        on = port_of(net, store.resource)
        for group in store.groups or ():
            for door in net.doors.get(group, ()):
                other = site.target(door.other) if door.kind == "group" and not door.out else None
                if other in exposed and other is not None and (on is None or door.on(on) is not False):
                    host, how = exposed[other]
                    yield at(door, host=host, how=how, store=store)


def _exposed(net: Network, group: Resource) -> tuple[Resource, str] | None:
    """A host of a group to which the internet has a way, and which."""
    for host in _hosts(net, group):
        groups = [one for one, members in net.members.items() if host in members]
        doors = [door for one in groups for door in net.doors[one] if not door.out and worldwide(door)]
        if doors:
            return host, f"is open to any address on {doors[0]} by {names((doors[0].group,))}"
        if _has_public_address(net, host):
            return host, "has a public address"
    return None


def _has_public_address(net: Network, host: Resource) -> bool:
    site = net.site
    spec: list[Value] = [site.properties(host), site.get(host, "LaunchTemplateData")]
    for body in spec:
        cards = body.get("NetworkInterfaces") if isinstance(body, dict) else None
        for card in cards if isinstance(cards, list) else []:
            if isinstance(card, dict) and str(card.get("AssociatePublicIpAddress")).lower() == "true":
                return True
        if isinstance(body, dict) and str(body.get("AssociatePublicIpAddress")).lower() == "true":
            return True
    subnet = site.target(site.get(host, "SubnetId"), SUBNET)
    gives = subnet is not None and str(site.get(subnet, "MapPublicIpOnLaunch")).lower() == "true"
    return (gives and subnet is not None and net.public(subnet)) or any(site.uses(host, "AWS::EC2::EIP"))
