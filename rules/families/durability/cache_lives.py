"""A cache survives the loss of a node or a zone, and its snapshots are kept."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import GROUP, declared, flag, number, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value

SERVERLESS = "AWS::ElastiCache::ServerlessCache"
DG = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/"
CREATE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/elasticache-controls.html"
MOST, WEEK = 6, 7
# What stands before a node's name in a dashboard, or in a search.
NODE_OF = re.compile(r"""CacheClusterId\\*"\s*,\s*\\*"$|CacheClusterId\\*"?\s*=\s*\\*["']$""")


def nodes(site: Site, group: Resource) -> int | None:
    """How many nodes hold the same data; None where nobody can tell."""
    replicas = site.get(group, "ReplicasPerNodeGroup")
    if replicas is not None:
        counted = number(replicas)
        return None if counted is None else counted + 1
    written = site.get(group, "NumCacheClusters")
    if written is None:
        sharded = {"NumNodeGroups", "NodeGroupConfiguration", "PrimaryClusterId", "GlobalReplicationGroupId"}
        return None if sharded & group.properties.keys() else 1
    return number(written)


@rule(
    "E9445",
    cause="cache {cache} is to fail over by itself, and has one node: there is nothing to fail over to",
    remedy="set NumCacheClusters or ReplicasPerNodeGroup so that there are at least two nodes",
    sources=(CREATE, f"{DG}AutoFailover.html"),
)
def a_failover_to_nothing(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if flag(site, cache, "AutomaticFailoverEnabled") and nodes(site, cache) == 1:
            place = (
                "ReplicasPerNodeGroup" if "ReplicasPerNodeGroup" in cache.properties else "NumCacheClusters"
            )
            yield found(cache, place, cache=cache)


@rule(
    "E9446",
    cause="cache {cache} {why}",
    remedy="set AutomaticFailoverEnabled: true",
    sources=(CREATE, f"{DG}AutoFailover.html"),
)
def several_zones_without_failover(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if not off(site, cache, "AutomaticFailoverEnabled"):
            continue
        if flag(site, cache, "MultiAZEnabled"):
            yield found(
                cache,
                "AutomaticFailoverEnabled",
                cache=cache,
                why="spans zones, which needs automatic failover",
            )
        elif (number(site.get(cache, "NumNodeGroups")) or 1) > 1:
            yield found(
                cache,
                "AutomaticFailoverEnabled",
                cache=cache,
                why="has shards, which need automatic failover",
            )


@rule(
    "E9447",
    cause="cache {cache} of a lasting environment does not outlive the loss of {what}",
    remedy="set two nodes or more, AutomaticFailoverEnabled: true and MultiAZEnabled: true",
    sources=(f"{DG}AutoFailover.html", CONTROLS),
)
def a_cache_that_stands_alone(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if not site.durable(cache):
            continue
        if nodes(site, cache) == 1:
            yield found(cache, "NumCacheClusters", cache=cache, what="its one node")
        for switch, what in (("AutomaticFailoverEnabled", "its primary"), ("MultiAZEnabled", "a zone")):
            if off(site, cache, switch):
                yield found(cache, switch, cache=cache, what=what)


@rule(
    "E9448",
    cause="cache {cache} is to have {count} nodes in one shard, and at most 6 are possible",
    remedy="set NumCacheClusters from 1 to 6",
    sources=(CREATE,),
)
def a_cache_of_too_many_nodes(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        count = nodes(site, cache)
        if count is not None and not 1 <= count <= MOST:
            yield found(cache, "NumCacheClusters", cache=cache, count=count)


@rule(
    "E9449",
    cause="{user} names the node {member} of {cache}, which has {count}",
    remedy="name nodes that there are, or give the cache as many",
    sources=(f"{DG}CacheMetrics.html", CREATE),
)
def a_node_that_there_is_not(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        count = nodes(site, cache)
        if count is None or {"NumNodeGroups", "NodeGroupConfiguration"} & cache.properties.keys():
            continue
        for use in site.uses(cache):
            for member in dict.fromkeys(_members(site.get(use.user, use.property), cache)):
                numbered = re.fullmatch(r"-(\d{3})", member)
                if numbered is None or not 1 <= int(numbered[1]) <= count:
                    yield found(
                        use.user, use.property, user=use.user, member=member, cache=cache, count=count
                    )


def _texts(value: Value) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _members(value: Value, cache: Resource) -> Iterator[str]:
    """The -002 of each ${Cache}-002, and whatever is told to be a node of it, such as -2 or -primary."""
    for text in _texts(value):
        before = ("", *text.parts)
        for lead, part, rest in zip(before, text.parts, (*text.parts[1:], ""), strict=False):
            if part != Reference(cache) or not isinstance(rest, str):
                continue
            alone = len(text.parts) == 2
            told = NODE_OF.search(lead) if isinstance(lead, str) else None
            read = re.match(r"[^\"'\\]*" if told else r"-\d{3}\Z" if alone else r"-\d{3}(?=[\"'])", rest)
            if read is not None:
                yield read[0]
    for name, given in _dimensions(value):
        if name == "CacheClusterId" and isinstance(given, Text) and given.parts[0] == Reference(cache):
            yield "".join(map(str, given.parts[1:]))


def _dimensions(value: Value) -> Iterator[tuple[Value, Value]]:
    if isinstance(value, dict):
        yield value.get("Name"), value.get("Value")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dimensions(item)


@rule(
    "E9450",
    cause="cache {cache} of a lasting environment is never backed up: SnapshotRetentionLimit is {limit}",
    remedy="set SnapshotRetentionLimit from 1 to 35 days",
    sources=(f"{DG}backups-automatic.html", CONTROLS),
)
def a_cache_that_is_never_backed_up(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        limit = site.get(cache, "SnapshotRetentionLimit")
        if (limit is None or number(limit) == 0) and site.durable(cache):
            yield found(
                cache, "SnapshotRetentionLimit", cache=cache, limit="0" if limit is not None else "left out"
            )
    for cache in site.all(SERVERLESS):  # one may be a mere cache: it is meant to last where it says when
        limit = site.get(cache, "SnapshotRetentionLimit")
        timed = site.get(cache, "DailySnapshotTime") is not None
        if site.durable(cache) and (number(limit) == 0 or (limit is None and timed)):
            yield found(
                cache, "SnapshotRetentionLimit", cache=cache, limit="0" if limit is not None else "left out"
            )


@rule(
    "W9421",
    cause="cache {cache} has a SnapshotWindow, and SnapshotRetentionLimit {limit} keeps no snapshot",
    remedy="set SnapshotRetentionLimit to the days that a snapshot is kept, or leave the window out",
    sources=(f"{DG}backups-automatic.html",),
)
def a_snapshot_window_for_nothing(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        limit = site.get(cache, "SnapshotRetentionLimit")
        idle = limit is None or number(limit) == 0
        if idle and site.get(cache, "SnapshotWindow") is not None and not site.durable(cache):
            yield found(
                cache, "SnapshotRetentionLimit", cache=cache, limit="0" if limit is not None else "left out"
            )


@rule(
    "W9422",
    cause="cache {cache} of a lasting environment keeps snapshots for {days} days, less than a week",
    remedy="set SnapshotRetentionLimit to 7 or more",
    sources=(f"{DG}backups-automatic.html",),
)
def snapshots_that_are_gone_too_soon(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP, SERVERLESS):
        days = number(site.get(cache, "SnapshotRetentionLimit"))
        if days is not None and 0 < days < WEEK and site.durable(cache):
            yield found(cache, "SnapshotRetentionLimit", cache=cache, days=days)


LOG_TYPES = frozenset({"slow-log", "engine-log"})
DETAILS = {"cloudwatch-logs": "CloudWatchLogsDetails", "kinesis-firehose": "KinesisFirehoseDetails"}
LOG_PAGE = f"{DG}Log_Delivery.html"


@rule(
    "E9451",
    cause="cache {cache} delivers {what}",
    remedy="give each of slow-log and engine-log one destination, by the name of its log group or stream",
    sources=(LOG_PAGE,),
)
def a_cache_log_that_is_not_delivered(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP, "AWS::ElastiCache::CacheCluster"):
        seen: list[Value] = []
        for position, one in enumerate(site.items(cache, "LogDeliveryConfigurations")):
            if not isinstance(one, dict):
                continue
            for what in _undelivered(one, seen):
                yield found(cache, "LogDeliveryConfigurations", position, cache=cache, what=what)
            seen.append(one.get("LogType"))


def _undelivered(one: dict[str, Value], seen: list[Value]) -> Iterator[str]:
    log, kind, details = one.get("LogType"), one.get("DestinationType"), one.get("DestinationDetails")
    if isinstance(log, str) and log in seen:
        yield f"{log} twice"
    if isinstance(log, str) and log not in LOG_TYPES:
        yield f"{log}, which is no log of it"
    if isinstance(kind, str) and isinstance(details, dict):
        needed = DETAILS.get(kind)
        if needed is None or needed not in details:
            yield f"to {kind} without {needed or 'such a kind of destination'}"
        cloudwatch = details.get("CloudWatchLogsDetails")
        group = cloudwatch.get("LogGroup") if isinstance(cloudwatch, dict) else None
        if isinstance(group, Reference) and group.attribute == "Arn":
            yield f"to the ARN of {group.resource}, where its name is asked for"


@rule(
    "W9423",
    cause="cache {cache} delivers two logs to one group, {group}, while {idle} takes none",
    remedy="give each log a group of its own",
    sources=(LOG_PAGE,),
    demanding=True,
)
def two_cache_logs_in_one_group(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        seen: list[Resource] = []
        for position in range(len(site.items(cache, "LogDeliveryConfigurations"))):
            path = ("LogDeliveryConfigurations", position, "DestinationDetails", "CloudWatchLogsDetails")
            group = site.target(site.get(cache, *path, "LogGroup"), "AWS::Logs::LogGroup")
            if group in seen:
                beside = site.tree.stacks[cache.stack].resources.values()
                idle = [one for one in beside if one.kind == "AWS::Logs::LogGroup" and not site.uses(one)]
                if idle:
                    yield found(cache, *path, "LogGroup", cache=cache, group=group, idle=idle[0])
            if group is not None:
                seen.append(group)


@rule(
    "W9424",
    cause="cache {cache} keeps no log of slow commands and of what its engine does",
    remedy="set LogDeliveryConfigurations for slow-log and engine-log",
    sources=(LOG_PAGE,),
    demanding=True,
)
def a_cache_without_logs(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if (
            not site.items(cache, "LogDeliveryConfigurations")
            and declared(site, cache)
            and (word(site, cache, "EngineVersion") is None or _logs(site, cache))
        ):
            yield found(cache, "LogDeliveryConfigurations", cache=cache)


def _logs(site: Site, cache: Resource) -> bool:
    major = re.match(r"\d+", word(site, cache, "EngineVersion") or "")
    return major is not None and int(major[0]) >= 6  # before that the engine delivers none
