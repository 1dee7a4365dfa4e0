from typing import Any

import pytest
from troposphere import Ref

from stacks.alarm import Guidance, Series, alarm, family, summed
from stacks.wiring import TopicArn
from topology import metrics

GUIDANCE = Guidance(means="It stands still. Nobody knows why.", look="There.", do="This.")
TOPIC = TopicArn(Ref("TopicArn"))


def made(statistic: str, **options: Any) -> dict[str, Any]:
    series = Series(metrics.LAG, {"StreamName": Ref("StreamName")}, statistic)
    found: dict[str, Any] = alarm("Standstill", TOPIC, GUIDANCE, series, **options).to_dict()
    return found


@pytest.mark.parametrize(
    "values",
    [{}, {"ShardId": Ref("Shard")}, {"StreamName": Ref("StreamName"), "ShardId": Ref("Shard")}],
)
def test_dimensions_that_nobody_publishes_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"IteratorAgeMilliseconds is published by StreamName.*never fires"):
        Series(metrics.LAG, values, "Maximum")


def test_a_count_is_one_sum_and_a_level_holds_minute_by_minute() -> None:
    count, level = (
        made("Sum", above=0, minutes=5)["Properties"],
        made("Maximum", above=9, minutes=5)["Properties"],
    )

    assert (count["Period"], count["EvaluationPeriods"]) == (300, 1)
    assert (level["Period"], level["EvaluationPeriods"]) == (60, 5)


def test_a_level_that_comes_seldom_is_asked_for_as_seldom() -> None:
    slow = made("Maximum", above=9, minutes=15, every=300)["Properties"]

    assert (slow["Period"], slow["EvaluationPeriods"]) == (300, 3)


def test_its_words_are_its_description_and_its_reason() -> None:
    found = made("Maximum", above=9, minutes=5)

    assert found["Properties"]["AlarmDescription"] == (
        "It stands still. Nobody knows why.\nLook: There.\nDo: This.\nRunbook: docs/runbook.md#standstill"
    )
    assert found["Metadata"]["com.aws.cloudformation.Context"]["why"] == "It stands still."


def test_the_direction_is_the_bound_s() -> None:
    assert made("Minimum", below=3, minutes=1)["Properties"]["ComparisonOperator"] == "LessThanThreshold"
    assert made("Maximum", above=3, minutes=1)["Properties"]["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.parametrize(
    ("title", "name"), [("CacheMemory001", "CacheMemory"), ("NatPorts1", "NatPorts"), ("Lag", "Lag")]
)
def test_alarms_that_differ_in_their_number_are_one_entry(title: str, name: str) -> None:
    assert family(title) == name


def test_a_query_names_the_metric_and_one_of_its_dimensions() -> None:
    text, values = summed(metrics.ACTION_FAILURES, "RuleName", Ref("Rule")).to_dict()["Fn::Sub"]

    assert text == "SELECT SUM(Failure) FROM \"AWS/IoT\" WHERE RuleName = '${Value}'"
    assert values == {"Value": {"Ref": "Rule"}}
