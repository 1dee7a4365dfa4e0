"""Log groups are named as their writers name them, and are there before those write."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import CLUSTER, INSTANCE, LOG_GROUP, declared, exported, members, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Text, Value, known, leaves, references

LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
PUBLISHING = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html"
)
CONTAINERS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
INSIGHTS = f"{CONTAINERS}Container-Insights-reference-performance-logs-ECS.html"
ORDER = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
FUNCTIONS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"
OF_FUNCTIONS = "/aws/lambda/"
DATABASE_LOG = re.compile(r"/aws/rds/(instance|cluster)/([^/]+)/([^/]+)")
CONTAINER_LOG = re.compile(r"/aws/ecs/containerinsights/([^/]+)/performance")


def _identified(site: Site) -> dict[str, Resource]:
    """Databases with a fixed identifier, lower case as RDS stores it."""
    ids = {INSTANCE: "DBInstanceIdentifier", CLUSTER: "DBClusterIdentifier"}
    found: dict[str, Resource] = {}
    for kind, name in ids.items():
        for database in site.all(kind):
            fixed = site.get(database, name)
            if isinstance(fixed, str | int | Text) and known(fixed):
                found[f"{kind}/{str(fixed).lower()}"] = database
    return found


def _database_logs(site: Site) -> Iterator[tuple[Resource, Resource | None, str]]:
    """Each log group that is named as one of a database: the group, the database, the type of log."""
    databases = _identified(site)
    for group in site.all(LOG_GROUP):
        name = site.get(group, "LogGroupName")
        read = DATABASE_LOG.fullmatch(str(name)) if isinstance(name, str | Text) else None
        if read is not None:
            kind = INSTANCE if read[1] == "instance" else CLUSTER
            database = databases.get(f"{kind}/{read[2].lower()}")
            if database is not None or isinstance(name, str):
                yield group, database, read[3]
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
    demanding=True,
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
    cause="log group {group} ({name}) is written by nothing: no {what} of this tree has that name",
    remedy="name it /aws/ecs/containerinsights/<cluster>/performance, or /aws/lambda/<function>",
    sources=(INSIGHTS, FUNCTIONS),
)
def a_log_that_no_cluster_or_function_writes(site: Site) -> Iterator[Finding]:
    clusters = list(site.all("AWS::ECS::Cluster"))
    fixed = all(known(site.get(one, "ClusterName")) for one in clusters)
    for group, cluster in _container_logs(site):
        if cluster is None and clusters and fixed:
            name = site.get(group, "LogGroupName")
            yield found(group, "LogGroupName", group=group, name=name, what="cluster")
    functions = site.all("AWS::Lambda::Function", "AWS::Serverless::Function")
    names = [site.get(one, "FunctionName") for one in functions]
    for group in site.all(LOG_GROUP) if names and all(isinstance(one, str) for one in names) else ():
        name = word(site, group, "LogGroupName") or ""
        if name.startswith(OF_FUNCTIONS) and name.removeprefix(OF_FUNCTIONS).split("/")[0] not in names:
            yield found(group, "LogGroupName", group=group, name=name, what="function")


@rule(
    "W9435",
    cause="ECS makes the log group of cluster {cluster} itself, under no key and for a day",
    remedy="make a log group /aws/ecs/containerinsights/{name}/performance, and have the cluster wait for it",
    sources=(INSIGHTS,),
    demanding=True,
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


ABOUT = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::SubscriptionFilter",
    }
)  # what may write, and what looks: neither is told to
BY_CONVENTION = ("aws-waf-logs-", "API-Gateway-", "/ecs/", "/var/log")


@rule(
    "W9436",
    cause="log group {group} ({name}) is named by no writer of this tree, so nothing is known to write to it",
    remedy="name it where the log is configured, or remove it",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
)
def a_log_group_that_nothing_names(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        name = word(site, group, "LogGroupName")
        told = any(use.user.kind not in ABOUT for use in site.uses(group))
        if name is None or name.startswith("/aws/") or told or not declared(site, group):
            continue
        spelt = name.startswith(BY_CONVENTION) and _spelt(site, name)
        if not spelt and not exported(site, group):
            yield found(group, "LogGroupName", group=group, name=name)


def _spelt(site: Site, name: str) -> bool:
    """Whether anything but a log group writes the name."""
    others = (one for one in site.tree.resources() if one.kind != LOG_GROUP)
    return any(
        name == leaf for one in others for value in site.properties(one).values() for leaf in leaves(value)
    )
