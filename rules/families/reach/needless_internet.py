"""Ways to the whole internet for who calls what stands beside it alone."""

from collections.abc import Iterator

from rules.families.reach.network_model import Network, network
from rules.families.reach.network_needs import needs
from rules.families.reach.network_parties import Party, callers
from rules.families.reach.network_paths import HTTPS, chosen, gateway
from rules.families.reach.open_doors import RULES, at
from rules.families.reach.subnet_ways import ANYWHERE
from rules.seam.rule import Finding, rule
from rules.seam.site import Site


@rule(
    "W9139",
    cause="{group} of {caller} lets out to any address on {door}, and all that it is known to call has an "
    "endpoint in its network: {services}",
    remedy="let out to the groups of the endpoints and to the prefix lists of the gateway endpoints alone",
    sources=(RULES, "https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html"),
    demanding=True,
)
def a_way_to_the_internet_that_nothing_needs(site: Site) -> Iterator[Finding]:
    net = network(site)
    inside = {caller.resource: caller for caller in callers(net)}
    for group, doors in net.doors.items():
        members = net.members.get(group, ())
        parties = [inside[one] for one in members if one in inside]
        wide = [door for door in doors if door.out and door.other == ANYWHERE and door.on(HTTPS)]
        if not wide or not parties or len(parties) < len(members):
            continue
        served = [_served(net, one) for one in parties]
        if all(served):
            services = ", ".join(sorted({name for one in served for name in one or ()}))
            for door in wide:
                if not door.implied:
                    yield at(door, caller=parties[0], services=services)


def _served(net: Network, caller: Party) -> set[str] | None:
    """What it calls, where all of that has an endpoint that takes the call from each of its subnets."""
    listed = needs(net, caller)
    for need in listed:
        near = [gateway(net, need, subnet) for subnet in caller.subnets or ()]
        if chosen(net, need) is None and (not near or None in near):
            return None
    return {need.service for need in listed}
