"""Public addresses: none for what is private, and one address for one gateway."""

from collections.abc import Iterator

from rules.families.reach.network_model import Network, network
from rules.families.reach.network_parties import INSTANCE, callers
from rules.families.reach.subnet_ways import NAT, SUBNET
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

NAT_DOCS = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html"
ADDRESSING = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html"
# What takes the address that its subnet gives: an instance, and a task of a service that asks for one.
TAKING = (
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::Instance",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::SpotFleet",
    "AWS::EKS::Nodegroup",
    "AWS::EMR::Cluster",
    "AWS::Batch::ComputeEnvironment",
    "AWS::EC2::NetworkInterface",
)


@rule(
    "E9145",
    cause="{store} is publicly accessible: its name leads to a public address for everybody outside",
    remedy="set PubliclyAccessible: false",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html",
    ),
    by_default=True,
)
def a_publicly_accessible_store(site: Site) -> Iterator[Finding]:
    for store in site.all(INSTANCE, "AWS::RDS::DBCluster", "AWS::Redshift::Cluster"):
        if str(site.get(store, "PubliclyAccessible")).lower() == "true":
            yield found(store, "PubliclyAccessible", store=store)


@rule(
    "W9146",
    cause="{subnet} gives a public address to whatever starts in it, and {why}",
    remedy="set MapPublicIpOnLaunch: false",
    sources=(
        ADDRESSING,
        "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html",
    ),
    demanding=True,
)
def a_subnet_that_gives_public_addresses(site: Site) -> Iterator[Finding]:
    net = network(site)
    for subnet in site.all(SUBNET):
        if str(site.get(subnet, "MapPublicIpOnLaunch")).lower() != "true":
            continue
        users = [use.user.kind for use in site.uses(subnet)]
        table = net.table(subnet)
        closed = table is not None and not net.handed_on(table) and not net.routes_elsewhere
        if closed and not net.public(subnet) and net.way_out(subnet, True) is not None:
            yield found(subnet, "MapPublicIpOnLaunch", subnet=subnet, why="no internet gateway carries one")
        elif subnet not in net.given_out and not any(
            kind in TAKING for kind in (*users, *_asking(net, subnet))
        ):
            why = "nothing that stands there needs one"
            yield found(subnet, "MapPublicIpOnLaunch", subnet=subnet, why=why)


def _asking(net: Network, subnet: Resource) -> list[str]:
    """Whatever calls from there may take the address."""
    return [TAKING[0] for party in callers(net) if subnet in (party.subnets or ())]


@rule(
    "E9146",
    cause="{gateway} and {other} both want the address {address}, and it can be of one alone",
    remedy="give each NAT gateway an Elastic IP of its own",
    sources=(NAT_DOCS,),
)
def two_nat_gateways_with_one_address(site: Site) -> Iterator[Finding]:
    first: dict[Resource, Resource] = {}
    for gateway in site.all(NAT):
        address = site.target(site.get(gateway, "AllocationId"), "AWS::EC2::EIP")
        if address is not None and first.setdefault(address, gateway) != gateway:
            yield found(gateway, "AllocationId", gateway=gateway, other=first[address], address=address)


@rule(
    "E9147",
    cause="public NAT gateway {gateway} has no Elastic IP",
    remedy="set AllocationId to the AllocationId of an AWS::EC2::EIP",
    sources=(
        NAT_DOCS,
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-natgateway.html",
    ),
)
def a_public_nat_gateway_without_an_address(site: Site) -> Iterator[Finding]:
    for gateway in site.all(NAT):
        kind, mode = site.get(gateway, "ConnectivityType"), site.get(gateway, "AvailabilityMode")
        private = kind == "private" or not known(kind)
        if not private and mode in (None, "zonal") and site.get(gateway, "AllocationId") is None:
            yield found(gateway, gateway=gateway)


@rule(
    "W9148",
    cause="{what} is there, paid for, and {why}",
    remedy="route to it what was meant to use it, or remove it",
    sources=(NAT_DOCS,),
    demanding=True,
)
def a_nat_gateway_or_address_that_nothing_uses(site: Site) -> Iterator[Finding]:
    net = network(site)
    for resource in site.all(NAT, "AWS::EC2::EIP"):
        gateway = resource.kind == NAT
        users = [use for use in site.uses(resource) if not gateway or use.user.kind == "AWS::EC2::Route"]
        attached = not gateway and site.get(resource, "InstanceId") is not None
        handed = net.handed_on(resource) if gateway else resource in net.given_out
        if users or attached or handed or net.routes_elsewhere:
            continue
        if not net.mentioned(resource):
            yield found(resource, what=resource, why="no route leads to it" if gateway else "has no user")
