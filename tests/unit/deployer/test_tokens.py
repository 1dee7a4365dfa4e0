"""A request that AWS answered with a fault is sent again, and both are one request to CloudFormation."""

import ast
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from deployer.changeset import ChangeSets
from deployer.clients import Clients
from deployer.clock import FakeClock
from deployer.paths import ROOT
from deployer.plan import Kind
from deployer.request import Request

TOKENS = {"ClientToken", "ClientRequestToken"}
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


def calls() -> Iterator[tuple[str, str, set[str | None]]]:
    """Each call of the deployer to CloudFormation that takes a token: where, which token, what it gives."""
    client = boto3.Session().client("cloudformation", region_name="eu-west-2")
    for file in sorted((ROOT / "deployer").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            operation = client.meta.method_to_api_mapping.get(node.func.attr)
            if operation is None:
                continue
            taken = client.meta.service_model.operation_model(operation).input_shape
            for token in TOKENS & set(taken.members if taken else ()):
                where = f"{file.relative_to(ROOT)}:{node.lineno} {operation}"
                yield where, token, {keyword.arg for keyword in node.keywords}


def test_no_call_that_takes_a_client_token_goes_without() -> None:
    found = list(calls())

    assert len({where.partition(" ")[2] for where, *_ in found}) >= 5
    assert [where for where, token, given in found if token not in given and None not in given] == []
