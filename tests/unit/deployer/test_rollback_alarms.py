from typing import Any

import pytest

from deployer import rollback_alarms
from deployer.rollback_alarms import Alarm, AlarmRaised, MissingAlarm, Watch

PREFIX = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:"
LAG = f"{PREFIX}millrace-dev-Lag"
STOPPED = f"{PREFIX}stopped: all"  # a name may have a colon
OUTPUTS = {"RollbackAlarms": f"{LAG},{STOPPED}"}


def described(*alarms: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"AlarmName": arn.removeprefix(PREFIX), "AlarmArn": arn, "StateValue": state} for arn, state in alarms
    ]


def watch(aws: Any, outputs: dict[str, str], minutes: int = 5) -> Watch:
    client = aws.session.client("cloudwatch")
    return rollback_alarms.watch(client, outputs, minutes, stack="millrace-dev", environment="dev")


def test_metric_and_composite_alarms_are_attached_by_their_type(aws: Any) -> None:
    answer = {"MetricAlarms": described((LAG, "OK")), "CompositeAlarms": described((STOPPED, "OK"))}
    aws.answers(
        "cloudwatch",
        "describe_alarms",
        answer,
        AlarmNames=["millrace-dev-Lag", "stopped: all"],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )

    found = watch(aws, OUTPUTS)

    assert found.configuration() == {
        "RollbackTriggers": [
            {"Arn": LAG, "Type": "AWS::CloudWatch::Alarm"},
            {"Arn": STOPPED, "Type": "AWS::CloudWatch::CompositeAlarm"},
        ],
        "MonitoringTimeInMinutes": 5,
    }
    assert found.notes == ()


@pytest.mark.parametrize("outputs", [{}, {"RollbackAlarms": ""}])
def test_without_alarms_those_of_before_are_taken_off_and_nothing_is_waited_for(
    aws: Any, outputs: dict[str, str]
) -> None:
    assert watch(aws, outputs).configuration() == {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}


def test_an_alarm_that_is_missing_is_refused_before_aws_rolls_back_for_it(aws: Any) -> None:
    aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": described((LAG, "OK"))})

    with pytest.raises(MissingAlarm, match=r"stopped: all.*apply dev --without-rollback-alarms"):
        watch(aws, OUTPUTS)


def test_an_alarm_that_is_on_already_is_told_and_refused() -> None:
    on = Watch((Alarm(LAG, "t", "ALARM"), Alarm(STOPPED, "t", "INSUFFICIENT_DATA")), 5)

    assert on.notes == (
        "ALARM millrace-dev-Lag: the deployment would be rolled back for it; --without-rollback-alarms "
        "deploys what mends it",
    )
    with pytest.raises(AlarmRaised) as refusal:
        on.refuse_raised("millrace-dev", "dev")
    assert str(refusal.value) == (
        "millrace-dev-Lag is in ALARM already, and the deployment of millrace-dev would be rolled back for "
        "that: mend what it tells (docs/runbook.md), or deploy what mends it with `python deploy.py apply "
        "dev --without-rollback-alarms`; nothing was changed"
    )


def test_quiet_alarms_are_not_refused() -> None:
    Watch((Alarm(LAG, "t", "OK"), Alarm(STOPPED, "t", "INSUFFICIENT_DATA"))).refuse_raised("s", "dev")


def test_two_that_are_on_are_named_both() -> None:
    with pytest.raises(AlarmRaised, match="millrace-dev-Lag, stopped: all are in ALARM already"):
        Watch((Alarm(LAG, "t", "ALARM"), Alarm(STOPPED, "t", "ALARM"))).refuse_raised("s", "dev")
