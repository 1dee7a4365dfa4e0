"""The embedded AWS as its users hold it: a context manager around one child process."""

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from local.aws import asked, clock, connection
from local.aws.asked import Asked
from local.aws.faults import Fault, inject
from local.aws.refusals import Refusal

REGION = "eu-west-2"
READY_SECONDS = 30.0  # a cold start takes about one; a loaded machine gets time, not a false alarm
STOP_SECONDS = 20.0  # writing the state of a long run

CREDENTIALS_PATH = "/v2/credentials/"
AGE_PATH = "/_local/age"
REQUEST_SECONDS = 10.0
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

# Only these of the host's settings reach the child: no profile, no proxy, no other account's keys.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH")


class EmbeddedAwsError(RuntimeError):
    """The embedded AWS could not start, or stopped by itself."""


class PortInUse(EmbeddedAwsError):
    """Port {port} of 127.0.0.1 is in use: stop what holds it, or leave the port out for a free one."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} of 127.0.0.1 is in use: stop what holds it, or leave the port out for a free one"
        )
        self.port = port


@dataclass(frozen=True)
class DatabaseServer:
    """Where RDS's endpoint points to, and what its managed master secret says."""

    host: str
    port: int
    master_password: str


@dataclass(frozen=True)
class CacheServer:
    """Where ElastiCache's primary and reader endpoints point to."""

    host: str
    port: int


class EmbeddedAws:
    """AWS for one account in eu-west-2, on a port of 127.0.0.1, for as long as the context is open.

    `state` is a directory that a later start with the same directory goes on from; without it
    everything is in memory. `log` receives the child's log; without it, it goes into a temporary
    file that is removed, its end being shown when the start fails. Raises PortInUse, EmbeddedAwsError.

    It is a process of its own, so it outlives whoever works against it: a program that is started with
    `{"PATH": …} | aws.environment` as its environment may be killed and started again while stacks go on.
    It ends with the process that holds the context, not with any of those.
    """

    def __init__(
        self,
        *,
        account: str,
        database: DatabaseServer,
        cache: CacheServer,
        ca_file: Path,
        state: Path | None = None,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self._account = account
        self._settings = {
            "account": account,
            "database": asdict(database),
            "cache": asdict(cache),
            "ca_file": str(ca_file),
        }
        self._state = state
        self._wanted_port = port
        self._log = log
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def endpoint_url(self) -> str:
        """http://127.0.0.1:<port>, for every service."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes boto3 in any process use this AWS, and nothing of the host's own settings.

        The variables that are empty take the place of a profile or a file that the host may have.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self._account,  # ministack's root user of that account
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def task_environment(self, role_arn: str) -> dict[str, str]:
        """`environment` for a process that runs as a role: its policies are enforced as in AWS."""
        own = {name: value for name, value in self.environment.items() if name not in KEYS}
        credentials = f"{self.endpoint_url}{CREDENTIALS_PATH}{quote(role_arn, safe='')}"
        return own | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials}

    def inject(self, *faults: Fault | Refusal) -> None:
        """Have these, and no others, from now on; none ends them all. Raises OSError when stopped."""
        inject(self.endpoint_url, *faults)

    def age(self, stream: str, seconds: float) -> None:
        """Have every record of a stream be so much older; what passes its retention is gone.

        Raises OSError when stopped, or without such a stream.
        """
        body = json.dumps({"stream": stream, "seconds": seconds}).encode()
        url = f"{self.endpoint_url}{AGE_PATH}"
        request = urllib.request.Request(url, body, method="PUT")  # noqa: S310 -- loopback
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=REQUEST_SECONDS):
            pass

    def put_forward(self, seconds: float) -> None:
        """Have Secrets Manager's clock go on by so much, so that schedules come round.

        Raises OSError when stopped.
        """
        clock.put_forward(self.endpoint_url, seconds)

    def refuses_token(self, user: str, token: str) -> str | None:
        """Why ElastiCache would not let this user in with this token; None when it would.

        Raises OSError when stopped.
        """
        return connection.refusal(self.endpoint_url, user, token)

    def asked(self) -> list[Asked]:
        """Every call that a role has made since the start, each once. Raises OSError when stopped."""
        return asked.read(self.endpoint_url)

    @property
    def pid(self) -> int | None:
        """The child's process id, None when it does not run."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="millrace-aws-", ignore_cleanup_errors=True)
        try:
            self._start(Path(self._scratch.name))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let the child write its state and end; make sure that it has."""
        process, self._process = self._process, None
        try:
            if process is not None:
                _end(process)
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()
                self._scratch = None

    def _start(self, scratch: Path) -> None:
        log = self._log or scratch / "aws.log"
        with listening(self._wanted_port) as listener, log.open("ab") as output:
            self._port = listener.getsockname()[1]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.aws", str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=Path(__file__).parents[2],  # `local` is found whether or not it is installed
                env=child_environment(os.environ, self._account, self._port, self._state, scratch),
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for the parent, who decides when this ends
            )
        # The child lives as long as this pipe is open: it ends with its parent, however that ends.
        assert self._process.stdin is not None  # noqa: S101 -- it was asked for with PIPE
        _tell(self._process.stdin, self._settings)
        self._await_ready(log)

    def _await_ready(self, log: Path) -> None:
        # The listener was handed over, so the first request waits in its queue until the child is ready.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.endpoint_url}/_ministack/health", timeout=READY_SECONDS):
                return
        except (OSError, urllib.error.URLError) as error:
            tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
            raise EmbeddedAwsError(
                f"the embedded AWS did not start ({error}); its log ends:\n{tail}"
            ) from error


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A listening socket on 127.0.0.1, a free port for 0. Raises PortInUse, EmbeddedAwsError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(512)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(port) from error
            raise EmbeddedAwsError(f"port {port} of 127.0.0.1 cannot be had: {error.strerror}") from error
        yield listener
    finally:
        listener.close()


def child_environment(
    host: Mapping[str, str], account: str, port: int, state: Path | None, scratch: Path
) -> dict[str, str]:
    """The child's whole environment: ministack's settings, and the few of the host's that it needs."""
    environment = {name: host[name] for name in INHERITED if name in host}
    environment |= {
        "AUTH": "true",  # else neither capabilities nor policies are enforced
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "DOCKER_HOST": f"unix://{scratch / 'no-docker'}",  # nothing here may reach for a daemon
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(scratch),  # what is unpacked goes when the rest goes
    }
    if state is not None:
        environment |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state.resolve() / "aws"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state.resolve() / "s3"),
        }
    return environment


def _tell(stdin: IO[bytes], settings: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # a child that died at once is reported with its log
        stdin.write(json.dumps(settings).encode() + b"\n")
        stdin.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise EmbeddedAwsError(
            f"the embedded AWS did not stop within {STOP_SECONDS:.0f} s and was killed"
        ) from None
