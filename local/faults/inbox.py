"""What people hear of a stream's alarms: a topic, a queue that hears it, and each message that came."""

import json
from collections import Counter
from typing import Any

import boto3
import psycopg

_NOTICES = "SELECT id::text, attempts, sent_at IS NOT NULL FROM millrace.alarm_notice WHERE site = %s"
_UNSETTLED = """
    SELECT (SELECT count(*) FROM millrace.alarm_change WHERE site = %(site)s AND settled_at IS NULL)
        + (SELECT count(*) FROM millrace.alarm_notice WHERE site = %(site)s AND sent_at IS NULL)"""
# Each change of an alarm of today's readings is in the outbox, once.
_UNWRITTEN = """
    SELECT path, started_at::text, change FROM (
        SELECT rule, point, started_at, version, 'raised' AS change FROM millrace.alarm_event
        WHERE NOT history
        UNION ALL
        SELECT rule, point, started_at, version, 'cleared' FROM millrace.alarm_event
        WHERE NOT history AND ended_at IS NOT NULL
    ) AS due JOIN millrace.point ON id = point
    WHERE path LIKE %s AND NOT EXISTS (
        SELECT FROM millrace.alarm_change AS c
        WHERE c.rule = due.rule AND c.point = due.point AND c.started_at = due.started_at
            AND c.version = due.version AND c.change = due.change)"""


class Inbox:
    """Of one site, `enterprise/site`. `topic`: what the processors are given."""

    def __init__(self, session: boto3.Session, endpoint: str, site: str) -> None:
        self._site = site
        self._sns: Any = session.client("sns", endpoint_url=endpoint)
        self._sqs: Any = session.client("sqs", endpoint_url=endpoint)
        name = f"alarms-{site.replace('/', '-')}"
        self.topic: str = self._sns.create_topic(Name=name)["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        may = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self._sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self._heard: Counter[str] = Counter()  # copies of each message, by its id

    def close(self) -> None:
        """The clients."""
        self._sns.close()
        self._sqs.close()

    def told(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether nothing waits to be told."""
        found = connection.execute(_UNSETTLED, {"site": self._site}).fetchone()
        return found == (0,)

    def judge(self, connection: psycopg.Connection[Any], harms: int) -> list[str]:
        """What is wrong, a line each. harms: each may have cost one more copy, of a message that was told.

        Whoever sends counts before it sends: more copies than attempts would be somebody else's.
        """
        self._listen()
        rows = connection.execute(_NOTICES, [self._site]).fetchall()
        tried = {message: attempts for message, attempts, _ in rows}
        wrong = [
            f"message {message} came {copies} times and was tried {tried.get(message, 0)} times"
            for message, copies in self._heard.items()
            if copies > tried.get(message, 0)
        ]
        silent = [message for message, _, sent in rows if sent and message not in self._heard]
        wrong += [f"message {message} was sent and never came" for message in silent]
        copies = sum(self._heard.values()) - len(self._heard)
        if copies > harms:
            wrong.append(f"{copies} copies came of messages that were told, by {harms} harms")
        unwritten = connection.execute(_UNWRITTEN, [f"{self._site}/%"]).fetchall()
        return wrong + [
            f"nobody is told of {change} {path} since {since}" for path, since, change in unwritten
        ]

    def _listen(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                marks = json.loads(message["Body"])["MessageAttributes"]
                self._heard[marks["id"]["Value"]] += 1
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
