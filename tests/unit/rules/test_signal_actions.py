"""Whom alarms tell and what they start: actions, composite alarms, scaling, deployments."""

from typing import Any

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.signal_cases import (
    BEHIND,
    CPU,
    ERRORS,
    FUNCTION,
    PAGER,
    QUEUE,
    STORE,
    STREAM,
    WAITING,
    alarm,
    att,
    changed,
    judged,
    made,
    math,
    metric,
    query,
    ref,
    template,
    watching,
)

OTHER = made("SNS::Topic")
BUSY = {"Statistic": "Average", "Threshold": 80}


def many(last: dict[str, Any], **others: Any) -> str:
    """Five alarms that are alike, and one more."""
    alike = {f"A{number}": alarm(ERRORS, Threshold=number, OKActions=[ref("Pager")]) for number in range(5)}
    return template(**alike, Last=last, Pager=PAGER, Worker=FUNCTION, Store=STORE, **others)


def composite(rule: Any, **changes: Any) -> str:
    both = made("CloudWatch::CompositeAlarm", AlarmRule=rule, AlarmActions=[ref("Pager")], **changes)
    return watching(
        alarm(ERRORS),
        Both=both,
        B=alarm(WAITING),
        C=alarm(CPU, **BUSY),
        D=alarm(CPU, Statistic="Maximum", Threshold=95),
    )


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


ANY = sub('ALARM("${Alarm.Arn}") OR ALARM(${B})')


def steps(*given: tuple[float | None, float | None, int]) -> list[dict[str, Any]]:
    names = ("MetricIntervalLowerBound", "MetricIntervalUpperBound", "ScalingAdjustment")
    return [
        {name: value for name, value in zip(names, step, strict=True) if value is not None} for step in given
    ]


def policy(*given: tuple[float | None, float | None, int]) -> dict[str, Any]:
    said = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps(*given)}
    return made(
        "ApplicationAutoScaling::ScalingPolicy",
        PolicyType="StepScaling",
        ScalingTargetId=ref("Web"),
        StepScalingPolicyConfiguration=said,
    )


MORE, FEWER = policy((0, None, 1)), policy((None, 0, -1))
LOAD = metric("AWS/ECS", "CPUUtilization", ClusterName=ref("Cluster"), ServiceName=att("Service", "Name"))
SERVICE = made("ECS::Service", Cluster=ref("Cluster"))
TRACKING = made(
    "ApplicationAutoScaling::ScalingPolicy",
    PolicyType="TargetTrackingScaling",
    ScalingTargetId=ref("Web"),
    TargetTrackingScalingPolicyConfiguration={
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "TargetValue": 50,
    },
)
TARGET = made("ApplicationAutoScaling::ScalableTarget", ResourceId=sub("service/${Cluster}/${Service.Name}"))


def scaled(out: dict[str, Any] | None = None, down: dict[str, Any] | None = None, **others: Any) -> str:
    busy = alarm(LOAD, **BUSY, AlarmActions=[ref("More")])
    quiet = alarm(
        LOAD,
        Statistic="Average",
        Threshold=20,
        ComparisonOperator="LessThanThreshold",
        AlarmActions=[ref("Fewer")],
    )
    parts = {"More": MORE, "Fewer": FEWER, "Cluster": made("ECS::Cluster"), "Service": SERVICE, "Web": TARGET}
    return template(Busy=out or busy, Quiet=down or quiet, **{**parts, **others})


def out(**changes: Any) -> dict[str, Any]:
    return alarm(LOAD, **{**BUSY, "AlarmActions": [ref("More")], **changes})


def down(**changes: Any) -> dict[str, Any]:
    low = {"Statistic": "Average", "Threshold": 20, "ComparisonOperator": "LessThanThreshold"}
    return alarm(LOAD, **{**low, "AlarmActions": [ref("Fewer")], **changes})


def deployed(names: list[Any], enable: bool = True, **others: Any) -> str:
    service = made(
        "ECS::Service",
        DeploymentConfiguration={"Alarms": {"AlarmNames": names, "Enable": enable, "Rollback": True}},
    )
    return watching(alarm(ERRORS), Web=service, **others)


IDLE = (query("cpu", LOAD, "Average"), query("lag", BEHIND, "Maximum"))
BOTH_IDLE = math(*IDLE, judged("IF(cpu < 20 AND lag < 1000, 1, 0)"), AlarmActions=[ref("Fewer")])
ONE_IDLE = math(*IDLE, judged("IF(cpu < 20 OR lag < 1000, 1, 0)"), AlarmActions=[ref("Fewer")])
UPWARD_FEWER = policy((0, None, -1))

