"""Policies that speak of the way that a request came by."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cfnlint.decode import decode

from local.aws import EmbeddedAws

STREAM = Path(__file__).parents[4] / "templates" / "dev" / "stream.yaml"


def test_the_dead_letters_can_be_read_though_the_queue_asks_for_tls(aws: Any) -> None:
    template, errors = decode(str(STREAM))
    assert template is not None, errors
    key = {"ParameterKey": "DataKeyArn", "ParameterValue": "arn:aws:kms:eu-west-2:111122223333:key/0123"}
    aws.deploy("dead-letters", template, Parameters=[key])
    queue = aws.resources("dead-letters")["DeadLetters"]
    sqs = aws.client("sqs")

    sqs.send_message(QueueUrl=queue, MessageBody="what the rule could not deliver")

    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "what the rule could not deliver"
    assert aws.delete("dead-letters") == "DELETE_COMPLETE"


def test_a_queue_that_refuses_this_account_does(aws: Any) -> None:
    """The policy is evaluated, so that the test above says something."""
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="of-others")["QueueUrl"]
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "another account"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    with pytest.raises(ClientError, match="denied"):
        sqs.send_message(QueueUrl=queue, MessageBody="no")
    sqs.delete_queue(QueueUrl=queue)


def test_what_refuses_all_but_a_role_takes_from_a_session_of_that_role_alone(
    aws: Any, holding: Any, queue_of: Any
) -> None:
    speaker = holding(aws, "speaker", "sqs:SendMessage").client("sqs")
    stranger = holding(aws, "stranger", "sqs:SendMessage").client("sqs")
    queue = queue_of(aws, "speaker")

    speaker.send_message(QueueUrl=queue, MessageBody="yes")
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger.send_message(QueueUrl=queue, MessageBody="no")


def test_a_role_of_a_template_does_not_go_beyond_its_boundary(aws: Any, bounded: Any) -> None:
    role = bounded(aws)

    role.client("sqs").list_queues()
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        role.client("sns").list_topics()


def test_what_a_role_asked_for_is_kept_and_whether_it_was_allowed(
    aws: Any, embedded: EmbeddedAws, holding: Any
) -> None:
    name = "asks"

    assumed = holding(aws, name, "sqs:ListQueues")
    assumed.client("sqs").list_queues()
    with pytest.raises(ClientError):
        assumed.client("sns").list_topics()

    kept = {(one.action, one.allowed) for one in embedded.asked() if one.role == name}
    assert kept == {("sqs:ListQueues", True), ("sns:ListTopics", False)}
