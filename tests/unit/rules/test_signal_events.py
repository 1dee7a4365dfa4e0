"""Event rules: what they wait for, and what becomes of it."""

from typing import Any

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.signal_cases import (
    FUNCTION,
    PAGER,
    QUEUE,
    STORE,
    alarm,
    att,
    changed,
    made,
    metric,
    ref,
    template,
)

DEPLOYED = {
    "source": ["aws.ecs"],
    "detail-type": ["ECS Deployment State Change"],
    "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
}
STORED = {
    "source": ["aws.rds"],
    "detail-type": ["RDS DB Instance Event"],
    "detail": {"SourceArn": [{"Fn::Sub": "arn:aws:rds:${AWS::Region}:${AWS::AccountId}:db:${Store}"}]},
}
ROTATED = {
    "source": ["aws.secretsmanager"],
    "detail-type": ["AWS Service Event via CloudTrail"],
    "detail": {"eventName": ["RotationFailed", "RotationAbandoned"]},
}
SCANNED = {
    "source": ["aws.ecr"],
    "detail-type": ["ECR Image Scan"],
    "detail": {"repository-name": ["shop"], "finding-severity-counts": {"HIGH": [{"numeric": [">", 0]}]}},
}
LOCKED = {
    "source": ["aws.kms"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventName": ["DisableKey", "ScheduleKeyDeletion"],
        "resources": {"ARN": [att("One"), att("Two")]},
    },
}
TELL = {"Id": "tell", "Arn": ref("Pager")}
TASK = made(
    "ECS::TaskDefinition",
    ContainerDefinitions=[
        {"Name": "web", "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/shop:1"}}
    ],
)
WEB = made(
    "ECS::Service",
    ServiceName="web",
    Cluster=ref("Cluster"),
    DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True}},
)


def heard(pattern: Any, target: Any = TELL, *more: Any, **others: Any) -> str:
    rule = made("Events::Rule", EventPattern=pattern, Targets=[target, *more])
    parts = {
        "Pager": PAGER,
        "Store": STORE,
        "Worker": FUNCTION,
        "Jobs": QUEUE,
        "Cluster": made("ECS::Cluster"),
    }
    return template(**{"Rule": rule, **parts, **others})


def timed(schedule: str, **changes: Any) -> str:
    rule = made(
        "Events::Rule", ScheduleExpression=schedule, Targets=[{"Id": "run", "Arn": att("Worker")}], **changes
    )
    return template(Rule=rule, Worker=FUNCTION)


