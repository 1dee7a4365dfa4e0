"""Clusters: what is measured of them."""

import json
from collections.abc import Iterator

from rules.families.containers.scaled import ALARM
from rules.families.containers.workloads import CLUSTER, inside
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, known, leaves, references

INSIGHTS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html"
LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html"
PREFIX, SUFFIX = "/aws/ecs/containerinsights/", "/performance"
NAMESPACE = "ECS/ContainerInsights"
START, END = "<<", ">>"  # around what is referred to


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
    cause="{watcher} looks at Container Insights of cluster {cluster}, which are off: it never has data",
    remedy="set ClusterSettings of the cluster to containerInsights: enhanced",
    sources=(INSIGHTS,),
)
def an_alarm_on_what_is_not_measured(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM):
        watched = [site.get(alarm, "Namespace"), site.get(alarm, "Dimensions"), site.get(alarm, "Metrics")]
        if any(NAMESPACE in str(leaf) for leaf in leaves(watched)):
            for cluster in site.all(CLUSTER):
                if _names(site, watched, cluster) and not measured(site, cluster):
                    yield found(alarm, "Namespace", watcher=alarm, cluster=cluster)
    for dashboard in site.all("AWS::CloudWatch::Dashboard"):
        shown = [one for one in _widgets(site.get(dashboard, "DashboardBody")) if NAMESPACE in one]
        for cluster in site.all(CLUSTER) if shown else ():
            title = _said(site, cluster)
            here = {f"{START}{cluster.address}{END}"} | ({f'"{title}"'} if title else set())
            if any(name in one for one in shown for name in here) and not measured(site, cluster):
                yield found(dashboard, "DashboardBody", watcher=dashboard, cluster=cluster)


def _said(site: Site, cluster: Resource) -> str:
    name = site.get(cluster, "ClusterName")
    return name if isinstance(name, str) else ""


def _names(site: Site, watched: Value, cluster: Resource) -> bool:
    """Whether a cluster is among what is watched, by reference or by its fixed name."""
    if any(one.resource == cluster for one in references(watched)):
        return True
    named, title = "ClusterName", site.get(cluster, "ClusterName")
    return title is not None and any(pair == (named, title) for pair in _pairs(watched))


def _pairs(value: Value) -> Iterator[tuple[Value, Value]]:
    """(name, value) of each dimension, however deep."""
    if isinstance(value, dict):
        yield value.get("Name"), value.get("Value")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pairs(item)


def _widgets(body: Value) -> list[str]:
    """Each widget as JSON, with the addresses of what it refers to; nothing where the body is no JSON."""
    parts = body.parts if isinstance(body, Text) else (body,)
    text = "".join(
        f"{START}{one.resource.address}{END}" if isinstance(one, Reference) else str(one) for one in parts
    )
    try:
        read = json.loads(text)
    except ValueError:
        return []
    widgets = read.get("widgets") if isinstance(read, dict) else None
    return [json.dumps(one, ensure_ascii=False) for one in widgets] if isinstance(widgets, list) else []
