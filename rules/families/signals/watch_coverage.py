"""What nobody watches, in a tree that otherwise watches what it has.

Only such trees are judged: those whose alarms are about resources of at least five types. Where a team
watches elsewhere, or not at all yet, nothing is said.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_series import Series, alarms
from rules.families.signals.notifications import telling
from rules.families.signals.site_memory import once
from rules.families.signals.watched_resources import REPLICATION, member, nodes, subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import references

RECOMMENDED = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"
ENOUGH = 5


@once
def telling_series(site: Site) -> tuple[tuple[Series, tuple[Resource, ...]], ...]:
    """What alarms that tell somebody are on, and the resources that it is about."""
    return tuple(
        (series, tuple(subjects(site, series).values()))
        for alarm in alarms(site)
        if not scaling_only(site, alarm)
        for series in alarm.series
    )


def cares(site: Site) -> bool:
    return len({one.kind for _, about in telling_series(site) for one in about}) >= ENOUGH


@dataclass(frozen=True)
class Wanted:
    """`names`: metrics of which one is enough."""

    names: tuple[str, ...]
    trouble: str
    only: Callable[[Site, Resource], bool] = lambda site, resource: True


def _own_storage(site: Site, database: Resource) -> bool:
    return site.get(database, "DBClusterIdentifier") is None


def _postgres(site: Site, database: Resource) -> bool:
    return site.get(database, "Engine") == "postgres" and _own_storage(site, database)


def _bursts(site: Site, database: Resource) -> bool:
    """Classes below 8xlarge have their baseline of disk throughput, and credits for more.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html
    """
    size = str(site.get(database, "DBInstanceClass")).rpartition(".")[2]
    return _own_storage(site, database) and size in ("micro", "small", "medium", "large", "xlarge", "2xlarge")


def _durable(site: Site, resource: Resource) -> bool:
    return site.durable(resource) is True


def _sets_aside(site: Site, topic_rule: Resource) -> bool:
    return site.get(topic_rule, "TopicRulePayload", "ErrorAction") is not None


def _calls(site: Site, topic: Resource) -> bool:
    return topic in telling(site)


WANTED: Mapping[str, tuple[Wanted, ...]] = {
    # https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
    "AWS::Kinesis::Stream": (
        Wanted(
            (
                "GetRecords.IteratorAgeMilliseconds",
                "SubscribeToShardEvent.MillisBehindLatest",
                "IteratorAgeMilliseconds",
            ),
            "how far its readers are behind",
        ),
        Wanted(
            ("WriteProvisionedThroughputExceeded", "PutRecords.ThrottledRecords"), "writes that it refuses"
        ),
        Wanted(
            ("ReadProvisionedThroughputExceeded", "SubscribeToShardEvent.MillisBehindLatest"),
            "reads that it refuses",
        ),
        Wanted(
            ("IncomingRecords", "IncomingBytes", "PutRecord.Success", "PutRecords.Success"),
            "that nothing comes in",
            _durable,
        ),
    ),
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    "AWS::RDS::DBInstance": (
        Wanted(("CPUUtilization", "DBLoad"), "its load"),
        Wanted(("FreeStorageSpace",), "its free storage", _own_storage),
        Wanted(("FreeableMemory", "SwapUsage"), "its free memory"),
        Wanted(("DatabaseConnections",), "its connections"),
        Wanted(
            ("MaximumUsedTransactionIDs",),
            "its use of transaction ids, at whose end it takes no more writes",
            _postgres,
        ),
        Wanted(
            ("EBSIOBalance%", "EBSByteBalance%", "BurstBalance"), "its credits for disk operations", _bursts
        ),
    ),
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    "AWS::ECS::Service": (
        Wanted(
            ("RunningTaskCount", "HealthyHostCount", "UnHealthyHostCount", "PendingTaskCount"),
            "whether its tasks run",
        ),
        Wanted(("CPUUtilization", "TaskCpuUtilization", "CpuUtilized"), "its load"),
        Wanted(
            ("MemoryUtilization", "TaskMemoryUtilization", "MemoryUtilized"),
            "its memory, for lack of which tasks are killed",
        ),
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS::Lambda::Function": (Wanted(("Errors",), "its errors"),),
    "AWS::Serverless::Function": (Wanted(("Errors",), "its errors"),),
    # https://docs.aws.amazon.com/iot/latest/developerguide/metrics_dimensions.html
    "AWS::IoT::TopicRule": (
        Wanted(("ErrorActionFailure", "Failure"), "messages that it loses"),
        Wanted(("ErrorActionFailure",), "messages that it could not even set aside", _sets_aside),
    ),
    # https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    "AWS::SNS::Topic": (
        Wanted(
            ("NumberOfNotificationsFailed", "NumberOfNotificationsFailedToRedriveToDlq"),
            "alarms that reach nobody",
            _calls,
        ),
    ),
    # https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
    "AWS::EC2::NatGateway": (
        Wanted(("ErrorPortAllocation",), "connections that it refuses for want of a port"),
    ),
}


@rule(
    "W9698",
    cause="no alarm watches {trouble} of {about}, in a tree that watches most of what it has",
    remedy="add an alarm on {metric}",
    sources=(RECOMMENDED,),
    demanding=True,
)
def a_trouble_that_nobody_watches(site: Site) -> Iterator[Finding]:
    if not cares(site):
        return
    for kind, all_wanted in WANTED.items():
        for resource in site.all(kind):
            names = {
                str(series.name)
                for series, about in telling_series(site)
                if resource in about
                or _behind(site, resource, about)
                or _by_role(site, resource, series, about)
            }
            for wanted in all_wanted:
                if not names & set(wanted.names) and wanted.only(site, resource):
                    yield found(resource, about=resource, trouble=wanted.trouble, metric=wanted.names[0])


def _behind(site: Site, service: Resource, about: tuple[Resource, ...]) -> bool:
    """Target groups of a service answer for it."""
    if service.kind != "AWS::ECS::Service":
        return False
    groups = {reference.resource for reference in references(site.get(service, "LoadBalancers"))}
    return any(one in groups for one in about)


def _by_role(site: Site, instance: Resource, series: Series, about: tuple[Resource, ...]) -> bool:
    """Whether a series of a cluster, or of the role that an instance begins with, is about an instance.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/dimensions.html
    """
    cluster = site.target(site.get(instance, "DBClusterIdentifier"), "AWS::RDS::DBCluster")
    if instance.kind != "AWS::RDS::DBInstance" or cluster is None or cluster not in about:
        return False
    role = next((str(value) for name, value in series.dimensions or () if str(name) == "Role"), "")
    members = [
        one
        for one in site.all("AWS::RDS::DBInstance")
        if site.target(site.get(one, "DBClusterIdentifier")) == cluster
    ]
    tiers = {one: str(site.get(one, "PromotionTier") or "1").zfill(3) for one in members}
    first = min(members, key=lambda one: tiers[one])
    return role not in ("WRITER", "READER") or (role == "WRITER") == (instance == first)


# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
CACHE = (
    Wanted(
        ("DatabaseMemoryUsagePercentage", "DatabaseMemoryUsageCountedForEvictPercentage", "FreeableMemory"),
        "the memory",
    ),
    Wanted(("Evictions",), "values shed for want of memory"),
    Wanted(("EngineCPUUtilization", "CPUUtilization"), "the load"),
    Wanted(
        ("ReplicationLag",),
        "how far it is behind the primary",
        lambda site, group: (nodes(site, group) or 1) > 1,
    ),
    Wanted(
        ("AuthenticationFailures",),
        "logins that are refused",
        lambda site, group: bool(site.items(group, "UserGroupIds") or site.get(group, "AuthToken")),
    ),
)


@rule(
    "W9699",
    cause="no alarm watches {trouble} of node {node} of {group}, in a tree that watches most of what it has",
    remedy="add an alarm on {metric} with CacheClusterId {node}: there is none of the whole group",
    sources=(
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html",
    ),
    demanding=True,
)
def a_cache_node_that_nobody_watches(site: Site) -> Iterator[Finding]:
    if not cares(site):
        return
    for group in site.all(REPLICATION):
        named: dict[str, set[str]] = {}
        for series, about in telling_series(site):
            for _, value in series.dimensions or () if group in about else ():
                node = member(value)
                if node is not None:
                    named.setdefault(node[1], set()).add(str(series.name))
        for position in range(1, (nodes(site, group) or 0) + 1):
            suffix = f"-{position:03}"
            for wanted in CACHE:
                if not named.get(suffix, set()) & set(wanted.names) and wanted.only(site, group):
                    node_ = f"{group}{suffix}"
                    yield found(
                        group, trouble=wanted.trouble, node=node_, group=group, metric=wanted.names[0]
                    )
