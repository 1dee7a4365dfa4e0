"""Starting, stopping and ending of the child process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.aws import EmbeddedAws, EmbeddedAwsError, PortInUse
from local.aws.embedded import child_environment

Start = Callable[..., EmbeddedAws]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def alive(pid: int) -> bool:
    """A process that runs; one that has ended and that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_it_starts_within_seconds_answers_and_leaves_nothing(start: Start) -> None:
    begun = time.monotonic()
    with start() as aws:
        took = time.monotonic() - begun
        pid = aws.pid
        assert pid is not None
        endpoint = aws.endpoint_url
        environment = aws.environment
        assert endpoint.startswith("http://127.0.0.1:")
        scratch = [p for p in Path(f"/proc/{pid}/fd").iterdir() if p.readlink().name == "aws.log"]
        log = scratch[0].readlink()
        found = subprocess.run(
            [
                sys.executable,
                "-c",
                "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])",
            ],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=True,
        )
    assert found.stdout.strip() == "111122223333"
    assert took < 5  # about one second when the machine is idle
    assert not alive(pid)
    assert not log.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) != 0


def test_a_port_in_use_is_named(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with (
            pytest.raises(PortInUse, match=f"port {port} of 127.0.0.1 is in use") as refused,
            start(port=port),
        ):
            pass
    assert refused.value.port == port


def test_a_wanted_port_is_taken(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    with start(port=port) as aws:
        assert aws.endpoint_url == f"http://127.0.0.1:{port}"


def test_a_start_that_fails_shows_the_log(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EmbeddedAwsError, match="did not start"), start():
        pass


def test_nothing_of_the_host_leaks_in(tmp_path: Path) -> None:
    host = {
        "PATH": "/bin",
        "AWS_PROFILE": "theirs",
        "AWS_SESSION_TOKEN": "theirs",
        "HTTPS_PROXY": "http://proxy",
        "SERVICES": "s3",
        "PERSIST_STATE": "1",
        "PYTHONPATH": "/theirs",
    }
    inside = child_environment(host, "111122223333", 4566, None, tmp_path)

    assert inside["PATH"] == "/bin"
    assert (
        not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "SERVICES", "PERSIST_STATE"} & inside.keys()
    )


def test_it_ends_with_its_parent_even_when_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    program = (
        "import sys, time; from pathlib import Path; from local.aws import *\n"
        "with EmbeddedAws(account='111122223333', database=DatabaseServer('localhost', 1, 'x'),\n"
        "        cache=CacheServer('localhost', 1), ca_file=Path('ca'), log=Path('log')) as aws:\n"
        "    print(aws.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(signal.SIGKILL)
    assert gone(child)
    assert list(scratch.iterdir()) == []


def test_a_deployed_functions_process_ends_too(
    start: Start, tmp_path: Path, archive: Callable[..., bytes]
) -> None:
    with start() as aws:
        role = _client(aws, "iam").create_role(RoleName="any", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        functions = _client(aws, "lambda")
        functions.create_function(
            FunctionName="sleeper",
            Runtime="python3.13",
            Role=role,
            Handler="handler.handle",
            Code={"ZipFile": archive("import os\ndef handle(event, context): return os.getpid()")},
        )
        pid = json.loads(functions.invoke(FunctionName="sleeper")["Payload"].read())
        assert alive(pid)
    assert gone(pid)


def _client(aws: EmbeddedAws, service: str) -> Any:
    make: Any = boto3.client  # its overloads know services by literal name only
    return make(
        service,
        endpoint_url=aws.endpoint_url,
        region_name="eu-west-2",
        aws_access_key_id="111122223333",
        aws_secret_access_key="local",
    )