CASES = [
    ("E9650", watching(alarm(ERRORS, ActionsEnabled=True)), watching(alarm(ERRORS, ActionsEnabled=False))),
    ("W9651", watching(alarm(ERRORS)), watching(alarm(ERRORS, AlarmActions=None))),
    (
        "W9651",
        many(alarm(CPU, **BUSY)),
        many(alarm(CPU, **BUSY, AlarmActions=[]), Also=made("SSM::Parameter", Value=ref("Last"))),
    ),
    ("E9652", watching(alarm(ERRORS)), watching(alarm(ERRORS, AlarmActions=[att("Pager", "TopicName")]))),
    (
        "E9652",
        watching(alarm(ERRORS, AlarmActions=["arn:aws:sns:eu-west-1:111122223333:x"])),
        watching(alarm(ERRORS, AlarmActions=["pager"])),
    ),
    (
        "E9653",
        watching(alarm(ERRORS, OKActions=[ref("Pager")])),
        watching(alarm(ERRORS, AlarmActions=None, OKActions=[ref("Pager")])),
    ),
    ("W9654", many(alarm(CPU, **BUSY, OKActions=[ref("Pager")])), many(alarm(CPU, **BUSY))),
    (
        "W9655",
        many(alarm(CPU, **BUSY), Other=OTHER),
        many(alarm(CPU, **BUSY, AlarmActions=[ref("Other")]), Other=OTHER),
    ),
    ("W9656", scaled(), scaled(out(OKActions=[ref("More")]))),
    ("E9657", composite(ANY), composite(sub('ALARM("${Alarm.Arn}") or ALARM(${B})'))),
    ("E9657", composite(ANY), composite(sub('(ALARM("${Alarm.Arn}") OR ALARM(${B})'))),
    ("E9658", composite(ANY), composite(sub('ALARM("${Alarm.Arn}") OR ALARM("${Pager}")'))),
    ("E9659", composite(ANY), composite(sub("ALARM(${Alarm}) OR ALARM(${Both})"))),
    ("W9660", composite(ANY), composite(sub("ALARM(${Alarm}) OR OK(${B})"))),
    ("W9660", composite(ANY), composite(sub("ALARM(${Alarm}) AND ALARM(${B}) AND ALARM(${C})"))),
    (
        "W9660",
        composite(sub("ALARM(${Alarm}) AND NOT ALARM(${B})")),
        composite(sub("ALARM(${Alarm}) OR ALARM(${Alarm})")),
    ),
    (
        "W9661",
        watching(alarm(ERRORS, AlarmName="a"), B=alarm(CPU, AlarmName="b")),
        watching(alarm(ERRORS, AlarmName="a"), B=alarm(CPU, AlarmName="a")),
    ),
    ("W9633", composite(sub("ALARM(${C}) OR ALARM(${D})")), composite(sub("ALARM(${C}) OR ALARM(${B})"))),
    ("E9618", scaled(), scaled(down=down(AlarmActions=[ref("More")]))),
    ("E9618", scaled(down=BOTH_IDLE, Clicks=STREAM), scaled(down=ONE_IDLE, Clicks=STREAM)),
    ("E9619", scaled(), scaled(Fewer=UPWARD_FEWER)),
    ("W9625", scaled(), scaled(out(TreatMissingData="breaching"))),
    ("W9627", scaled(), scaled(down=down(Threshold=90))),
    (
        "W9628",
        scaled(),
        scaled(
            Web=changed(TARGET, "Properties", "ResourceId", to=sub("service/${Cluster}/${Batch.Name}")),
            Batch=SERVICE,
        ),
    ),
    ("W9641", scaled(Tracking=TRACKING), scaled(down=down(Threshold=60), Tracking=TRACKING)),
    ("E9629", deployed([ref("Alarm")]), deployed([att("Alarm")])),
    ("E9629", deployed([ref("Alarm")]), deployed([ref("Alarm")], False)),
    (
        "W9640",
        deployed([ref("Alarm")]),
        deployed([ref("Scaler")], Scaler=alarm(CPU, **BUSY, AlarmActions=[ref("More")]), More=MORE),
    ),
]


@pytest.mark.parametrize(("rule", "fine", "wrong"), CASES)
def test_a_rule_tells_the_wrong_from_the_fine(say: Say, rule: str, fine: str, wrong: str) -> None:
    assert say(rule, fine) == []
    assert [line for line in say(rule, wrong) if f" {rule} " in line]


def test_an_alarm_that_others_look_at_needs_no_action(say: Say) -> None:
    quiet = alarm(ERRORS, AlarmActions=None)

    assert (
        say(
            "W9651",
            watching(
                quiet,
                Both=made(
                    "CloudWatch::CompositeAlarm",
                    AlarmRule=sub("ALARM(${Alarm})"),
                    AlarmActions=[ref("Pager")],
                ),
            ),
        )
        == []
    )
    assert say("W9651", watching(alarm(ERRORS, AlarmActions=None, AlarmName="known"))) == []


def test_a_topic_that_a_parameter_gives_may_be_any(say: Say) -> None:
    root = template(
        parameters={"Pager": {"Type": "String"}}, Alarm=alarm(ERRORS), Worker=FUNCTION, Jobs=QUEUE
    )

    assert say("E965", root) == []


def test_an_alarm_that_rings_where_one_metric_is_bad_alone_is_told_of_as_such(say: Say) -> None:
    lagging = judged("IF(cpu < 20 AND lag > 1000, 1, 0)")
    root = scaled(down=math(*IDLE, lagging, AlarmActions=[ref("Fewer")]), Clicks=STREAM)
    assert "when there is still much by one of its metrics to do" in say("E9618", root)[0]
    assert say("E9611", root) == []
