"""`deploy.py up` as a process, killed at point after point, against an embedded AWS with a database."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deployer.paths import ROOT
from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import PostgresServer
from parameters.settings import load

COMMAND = [sys.executable, str(ROOT / "deploy.py"), "up", "dev", "--yes", "--image", f"sha256:{'a' * 64}"]
# What it tells last before it is killed. What is begun by then goes on in AWS.
POINTS = (
    "preconditions  ",
    "millrace-dev-bootstrap  AWS::CloudFormation::Stack  CREATE_IN_PROGRESS",
    "millrace-dev-bootstrap  AWS::CloudFormation::Stack  UPDATE_IN_PROGRESS",
    "AWS::EC2::VPC  CREATE_COMPLETE",
    "first rotation  ",
)


@pytest.fixture
def account(authority: Authority) -> Iterator[EmbeddedAws]:
    """An empty one, with a database of its own: the rotation makes roles, and those are a whole server's."""
    directory = Path(mkdtemp(prefix="millrace-test-", dir="/tmp"))
    directory.chmod(0o755)  # run as root, the server runs as nobody
    try:
        with (
            PostgresServer(directory) as server,
            TlsFront(authority, server.socket, Protocol.POSTGRESQL) as front,
        ):
            server.create_master("the-master's-own")
            with EmbeddedAws(
                account=load("dev").account,
                database=DatabaseServer("localhost", front.port, "the-master's-own"),
                cache=CacheServer("localhost", 2),  # nothing connects to it here
                ca_file=authority.ca_file,
            ) as aws:
                yield aws
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def start(aws: EmbeddedAws) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        COMMAND,
        env={"PATH": os.environ["PATH"], **aws.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_empty_account_to_a_running_platform_however_often_up_is_killed(account: EmbeddedAws) -> None:
    for point in POINTS:
        with start(account) as running:
            assert running.stderr is not None
            told = []
            for line in running.stderr:
                told.append(line)
                if point in line:
                    break
            else:
                pytest.fail(f"{point!r} was never told:\n{''.join(told)}")
            running.kill()

    with start(account) as last:
        out, err = last.communicate(timeout=120)

    assert last.returncode == 0, err
    assert "DbSecretArn" in out
    assert err.count("as it was  ") == 7, err
