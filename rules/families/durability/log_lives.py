"""Log groups: named as their writers name them, there before them, kept for as long as they are needed."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import (
    CLUSTER,
    INSTANCE,
    LOG_GROUP,
    declared,
    members,
    number,
    word,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known, references

LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
RETENTION = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
PUBLISHING = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html"
)
INSIGHTS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference-performance-logs-ECS.html"
ORDER = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
OFFERED = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
MONTH = 30
DATABASE_LOG = re.compile(r"/aws/rds/(instance|cluster)/([^/]+)/([^/]+)")
CONTAINER_LOG = re.compile(r"/aws/ecs/containerinsights/([^/]+)/performance")


@rule(
    "W9430",
    cause="log group {group} is never emptied: without RetentionInDays it keeps everything for ever",
    remedy="set RetentionInDays",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
)
def a_log_that_is_kept_for_ever(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        if site.get(group, "RetentionInDays") is None and declared(site, group):
            yield found(group, "RetentionInDays", group=group)


@rule(
    "E9440",
    cause="log group {group} is to keep {days} days, which CloudWatch Logs does not offer",
    remedy="choose 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a longer one on the page",
    sources=(RETENTION,),
)
def a_retention_that_is_not_offered(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days is not None and days not in OFFERED:
            yield found(group, "RetentionInDays", group=group, days=days)


@rule(
    "W9431",
    cause="log group {group} of a lasting environment forgets after {days} days",
    remedy="set RetentionInDays to 30 at least, 365 where an audit may ask",
    sources=("https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html",),
)
def a_log_that_forgets_too_soon(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days in OFFERED and days is not None and days <= MONTH and site.durable(group):
            yield found(group, "RetentionInDays", group=group, days=days)


@rule(
    "W9432",
    cause="log group {group} of a passing environment keeps {days} days, longer than anyone will look",
    remedy="set RetentionInDays to 90 or less",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
)
def a_log_that_outlives_its_environment(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days in OFFERED and days is not None and days > 365 and site.durable(group) is False:
            yield found(group, "RetentionInDays", group=group, days=days)


FILTERS = ("AWS::Logs::MetricFilter", "AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy")


@rule(
    "E9441",
    cause="log group {group} is of the class {kind}, in which {user} does nothing",
    remedy="leave LogGroupClass out: it can be chosen only when the group is made",
    sources=(f"{LOGS}CloudWatch_Logs_Log_Classes.html",),
)
def a_log_class_that_cannot_do_it(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        kind = word(site, group, "LogGroupClass")
        if kind not in ("INFREQUENT_ACCESS", "DELIVERY"):
            continue
        users = [str(use.user) for use in site.uses(group) if use.user.kind in FILTERS]
        if CONTAINER_LOG.fullmatch(word(site, group, "LogGroupName") or ""):
            users.append("Container Insights")
        if kind == "DELIVERY":
            users.append("every writer but a log delivery")
        if users:
            yield found(group, "LogGroupClass", group=group, kind=kind, user=", ".join(users))


@rule(
    "W9433",
    cause="log group {group} is of the class INFREQUENT_ACCESS, without metrics, alarms and live tail",
    remedy="leave LogGroupClass out where somebody looks while something is wrong",
    sources=(f"{LOGS}CloudWatch_Logs_Log_Classes.html",),
)
def a_log_that_can_raise_no_alarm(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        if word(site, group, "LogGroupClass") == "INFREQUENT_ACCESS" and declared(site, group):
            yield found(group, "LogGroupClass", group=group)


def _identified(site: Site) -> dict[str, Resource]:
    """Databases with a fixed identifier, lower case as RDS stores it."""
    ids = {INSTANCE: "DBInstanceIdentifier", CLUSTER: "DBClusterIdentifier"}
    found: dict[str, Resource] = {}
    for kind, name in ids.items():
        for database in site.all(kind):
            fixed = word(site, database, name)
            if fixed is not None:
                found[f"{kind}/{fixed.lower()}"] = database
    return found


def _database_logs(site: Site) -> Iterator[tuple[Resource, Resource | None, str]]:
    """Each log group that is named as one of a database: the group, the database, the type of log."""
    databases = _identified(site)
    for group in site.all(LOG_GROUP):
        name = site.get(group, "LogGroupName")
        read = DATABASE_LOG.fullmatch(name) if isinstance(name, str) else None
        if read is not None:
            kind = INSTANCE if read[1] == "instance" else CLUSTER
            yield group, databases.get(f"{kind}/{read[2].lower()}"), read[3]
        for database in site.all(INSTANCE, CLUSTER):
            by_reference = _by_reference(name, database)
            if by_reference:
                yield group, database, by_reference


def _by_reference(name: Value, database: Resource) -> str:
    """The type of log in /aws/rds/instance/${Database}/<type>."""
    if not any(one.resource == database for one in references(name)):
        return ""
    read = re.fullmatch(r"/aws/rds/(?:instance|cluster)/\$\{[^}]*\}/([^/$]+)", str(name))
    return read[1] if read else ""


@rule(
    "E9442",
    cause="log group {group} ({name}) is written by nothing: {why}",
    remedy="name it /aws/rds/instance/<identifier>/<log> after a database and a log that it exports",
    sources=(PUBLISHING,),
)
def a_database_log_that_nothing_writes(site: Site) -> Iterator[Finding]:
    databases = list(site.all(INSTANCE, CLUSTER))
    for group, database, log in _database_logs(site):
        named = site.get(group, "LogGroupName")
        if database is None:
            ids = [
                site.get(one, "DBInstanceIdentifier") or site.get(one, "DBClusterIdentifier")
                for one in databases
            ]
            if databases and all(identity is None or known(identity) for identity in ids):
                why = "no database of this tree has that identifier"
                yield found(group, "LogGroupName", group=group, name=named, why=why)
            continue
        exports = site.get(database, "EnableCloudwatchLogsExports")
        listed = members(exports)
        if known(exports) and log not in listed:
            why = f"{database} does not export {log}"
            yield found(group, "LogGroupName", group=group, name=named, why=why)


@rule(
    "W9434",
    cause="{database} exports {log}, and RDS makes its log group, unencrypted and kept for ever",
    remedy="make a log group /aws/rds/instance/<identifier>/{log} as the other logs have one",
    sources=(PUBLISHING,),
)
def a_database_log_that_nobody_keeps(site: Site) -> Iterator[Finding]:
    made: dict[Resource, set[str]] = {}
    for _, database, log in _database_logs(site):
        if database is not None:
            made.setdefault(database, set()).add(log)
    for database, logs in made.items():
        exports = members(site.get(database, "EnableCloudwatchLogsExports"))
        for position, export in enumerate(exports):
            if isinstance(export, str) and export not in logs:
                yield found(database, "EnableCloudwatchLogsExports", position, database=database, log=export)


def _before(site: Site, later: Resource) -> set[str]:
    """Logical ids that a resource waits for, in its own stack, at any remove."""
    resources = site.tree.stacks[later.stack].resources
    seen: set[str] = set()
    todo = [later]
    while todo:
        one = todo.pop()
        written = one.body.get("DependsOn") or []
        names = {written} if isinstance(written, str) else set(map(str, written))
        for value in site.properties(one).values():
            names |= {ref.resource.name for ref in references(value) if ref.resource.stack == one.stack}
        fresh = (names & resources.keys()) - seen
        seen |= fresh
        todo += [resources[name] for name in fresh]
    return seen


@rule(
    "E9443",
    cause="{writer} does not wait for its log group {group}: if it writes first, the group cannot be made",
    remedy="add {name} to DependsOn of {writer}",
    sources=(ORDER, PUBLISHING, INSIGHTS),
)
def a_log_group_that_comes_too_late(site: Site) -> Iterator[Finding]:
    pairs = [(group, database) for group, database, _ in _database_logs(site) if database is not None]
    pairs += [(group, cluster) for group, cluster in _container_logs(site) if cluster is not None]
    for group, writer in pairs:
        if group.stack != writer.stack or site.target(site.get(group, "LogGroupName")) == writer:
            continue
        waits = any(one.resource == writer for one in references(site.get(group, "LogGroupName")))
        if not waits and group.name not in _before(site, writer):
            yield Finding(writer, ("DependsOn",), {"writer": writer, "group": group, "name": group.name})


def _container_logs(site: Site) -> Iterator[tuple[Resource, Resource | None]]:
    for group in site.all(LOG_GROUP):
        read = CONTAINER_LOG.fullmatch(word(site, group, "LogGroupName") or "")
        if read is not None:
            yield group, site.named("AWS::ECS::Cluster", "ClusterName", read[1])


@rule(
    "E9444",
    cause="log group {group} ({name}) is written by nothing: no cluster of this tree has that name",
    remedy="name it /aws/ecs/containerinsights/<cluster>/performance",
    sources=(INSIGHTS,),
)
def a_cluster_log_that_nothing_writes(site: Site) -> Iterator[Finding]:
    clusters = list(site.all("AWS::ECS::Cluster"))
    fixed = all(known(site.get(one, "ClusterName")) for one in clusters)
    for group, cluster in _container_logs(site):
        if cluster is None and clusters and fixed:
            yield found(group, "LogGroupName", group=group, name=site.get(group, "LogGroupName"))


@rule(
    "W9435",
    cause="ECS makes the log group of cluster {cluster} itself, under no key and for a day",
    remedy="make a log group /aws/ecs/containerinsights/{name}/performance, and have the cluster wait for it",
    sources=(INSIGHTS,),
)
def a_cluster_log_that_nobody_keeps(site: Site) -> Iterator[Finding]:
    made = {cluster for _, cluster in _container_logs(site)}
    for cluster in site.all("AWS::ECS::Cluster"):
        name = word(site, cluster, "ClusterName")
        if name is None or cluster in made or not declared(site, cluster):
            continue
        for setting in site.items(cluster, "ClusterSettings"):
            if (
                isinstance(setting, dict)
                and setting.get("Name") == "containerInsights"
                and setting.get("Value") in ("enabled", "enhanced")
            ):
                yield found(cluster, "ClusterSettings", cluster=cluster, name=name)


BY_CONVENTION = ("/aws/", "aws-waf-logs-", "API-Gateway-", "/ecs/", "/var/log")


@rule(
    "W9436",
    cause="log group {group} ({name}) is named by nothing in this tree, so nothing is known to write to it",
    remedy="name it where the log is configured, or remove it",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
)
def a_log_group_that_nothing_names(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        name = word(site, group, "LogGroupName")
        if name is None or name.startswith(BY_CONVENTION) or site.uses(group) or not declared(site, group):
            continue
        exported = any(
            isinstance(value, Reference) and value.resource == group
            for value in (
                site.resolver.value(output, stack.address)
                for stack in site.tree.stacks.values()
                for output in stack.outputs.values()
            )
        )
        if not exported:
            yield found(group, "LogGroupName", group=group, name=name)
