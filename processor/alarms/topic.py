"""Messages to people and programs, by an SNS topic.

The message is text, as a person's e-mail and phone show it; what a program needs stands beside it as message
attributes: `id`, `kind`, `site`, `rule`, by which a subscription may choose what it gets
(https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html), and `document`, JSON of all facts.
Words for each protocol apart (MessageStructure "json") would forgo them: "Message attributes are sent only
when the message structure is String, not JSON"
(https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html).
Publish and not PublishBatch: once floods are held together there is next to nothing to send.
"""

from typing import Any, Protocol

from botocore.exceptions import ClientError

from processor.alarms.outbox import Notice

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
    marks = {"id": str(notice.id), "kind": notice.kind, "site": notice.site, "document": notice.document}
    if notice.rule is not None:
        marks["rule"] = notice.rule
    return {
        "TopicArn": arn,
        "Subject": notice.subject,
        "Message": notice.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in marks.items()
        },
    }
