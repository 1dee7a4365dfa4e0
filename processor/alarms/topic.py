"""Messages to people and programs, by an SNS topic.

One message has words for each kind of subscriber (MessageStructure "json"): a person's e-mail and phone get
text, a queue, a function or a web hook the document. "default" is what any other protocol gets:
https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html and botocore's model of
sns, PublishInput. Attributes stand beside, so that a subscription's filter may choose by site, kind or rule:
https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
Publish and not PublishBatch: after a flood is held together there is next to nothing to send.
"""

import json
from typing import Any, Protocol

from botocore.exceptions import ClientError

from processor.alarms.outbox import Notice

# SNS counts body and attributes together, all protocols' words, in bytes of UTF-8:
# https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html
MOST_BYTES = 262_144
PROGRAMS = ("sqs", "lambda", "http", "https", "firehose")
# Of an SMS 140 bytes are one part: https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html
MOST_SMS = 140
_NOT_HAVING_IT = {
    "InvalidParameter",
    "InvalidParameterException",
    "InvalidParameterValue",
    "ParameterValueInvalid",
    "ValidationException",
}


class Refused(RuntimeError):
    """SNS will not have this message, and may well have others: the text says why."""


class Client(Protocol):
    """What is needed of boto3's client for SNS."""

    def publish(self, **request: Any) -> Any: ...


class Topic:
    """One, by its ARN."""

    def __init__(self, client: Client, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, notice: Notice) -> str:
        """SNS's id of the copy. Raises Refused, and ClientError or BotoCoreError when SNS is away."""
        try:
            answer = self._client.publish(**request(self._arn, notice))
        except ClientError as error:
            said = error.response.get("Error", {})
            # A topic that is not there is no fault of the message.
            if said.get("Code") in _NOT_HAVING_IT and "TopicArn" not in said.get("Message", ""):
                raise Refused(f"{said.get('Code')}: {said.get('Message', '')}"[:500]) from error
            raise
        return str(answer["MessageId"])


def request(arn: str, notice: Notice) -> dict[str, Any]:
    """What Publish is asked."""
    words = {"default": notice.body, "sms": notice.subject[:MOST_SMS]}
    words |= dict.fromkeys(PROGRAMS, notice.document)
    marks = {"id": str(notice.id), "kind": notice.kind, "site": notice.site}
    if notice.rule is not None:
        marks["rule"] = notice.rule
    return {
        "TopicArn": arn,
        "Subject": notice.subject,
        "Message": json.dumps(words),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in marks.items()
        },
    }
