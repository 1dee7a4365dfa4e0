from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import Credentials
from botocore.session import Session

from processor.cache import Cache, CacheToken


def token(user: str = "processor") -> tuple[str, str]:
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "secret", "session-token")
    return CacheToken(session, "millrace-dev", user, "eu-west-2").get_credentials()


def test_the_token_is_a_presigned_connect_request_without_its_scheme() -> None:
    user, signed = token()
    parts = urlsplit("//" + signed)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert user == "processor"
    assert (parts.netloc, parts.path) == ("millrace-dev", "/")
    assert (query["Action"], query["User"], query["X-Amz-Expires"]) == ("connect", "processor", "900")
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-SignedHeaders"] == "host"
    assert query["X-Amz-Security-Token"] == "session-token"
    key, _, region, service, end = query["X-Amz-Credential"].split("/")
    assert (key, region, service, end) == ("AKIDEXAMPLE", "eu-west-2", "elasticache", "aws4_request")
    assert len(query["X-Amz-Signature"]) == 64


def test_without_credentials_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()

    def none() -> Credentials | None:
        return None

    monkeypatch.setattr(session, "get_credentials", none)
    with pytest.raises(ConnectionError, match="give the task a role"):
        CacheToken(session, "millrace-dev", "processor", "eu-west-2").get_credentials()


class FakeClient:
    """Its own pool; remembers what was asked of it."""

    def __init__(self) -> None:
        self.connection_pool = self
        self.asked: list[str] = []

    def disconnect(self) -> None:
        self.asked.append("disconnect")

    def script_load(self, script: str) -> str:
        self.asked.append("load")
        return "sha"

    def evalsha(self, *given: object) -> int:
        self.asked.append("evalsha")
        return 1


def test_a_connection_is_left_before_a_command_when_it_is_old_and_the_next_one_counts_anew() -> None:
    client: Any = FakeClient()
    now = [0.0]
    cache = Cache(client, 60.0, lambda: now[0])

    cache.script_load("return 1")
    for at in (59.0, 60.0, 61.0, 120.0):
        now[0] = at
        assert cache.evalsha("sha", 0) == 1

    assert client.asked == [
        "load", "evalsha", "disconnect", "evalsha", "evalsha", "disconnect", "evalsha"
    ]  # fmt: skip
