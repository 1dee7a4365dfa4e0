"""The topic of the plant's alarms: who may speak there, who hears it, what the processor is told of it."""

from typing import Any

import pytest

from stacks.processor import CONTAINER

environments = pytest.mark.parametrize("environment", ["dev", "prod"])
TOPIC = {"Ref": "PlantAlarms"}


def made(template: dict[str, Any], title: str) -> dict[str, Any]:
    properties: dict[str, Any] = template["Resources"][title]["Properties"]
    return properties


def refusals(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    policy = made(template, "PlantAlarmsPolicy")
    assert policy["Topics"] == [TOPIC]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


@environments
def test_it_has_the_environment_s_name_and_the_notifications_key(nested: Any, environment: str) -> None:
    topic = made(nested("processor", environment), "PlantAlarms")

    assert topic["TopicName"] == f"millrace-{environment}-plant-alarms"
    assert topic["KmsMasterKeyId"] == {"Ref": "AlertsKeyArn"}


def test_its_policy_lets_nobody_in_and_refuses_all_but_the_task_s_role(nested: Any) -> None:
    found = refusals(nested("processor"))

    assert {statement["Effect"] for statement in found.values()} == {"Deny"}, "whom IAM lets is IAM's to say"
    others = found["RefuseAllButTheProcessor"]
    assert (others["Principal"], others["Action"], others["Resource"]) == ("*", ["sns:Publish"], [TOPIC])
    assert others["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["TaskRole", "Arn"]}}
    }, "IfExists would let in whoever has no such ARN"


def test_nothing_is_said_there_in_plain_text(nested: Any) -> None:
    plain = refusals(nested("processor"))["RefuseWithoutTls"]

    assert (plain["Principal"], plain["Action"], plain["Resource"]) == ("*", ["sns:Publish"], [TOPIC])
    assert plain["Condition"]["Bool"]["aws:SecureTransport"] == "false"


def test_the_task_may_publish_to_it_and_encrypt_through_sns_alone(nested: Any, statements: Any) -> None:
    template = nested("processor")
    granted = statements(template["Resources"]["TaskRole"])

    (publishing,) = [one for one in granted if "sns:Publish" in one["Action"]]
    assert (publishing["Action"], publishing["Resource"]) == (["sns:Publish"], [TOPIC])
    (encrypting,) = [one for one in granted if one["Resource"] == [{"Ref": "AlertsKeyArn"}]]
    assert sorted(encrypting["Action"]) == ["kms:Decrypt", "kms:GenerateDataKey"]
    (service,) = encrypting["Condition"]["StringEquals"].values()
    assert service["Fn::Sub"].startswith("sns.${AWS::Region}.")
    starting = statements(template["Resources"]["ExecutionRole"])
    assert not [one for one in starting if "sns:Publish" in one["Action"]], (
        "what only starts the task is mute"
    )


@environments
def test_the_processor_is_told_of_it_and_the_migrations_are_not(nested: Any, environment: str) -> None:
    containers = made(nested("processor", environment), "Task")["ContainerDefinitions"]
    told = {
        container["Name"]: variable["Value"]
        for container in containers
        for variable in container["Environment"]
        if variable["Name"] == "ALARM_TOPIC_ARN"
    }

    assert told == {CONTAINER: TOPIC}


def test_the_plant_s_own_people_hear_it(nested: Any) -> None:
    heard = made(nested("processor"), "PlantMail")

    assert heard == {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": {"Ref": "PlantAddress"}}


def test_no_alarm_of_the_platform_speaks_there(nested: Any, of_type: Any) -> None:
    alarms = of_type(nested("processor"), "AWS::CloudWatch::Alarm")

    assert alarms
    assert not [title for title, alarm in alarms.items() if TOPIC in alarm["Properties"]["AlarmActions"]]
