"""Where stores stand among the tiers: apart from what leads out, where a network has such a place."""

from collections.abc import Iterator

from rules.families.reach.network_model import ENDPOINT, Network, network
from rules.families.reach.network_parties import SUBNET_GROUPS, resources
from rules.families.reach.network_paths import service_of
from rules.families.reach.subnet_ways import SUBNET
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

RDS_VPC = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html"
TO_S3 = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"
PLACED = "AWS::EC2::SubnetRouteTableAssociation"


def _tenants(site: Site, subnet: Resource) -> list[Resource]:
    return [use.user for use in site.uses(subnet) if use.user.kind != PLACED]


def _quiet(net: Network, subnet: Resource) -> bool:
    """Made for stores: it has a table of its own choice, without a way out, and is not public."""
    return net.table(subnet) is not None and net.default_route(subnet) is None and not net.public(subnet)


@rule(
    "W9156",
    cause="{group} places stores in {subnet}, from which {route} leads out, and {free} has no way out",
    remedy="place stores in the subnets that have none",
    sources=(RDS_VPC,),
    demanding=True,
)
def a_store_in_a_tier_that_leads_out(site: Site) -> Iterator[Finding]:
    net = network(site)
    free = [one for one in site.all(SUBNET) if _quiet(net, one)]
    for group in site.all(*SUBNET_GROUPS):
        for subnet in resources(net, site.items(group, "SubnetIds"), SUBNET) or ():
            route = net.default_route(subnet)
            beside = [one for one in free if net.vpc(one) == net.vpc(subnet)]
            if route is not None and beside and subnet not in net.given_out:
                yield found(group, "SubnetIds", group=group, subnet=subnet, route=route, free=beside[0])
                break


@rule(
    "W9157",
    cause="{endpoint} leads to {service} from {subnet}, where only {tenants} stand, which call nothing",
    remedy="give it the route tables of the subnets from which the service is called",
    sources=(TO_S3,),
    demanding=True,
)
def a_way_from_where_nobody_calls(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in site.all(ENDPOINT):
        for at, table in enumerate(site.items(endpoint, "RouteTableIds")):
            subnets = [one for one in site.all(SUBNET) if net.table(one) == site.target(table)]
            tenants = [one for subnet in subnets for one in _tenants(site, subnet)]
            only_stores = tenants and all(one.kind in SUBNET_GROUPS for one in tenants)
            if only_stores and not any(subnet in net.given_out for subnet in subnets):
                yield found(
                    endpoint,
                    "RouteTableIds",
                    at,
                    endpoint=endpoint,
                    service=service_of(net, endpoint) or "a service",
                    subnet=subnets[0],
                    tenants=", ".join(dict.fromkeys(map(str, tenants))),
                )
