"""The cache's token and connection against a real Redis behind TLS, where IAM is asked of every token."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.session import Session
from redis import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError

from local.aws import EmbeddedAws
from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.gate import Gate
from processor import cache
from processor.cache import Cache, CacheToken
from processor.settings import Settings, from_environment

ACCOUNT = "111122223333"


class Connected:
    """A processor's cache, its gate, and the sleep of a clock that is not waited for."""

    def __init__(self, gate: Gate, settings: Settings, session: Session) -> None:
        self.gate = gate
        self.now = 0.0
        made = cache.connect(settings)
        self.client = made._client
        self.client.connection_pool.connection_kwargs["credential_provider"] = CacheToken(
            session, settings.cache_name, settings.cache_user, settings.region
        )
        self.cache = Cache(self.client, made._lifetime, lambda: self.now)

    def set(self, value: str) -> object:
        """One command of the processor's kind."""
        return self.cache.evalsha(self.sha, 1, "key", value)

    def forget(self) -> None:
        """Close all connections; the next one is made by what the pool says by then."""
        self.client.connection_pool.disconnect()
        self.client.connection_pool.reset()

    @property
    def sha(self) -> str:
        return self.cache.script_load("return redis.call('SET', KEYS[1], ARGV[1])")


@pytest.fixture
def connected(aws: EmbeddedAws, redis: Any, authority: Authority) -> Iterator[Connected]:
    name = f"cache-{uuid4().hex[:8]}"
    told = aws.environment
    session = boto3.Session(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-2")
    make: Any = session.client
    services = ("elasticache", "iam", "sts")
    elasticache, iam, sts = (make(service, endpoint_url=aws.endpoint_url) for service in services)
    elasticache.create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="for tokens", Engine="valkey"
    )
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "elasticache:Connect", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="connect", PolicyDocument=document)
    given = sts.assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
    signing = Session()
    signing.set_credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    with Gate(redis.server.socket) as gate, TlsFront(authority, gate.port, Protocol.TLS) as front:
        gate.refusal = aws.refuses_token
        settings = from_environment(
            {
                "ENVIRONMENT": "test",
                "STREAM_NAME": "readings",
                "DATABASE_SECRET_ARN": f"arn:aws:secretsmanager:eu-west-2:{ACCOUNT}:secret:application",
                "DATABASE_CA_FILE": str(Path(authority.ca_file).absolute()),
                "CACHE_HOST": front.host,
                "CACHE_PORT": str(front.port),
                "CACHE_CA_FILE": str(Path(authority.ca_file).absolute()),
                "CACHE_NAME": name,
                "CACHE_USER": redis.server.user,
                "OLDEST_READING_DAYS": "7",
                "NEWEST_READING_MINUTES": "10",
            }
        )
        made = Connected(gate, settings, signing)
        yield made
        made.client.close()
    for client in (elasticache, iam, sts):
        client.close()


def test_each_connection_brings_its_own_token_and_an_old_one_is_left_unnoticed(
    connected: Connected,
) -> None:
    tokens: list[str] = []
    judge = connected.gate.refusal

    def noted(user: str, token: str) -> str | None:
        tokens.append(token)
        return judge(user, token)

    connected.gate.refusal = noted

    # Given a connection that is used for an hour
    for second in range(0, 3600, 600):
        connected.now = float(second)
        assert connected.set("within the hour") == b"OK"
    assert len(tokens) == 1

    # When the hour is over, and a second, by which tokens differ
    time.sleep(1.1)
    connected.now = 3600.0
    assert connected.set("after it") == b"OK"

    # Then nothing failed: the next command went by a new connection, with a new token
    assert len(set(tokens)) == 2
    assert (connected.gate.admitted, connected.gate.refused) == (2, 0)


def test_a_connection_that_the_cache_ends_after_twelve_hours_costs_one_command(connected: Connected) -> None:
    assert connected.set("before") == b"OK"

    connected.gate.cut_all()

    # latest.py keeps the values of a command that fails, and writes them with the next batch; where the
    # client has heard of the end before it sends, not even that one fails
    with suppress(RedisError):
        connected.set("may be lost")
    assert connected.set("after") == b"OK"
    assert connected.gate.admitted == 2


def test_a_token_that_has_expired_opens_no_connection_and_ends_none(
    connected: Connected,
) -> None:
    # Given a connection, and a token of its kind that is too old
    assert connected.set("with a good token") == b"OK"
    provider = connected.client.connection_pool.connection_kwargs["credential_provider"]
    user, good = provider.get_credentials()

    class Expired(CredentialProvider):
        def get_credentials(self) -> tuple[str, str]:
            return user, good.replace("X-Amz-Date=2", "X-Amz-Date=1")

    # When the connection is used further, then its token is not asked for again
    connected.client.connection_pool.connection_kwargs["credential_provider"] = Expired()
    assert connected.set("still") == b"OK"

    # When a new one is needed, then it is refused, until there is a good token
    connected.forget()
    with pytest.raises(AuthenticationError):
        connected.set("not let in")
    assert "it has expired" in str(connected.gate.because)
    connected.forget()
    connected.client.connection_pool.connection_kwargs["credential_provider"] = provider
    assert connected.set("back") == b"OK"
