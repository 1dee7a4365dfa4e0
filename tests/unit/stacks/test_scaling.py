"""How many tasks run, and that what adds tasks and what takes them away do not chase each other."""

from typing import Any

import pytest

from parameters.hours import WorkingHours
from parameters.settings import load
from stacks import scaling

HOURS = WorkingHours(days="MON-FRI", hours="06:05-22:30", time_zone="Europe/London", tasks_min=3)


def properties(template: dict[str, Any], title: str) -> dict[str, Any]:
    made: dict[str, Any] = template["Resources"][title]["Properties"]
    return made


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_number_of_tasks_is_bounded_by_the_parameters(nested: Any, environment: str) -> None:
    settings = load(environment)
    target = properties(nested("processor", environment), "Tasks")

    assert (target["MinCapacity"], target["MaxCapacity"]) == (
        settings.processor.tasks_min,
        settings.processor.tasks_max,
    )
    assert target["MaxCapacity"] <= (settings.stream.shards or target["MaxCapacity"])
    assert target["MinCapacity"] >= 2, "one takes over where the other was lost"
    assert "RoleARN" not in target, "for ECS it is the service-linked role"


def test_it_scales_the_service_of_this_stack(nested: Any) -> None:
    text, values = properties(nested("processor"), "Tasks")["ResourceId"]["Fn::Sub"]
    assert text == "service/${Cluster}/${Name}"
    assert values == {"Cluster": {"Ref": "Cluster"}, "Name": {"Fn::GetAtt": ["Service", "Name"]}}


def test_the_floor_rises_and_falls_by_the_plant_s_clock(nested: Any) -> None:
    target = properties(
        nested("processor", tasks_min=2, tasks_max=4, working_hours=HOURS),
        "Tasks",
    )
    begins, ends = target["ScheduledActions"]

    assert begins["Schedule"] == "cron(5 6 ? * MON-FRI *)"
    assert ends["Schedule"] == "cron(30 22 ? * MON-FRI *)"
    assert {action["Timezone"] for action in (begins, ends)} == {"Europe/London"}
    assert begins["ScalableTargetAction"] == {"MinCapacity": 3, "MaxCapacity": 4}
    assert ends["ScalableTargetAction"] == {"MinCapacity": 2, "MaxCapacity": 4}


def test_a_plant_without_hours_has_one_floor(nested: Any) -> None:
    assert "ScheduledActions" not in properties(nested("processor", working_hours=None), "Tasks")


@pytest.mark.parametrize(
    ("alarm", "policy"),
    [("Lagging", "MoreOnLag"), ("Idle", "FewerWhenIdle")],
)
def test_each_step_policy_is_set_off_by_its_alarm(nested: Any, alarm: str, policy: str) -> None:
    template = nested("processor")

    assert properties(template, alarm)["AlarmActions"] == [{"Ref": policy}]
    assert properties(template, alarm)["TreatMissingData"] == "notBreaching"
    assert properties(template, policy)["ScalingTargetId"] == {"Ref": "Tasks"}


def adjustment(policy: dict[str, Any], threshold: float, value: float) -> int:
    """What a step policy does when its alarm's metric is at `value`; 0 when no step says."""
    for step in policy["StepScalingPolicyConfiguration"]["StepAdjustments"]:
        over = value - threshold
        if step["MetricIntervalLowerBound"] <= over < step.get("MetricIntervalUpperBound", float("inf")):
            return int(step["ScalingAdjustment"])
    return 0


@pytest.mark.parametrize(("lag_s", "tasks"), [(60, 1), (299, 1), (300, 2), (86_400, 2)])
def test_the_more_it_lags_the_more_tasks_it_adds(nested: Any, lag_s: int, tasks: int) -> None:
    template = nested("processor")
    threshold = properties(template, "Lagging")["Threshold"]
    assert adjustment(properties(template, "MoreOnLag"), threshold, lag_s * 1000) == tasks


def test_tasks_are_taken_away_one_by_one_and_by_one_policy_only(nested: Any) -> None:
    template = nested("processor")
    tracking = properties(template, "MoreOnLoad")["TargetTrackingScalingPolicyConfiguration"]

    assert tracking["DisableScaleIn"] is True
    assert adjustment(properties(template, "FewerWhenIdle"), 1, 1) == -1


def test_taking_a_task_away_never_makes_the_rest_busy(nested: Any) -> None:
    floor = 1  # the lowest that the parameters take
    for tasks in range(floor + 1, 50):
        after = scaling.IDLE_PERCENT * tasks / (tasks - 1)
        assert after <= scaling.BUSY_PERCENT
    assert scaling.CAUGHT_UP_SECONDS < scaling.LAGGING_SECONDS / 2


def test_tasks_are_given_back_much_later_than_they_are_added(nested: Any) -> None:
    template = nested("processor")
    idle, lagging = properties(template, "Idle"), properties(template, "Lagging")

    assert idle["EvaluationPeriods"] >= 10 * lagging["EvaluationPeriods"]
    assert scaling.IN_COOLDOWN > scaling.OUT_COOLDOWN


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_tasks_are_added_before_anybody_is_called(environment: str) -> None:
    assert load(environment).observability.lag_alarm_seconds > scaling.LAGGING_SECONDS


def test_idle_looks_at_the_lag_and_at_the_load(nested: Any) -> None:
    *parts, whole = properties(nested("processor"), "Idle")["Metrics"]
    metrics = {part["Id"]: part["MetricStat"]["Metric"] for part in parts}

    assert whole["Expression"] == "IF(lag < 10000 AND cpu < 30, 1, 0)"
    assert [part["ReturnData"] for part in (whole, *parts)] == [True, False, False]
    assert metrics["lag"]["MetricName"] == "GetRecords.IteratorAgeMilliseconds"
    assert metrics["cpu"]["Namespace"] == "AWS/ECS"
    assert {dimension["Name"] for dimension in metrics["cpu"]["Dimensions"]} == {"ClusterName", "ServiceName"}
