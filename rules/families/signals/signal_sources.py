"""Whether what is watched is published at all: insights, metrics of shards, exports, monitoring are on."""

from collections.abc import Iterator

from rules.families.signals.alarm_series import number
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Text, known

SHARD = "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"
INSIGHTS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/deploy-container-insights-ECS-cluster.html"
LOGS = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html"
)


def insights(site: Site, cluster: Resource) -> bool | None:
    """Whether a cluster has Container Insights on; None where nobody knows."""
    settings = site.get(cluster, "ClusterSettings")
    if not known(settings):
        return None
    for one in site.items(cluster, "ClusterSettings"):
        if isinstance(one, dict) and one.get("Name") == "containerInsights":
            return one.get("Value") in ("enabled", "enhanced")
    return False


@rule(
    "E9608",
    cause=(
        "{watcher} looks at {metric} of each shard of {stream}, which publishes it of the whole "
        "stream at most"
    ),
    remedy="add {metric} to DesiredShardLevelMetrics of the stream",
    sources=(SHARD,),
)
def a_metric_of_shards_that_is_off(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        names = {str(name) for name, _ in series.dimensions or ()} | set(series.schema)
        if series.namespace != "AWS/Kinesis" or "ShardId" not in names:
            continue
        for stream in subjects(site, series).values():
            on = site.get(stream, "DesiredShardLevelMetrics")
            if (
                stream.kind == "AWS::Kinesis::Stream"
                and known(on)
                and not {series.name, "ALL"} & set(on if isinstance(on, list) else ())
            ):
                yield found(
                    series.resource, *series.path, watcher=series.resource, metric=series.name, stream=stream
                )


@rule(
    "W9610",
    cause=(
        "log group {group} waits for the figures of cluster {cluster}, which writes none: "
        "Container Insights is not on"
    ),
    remedy="set ClusterSettings: containerInsights to enabled or enhanced",
    sources=(INSIGHTS,),
    demanding=True,
)
def a_log_of_insights_that_are_off(site: Site) -> Iterator[Finding]:
    for cluster in site.all("AWS::ECS::Cluster"):
        name = site.get(cluster, "ClusterName")
        for group in site.all("AWS::Logs::LogGroup") if name is not None else ():
            if (
                str(site.get(group, "LogGroupName")) == f"/aws/ecs/containerinsights/{name}/performance"
                and insights(site, cluster) is False
            ):
                yield found(cluster, "ClusterSettings", group=group, cluster=cluster)


@rule(
    "W9611",
    cause=(
        "database {database} writes its {log} log to a group that nobody declares, so it is kept "
        "for ever and under no key, unlike {other}"
    ),
    remedy="declare the log group {name} with a retention",
    sources=(LOGS,),
    demanding=True,
)
def an_exported_log_without_a_group_of_ours(site: Site) -> Iterator[Finding]:
    titles = {str(site.get(group, "LogGroupName")): group for group in site.all("AWS::Logs::LogGroup")}
    for database in site.all("AWS::RDS::DBInstance"):
        name = site.get(database, "DBInstanceIdentifier")
        wanted = {
            f"/aws/rds/instance/{name}/{log}": log
            for log in site.items(database, "EnableCloudwatchLogsExports")
            if isinstance(log, str)
        }
        have = [titles[title] for title in wanted if title in titles]
        for title, log in wanted.items():
            if have and title not in titles and isinstance(name, str | Text):
                yield found(
                    database,
                    "EnableCloudwatchLogsExports",
                    database=database,
                    log=log,
                    other=have[0],
                    name=title,
                )


@rule(
    "W9612",
    cause="database {database} {wrong}",
    remedy="set MonitoringInterval to 60 and MonitoringRoleArn to a role for it, or leave both out",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html",),
)
def enhanced_monitoring_by_half(site: Site) -> Iterator[Finding]:
    for database in site.all("AWS::RDS::DBInstance"):
        interval, role = site.get(database, "MonitoringInterval"), site.get(database, "MonitoringRoleArn")
        on = number(interval)
        if role is not None and (interval is None or on == 0):
            yield found(
                database,
                "MonitoringInterval",
                database=database,
                wrong="has a role for enhanced monitoring, and its interval is 0",
            )
        elif on is not None and on > 0 and role is None:
            yield found(
                database,
                "MonitoringRoleArn",
                database=database,
                wrong="has an interval for enhanced monitoring, and no role",
            )
        elif on is not None and on not in (0, 1, 5, 10, 15, 30, 60):
            yield found(
                database,
                "MonitoringInterval",
                database=database,
                wrong=f"is monitored every {on:g} s, which it cannot be",
            )


@rule(
    "W9615",
    cause="{watcher} looks at {metric} of {instance} every {period} s, which publishes every 5 minutes",
    remedy="set Monitoring: true on the instance, or a period of 300",
    sources=("https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html",),
)
def minutes_of_an_instance_that_reports_by_fives(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        period = number(series.period)
        if (
            series.namespace != "AWS/EC2"
            or period is None
            or period >= 300
            or str(series.name).startswith("StatusCheck")
        ):
            continue
        for instance in subjects(site, series).values():
            detailed = site.get(instance, "Monitoring")
            if (
                instance.kind == "AWS::EC2::Instance"
                and known(detailed)
                and str(detailed).lower() != "true"
                and site.get(instance, "LaunchTemplate") is None
            ):
                yield found(
                    series.resource,
                    *series.place("Period"),
                    watcher=series.resource,
                    metric=series.name,
                    instance=instance,
                    period=f"{period:g}",
                )


# Type -> the property with its name, and the log groups that the service opens for it.
@rule(
    "W9645",
    cause=(
        "{watcher} watches {metric} of the whole cluster {cluster}, which is published of EC2 "
        "hosts alone, and it has none"
    ),
    remedy="name the service too: ClusterName and ServiceName",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html",),
)
def hosts_of_a_cluster_that_has_none(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        names = {str(name) for name, _ in series.dimensions or ()}
        if series.namespace != "AWS/ECS" or names != {"ClusterName"}:
            continue
        for cluster in subjects(site, series).values():
            providers = site.items(cluster, "CapacityProviders")
            if providers and all(str(one).startswith("FARGATE") for one in providers):
                yield found(
                    series.resource,
                    *series.place("Dimensions"),
                    watcher=series.resource,
                    metric=series.name,
                    cluster=cluster,
                )
