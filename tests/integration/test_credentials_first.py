"""A first rotation that fails on the embedded AWS: told early, in the function's words, and mended."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import boto3
import pytest

from deployer import first_rotation
from deployer.deployment import Deployment
from deployer.events import Silence
from deployer.first_rotation import NotRotated
from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import MASTER, PostgresServer
from parameters.settings import load
from tests.integration.deployments import TEMPLATES

MASTER_PASSWORD = "the-master's-own"
LOGINS = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ 'millrace_(app|migrator)'"
SECRETS = ("DbSecretArn", "MigratorSecretArn")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Its master's password is not the one that RDS's secret says, as long as nobody mends it."""
    directory = Path(mkdtemp(prefix="millrace-test-", dir="/tmp"))
    directory.chmod(0o755)  # run as root, the server runs as nobody
    try:
        with PostgresServer(directory) as running:
            running.create_master("another")
            yield running
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def deployed(
    server: PostgresServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """The dev environment, whole."""
    with (
        TlsFront(authority, server.socket, Protocol.POSTGRESQL) as front,
        EmbeddedAws(
            account=load("dev").account,
            database=DatabaseServer("localhost", front.port, MASTER_PASSWORD),
            cache=CacheServer("localhost", 2),  # nothing connects to it here
            ca_file=authority.ca_file,
        ) as aws,
    ):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        deployment = Deployment(load("dev"), boto3.Session(), templates=TEMPLATES, poll=0.1)
        deployment.bootstrap(Silence())
        deployment.apply(deployment.plan(image_digest=f"sha256:{'a' * 64}"), Silence())
        yield deployment


def test_a_first_rotation_that_fails_is_told_early_and_asking_again_mends_it(
    deployed: Deployment, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a first rotation that the database refuses
    monkeypatch.setattr(first_rotation, "QUIET_SECONDS", 1.0)  # the embedded AWS pauses less, too
    secret = deployed.outputs()["DbSecretArn"]
    told: list[str] = []

    # When it is waited for
    with pytest.raises(NotRotated) as raised:
        first_rotation.wait(deployed.target, secret, told.append)

    # Then the function's own words are told long before fifteen minutes, and no password with them
    said = str(raised.value)
    assert f"refuses '{MASTER}'" in said
    assert "within 0 minutes" in said
    assert f"refuses '{MASTER}'" in told[0]
    assert MASTER_PASSWORD not in said + "".join(told)

    # When the cause is mended, and the rotation is asked for as the message says
    monkeypatch.setattr(first_rotation, "QUIET_SECONDS", 60.0)
    server.create_master(MASTER_PASSWORD)
    secrets: Any = boto3.client("secretsmanager")
    for name in SECRETS:
        try:
            secrets.rotate_secret(SecretId=deployed.outputs()[name])
        except secrets.exceptions.InvalidRequestException as refusal:
            assert "A previous rotation isn't complete" in str(refusal)

    # Then both users of each pair are there, and what was waited for has come
    for name in SECRETS:
        first_rotation.wait(deployed.target, deployed.outputs()[name])
    with server.connect() as connection:
        users = connection.execute(
            "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ 'millrace_(app|mig)'"
        )
        assert users.fetchone() == (4,)
