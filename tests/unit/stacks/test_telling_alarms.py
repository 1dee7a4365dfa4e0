"""When it is told that the plant's people are not."""

from typing import Any

from stacks.processor import STOP_SECONDS
from stacks.telling_alarms import UNTOLD_SECONDS


def alarm(nested: Any, title: str) -> dict[str, Any]:
    made: dict[str, Any] = nested("observability")["Resources"][title]["Properties"]
    return made


def test_what_passes_by_itself_is_told_to_nobody_and_what_lasts_is(nested: Any) -> None:
    made = alarm(nested, "PlantUntold")

    assert (made["MetricName"], made["Statistic"]) == ("NotificationAge", "Maximum")
    assert made["Threshold"] == UNTOLD_SECONDS
    # An age grows by the second: what is as old in five minutes on end has waited for six at the least.
    longest = made["Threshold"] + made["Period"] * (made["EvaluationPeriods"] - 1)
    assert longest >= 2 * STOP_SECONDS, "a shard's hand-over, and a fail-over of the database behind it"


def test_who_says_nothing_tells_nobody(nested: Any) -> None:
    assert alarm(nested, "PlantUntold")["TreatMissingData"] == "breaching"


def test_each_topic_s_mail_is_watched_apart_and_told_on_the_platform_s(nested: Any) -> None:
    watched = {
        title: alarm(nested, title)["Dimensions"][0]["Value"]
        for title in ("NotificationsFailed", "PlantMailFailed")
    }

    assert watched == {
        "NotificationsFailed": {"Ref": "TopicName"},
        "PlantMailFailed": {"Ref": "PlantTopicName"},
    }
    assert alarm(nested, "PlantMailFailed")["AlarmActions"] == [{"Ref": "TopicArn"}]


def test_the_pager_hears_of_readings_alone(nested: Any) -> None:
    rule = nested("observability")["Resources"]["ReadingsStopped"]["Properties"]["AlarmRule"]["Fn::Sub"]

    assert "Plant" not in rule
