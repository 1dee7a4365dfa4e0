import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from parameters.network import Nat
from parameters.settings import load
from stacks import platform

# Dimension → the inputs that may fill it, or the text that it always is.
FILLED_BY = {
    "StreamName": {"StreamName"},
    "DBInstanceIdentifier": {"DatabaseId"},
    "CacheClusterId": {"CacheMembers"},
    "ClusterName": {"ClusterName"},
    "ServiceName": {"ServiceName"},
    "QueueName": {"DeadLettersName", "UndoneName"},
    "FunctionName": {"FunctionName"},
    "Secret": {"SecretArn", "MigratorSecretArn"},
    "TopicName": {"TopicName", "PlantTopicName"},
    "NatGatewayId": {"NatGateways"},
    "Protocol": {"MQTT"},
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
    """tests/templates/test_metrics.py holds the names; here it is whose they are."""
    template = nested("observability", environment)
    rules = of_type(template, "AWS::Events::Rule")

    watched = [metric for alarm in alarms(template, of_type).values() for metric in metrics(alarm)]

    assert watched
    for metric in watched:
        for dimension in metric["Dimensions"]:
            name, value = dimension["Name"], dimension["Value"]
            if metric["Namespace"] == "AWS/Events":
                assert value["Ref"] in rules, metric
            elif isinstance(value, str):
                assert value in FILLED_BY[name], metric
            else:
                assert value["Ref"].rstrip("0123456789") in FILLED_BY[name], metric
                assert value["Ref"] in template["Parameters"]


@environments
def test_every_alarm_says_what_it_means_to_somebody(nested: Any, of_type: Any, environment: str) -> None:
    template = nested("observability", environment)
    composites = of_type(template, "AWS::CloudWatch::CompositeAlarm")
    every = {**alarms(template, of_type), **{title: made["Properties"] for title, made in composites.items()}}

    for title, alarm in every.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "TopicArn"}], title
        means, look, do, _ = alarm["AlarmDescription"].split("\n")
        assert means.endswith("."), title
        assert look.startswith("Look: ") and do.startswith("Do: "), title
        assert len(alarm["AlarmDescription"]) <= 1024, "CloudWatch's bound"


@environments
def test_what_is_gone_raises_what_it_can_no_longer_report(
    nested: Any, of_type: Any, environment: str
) -> None:
    made = alarms(nested("observability", environment), of_type)

    silent = {title for title, alarm in made.items() if alarm["TreatMissingData"] == "breaching"}

    plant = {"Silence"} if environment == "prod" else set()
    assert silent == {"Lag", "TasksMissing", "PlantUntold", "SecretAge", "MigratorSecretAge"} | plant
    assert made["ReadingsExpire"]["TreatMissingData"] == "ignore", "a dead reader makes nothing younger"


@environments
def test_no_alarm_looks_back_further_than_cloudwatch_does(
    nested: Any, of_type: Any, environment: str
) -> None:
    """Seven days; with periods under an hour one day. botocore's model of PutMetricAlarm, Period."""
    for title, alarm in alarms(nested("observability", environment), of_type).items():
        periods = [alarm["Period"]] if "Period" in alarm else []
        for query in alarm.get("Metrics", []):
            periods += [query["MetricStat"]["Period"]] if "MetricStat" in query else []
            periods += [query["Period"]] if "Period" in query else []
        assert len(set(periods)) == 1, f"{title}: an expression's terms share one period"
        most = 7 * 86_400 if periods[0] >= 3600 else 86_400
        assert periods[0] * alarm["EvaluationPeriods"] <= most, title
        assert periods[0] % 60 == 0, title


def test_the_bounds_are_the_environments(nested: Any, of_type: Any) -> None:
    made = alarms(
        nested(
            "observability",
            lag_alarm_seconds=45,
            expiry_alarm_hours=5,
            free_storage_alarm_gib=3,
            free_memory_alarm_mib=64,
            secret_age_alarm_days=8,
            silence_alarm_minutes=20,
        ),
        of_type,
    )

    assert made["Lag"]["Threshold"] == 45_000, "the metric is in milliseconds"
    assert made["ReadingsExpire"]["Threshold"] == 5 * 3_600_000
    assert made["DatabaseStorage"]["Threshold"] == 3 * 1024**3, "the metric is in bytes"
    assert made["DatabaseStorage"]["ComparisonOperator"] == "LessThanThreshold"
    assert made["DatabaseMemory"]["Threshold"] == 64 * 1024**2
    assert made["SecretAge"]["Threshold"] == made["MigratorSecretAge"]["Threshold"] == 8
    assert (made["Silence"]["Period"], made["Silence"]["Threshold"]) == (20 * 60, 1)


def test_a_plant_that_stops_at_night_has_no_alarm_on_silence(nested: Any, of_type: Any) -> None:
    template = nested("observability", "prod", silence_alarm_minutes=None)

    assert "Silence" not in alarms(template, of_type)
    assert "Silence" not in template["Resources"]["ReadingsStopped"]["Properties"]["AlarmRule"]["Fn::Sub"]


