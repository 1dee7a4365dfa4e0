"""Clusters: what is measured of them, and the log that the measuring writes."""

from collections.abc import Iterator

from rules.families.containers.scaled import ALARM
from rules.families.containers.workloads import CLUSTER, inside
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, known, leaves, references

INSIGHTS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html"
LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html"
DEPENDS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
)
GROUP = "AWS::Logs::LogGroup"
PREFIX, SUFFIX = "/aws/ecs/containerinsights/", "/performance"
NAMESPACE = "ECS/ContainerInsights"


def insights(site: Site, cluster: Resource) -> Value:
    """The value of its setting; None where it has none."""
    for setting in site.items(cluster, "ClusterSettings"):
        if inside(setting, "Name") == "containerInsights":
            return inside(setting, "Value")
    return (
        None
        if known(site.get(cluster, "ClusterSettings"))
        else inside(site.get(cluster, "ClusterSettings"), 0)
    )


def measured(site: Site, cluster: Resource) -> bool:
    value = insights(site, cluster)
    return not known(value) or value in ("enabled", "enhanced")


@rule(
    "W9592",
    cause="of cluster {cluster} nobody sees how many tasks run, or what they use: Container Insights is off",
    remedy="set ClusterSettings to containerInsights: enhanced",
    sources=(INSIGHTS, CONTROLS),
    demanding=True,
)
def a_cluster_that_is_not_measured(site: Site) -> Iterator[Finding]:
    for cluster in site.all(CLUSTER):
        if not measured(site, cluster):
            yield found(cluster, "ClusterSettings", cluster=cluster)


@rule(
    "E9593",
    cause="alarm {alarm} watches Container Insights of cluster {cluster}, which are off: it never has data",
    remedy="set ClusterSettings of the cluster to containerInsights: enhanced",
    sources=(INSIGHTS,),
)
def an_alarm_on_what_is_not_measured(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM):
        watched = [site.get(alarm, "Namespace"), site.get(alarm, "Dimensions"), site.get(alarm, "Metrics")]
        if NAMESPACE in set(leaves(watched)):
            for cluster in {one.resource for one in references(watched) if one.resource.kind == CLUSTER}:
                if not measured(site, cluster):
                    yield found(alarm, "Namespace", alarm=alarm, cluster=cluster)


def _cluster_named(site: Site, group: Resource) -> tuple[bool, Resource | None]:
    """Whether a group is named as Container Insights does, and the cluster of that name."""
    name = site.get(group, "LogGroupName")
    if not isinstance(name, str) or not name.startswith(PREFIX):
        return False, None
    wanted = name.removeprefix(PREFIX).partition("/")[0]
    return name.endswith(SUFFIX), site.named(CLUSTER, "ClusterName", wanted)


@rule(
    "W9593",
    cause="log group {group} is named for Container Insights, and no cluster here writes to it: {name}",
    remedy="name it /aws/ecs/containerinsights/<the cluster's name>/performance",
    sources=(LOGS,),
)
def a_log_of_no_cluster(site: Site) -> Iterator[Finding]:
    clusters = list(site.all(CLUSTER))
    for group in site.all(GROUP):
        name = site.get(group, "LogGroupName")
        if clusters and isinstance(name, str) and name.startswith(PREFIX):
            named_right, cluster = _cluster_named(site, group)
            if not named_right or (
                cluster is None and known([site.get(one, "ClusterName") for one in clusters])
            ):
                yield found(group, "LogGroupName", group=group, name=name)


@rule(
    "W9594",
    cause="cluster {cluster} may write its log before {group} is made, which then fails: the name is taken",
    remedy="let the cluster DependsOn the log group",
    sources=(LOGS, DEPENDS),
)
def a_log_that_comes_too_late(site: Site) -> Iterator[Finding]:
    for group in site.all(GROUP):
        _, cluster = _cluster_named(site, group)
        if cluster is not None and cluster.stack == group.stack and measured(site, cluster):
            waits = cluster.body.get("DependsOn") or ()
            if group.name not in ([waits] if isinstance(waits, str) else waits):
                yield Finding(cluster, ("DependsOn",), {"cluster": cluster, "group": group})
