"""From a reading that is too hot to a message in a queue, a hash in Redis, and the hand that takes it on."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest

from tests.integration.conftest import ROOT, Site

DEVICE = "acme/lon1/press/line2/cell4/m17"
HOT = '{"kind":"limit","high":80.0,"deadband":2.0}'


class Inbox:
    """A topic, and a queue that hears it."""

    def __init__(self, aws: Any) -> None:
        session = boto3.Session(
            aws_access_key_id=aws.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=aws.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=aws.environment["AWS_REGION"],
        )
        self._sns: Any = session.client("sns", endpoint_url=aws.endpoint_url)
        self._sqs: Any = session.client("sqs", endpoint_url=aws.endpoint_url)
        name = f"alarms-{uuid4().hex[:8]}"
        self.topic = self._sns.create_topic(Name=name)["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        may = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self._sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.heard: list[dict[str, Any]] = []

    def listen(self) -> list[dict[str, Any]]:
        """All that came so far, as the queue has it."""
        while found := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in found:
                self.heard.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return self.heard

    def close(self) -> None:
        self._sns.close()
        self._sqs.close()


@pytest.fixture
def inbox(aws: Any) -> Iterator[Inbox]:
    made = Inbox(aws)
    yield made
    made.close()


def asked(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "processor", "alarms", *arguments],
        cwd=ROOT,
        env=site.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_hot_spindle_is_told_taken_on_and_cleared_by_processors_that_come_and_go(
    site: Site, inbox: Inbox
) -> None:
    # Given a rule that is in force, and a processor that tells a topic
    first = site.start(ALARM_TOPIC_ARN=inbox.topic)
    site.wait(lambda: site.one("SELECT count(*) FROM shard_progress"))
    site.query(
        "WITH r AS (INSERT INTO alarm_rule (name, definition) VALUES ('hot', '{}') RETURNING id)"
        " INSERT INTO alarm_rule_version (rule, version, path, definition, enabled, applies_from)"
        " SELECT id, 1, '*/*/*/*/*/*/spindle_temp', %s::jsonb, true, now() - interval '1 h' FROM r"
        " RETURNING rule",
        HOT,
    )
    first.kill()
    first.wait()
    site.start(ALARM_TOPIC_ARN=inbox.topic)
    now = int(time.time() * 1000) - 60_000

    def send(second: int, value: float, **more: object) -> None:
        path = f"{DEVICE}/spindle_temp"
        site.put({"path": path, "ts": now + 1000 * second, "value": value, "unit": "Cel", **more})

    # When it is too hot, by history as well
    send(0, 90.0, hist=True)
    send(1, 71.0)
    send(2, 83.25)
    site.wait(inbox.listen)

    # Then the message says so, for people and for programs
    (told,) = inbox.heard
    assert told["Subject"] == "RAISED: hot at m17/spindle_temp 83.25 Cel (acme/lon1)"
    assert "Allowed  at most 80 Cel" in told["Message"]
    marks = {name: one["Value"] for name, one in told["MessageAttributes"].items()}
    document = json.loads(marks["document"])
    assert (marks["site"], marks["rule"], marks["id"]) == ("acme/lon1", "hot", document["id"])
    number = document["alarm"]["number"]

    # And dashboards show it, and somebody takes it on
    redis = site.cache.client()
    site.wait(lambda: redis.hgetall("alarms:acme/lon1"))
    assert json.loads(redis.hgetall("alarms:acme/lon1")[str(number).encode()])["value"] == 83.25
    listed = asked(site, "list", "--standing")
    assert f"{number}  stands  hot  {DEVICE}/spindle_temp  value 83.25 Cel" in listed.stdout, listed.stderr
    taken = asked(site, "acknowledge", "hot", f"{DEVICE}/spindle_temp", "--by", "shift-2")
    assert taken.stdout == f"alarm {number} (hot at {DEVICE}/spindle_temp) is acknowledged by shift-2\n", (
        taken.stderr
    )
    again = asked(site, "acknowledge", str(number), "--by", "bert")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.splitlines()[-1].startswith(
        f"alarms: alarm {number} (hot at {DEVICE}/spindle_temp) is"
    )
    site.wait(lambda: len(inbox.listen()) == 2)

    # And another processor, after a kill, tells of the end and of nothing twice
    site.running[-1].kill()
    site.running[-1].wait()
    send(3, 70.0)
    site.start(ALARM_TOPIC_ARN=inbox.topic)
    site.wait(lambda: len(inbox.listen()) == 3)
    site.wait(lambda: redis.hgetall("alarms:acme/lon1") == {})
    redis.close()
    assert [one["Subject"].split(":")[0] for one in inbox.listen()] == ["RAISED", "TAKEN ON", "CLEARED"]
    assert site.one("SELECT count(*) FROM alarm_change WHERE outcome <> 'told'") == 0
