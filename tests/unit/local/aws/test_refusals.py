"""Requests that are refused, or done without their answer, because a test asked for it."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import Refusal

QUEUE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}


@pytest.fixture
def once(aws: Any) -> Callable[[str], Any]:
    """A client that does not try again by itself."""

    def make(service: str) -> Any:
        client: Any = boto3.client  # its overloads know services by literal name only
        return client(
            service,
            endpoint_url=aws.endpoint_url,
            region_name="eu-west-2",
            aws_access_key_id="111122223333",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def test_a_throttled_request_passes_when_it_is_sent_again(
    once: Callable[[str], Any], inject: Callable[..., None]
) -> None:
    inject(Refusal("ListStacks", "Throttling", "Rate exceeded"))
    cloudformation = once("cloudformation")

    with pytest.raises(ClientError, match=r"\(Throttling\).*Rate exceeded"):
        cloudformation.list_stacks()
    cloudformation.describe_stacks()
    cloudformation.list_stacks()


def test_a_services_own_protocol_is_kept(once: Callable[[str], Any], inject: Callable[..., None]) -> None:
    inject(Refusal("DescribeRepositories", "ExpiredTokenException", "expired", times=None))

    for _ in range(2):
        with pytest.raises(ClientError, match=r"\(ExpiredTokenException\).*expired"):
            once("ecr").describe_repositories()


def test_an_answer_that_is_lost_is_of_an_operation_that_was_done(
    aws: Any, once: Callable[[str], Any], inject: Callable[..., None]
) -> None:
    change_set = aws.plan("lost", QUEUE)["ChangeSetId"]
    inject(Refusal("ExecuteChangeSet", "InternalFailure", status=500, carried_out=True))
    again = {"ChangeSetName": change_set, "ClientRequestToken": "lost-1"}

    with pytest.raises(ClientError, match="InternalFailure"):
        once("cloudformation").execute_change_set(**again)
    once("cloudformation").execute_change_set(**again)

    assert aws.settled("lost") == "CREATE_COMPLETE"
    begun = [e for e in aws.events("lost") if e["ResourceStatus"] == "CREATE_IN_PROGRESS"]
    assert [e["LogicalResourceId"] for e in begun].count("lost") == 1


def test_without_asking_nothing_is_refused(aws: Any, inject: Callable[..., None]) -> None:
    inject(Refusal("DescribeStacks", "Throttling", times=None))
    inject()

    assert "Stacks" in aws.client("cloudformation").describe_stacks()
