"""The subnets that a database or a cache may stand in: in two zones at least."""

from collections.abc import Iterator

from rules.families.durability.upkeep import GROUP, flag
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Unknown

RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html"
CACHE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/SubnetGroups.html"
CACHE_GROUP = "AWS::ElastiCache::SubnetGroup"
BY_RDS = ("AWS::RDS::DBSubnetGroup", "AWS::DocDB::DBSubnetGroup", "AWS::Neptune::DBSubnetGroup")


def _spread(site: Site, group: Resource) -> tuple[int, str] | None:
    """How many subnets, or else zones, a group surely has; None where nobody can tell."""
    subnets = site.get(group, "SubnetIds")
    if not isinstance(subnets, list) or any(isinstance(one, Unknown | Given) for one in subnets):
        return None
    different = [one for position, one in enumerate(subnets) if one not in subnets[:position]]
    if len(different) < 2:
        return len(different), "subnet"
    targets = [site.target(one, "AWS::EC2::Subnet") for one in different]
    zones = [site.get(one, "AvailabilityZone") if one is not None else None for one in targets]
    if any(zone is None or isinstance(zone, Unknown) for zone in zones):
        return None
    apart = [zone for position, zone in enumerate(zones) if zone not in zones[:position]]
    return len(apart), "zone"


@rule(
    "E9437",
    cause="subnet group {group} covers {count} {unit}, and {user} needs two zones",
    remedy="name subnets of at least two zones",
    sources=(RDS, CACHE),
)
def a_subnet_group_of_one_zone(site: Site) -> Iterator[Finding]:
    for group in site.all(*BY_RDS, CACHE_GROUP):
        spread = _spread(site, group)
        if spread is None or spread[0] >= 2:
            continue
        user: object = "RDS"
        if group.kind == CACHE_GROUP:
            caches = [use.user for use in site.uses(group, GROUP)]
            spanning = [cache for cache in caches if flag(site, cache, "MultiAZEnabled")]
            if not spanning:
                continue
            user = spanning[0]
        yield found(group, "SubnetIds", group=group, count=spread[0], unit=spread[1], user=user)
