"""The emitted alarms and widgets against the catalogue of metrics, both ways."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from processor import metric as processor_metric
from rotation import age
from topology import metrics
from topology.rendering import Renderer
from topology.tree import Tree, load_directory

# Namespace → the pages that it may be taken from. A page that is new here was read by whoever adds it.
DOCS = "https://docs.aws.amazon.com"
PAGES = {
    "AWS/ECS": {f"{DOCS}/AmazonECS/latest/developerguide/available-metrics.html"},
    "AWS/ElastiCache": {
        f"{DOCS}/AmazonElastiCache/latest/dg/CacheMetrics.HostLevel.html",
        f"{DOCS}/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html",
    },
    "AWS/Events": {f"{DOCS}/eventbridge/latest/userguide/eb-monitoring.html"},
    "AWS/IoT": {f"{DOCS}/iot/latest/developerguide/metrics_dimensions.html"},
    "AWS/Kinesis": {f"{DOCS}/streams/latest/dev/monitoring-with-cloudwatch.html"},
    "AWS/Lambda": {f"{DOCS}/lambda/latest/dg/monitoring-metrics-types.html"},
    "AWS/NATGateway": {f"{DOCS}/vpc/latest/userguide/metrics-dimensions-nat-gateway.html"},
    "AWS/RDS": {f"{DOCS}/AmazonRDS/latest/UserGuide/rds-metrics.html"},
    "AWS/SNS": {f"{DOCS}/sns/latest/dg/sns-monitoring-using-cloudwatch.html"},
    "AWS/SQS": {
        f"{DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
    },
    "ECS/ContainerInsights": {
        f"{DOCS}/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html"
    },
    age.NAMESPACE: {"rotation/age.py", "processor/metric.py"},
}

Templates = dict[str, dict[str, Any]]
Key = tuple[str, str, frozenset[str]]

TEMPLATES = Path(__file__).parents[2] / "templates"
# Alarms on a state that people see no better in a graph.
NO_GRAPH = {"CacheLoginsRefused", "DatabaseIo", "DatabaseTransactionIds", "DeadLettersExpire"}

KNOWN = {(entry.namespace, entry.name, frozenset(entry.dimensions)) for entry in metrics.CATALOGUE}
SEARCH = re.compile(r"SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>[^\"]+)\" (?P<given>.*)', '\w+', \d+\)")
GIVEN = re.compile(r'(\w+)="\$\{\w+\}"')
QUERY = re.compile(
    r'SELECT SUM\((?P<name>\w+)\) FROM "(?P<namespace>[^"]+)" WHERE (?P<dimension>\w+) = \'\$\{Value\}\''
)
GIVEN_QUERY = re.compile(r"SELECT .* WHERE (?P<dimension>\w+) = '(?P<value>[^']+)'")
GIVEN_VALUE = re.compile(r'(\w+)="([^"]+)"')


def of_type(templates: Templates, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for stack, template in templates.items():
        for title, resource in template["Resources"].items():
            if resource["Type"] == kind:
                yield f"{stack}.{title}", resource["Properties"]


def key(metric: dict[str, Any]) -> Key:
    names = [dimension["Name"] for dimension in metric["Dimensions"]]
    assert len(names) == len(set(names))
    return metric["Namespace"], metric["MetricName"], frozenset(names)


def of_alarms(templates: Templates) -> Iterator[tuple[str, Key]]:
    for where, alarm in of_type(templates, "AWS::CloudWatch::Alarm"):
        if "MetricName" in alarm:
            yield where, key(alarm)
        for query in alarm.get("Metrics", []):
            if "MetricStat" in query:
                yield where, key(query["MetricStat"]["Metric"])
            elif isinstance(query["Expression"], dict):
                yield where, of_query(query["Expression"]["Fn::Sub"][0])


def of_query(text: str) -> Key:
    """A query names one dimension and sums over the rest: the metric's set is the one that has it."""
    found = QUERY.fullmatch(text)
    assert found, text
    (known,) = [
        entry
        for entry in KNOWN
        if entry[:2] == (found["namespace"], found["name"]) and found["dimension"] in entry[2]
    ]
    return known


def of_dashboards(templates: Templates) -> Iterator[tuple[str, Key]]:
    for where, dashboard in of_type(templates, "AWS::CloudWatch::Dashboard"):
        text, _ = dashboard["DashboardBody"]["Fn::Sub"]
        for widget in json.loads(text)["widgets"]:
            for line in widget["properties"].get("metrics", []):
                if isinstance(line[0], str):
                    namespace, name, *pairs = line
                    yield where, (namespace, name, frozenset(pairs[::2]))
                else:
                    yield where, of_search(line[0]["expression"])


def of_search(expression: str) -> Key:
    found = SEARCH.fullmatch(expression)
    assert found, expression
    namespace, *dimensions = found["schema"].split(",")
    assert set(GIVEN.findall(found["given"])) < set(dimensions), "what is not given is what it searches"
    return namespace, found["name"], frozenset(dimensions)


def test_every_alarm_and_every_widget_is_on_a_metric_of_the_catalogue(templates: Templates) -> None:
    used = [*of_alarms(templates), *of_dashboards(templates)]

    assert len(used) > 50
    for where, metric in used:
        assert metric in KNOWN, f"{where}: nobody publishes {metric}"


