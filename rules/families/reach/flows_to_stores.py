"""Databases and caches: whoever is told of one reaches it, on the port on which it listens."""

from collections.abc import Iterator

from rules.families.reach.network_model import Network, network
from rules.families.reach.network_needs import told_of
from rules.families.reach.network_parties import FUNCTION, Party, callers, party, port
from rules.families.reach.network_paths import IN, OUT, Break, to_store
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
RDS_GROUPS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html"
CACHE_ACCESS = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/elasticache-vpc-accessing.html"


def _broken(site: Site, where: str) -> Iterator[Finding]:
    net = network(site)
    for caller in callers(net):
        for store, how in told_of(net, caller.resource).items():
            other = party(net, store)
            broken = to_store(net, caller, other) if other is not None and caller.subnets else None
            if broken is not None and broken.where == where:
                yield _finding(net, caller, store, how, broken)


def _finding(net: Network, caller: Party, store: Resource, how: str, broken: Break) -> Finding:
    parts = {"caller": caller, "store": store, "how": how, "path": broken.path, "port": port(net, store)}
    return Finding(broken.at, broken.steps, parts)


@rule(
    "E9105",
    cause="{caller} does not reach {store} ({how}): {path}",
    remedy="add an egress rule for TCP {port} to the security group of {store}",
    sources=(RULES, RDS_GROUPS, CACHE_ACCESS),
)
def a_store_to_which_the_caller_s_group_does_not_let_out(site: Site) -> Iterator[Finding]:
    yield from _broken(site, OUT)


@rule(
    "E9106",
    cause="{caller} does not reach {store} ({how}): {path}",
    remedy="add an ingress rule for TCP {port} from the security group of {caller}, and let {store} carry it",
    sources=(RULES, RDS_GROUPS, CACHE_ACCESS),
)
def a_store_whose_group_does_not_let_the_caller_in(site: Site) -> Iterator[Finding]:
    yield from _broken(site, IN)


@rule(
    "E9107",
    cause="function {function} runs outside of the VPC and does not reach {store} ({how}), which is private",
    remedy="give it a VpcConfig with private subnets of that VPC and a security group that {store} lets in",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",),
)
def a_function_outside_of_the_network_of_its_store(site: Site) -> Iterator[Finding]:
    net = network(site)
    for function in site.all(FUNCTION):
        if site.get(function, "VpcConfig") not in (None, {}) and site.items(
            function, "VpcConfig", "SubnetIds"
        ):
            continue
        for store, how in told_of(net, function).items():
            public = str(site.get(store, "PubliclyAccessible")).lower()
            other = party(net, store)
            http = str(site.get(store, "EnableHttpEndpoint")).lower()  # the Data API needs no connection
            if public in ("none", "false") and http in ("none", "false") and other and other.subnets:
                yield found(function, "VpcConfig", function=function, store=store, how=how)
