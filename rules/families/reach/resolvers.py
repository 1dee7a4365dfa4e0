"""Who answers names: endpoints with private DNS are found by the VPC's own resolver alone."""

from collections.abc import Iterator

from rules.families.reach.network_model import ENDPOINT, network
from rules.families.reach.network_paths import private_names
from rules.families.reach.subnet_ways import VPC
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

OPTIONS = "AWS::EC2::DHCPOptions"
ASSOCIATION = "AWS::EC2::VPCDHCPOptionsAssociation"
OWN = "AmazonProvidedDNS"


@rule(
    "E9176",
    cause="{vpc} sends names to {servers}, which do not know the private names of {endpoint}",
    remedy="give AmazonProvidedDNS as DomainNameServers, and forward to others by Route 53 Resolver rules",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html",
    ),
)
def a_resolver_that_does_not_know_the_endpoints(site: Site) -> Iterator[Finding]:
    net = network(site)
    for association in site.all(ASSOCIATION):
        vpc = site.target(site.get(association, "VpcId"), VPC)
        options = site.target(site.get(association, "DhcpOptionsId"), OPTIONS)
        if vpc is None or options is None:
            continue
        servers = site.items(options, "DomainNameServers")
        named = [one for one in site.all(ENDPOINT) if net.vpc(one) == vpc and private_names(net, one)]
        if named and servers and known(servers) and OWN not in servers:
            told = ", ".join(map(str, servers))
            yield found(options, "DomainNameServers", vpc=vpc, servers=told, endpoint=named[0])
