"""The emitted alarms and widgets against the catalogue of metrics, both ways."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from rotation import age
from topology import metrics

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
    age.NAMESPACE: {"rotation/age.py"},
}

Templates = dict[str, dict[str, Any]]
Key = tuple[str, str, frozenset[str]]
Series = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, (dimension, value)

KNOWN = {(entry.namespace, entry.name, frozenset(entry.dimensions)) for entry in metrics.CATALOGUE}
SEARCH = re.compile(r"SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>[^\"]+)\" (?P<given>.*)', '\w+', \d+\)")
GIVEN = re.compile(r'(\w+)="\$\{\w+\}"')
QUERY = re.compile(
    r'SELECT SUM\((?P<name>\w+)\) FROM "(?P<namespace>[^"]+)" WHERE (?P<dimension>\w+) = \'\$\{Value\}\''
)


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

    assert KNOWN - used == set()


def series_of_alarms(templates: Templates) -> Iterator[tuple[str, Series]]:
    """Of the alarms beside the dashboard: their stack knows all by the same names. Some have several."""
    for where, alarm in of_type({"observability": templates["observability"]}, "AWS::CloudWatch::Alarm"):
        listed = [alarm] if "MetricName" in alarm else []
        listed += [
            query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query
        ]
        for metric in listed:
            pairs = ((one["Name"], json.dumps(one["Value"])) for one in metric["Dimensions"])
            yield where, (metric["Namespace"], metric["MetricName"], frozenset(pairs))


def series_of_dashboards(templates: Templates) -> Iterator[Series]:
    for _, dashboard in of_type(templates, "AWS::CloudWatch::Dashboard"):
        text, values = dashboard["DashboardBody"]["Fn::Sub"]
        for widget in json.loads(text)["widgets"]:
            for line in widget["properties"].get("metrics", []):
                if isinstance(line[0], str):
                    namespace, name, *pairs = line
                    known = [json.dumps(values.get(value[2:-1], value)) for value in pairs[1::2]]
                    yield namespace, name, frozenset(zip(pairs[::2], known, strict=True))


def test_every_alarm_s_series_is_on_the_dashboard(templates: Templates) -> None:
    """An alarm sends people there. Of these the age or the share alone says all that a graph would."""
    alone = {
        "ApproximateAgeOfOldestMessage",
        "AuthenticationFailures",
        "EBSByteBalance%",
        "EBSIOBalance%",
        "MaximumUsedTransactionIDs",
    }
    shown = set(series_of_dashboards(templates))
    alarmed = list(series_of_alarms(templates))
    assert len(alarmed) > 20

    assert {one[1] for _, one in alarmed if one not in shown} == alone
    assert [(where, one) for where, one in alarmed if one not in shown and one[1] not in alone] == []


def test_what_an_alarm_finds_by_a_query_the_dashboard_searches_for(templates: Templates) -> None:
    queried = {of_query(query["Expression"]["Fn::Sub"][0]) for query in queries(templates)}
    assert queried and queried <= {metric for _, metric in of_dashboards(templates)}


def queries(templates: Templates) -> Iterator[dict[str, Any]]:
    for _, alarm in of_type(templates, "AWS::CloudWatch::Alarm"):
        for query in alarm.get("Metrics", []):
            if isinstance(query.get("Expression"), dict):
                yield query


def test_the_processor_s_own_alarms_are_on_metrics_of_the_page(templates: Templates) -> None:
    own = {metric for where, metric in of_alarms(templates) if where.startswith("processor.")}
    assert len(own) == 2
    assert own <= {metric for _, metric in of_dashboards(templates)}


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
