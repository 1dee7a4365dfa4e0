import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from processor.secret import Credentials, DatabaseSecret, SecretError

ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:app-AbCdEf"
HELD = {
    "engine": "postgres",
    "host": "db",
    "port": "5432",
    "dbname": "millrace",
    "username": "u",
    "password": "p",
}


@pytest.fixture
def stubbed() -> Iterator[tuple[DatabaseSecret, Stubber]]:
    client: Any = boto3.client(
        "secretsmanager", region_name="eu-west-2", aws_access_key_id="a", aws_secret_access_key="s"
    )
    with Stubber(client) as stubber:
        yield DatabaseSecret(client, ARN), stubber
    client.close()


def answer(stubber: Stubber, stage: str, text: str) -> None:
    expected = {"SecretId": ARN, "VersionStage": stage}
    stubber.add_response("get_secret_value", {"SecretString": text}, expected)


def test_the_current_credentials_come_first_then_the_pending_ones(
    stubbed: tuple[DatabaseSecret, Stubber],
) -> None:
    secret, stubber = stubbed
    answer(stubber, "AWSCURRENT", json.dumps(HELD))
    answer(stubber, "AWSPENDING", json.dumps({**HELD, "password": "new"}))
    current, pending = secret.candidates()
    assert current == Credentials("db", 5432, "millrace", "u", "p")
    assert pending.password == "new"


def test_without_a_rotation_there_is_only_the_current_one(stubbed: tuple[DatabaseSecret, Stubber]) -> None:
    secret, stubber = stubbed
    answer(stubber, "AWSCURRENT", json.dumps(HELD))
    stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    assert len(list(secret.candidates())) == 1


def test_an_empty_pending_version_is_passed_over(stubbed: tuple[DatabaseSecret, Stubber]) -> None:
    secret, stubber = stubbed
    answer(stubber, "AWSCURRENT", json.dumps(HELD))
    stubber.add_response("get_secret_value", {})
    assert len(list(secret.candidates())) == 1


def test_a_secret_that_lacks_a_field_says_so_and_never_what_it_holds(
    stubbed: tuple[DatabaseSecret, Stubber],
) -> None:
    secret, stubber = stubbed
    answer(stubber, "AWSCURRENT", '{"password": "hunter2"}')
    with pytest.raises(SecretError, match="must be JSON with host, port") as error:
        next(secret.candidates())
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(Credentials("h", 1, "d", "u", "hunter2"))
