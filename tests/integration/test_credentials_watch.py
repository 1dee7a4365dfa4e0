"""Credentials, keys and images watched on the embedded AWS: by schedule, and by the rules on AWS's events."""

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer.deployment import Deployment
from deployer.events import Silence
from local.certificates import Authority
from parameters.settings import load
from tests.integration.deployments import TEMPLATES, alone


@pytest.fixture
def deployed(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The dev environment, whole; its database is nowhere, so no rotation succeeds."""
    with alone(load("dev").account, authority.ca_file, tmp_path / "aws.log") as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        deployment = Deployment(load("dev"), boto3.Session(), templates=TEMPLATES, poll=0.05)
        deployment.bootstrap(Silence())
        deployment.apply(deployment.plan(image_digest=f"sha256:{'a' * 64}"), Silence())
        yield


def test_the_schedule_s_own_event_makes_the_function_tell_the_age(deployed: None) -> None:
    make: Any = boto3.client
    events, functions, secrets = make("events"), make("lambda"), make("secretsmanager")
    (schedule,) = [rule for rule in events.list_rules()["Rules"] if rule.get("ScheduleExpression")]
    alarms = {
        alarm["Dimensions"][0]["Value"]: alarm
        for page in make("cloudwatch").get_paginator("describe_alarms").paginate()
        for alarm in page["MetricAlarms"]
        if alarm.get("MetricName") == "SecretAgeDays"
    }
    targets = events.list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    assert {json.loads(target["Input"])["SecretId"] for target in targets} == set(alarms)
    assert len(targets) == 2

    for target in targets:
        secret = json.loads(target["Input"])["SecretId"]
        answer = functions.invoke(
            FunctionName=target["Arn"], Payload=target["Input"].encode(), LogType="Tail"
        )

        assert "FunctionError" not in answer, answer["Payload"].read()
        document = json.loads(base64.b64decode(answer["LogResult"]))
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        alarm = alarms[secret]
        # The alarm is on the very series that the line makes.
        assert directive["Namespace"] == alarm["Namespace"]
        assert directive["Metrics"][0]["Name"] == alarm["MetricName"]
        assert [[dimension["Name"] for dimension in alarm["Dimensions"]]] == directive["Dimensions"]
        assert document["Secret"] == secret == secrets.describe_secret(SecretId=secret)["ARN"]
        assert abs(document["SecretAgeDays"]) < 0.01, "it was made just now"


def test_only_secrets_manager_and_that_schedule_may_call_the_function(deployed: None) -> None:
    make: Any = boto3.client
    (schedule,) = [rule for rule in make("events").list_rules()["Rules"] if rule.get("ScheduleExpression")]
    targets = make("events").list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    (function,) = {target["Arn"] for target in targets}

    policy = json.loads(make("lambda").get_policy(FunctionName=function)["Policy"])

    by_service = {statement["Principal"]["Service"]: statement for statement in policy["Statement"]}
    assert set(by_service) == {"secretsmanager.amazonaws.com", "events.amazonaws.com"}
    assert schedule["Arn"] in json.dumps(by_service["events.amazonaws.com"]["Condition"])


def test_a_rotation_that_fails_is_told_in_words(deployed: None) -> None:
    """The database is nowhere, so the first rotation fails, and is tried again for some seconds."""
    make: Any = boto3.client
    (topic,) = (
        topic for topic in make("sns").list_topics()["Topics"] if "plant-alarms" not in topic["TopicArn"]
    )
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "*",
            }
        ],
    }
    queue = make("sqs").create_queue(QueueName="mailbox", Attributes={"Policy": json.dumps(policy)})[
        "QueueUrl"
    ]
    arn = make("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    make("sns").subscribe(
        TopicArn=topic["TopicArn"],
        Protocol="sqs",
        Endpoint=arn["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )

    deadline, told = time.monotonic() + 30, list[str]()
    while not told and time.monotonic() < deadline:
        answer = make("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1)
        told = [message["Body"] for message in answer.get("Messages", [])]

    message = told[0].strip('"')
    assert message.startswith("A rotation of a login to the database failed")
    assert re.search(r"Runbook: docs/runbook\.md#rotationfailed At \S+: RotationFailed$", message)


def test_deployed_rules_know_a_key_in_danger_and_a_critical_finding(deployed: None) -> None:
    make: Any = boto3.client
    patterns = {
        json.loads(rule["EventPattern"])["source"][0]: rule["EventPattern"]
        for rule in make("events").list_rules()["Rules"]
        if "EventPattern" in rule
    }
    around = {
        "id": "1",
        "account": "1",
        "time": "2026-01-01T00:00:00Z",
        "region": "eu-west-2",
        "resources": [],
    }

    def told(source: str, kind: str, detail: dict[str, Any]) -> bool:
        event = json.dumps({**around, "source": source, "detail-type": kind, "detail": detail})
        answer = make("events").test_event_pattern(EventPattern=patterns[source], Event=event)
        return bool(answer["Result"])

    platform = {
        make("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Arn"]: key
        for key in make("kms").list_keys()["Keys"]
    }
    watched = set(json.loads(patterns["aws.kms"])["detail"]["resources"]["ARN"])
    assert len(watched) == 4
    assert watched < set(platform), "bootstrap's own is not among them"
    for arn in platform:
        detail = {"eventName": "DisableKey", "resources": [{"type": "AWS::KMS::Key", "ARN": arn}]}
        assert told("aws.kms", "AWS API Call via CloudTrail", detail) is (arn in watched)
    for critical, expected in ((1, True), (0, False)):
        found = {"repository-name": "millrace/dev", "finding-severity-counts": {"CRITICAL": critical}}
        assert told("aws.ecr", "ECR Image Scan", found) is expected