def test_the_catalogue_has_nothing_that_nobody_uses(dev: Templates, prod: Templates) -> None:
    used = {
        metric
        for templates in (dev, prod)
        for _, metric in (*of_alarms(templates), *of_dashboards(templates))
    }

    pushed = metrics.FAN_OUT_LAG  # of processor.retrieval: fan_out; tests/unit/stacks/test_retrieval.py
    assert KNOWN - used == {(pushed.namespace, pushed.name, frozenset(pushed.dimensions))}


@dataclass(frozen=True)
class Shown:
    """One series, or all that a search finds: the metric, and the values of the dimensions that are given."""

    metric: Key
    values: frozenset[tuple[str, str]]


def series_of_alarms(tree: Tree, renderer: Renderer) -> Iterator[tuple[str, Shown]]:
    """As of_alarms, with every reference followed to the resource that it means."""
    for alarm in tree.resources("AWS::CloudWatch::Alarm"):
        made = renderer.document(renderer.resolver.properties(alarm))
        metrics_of = [made] if "MetricName" in made else []
        for query in made.get("Metrics", []):
            if "MetricStat" in query:
                metrics_of.append(query["MetricStat"]["Metric"])
            elif found := GIVEN_QUERY.fullmatch(query["Expression"]):
                value = (found["dimension"], found["value"])
                pattern = query["Expression"].replace(f"'{found['value']}'", "'${Value}'")
                yield alarm.address, Shown(of_query(pattern), frozenset({value}))
        for metric in metrics_of:
            values = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
            yield alarm.address, Shown(key(metric), values)


def series_of_dashboards(tree: Tree, renderer: Renderer) -> Iterator[Shown]:
    for dashboard in tree.resources("AWS::CloudWatch::Dashboard"):
        body = json.loads(renderer.text(renderer.resolver.property(dashboard, "DashboardBody")))
        for widget in body["widgets"]:
            for line in widget["properties"].get("metrics", []):
                if isinstance(line[0], str):
                    namespace, name, *pairs = line
                    values = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
                    yield Shown((namespace, name, frozenset(pairs[::2])), values)
                else:
                    found = SEARCH.fullmatch(line[0]["expression"])
                    assert found, line
                    namespace, *dimensions = found["schema"].split(",")
                    values = frozenset(GIVEN_VALUE.findall(found["given"]))
                    yield Shown((namespace, found["name"], frozenset(dimensions)), values)


def unseen(tree: Tree) -> set[str]:
    """Alarms on a series that no graph shows: another metric, or the same of another queue, node, gateway."""
    renderer = Renderer(tree)
    shown = set(series_of_dashboards(tree, renderer))
    alarms = dict.fromkeys(series_of_alarms(tree, renderer))
    assert len(alarms) > 30
    return {
        address.partition("/")[2].rstrip("0123456789")
        for address, of_alarm in alarms
        if not any(of_alarm.metric == one.metric and one.values <= of_alarm.values for one in shown)
    }


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_alarm_s_series_is_on_the_dashboard(environment: str) -> None:
    """An alarm sends people there, also those that stand in another stack than the dashboard."""
    assert unseen(load_directory(TEMPLATES / environment)) == NO_GRAPH


@pytest.mark.parametrize(
    ("alarm", "written", "instead"),
    [
        ("Observability/RotationUndone", '"UndoneName"', '"TopicName"'),
        ("Observability/ReadingsLost", '"RuleName"}', '"TopicName"}'),
        ("Observability/TasksMissing", '"ServiceName"}', '"TopicName"}'),
        ("Processor/Lagging", '"StreamName"}', '"CacheName"}'),
        ("Processor/Idle", '"AWS/ECS"', '"ECS/ContainerInsights"'),
    ],
)
def test_an_alarm_that_watches_another_is_seen(alarm: str, written: str, instead: str) -> None:
    tree = load_directory(TEMPLATES / "prod")
    properties = cast("dict[str, Any]", tree.resource(alarm).properties)
    text = json.dumps(properties)
    assert written in text
    properties.update(json.loads(text.replace(written, instead)))
    assert unseen(tree) == NO_GRAPH | {alarm.partition("/")[2]}


def test_every_entry_is_from_a_page_of_its_namespace_and_every_page_has_one() -> None:
    sources: dict[str, set[str]] = {}
    for entry in metrics.CATALOGUE:
        sources.setdefault(entry.namespace, set()).add(entry.source)
    assert sources == PAGES


@pytest.mark.parametrize("entry", sorted(metrics.CATALOGUE, key=repr), ids=lambda entry: entry.name)
def test_an_entry_names_each_dimension_once(entry: metrics.Metric) -> None:
    assert list(entry.dimensions) == sorted(set(entry.dimensions))


def test_our_own_metric_is_what_the_function_writes() -> None:
    assert (metrics.SECRET_AGE.namespace, metrics.SECRET_AGE.name) == (age.NAMESPACE, age.METRIC)
    assert metrics.SECRET_AGE.dimensions == (age.DIMENSION,)


def test_the_processor_s_metrics_are_what_it_writes() -> None:
    """Both ways: an alarm on what nobody writes never fires, and a figure that nobody looks at costs money."""
    catalogue = {
        (entry.namespace, entry.name, entry.dimensions)
        for entry in metrics.CATALOGUE
        if entry.source == metrics.PROCESSOR
    }
    assert catalogue == {
        (processor_metric.NAMESPACE, one.name, one.dimensions) for one in processor_metric.METRICS
    }