def test_the_age_is_measured_twice_in_each_of_the_alarm_s_periods(nested: Any, of_type: Any) -> None:
    alarm = alarms(nested("observability"), of_type)["SecretAge"]
    (rule,) = [
        made["Properties"]
        for made in nested("rotation")["Resources"].values()
        if made["Type"] == "AWS::Events::Rule"
    ]
    every = re.fullmatch(r"rate\((\d+) hours\)", rule["ScheduleExpression"])

    assert every is not None
    assert alarm["Period"] == 2 * int(every[1]) * 3600


@pytest.mark.parametrize(("environment", "members"), [("dev", 2), ("prod", 3)])
def test_every_member_of_the_cache_is_watched(
    nested: Any, of_type: Any, environment: str, members: int
) -> None:
    watched: dict[str, set[str]] = {}
    for alarm in alarms(nested("observability", environment), of_type).values():
        if alarm.get("Namespace") == "AWS/ElastiCache":
            watched.setdefault(alarm["MetricName"], set()).add(alarm["Dimensions"][0]["Value"]["Ref"])

    expected = {f"CacheMembers{number}" for number in range(1, members + 1)}
    assert len(watched) == 5
    assert all(found == expected for found in watched.values())


@pytest.mark.parametrize(("environment", "gateways"), [("dev", 2), ("prod", 3)])
def test_every_nat_gateway_is_watched(nested: Any, of_type: Any, environment: str, gateways: int) -> None:
    made = alarms(nested("observability", environment), of_type)

    watched = {title for title in made if title.startswith("NatPorts")}

    assert watched == {f"NatPorts{number}" for number in range(1, gateways + 1)}


def test_tasks_are_counted_against_what_the_service_wants(nested: Any, of_type: Any) -> None:
    queries = alarms(nested("observability"), of_type)["TasksMissing"]["Metrics"]

    counted = {
        query["Id"]: query["MetricStat"]["Metric"]["MetricName"] for query in queries if "MetricStat" in query
    }
    (returned,) = [query for query in queries if query["ReturnData"]]

    assert counted == {"running": "RunningTaskCount", "desired": "DesiredTaskCount"}
    assert returned["Expression"] == "desired - running"


def test_a_lost_reading_is_found_whatever_the_action_s_type_is_called(nested: Any, of_type: Any) -> None:
    (query,) = alarms(nested("observability"), of_type)["ReadingsLost"]["Metrics"]
    text, values = query["Expression"]["Fn::Sub"]

    assert text == "SELECT SUM(ErrorActionFailure) FROM \"AWS/IoT\" WHERE RuleName = '${Value}'"
    assert values == {"Value": {"Ref": "RuleName"}}
    assert query["Period"] == 300 and query["ReturnData"] is True


@environments
def test_a_pager_hears_what_stops_readings_and_nothing_else(nested: Any, environment: str) -> None:
    template = nested("observability", environment)
    stopped = template["Resources"]["ReadingsStopped"]["Properties"]

    heard = re.findall(r'ALARM\("\$\{(\w+)\.Arn\}"\)', stopped["AlarmRule"]["Fn::Sub"])

    plant = {"Silence"} if environment == "prod" else set()
    assert set(heard) == plant | {
        "ReadingsLost",
        "DeadLetters",
        "Lag",
        "ReadingsExpire",
        "GapFound",
        "NothingCommitted",
        "ShardUnread",
        "TasksMissing",
        "DatabaseStorage",
        "DatabaseTransactionIds",
    }
    assert stopped["AlarmRule"]["Fn::Sub"].count(" OR ") == len(heard) - 1
    assert stopped["AlarmName"] == f"millrace-{environment}-readings-stopped", "the pager's filter names it"


def test_every_rule_s_failure_to_tell_is_itself_told(nested: Any, of_type: Any) -> None:
    template = nested("observability")
    queries = alarms(template, of_type)["EventsUndelivered"]["Metrics"]

    watched = [
        query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"]
        for query in queries
        if "MetricStat" in query
    ]

    assert sorted(watched) == sorted(of_type(template, "AWS::Events::Rule"))
    (result,) = [query for query in queries if query["ReturnData"]]
    assert result["Expression"] == " + ".join(f"FILL(rule{n}, 0)" for n in range(1, len(watched) + 1))


def test_a_network_without_nat_has_neither_alarms_nor_graphs_of_it() -> None:
    dev = load("dev")
    network = msgspec.structs.replace(dev.network, nat=Nat.NONE, interface_endpoints=True)
    without = msgspec.structs.replace(dev, network=network)
    (made,) = [template for template in platform.build(without) if template.name == "observability"]
    text, values = made.tree["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]

    assert not [title for title in made.tree["Resources"] if title.startswith("NatPorts")]
    assert "Way out" not in text
    assert not [name for name in values if name.startswith("Gateway")]


@environments
def test_a_deployment_is_taken_back_by_no_more_alarms_than_cloudformation_watches(
    nested: Any, of_type: Any, environment: str
) -> None:
    template = nested("observability", environment)
    told = [output["Value"]["Fn::GetAtt"] for output in template["Outputs"].values()]

    assert {title for title, _ in told} == {"ReadingsLost", "Lag", "TasksMissing"}
    assert all(title in alarms(template, of_type) and attribute == "Arn" for title, attribute in told)
    assert len(told) <= 5
