"""The emitted alarms and widgets against the catalogue of metrics, both ways."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from rotation import age
from topology import metrics

Templates = dict[str, dict[str, Any]]
Key = tuple[str, str, frozenset[str]]

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


def test_every_alarm_s_metric_is_on_the_dashboard(templates: Templates) -> None:
    """An alarm sends people there. Two are about a state that they see no better in a graph."""
    alone = {"ApproximateAgeOfOldestMessage", "MaximumUsedTransactionIDs", "AuthenticationFailures"}
    credits = {"EBSIOBalance%", "EBSByteBalance%"}
    shown = {metric for _, metric in of_dashboards(templates)}

    missing = {metric[1] for _, metric in of_alarms(templates)} - {metric[1] for metric in shown}

    assert missing == alone | credits


@pytest.mark.parametrize("entry", sorted(metrics.CATALOGUE, key=repr), ids=lambda entry: entry.name)
def test_every_entry_says_where_it_is_from(entry: metrics.Metric) -> None:
    ours = entry.namespace == age.NAMESPACE
    assert entry.source == "rotation/age.py" if ours else entry.source.startswith("https://docs.aws.amazon.com/")
    assert list(entry.dimensions) == sorted(set(entry.dimensions))


def test_our_own_metric_is_what_the_function_writes() -> None:
    assert (metrics.SECRET_AGE.namespace, metrics.SECRET_AGE.name) == (age.NAMESPACE, age.METRIC)
    assert metrics.SECRET_AGE.dimensions == (age.DIMENSION,)
