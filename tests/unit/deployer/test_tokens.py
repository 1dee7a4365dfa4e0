"""A request that AWS answered with a fault is sent again, and both are one request to CloudFormation."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from deployer.changeset import ChangeSets
from deployer.clients import Clients
from deployer.clock import FakeClock
from deployer.plan import Kind
from deployer.request import Request

DONE = "<{0}Response><{0}Result><Id>arn:aws:cloudformation:c</Id></{0}Result></{0}Response>"


class Answer(AWSResponse):
    """As the model has it, without a connection."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__("https://aws", status, HTTPHeaders(), None)
        self._content = text.encode()


@pytest.mark.parametrize(
    ("operation", "token", "call"),
    [
        (
            "CreateChangeSet",
            "ClientToken",
            lambda change_sets: change_sets.create(Request("s", Kind.UPDATE, "t", template_body="x")),
        ),
        (
            "ExecuteChangeSet",
            "ClientRequestToken",
            lambda change_sets: change_sets.execute("arn:c", Kind.UPDATE, "t", "s"),
        ),
    ],
)
def test_no_client_token_on_retry_is_another_than_before(
    monkeypatch: pytest.MonkeyPatch, operation: str, token: str, call: Callable[[ChangeSets], object]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x")
    client = Clients(session, "eu-west-2").cloudformation
    answers = [Answer(503, "<x/>"), Answer(200, DONE.format(operation))]
    sent: list[str] = []

    def answer(request: Any, **_: object) -> Any:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        sent.append(parse_qs(body)[token][0])
        return answers[len(sent) - 1]

    client.meta.events.register(f"before-send.cloudformation.{operation}", answer)

    call(ChangeSets(client, FakeClock(), 1.0))

    assert sent == ["t", "t"]
