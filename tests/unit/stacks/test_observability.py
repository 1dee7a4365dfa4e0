import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

# Namespace → the dimensions under which AWS publishes the metrics that are used here. An alarm on any other
# set of dimensions is accepted and never fires. From each service's page "… metrics and dimensions".
PUBLISHED = {
    "AWS/Kinesis": {"StreamName"},
    "AWS/RDS": {"DBInstanceIdentifier"},
    "AWS/ElastiCache": {"CacheClusterId"},
    "AWS/ECS": {"ClusterName", "ServiceName"},
    "ECS/ContainerInsights": {"ClusterName", "ServiceName"},
    "AWS/SQS": {"QueueName"},
    "AWS/Lambda": {"FunctionName"},
}
# Dimension → the input that may fill it.
FILLED_BY = {
    "StreamName": "StreamName",
    "DBInstanceIdentifier": "DatabaseId",
    "CacheClusterId": "CacheMembers",
    "ClusterName": "ClusterName",
    "ServiceName": "ServiceName",
    "QueueName": "DeadLettersName",
    "FunctionName": "FunctionName",
}

environments = pytest.mark.parametrize("environment", ["dev", "prod"])


def metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def alarms(template: dict[str, Any], of_type: Any) -> dict[str, dict[str, Any]]:
    return {title: made["Properties"] for title, made in of_type(template, "AWS::CloudWatch::Alarm").items()}


@environments
def test_every_alarm_watches_something_that_exists(nested: Any, of_type: Any, environment: str) -> None:
    template = nested("observability", environment)

    watched = [metric for alarm in alarms(template, of_type).values() for metric in metrics(alarm)]

    assert watched
    for metric in watched:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        assert set(dimensions) == PUBLISHED[metric["Namespace"]], metric
        for name, value in dimensions.items():
            assert value["Ref"].rstrip("0123456789") == FILLED_BY[name], metric
            assert value["Ref"] in template["Parameters"]


@environments
def test_every_alarm_says_what_it_means_to_somebody(nested: Any, of_type: Any, environment: str) -> None:
    for title, alarm in alarms(nested("observability", environment), of_type).items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "TopicArn"}], title
        assert len(re.findall(r"[.;] ", alarm["AlarmDescription"])) >= 1, (
            f"{title}: what it means, what to do"
        )
        assert len(alarm["AlarmDescription"]) <= 1024, "CloudWatch's bound"


@environments
def test_a_reader_that_is_gone_raises_what_it_can_no_longer_report(
    nested: Any, of_type: Any, environment: str
) -> None:
    made = alarms(nested("observability", environment), of_type)

    silent = {title for title, alarm in made.items() if alarm["TreatMissingData"] == "breaching"}

    assert silent == {"Lag", "TasksMissing"}


def test_the_bounds_are_the_environments(nested: Any, of_type: Any) -> None:
    made = alarms(nested("observability", lag_alarm_seconds=45, free_storage_alarm_gib=3), of_type)

    assert made["Lag"]["Threshold"] == 45_000, "the metric is in milliseconds"
    assert "45 s" in made["Lag"]["AlarmDescription"]
    assert made["DatabaseStorage"]["Threshold"] == 3 * 1024**3, "the metric is in bytes"
    assert made["DatabaseStorage"]["ComparisonOperator"] == "LessThanThreshold"


@pytest.mark.parametrize(("environment", "members"), [("dev", 2), ("prod", 3)])
def test_every_member_of_the_cache_is_watched(
    nested: Any, of_type: Any, environment: str, members: int
) -> None:
    watched: dict[str, set[str]] = {}
    for alarm in alarms(nested("observability", environment), of_type).values():
        if alarm.get("Namespace") == "AWS/ElastiCache":
            watched.setdefault(alarm["MetricName"], set()).add(alarm["Dimensions"][0]["Value"]["Ref"])

    expected = {f"CacheMembers{number}" for number in range(1, members + 1)}
    assert watched == {"Evictions": expected, "DatabaseMemoryUsagePercentage": expected}


def test_tasks_are_counted_against_what_the_service_wants(nested: Any, of_type: Any) -> None:
    queries = alarms(nested("observability"), of_type)["TasksMissing"]["Metrics"]

    counted = {
        query["Id"]: query["MetricStat"]["Metric"]["MetricName"] for query in queries if "MetricStat" in query
    }
    (returned,) = [query for query in queries if query["ReturnData"]]

    assert counted == {"running": "RunningTaskCount", "desired": "DesiredTaskCount"}
    assert returned["Expression"] == "desired - running"


def test_a_failed_rotation_of_our_secret_is_told(nested: Any) -> None:
    rule = nested("observability")["Resources"]["RotationFailed"]["Properties"]
    detail = rule["EventPattern"]["detail"]

    assert detail["additionalEventData"]["SecretId"] == [{"Ref": "SecretArn"}]
    assert "RotationFailed" in detail["eventName"]
    assert "RotationSucceeded" not in detail["eventName"]
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "TopicArn"}]


@environments
def test_the_dashboard_shows_every_alarm_and_only_what_exists(
    nested: Any, of_type: Any, environment: str
) -> None:
    template = nested("observability", environment)
    text, values = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    first, *graphs = json.loads(text)["widgets"]

    shown = {values[name[2:-1]]["Fn::GetAtt"][0] for name in first["properties"]["alarms"]}
    assert shown == set(alarms(template, of_type))
    assert set(re.findall(r"\$\{([^}]+)\}", text)) - {"AWS::Region"} == set(values)
    for namespace, _, *dimensions in (
        metric for graph in graphs for metric in graph["properties"]["metrics"]
    ):
        assert set(dimensions[::2]) == PUBLISHED[namespace]


@environments
def test_no_widget_lies_on_another(nested: Any, environment: str) -> None:
    text, _ = nested("observability", environment)["Resources"]["Dashboard"]["Properties"]["DashboardBody"][
        "Fn::Sub"
    ]

    cells = [
        (widget["x"] + across, widget["y"] + down)
        for widget in json.loads(text)["widgets"]
        for across in range(widget["width"])
        for down in range(widget["height"])
    ]

    assert len(cells) == len(set(cells))
    assert max(across for across, _ in cells) < 24, "CloudWatch's grid"
