"""Asked for or pushed: the consumer, what the task may, and that all that watches lag watches the same."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from parameters.settings import load
from stacks import platform

Template = dict[str, Any]
MODES = {
    "polling": ("GetRecords.IteratorAgeMilliseconds", {"StreamName"}),
    "fan_out": ("SubscribeToShardEvent.MillisBehindLatest", {"StreamName", "ConsumerName"}),
}


@pytest.fixture(params=["dev", "prod"])
def of_mode(request: pytest.FixtureRequest) -> Callable[[str], dict[str, Template]]:
    def build(mode: str) -> dict[str, Template]:
        environment = load(request.param)
        processor = msgspec.structs.replace(environment.processor, retrieval=mode)
        built = platform.build(msgspec.structs.replace(environment, processor=processor))
        return {template.name: template.tree for template in built}

    return build


def watched(templates: dict[str, Template]) -> Iterator[tuple[str, str, set[str]]]:
    """(what watches, metric, its dimensions) of all that is on how far behind the engine is."""
    lags = {metric for metric, _ in MODES.values()}
    for template in templates.values():
        for title, made in template["Resources"].items():
            if made["Type"] == "AWS::CloudWatch::Alarm":
                properties = made["Properties"]
                parts = [
                    part["MetricStat"]["Metric"]
                    for part in properties.get("Metrics", [])
                    if "MetricStat" in part
                ]
                for one in parts or [properties]:
                    if one.get("MetricName") in lags:
                        yield title, one["MetricName"], {given["Name"] for given in one["Dimensions"]}
    body = json.loads(
        templates["observability"]["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    )
    for widget in body["widgets"]:
        for line in widget["properties"].get("metrics", []):
            if len(line) > 1 and line[1] in lags:
                yield widget["properties"]["title"], line[1], set(line[2::2])


@pytest.mark.parametrize("mode", MODES)
def test_all_that_is_on_lag_is_on_the_metric_of_the_mode(of_mode: Any, mode: str) -> None:
    found = list(watched(of_mode(mode)))

    assert {title for title, _, _ in found} == {
        "Behind",
        "Lagging",
        "Idle",
        "Lag",
        "ReadingsExpire",
        "Lag (ms)",
    }
    for title, metric, dimensions in found:
        assert (metric, dimensions) == MODES[mode], title


def test_pushed_records_come_to_a_consumer_of_the_stack_s_which_the_engine_is_told(
    of_mode: Any, statements: Any
) -> None:
    resources = of_mode("fan_out")["processor"]["Resources"]
    consumer = resources["Consumer"]["Properties"]
    (task,) = [
        made
        for made in resources["Task"]["Properties"]["ContainerDefinitions"]
        if made["Name"] == "processor"
    ]
    told = {one["Name"]: one["Value"] for one in task["Environment"]}
    subscribing = [
        one for one in statements(resources["TaskRole"]) if "kinesis:SubscribeToShard" in one["Action"]
    ]

    assert consumer["StreamARN"] == {"Ref": "StreamArn"}
    assert consumer["ConsumerName"] == told["ENGINE_NAME"]
    assert told["CONSUMER_ARN"] == {"Ref": "Consumer"}
    assert [(one["Action"], one["Resource"]) for one in subscribing] == [
        (["kinesis:SubscribeToShard"], [{"Ref": "Consumer"}])
    ]


def test_who_asks_has_no_consumer_and_may_not_subscribe(of_mode: Any, statements: Any) -> None:
    resources = of_mode("polling")["processor"]["Resources"]

    assert "Consumer" not in resources
    assert "CONSUMER_ARN" not in json.dumps(resources["Task"])
    assert "Subscribe" not in json.dumps(statements(resources["TaskRole"]))


@pytest.mark.parametrize("mode", MODES)
def test_a_gap_can_be_read_again_in_either_mode(of_mode: Any, statements: Any, mode: str) -> None:
    given = statements(of_mode(mode)["processor"]["Resources"]["TaskRole"])
    (reading,) = [one for one in given if one.get("Sid") == "ReadReadings"]

    assert set(reading["Action"]) == {
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    }