def told(template_: str, pattern: Any = DEPLOYED, **paths: str) -> str:
    return heard(pattern, {**TELL, "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template_}})


KEYS = {"One": made("KMS::Key"), "Two": made("KMS::Key")}
ABOUT = {"resources": [ref("Web")], **DEPLOYED}
UNDELIVERED = alarm(metric("AWS/Events", "FailedInvocations", RuleName=ref("Rule")))
SECOND = made("Events::Rule", EventPattern=STORED, Targets=[TELL])
KEPT = made("Events::Rule", EventPattern=STORED, Targets=[{**TELL, "DeadLetterConfig": {"Arn": att("Jobs")}}])
UNSPOKEN = changed(WEB, "Properties", "DeploymentConfiguration", to={"MaximumPercent": 200})
HALF = changed(ROTATED, "detail", "eventName", to=["RotationFailed"])
ANY_SOURCE = changed(DEPLOYED, "source", to=None)
ALL = changed(DEPLOYED, "detail", to=None)
OTHERS = changed(SCANNED, "detail", "repository-name", to=["depot"])

CASES = [
    ("E9662", heard(DEPLOYED), heard({**DEPLOYED, "detail-type": ["ECS Deployment Change"]})),
    ("E9662", heard(DEPLOYED), heard({**DEPLOYED, "source": ["ecs"]})),
    ("E9662", heard({"source": ["shop"], "detail-type": ["Sold"]}), heard({"source": ["aws.secretmanager"]})),
    ("E9663", heard(DEPLOYED), heard({**DEPLOYED, "detail": {"event": ["SERVICE_DEPLOYMENT_FAILED"]}})),
    (
        "E9663",
        heard(SCANNED),
        heard(changed(SCANNED, "detail", "finding-severity-counts", to={"High": [{"numeric": [">", 0]}]})),
    ),
    ("E9663", heard(DEPLOYED), heard({**DEPLOYED, "detailType": ["x"]})),
    ("E9664", heard(DEPLOYED), heard({**DEPLOYED, "detail": {"eventName": ["DEPLOYMENT_FAILED"]}})),
    ("E9664", heard(ROTATED), heard({**ROTATED, "detail-type": ["AWS API Call via CloudTrail"]})),
    ("E9664", heard(LOCKED, **KEYS), heard({**LOCKED, "source": ["aws.sns"]}, **KEYS)),
    ("E9665", heard(DEPLOYED), heard({**DEPLOYED, "source": "aws.ecs"})),
    (
        "E9665",
        heard(SCANNED),
        heard(changed(SCANNED, "detail", "finding-severity-counts", to={"HIGH": [{"numeric": ["<", 0]}]})),
    ),
    ("E9665", heard({"source": [{"prefix": "aws."}]}), heard({"source": [{"begins": "aws."}]})),
    ("E9666", heard(STORED), heard(changed(STORED, "detail", "SourceArn", to=[ref("Store")]))),
    (
        "E9666",
        heard(ABOUT, Web=WEB),
        heard(
            {
                **ABOUT,
                "resources": [
                    {"Fn::Sub": "arn:aws:ecs:${AWS::Region}:${AWS::AccountId}:service/${Web.Name}/web"}
                ],
            },
            Web=WEB,
        ),
    ),
    ("E9667", heard(ABOUT, Web=WEB), heard(ABOUT, Web=UNSPOKEN)),
    ("W9662", heard(DEPLOYED), heard(ANY_SOURCE)),
    ("W9663", heard(DEPLOYED), heard(ALL)),
    ("W9664", heard(SCANNED), heard(changed(SCANNED, "detail", "finding-severity-counts", to={"HIGH": [0]}))),
    ("W9665", heard(SCANNED, Task=TASK), heard(OTHERS, Task=TASK)),
    ("W9668", heard(LOCKED, **KEYS), heard(LOCKED, **KEYS, Three=made("KMS::Key"))),
    ("W9669", heard(ROTATED), heard(HALF)),
    ("W9670", timed("rate(1 day)", State="ENABLED"), timed("rate(1 day)", State="DISABLED")),
    ("E9671", heard(DEPLOYED), template(Rule=made("Events::Rule", EventPattern=DEPLOYED))),
    ("E9672", heard(DEPLOYED), heard(DEPLOYED, {**TELL, "Arn": ref("Worker")})),
    ("E9672", heard(DEPLOYED), heard(DEPLOYED, {**TELL, "Arn": ref("Store")})),
    (
        "E9673",
        told('"It failed: <why>"', why="$.detail.reason"),
        told('"It failed: <reason>"', why="$.detail.reason"),
    ),
    ("W9674", told('"It failed: <why>"', why="$.detail.reason"), told('"It failed"', why="$.detail.reason")),
    (
        "E9675",
        told('"It failed: <why>"', why="$.detail.reason"),
        told('"It failed: <why>"', why="$.detail.reasons"),
    ),
    ("E9675", told('"At <when>"', when="$.time"), told('"At <when>"', when="time")),
    (
        "E9676",
        told('{"why": "<why>"}', why="$.detail.reason"),
        told('"It failed: <why>', why="$.detail.reason"),
    ),
    ("E9676", heard(DEPLOYED, {**TELL, "Input": '{"a": 1}'}), heard(DEPLOYED, {**TELL, "Input": '{"a": 1'})),
    ("E9677", heard(DEPLOYED, TELL, {**TELL, "Id": "also"}), heard(DEPLOYED, TELL, TELL)),
    ("E9678", timed("rate(2 hours)"), timed("rate(2 hour)")),
    ("E9678", timed("cron(0 6 ? * MON-FRI *)"), timed("cron(0 6 * * *)")),
    ("W9679", heard(DEPLOYED, Alarm=UNDELIVERED, Also=KEPT), heard(DEPLOYED, Alarm=UNDELIVERED, Also=SECOND)),
]


@pytest.mark.parametrize(("rule", "fine", "wrong"), CASES)
def test_a_rule_tells_the_wrong_from_the_fine(say: Say, rule: str, fine: str, wrong: str) -> None:
    assert say(rule, fine) == []
    assert [line for line in say(rule, wrong) if f" {rule} " in line]


def test_a_pattern_as_text_is_read_as_well(say: Say) -> None:
    rule = '{"source": ["aws.ecs"], "detail-type": ["ECS Deployment Change"]}'

    (finding,) = say("E9662", heard(rule))
    assert "write ECS Deployment State Change" in finding


def test_an_undelivered_event_needs_no_alarm_where_none_has_one(say: Say) -> None:
    assert say("W9679", heard(DEPLOYED)) == []
