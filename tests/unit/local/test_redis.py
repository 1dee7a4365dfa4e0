"""A Redis server of one's own: who gets in, what it keeps, how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local import redis as servers
from local.errors import ServerFailed, ServerMissing
from local.redis import RedisServer

ROOT = Path(servers.__file__).parent.parent
USER = "millrace-writer"

RUN_AND_HANG = """
import sys, time
from pathlib import Path
import redis
from local.redis import RedisServer
with RedisServer(Path(sys.argv[1]), user="millrace-writer") as server:
    client = redis.Redis(unix_socket_path=str(server.socket), username="millrace-writer", password="token")
    client.set("kept", "1")
    print(server.socket.parent, flush=True)
    time.sleep(60)
"""


def connect(server: RedisServer, username: str | None = USER) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=str(server.socket),
        username=username,
        password=username and "any token",
        retry=Retry(NoBackoff(), 0),  # a refusal is what we want to see, at once
    )


def test_lets_its_user_in_and_nobody_else(tmp_path: Path) -> None:
    with RedisServer(tmp_path, user=USER) as server:
        with connect(server) as client:
            assert client.ping()
        with connect(server, None) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        with connect(server, "default") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_grants_what_it_is_told(tmp_path: Path) -> None:
    access = "~latest:* +@all -@dangerous"
    with RedisServer(tmp_path, user=USER, access=access) as server, connect(server) as client:
        client.set("latest:a", "1")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set("other", "1")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushall()


def test_keeps_its_data_from_run_to_run(tmp_path: Path) -> None:
    place = tmp_path / "with a blank"
    with RedisServer(place, user=USER) as server, connect(server) as client:
        client.set("a", "1")
    with RedisServer(place, user=USER) as server, connect(server) as client:
        assert client.get("a") == b"1"


def test_does_not_outlive_a_killed_run_and_saves_even_then(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN_AND_HANG, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    with run.stdout:
        sockets = Path(run.stdout.readline().strip())
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    end = time.monotonic() + 10
    while sockets.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not sockets.exists()
    with RedisServer(tmp_path, user=USER) as server, connect(server) as client:
        assert client.get("kept") == b"1"


def test_a_server_that_cannot_start_shows_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="no-such-right"):
        RedisServer(tmp_path, user=USER, access="no-such-right").__enter__()


def test_a_machine_without_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerMissing, match="apt install valkey-server"):
        servers.program()


def test_the_machines_own_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("redis-server", "valkey-server"):
        own = tmp_path / name
        own.touch(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert servers.program() == own
