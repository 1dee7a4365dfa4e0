"""Clusters: what is measured of them."""

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
