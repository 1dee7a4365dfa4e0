"""What has interfaces in a network: services, functions, endpoints, databases and caches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.reach.network_model import DEFAULT_GROUP, ENDPOINT, GROUP, Network, flat
from rules.families.reach.subnet_ways import SUBNET
from rules.seam.rule import Steps
from topology.tree import Resource
from topology.values import Reference, Value, known

SERVICE, TASK, FUNCTION = "AWS::ECS::Service", "AWS::ECS::TaskDefinition", "AWS::Lambda::Function"
INSTANCE, CLUSTER = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"
AWSVPC = ("NetworkConfiguration", "AwsvpcConfiguration")

# Where each type names its subnets and its groups.
CALLERS: Mapping[str, tuple[Steps, Steps]] = {
    SERVICE: ((*AWSVPC, "Subnets"), (*AWSVPC, "SecurityGroups")),
    FUNCTION: (("VpcConfig", "SubnetIds"), ("VpcConfig", "SecurityGroupIds")),
}
# … of databases and caches, of which a group of subnets names the subnets.
STORES: Mapping[str, tuple[Steps, Steps]] = {
    INSTANCE: (("DBSubnetGroupName",), ("VPCSecurityGroups",)),
    CLUSTER: (("DBSubnetGroupName",), ("VpcSecurityGroupIds",)),
    "AWS::DocDB::DBCluster": (("DBSubnetGroupName",), ("VpcSecurityGroupIds",)),
    "AWS::ElastiCache::CacheCluster": (("CacheSubnetGroupName",), ("VpcSecurityGroupIds",)),
    "AWS::ElastiCache::ReplicationGroup": (("CacheSubnetGroupName",), ("SecurityGroupIds",)),
    "AWS::ElastiCache::ServerlessCache": (("SubnetIds",), ("SecurityGroupIds",)),
    "AWS::MemoryDB::Cluster": (("SubnetGroupName",), ("SecurityGroupIds",)),
    "AWS::Neptune::DBCluster": (("DBSubnetGroupName",), ("VpcSecurityGroupIds",)),
    "AWS::RDS::DBProxy": (("VpcSubnetIds",), ("VpcSecurityGroupIds",)),
    "AWS::Redshift::Cluster": (("ClusterSubnetGroupName",), ("VpcSecurityGroupIds",)),
}
SUBNET_GROUPS = (
    "AWS::DAX::SubnetGroup",
    "AWS::DocDB::DBSubnetGroup",
    "AWS::ElastiCache::SubnetGroup",
    "AWS::MemoryDB::SubnetGroup",
    "AWS::Neptune::DBSubnetGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::Redshift::ClusterSubnetGroup",
)
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html (Port), and the same
# of the other services.
PORTS: Mapping[str, int] = {
    "aurora-mysql": 3306,
    "mariadb": 3306,
    "memcached": 11211,
    "mysql": 3306,
    "oracle": 1521,
    "postgres": 5432,
    "redis": 6379,
    "sqlserver": 1433,
    "valkey": 6379,
}
FIXED_PORTS: Mapping[str, int] = {
    "AWS::DocDB::DBCluster": 27017,
    "AWS::ElastiCache::ReplicationGroup": 6379,
    "AWS::ElastiCache::ServerlessCache": 6379,
    "AWS::MemoryDB::Cluster": 6379,
    "AWS::Neptune::DBCluster": 8182,
    "AWS::Redshift::Cluster": 5439,
}


@dataclass(frozen=True)
class Party:
    """Something with interfaces. None: not known."""

    resource: Resource
    groups: tuple[Resource, ...] | None
    subnets: tuple[Resource, ...] | None
    by_default: bool  # names no group, so it has the VPC's default one
    groups_at: Steps
    subnets_at: Steps

    def __str__(self) -> str:
        return str(self.resource)


def party(net: Network, resource: Resource) -> Party | None:
    """None where it has no interface in a network that it names."""
    site = net.site
    if resource.kind in CALLERS:
        subnets_at, groups_at = CALLERS[resource.kind]
        if site.get(resource, *subnets_at) is None:
            return None
        named = site.items(resource, *subnets_at)
    elif resource.kind == ENDPOINT:
        subnets_at, groups_at = ("SubnetIds",), ("SecurityGroupIds",)
        named = site.items(resource, *subnets_at)
    else:
        subnets_at, groups_at = STORES[resource.kind]
        named = site.items(resource, *subnets_at)
        group = site.target(named[0]) if len(named) == 1 else None
        if group is not None and group.kind in SUBNET_GROUPS:
            named = site.items(group, "SubnetIds")
    groups = site.items(resource, *groups_at)
    return Party(
        resource,
        resources(net, groups, GROUP) if groups or site.get(resource, *groups_at) in (None, []) else None,
        resources(net, named, SUBNET) or None,
        not groups,
        groups_at,
        subnets_at,
    )


def resources(net: Network, values: list[Value], kind: str) -> tuple[Resource, ...] | None:
    """The resources that a list names, each once; None where one of them stands elsewhere."""
    found = []
    for value in flat(values):
        target = net.site.target(value, kind)
        if target is None:
            if isinstance(value, Reference) and value.attribute == DEFAULT_GROUP:
                continue
            return None
        found.append(target)
    return tuple(dict.fromkeys(found))


def callers(net: Network) -> tuple[Party, ...]:
    return net.once(_callers)


def _callers(net: Network) -> Iterator[Party]:
    for resource in net.site.all(*CALLERS):
        made = party(net, resource)
        if made is not None:
            yield made


def stores(net: Network) -> tuple[Party, ...]:
    return net.once(_stores)


def _stores(net: Network) -> Iterator[Party]:
    for resource in net.site.all(*STORES):
        made = party(net, resource)
        if made is not None:
            yield made


def interface_endpoints(net: Network) -> tuple[Party, ...]:
    return net.once(_interface_endpoints)


def _interface_endpoints(net: Network) -> Iterator[Party]:
    for resource in net.site.all(ENDPOINT):
        if net.site.get(resource, "VpcEndpointType") == "Interface":
            made = party(net, resource)
            if made is not None:
                yield made


def port(net: Network, store: Resource) -> int | None:
    """On which a database or cache listens; None where nobody knows."""
    written = net.site.get(store, "Port")
    if written is None:
        written = net.site.get(store, "Endpoint", "Port") if store.kind == "AWS::RDS::DBCluster" else None
    if written is not None:
        return int(str(written)) if str(written).isdigit() else None
    if store.kind in FIXED_PORTS:
        return FIXED_PORTS[store.kind]
    name = "EngineFamily" if store.kind == "AWS::RDS::DBProxy" else "Engine"
    engine = net.site.get(store, name)
    if not isinstance(engine, str) or not known(engine):
        return None
    short = "postgres" if engine == "POSTGRESQL" else engine.lower().partition("-")[0]
    return PORTS.get(engine.lower(), PORTS.get(short) if short != "aurora" else None)
