"""Tokens that a cache would take, and those that it would not, as the processor makes them."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import pytest
from botocore.session import Session

from local.aws import EmbeddedAws
from processor.cache import CacheToken

GROUP, USER = "millrace-tokens", "millrace-reader"
BOTH = ("replicationgroup", "user")
Token = Callable[..., str]


@pytest.fixture(scope="module")
def group(aws: Any) -> str:
    aws.client("elasticache").create_replication_group(
        ReplicationGroupId=GROUP, ReplicationGroupDescription="for tokens", Engine="valkey"
    )
    return GROUP


@pytest.fixture
def token(aws: Any, group: str, monkeypatch: pytest.MonkeyPatch) -> Token:
    """Made by a role that may connect as USER, so many seconds ago."""

    def make(*, user: str = USER, allowed: tuple[str, ...] = BOTH, ago: float = 0) -> str:
        names = {"replicationgroup": group, "user": USER}
        resources = [f"arn:aws:elasticache:eu-west-2:111122223333:{kind}:{names[kind]}" for kind in allowed]
        name = f"r{time.monotonic_ns()}"
        iam, version = aws.client("iam"), "2012-10-17"
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        policy = {"Effect": "Allow", "Action": "elasticache:Connect", "Resource": resources}
        document = json.dumps({"Version": version, "Statement": [trust]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        document = json.dumps({"Version": version, "Statement": [policy]})
        iam.put_role_policy(RoleName=name, PolicyName="connect", PolicyDocument=document)
        given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
        session = Session()
        session.set_credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        then = (datetime.now(UTC) - timedelta(seconds=ago)).replace(tzinfo=None)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
        return CacheToken(session, group, user, "eu-west-2").get_credentials()[1]

    return make


def test_a_fresh_token_of_a_role_that_may_connect_is_taken(embedded: EmbeddedAws, token: Token) -> None:
    assert embedded.refuses_token(USER, token()) is None
    assert embedded.refuses_token(USER, token(ago=890)) is None


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"ago": 910.0}, "it has expired"),
        ({"ago": -400.0}, "not valid yet"),
        ({"user": "somebody"}, "another user"),
        ({"allowed": ("user",)}, "replicationgroup:millrace-tokens is not allowed"),
        ({"allowed": ("replicationgroup",)}, "user:millrace-reader is not allowed"),
    ],
)
def test_what_a_cache_refuses(embedded: EmbeddedAws, token: Token, wanted: dict[str, Any], why: str) -> None:
    assert why in str(embedded.refuses_token(USER, token(**wanted)))


def test_a_token_that_was_changed_is_refused_and_never_told(embedded: EmbeddedAws, token: Token) -> None:
    made = token()
    for changed, why in (
        (made[:-1] + ("0" if made[-1] != "0" else "1"), "signature"),
        (made.replace("X-Amz-Expires=900", "X-Amz-Expires=800"), "signature"),
        (made.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"), "expired"),
        (made.replace(f"{GROUP}/", "another/"), "signature"),
        ("any", "no presigned request"),
    ):
        because = str(embedded.refuses_token(USER, changed))
        assert why in because
        assert changed not in because
