"""What SNS is asked, with answers constructed from botocore's model of it, and what they mean."""

from typing import Any
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from processor.alarms.outbox import Notice
from processor.alarms.topic import Refused, Topic, request

ARN = "arn:aws:sns:eu-west-2:111122223333:alarms"
NOTICE = Notice(
    UUID(int=7), "alarm", "acme/lon1", "hot-spindle", "RAISED: hot", "RAISED: hot\nPoint …", '{"v":1}'
)


@pytest.fixture
def client() -> Any:
    return boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-2").client(
        "sns"
    )


def test_text_for_people_and_attributes_for_programs(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response(
            "publish",
            {"MessageId": "m-1"},
            {
                "TopicArn": ARN,
                "Subject": "RAISED: hot",
                "Message": "RAISED: hot\nPoint …",
                "MessageAttributes": {
                    "id": {"DataType": "String", "StringValue": str(UUID(int=7))},
                    "kind": {"DataType": "String", "StringValue": "alarm"},
                    "site": {"DataType": "String", "StringValue": "acme/lon1"},
                    "document": {"DataType": "String", "StringValue": '{"v":1}'},
                    "rule": {"DataType": "String", "StringValue": "hot-spindle"},
                },
            },
        )
        assert Topic(client, ARN).publish(NOTICE) == "m-1"


def test_a_message_of_many_rules_names_none() -> None:
    flood = Notice(UUID(int=7), "flood", "acme/lon1", None, "FLOOD", "FLOOD", "{}")
    assert set(request(ARN, flood)["MessageAttributes"]) == {"id", "kind", "site", "document"}


@pytest.mark.parametrize(
    ("code", "said", "error"),
    [
        ("InvalidParameter", "Invalid parameter: Subject", Refused),
        ("InvalidParameterValue", "Invalid parameter: Message too long", Refused),
        ("InvalidParameter", "Invalid parameter: TopicArn", ClientError),
        ("NotFound", "Topic does not exist", ClientError),
        ("AuthorizationError", "not authorized to perform: SNS:Publish", ClientError),
        ("KMSThrottling", "slow down", ClientError),
        ("InternalError", "", ClientError),
    ],
)
def test_what_is_wrong_with_a_message_is_told_from_what_is_wrong_with_all(
    client: Any, code: str, said: str, error: type[Exception]
) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("publish", code, said)
        with pytest.raises(error, match=said or code):
            Topic(client, ARN).publish(NOTICE)
