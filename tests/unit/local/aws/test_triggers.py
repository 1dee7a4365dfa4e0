"""Rollback triggers, before, during and after an operation."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Fault

Json = dict[str, Any]
Tree = Callable[..., Json]
ARN = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:{}"


def configuration(name: str, minutes: int = 0) -> Json:
    trigger = {"Arn": ARN.format(name), "Type": "AWS::CloudWatch::Alarm"}
    return {"RollbackTriggers": [trigger], "MonitoringTimeInMinutes": minutes}


def alarm(aws: Any, name: str, state: str) -> None:
    cloudwatch = aws.client("cloudwatch")
    if not cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="n",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")


def rollback_reason(aws: Any, stack: str) -> str:
    (event,) = [e for e in aws.events(stack) if e["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"]
    return str(event["ResourceStatusReason"])


def test_the_configuration_is_echoed_and_saved_for_later_updates(aws: Any, tree: Tree) -> None:
    alarm(aws, "quiet", "OK")
    wanted = configuration("quiet", 1)
    aws.deploy("echoes", tree(1))

    planned = aws.plan("echoes", tree(2), "UPDATE", RollbackConfiguration=wanted)
    assert planned["RollbackConfiguration"] == wanted
    begun = time.monotonic()
    assert aws.execute(planned) == "UPDATE_COMPLETE"
    assert time.monotonic() - begun > 1  # a minute lasts a second
    assert aws.stack("echoes")["RollbackConfiguration"] == wanted

    alarm(aws, "quiet", "ALARM")
    assert aws.execute(aws.plan("echoes", tree(3), "UPDATE")) == "UPDATE_ROLLBACK_COMPLETE"


def test_the_wait_shows_in_no_list(aws: Any, tree: Tree) -> None:
    alarm(aws, "unseen", "OK")
    aws.deploy("waits", tree(1), RollbackConfiguration=configuration("unseen"))

    assert set(aws.resources("waits")) == {"Top", "Outer", "Last"}
    assert {e["LogicalResourceId"] for e in aws.events("waits")} == {"Top", "Outer", "Last", "waits"}
    template = aws.client("cloudformation").get_template(StackName="waits")["TemplateBody"]
    assert set(template["Resources"]) == {"Top", "Outer", "Last"}
    assert aws.plan("waits", tree(1), "UPDATE")["Status"] == "FAILED"  # nothing differs


@pytest.mark.parametrize(("name", "word"), [("alarmed", "went to ALARM state"), ("missing", "do not exist")])
def test_an_alarm_that_is_up_or_missing_fails_an_update_before_it_begins(
    aws: Any, tree: Tree, name: str, word: str
) -> None:
    alarm(aws, "alarmed", "ALARM")
    stack = f"before-{name}"
    aws.deploy(stack, tree(1))
    planned = aws.plan(stack, tree(2), "UPDATE", RollbackConfiguration=configuration(name))

    assert aws.execute(planned) == "UPDATE_ROLLBACK_COMPLETE"
    assert word in rollback_reason(aws, stack)
    assert ARN.format(name) in rollback_reason(aws, stack)


def test_an_alarm_during_the_update_takes_it_back_at_every_depth(
    aws: Any, tree: Tree, inject: Callable[..., None], family: Callable[[str], dict[str, str]]
) -> None:
    alarm(aws, "during", "OK")
    aws.deploy("alarm-during", tree(1))
    arns = family("alarm-during")
    inject(Fault(logical_id="Twig", action="update", seconds=30))
    planned = aws.plan("alarm-during", tree(2), "UPDATE", RollbackConfiguration=configuration("during"))
    aws.client("cloudformation").execute_change_set(ChangeSetName=planned["ChangeSetId"])
    aws.awaited(lambda: any(e["LogicalResourceId"] == "Twig" for e in aws.events(arns["Inner"])[-1:]))

    alarm(aws, "during", "ALARM")

    assert aws.settled("alarm-during") == "UPDATE_ROLLBACK_COMPLETE"
    assert "went to ALARM state" in rollback_reason(aws, "alarm-during")
    assert {aws.stack(arn)["StackStatus"] for arn in arns.values()} == {"UPDATE_ROLLBACK_COMPLETE"}


def test_an_alarm_while_monitoring_takes_it_back_and_what_was_removed_is_still_there(aws: Any) -> None:
    alarm(aws, "after", "OK")
    both = {"Kept": {"Type": "AWS::SQS::Queue"}, "Removed": {"Type": "AWS::SQS::Queue"}}
    aws.deploy("alarm-after", {"Resources": both})
    before = aws.resources("alarm-after")
    fewer = {"Resources": {"Kept": both["Kept"]}}
    planned = aws.plan("alarm-after", fewer, "UPDATE", RollbackConfiguration=configuration("after", 180))
    aws.client("cloudformation").execute_change_set(ChangeSetName=planned["ChangeSetId"])
    aws.awaited(lambda: aws.stack("alarm-after")["StackStatus"] == "UPDATE_IN_PROGRESS")

    alarm(aws, "after", "ALARM")

    assert aws.settled("alarm-after") == "UPDATE_ROLLBACK_COMPLETE"
    assert aws.resources("alarm-after") == before
    assert before["Removed"] in aws.client("sqs").list_queues()["QueueUrls"]


def test_an_update_can_be_cancelled_while_monitoring(aws: Any, tree: Tree) -> None:
    aws.deploy("cancel-after", tree(1))
    planned = aws.plan(
        "cancel-after", tree(2), "UPDATE", RollbackConfiguration={"MonitoringTimeInMinutes": 180}
    )
    cloudformation = aws.client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=planned["ChangeSetId"])
    aws.awaited(
        lambda: (
            ("Last", "UPDATE_COMPLETE")
            in [(e["LogicalResourceId"], e["ResourceStatus"]) for e in aws.events("cancel-after")]
        )
    )

    cloudformation.cancel_update_stack(StackName="cancel-after")

    assert aws.settled("cancel-after") == "UPDATE_ROLLBACK_COMPLETE"
    assert rollback_reason(aws, "cancel-after") == "User Initiated"


def test_a_creation_is_taken_back_too(aws: Any, tree: Tree) -> None:
    alarm(aws, "new", "ALARM")
    planned = aws.plan("alarm-new", tree(1), RollbackConfiguration=configuration("new"))

    assert aws.execute(planned) == "ROLLBACK_COMPLETE"


def test_more_triggers_than_five_are_refused(aws: Any, tree: Tree) -> None:
    wanted = {"RollbackTriggers": configuration("any")["RollbackTriggers"] * 6}
    with pytest.raises(ClientError, match="At most 5 rollback triggers"):
        aws.plan("many", tree(1), RollbackConfiguration=wanted)
