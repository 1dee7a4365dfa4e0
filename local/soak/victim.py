"""One command of deploy.py in a process of its own, which may be killed.

The process is a fork of this one: all is imported already, so it lives for what the command does. It is
killed as `kill -9` kills, by the n-th request to AWS, before it is sent or after it was answered, or by time.
"""

import functools
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore import loaders
from botocore.httpsession import URLLib3Session

import deployer.paths
import deployer.target

POLL_SECONDS = 0.03  # the embedded account has no quota
COMMAND_SECONDS = 60.0
PIECE_SECONDS = 0.005


@dataclass(frozen=True)
class Kill:
    """When: by a request's number from 1 on, by its name, or else after so many seconds."""

    request: int = 0
    answered: bool = False
    named: str = ""
    seconds: float = 0.0

    @property
    def by_time(self) -> bool:
        return not self.request and not self.named

    def meets(self, number: int, name: str) -> bool:
        return number == self.request or (self.named != "" and name == self.named)

    def __str__(self) -> str:
        if self.by_time:
            return f"after {self.seconds:.2f} s"
        return f"{'after' if self.answered else 'before'} request {self.named or self.request}"


@dataclass(frozen=True)
class Ended:
    """`code` is None where the process was killed; `requests` lists what it asked of AWS."""

    code: int | None
    output: str
    errors: str
    requests: tuple[str, ...]
    seconds: float


class Victims:
    """Runs commands against one directory of environments' templates. To be made before any thread is."""

    def __init__(self, templates: Path, scratch: Path, environment: Mapping[str, str]) -> None:
        # Bound where the commands are imported, which therefore comes after this.
        deployer.paths.TEMPLATES = templates
        deployer.target.POLL_SECONDS = POLL_SECONDS
        loaders.create_loader = functools.cache(loaders.create_loader)
        self.use(environment)
        for service in (
            "cloudformation",
            "ecr",
            "iam",
            "lambda",
            "s3",
            "sts",
        ):  # the models are read once, and here
            boto3.Session().client(service).close()
        from deployer.commands import main  # noqa: PLC0415 -- see above

        self._main = main
        self._scratch = scratch

    def use(self, environment: Mapping[str, str]) -> None:
        """From now on, this AWS."""
        os.environ.update(environment)

    def run(self, arguments: Sequence[str], kill: Kill | None = None) -> Ended:
        """One command to its end, or to its kill."""
        began = time.monotonic()
        with self._file() as output, self._file() as errors, self._file() as requests:
            child = os.fork()
            if child == 0:
                self._be(arguments, kill, output, errors, requests)
            code = _wait(child, kill.seconds if kill and kill.by_time else COMMAND_SECONDS)
            return Ended(
                code=code,
                output=_text(output),
                errors=_text(errors),
                requests=tuple(_text(requests).splitlines()),
                seconds=time.monotonic() - began,
            )

    def _file(self) -> IO[bytes]:
        return tempfile.TemporaryFile(dir=self._scratch)

    def _be(
        self,
        arguments: Sequence[str],
        kill: Kill | None,
        output: IO[bytes],
        errors: IO[bytes],
        log: IO[bytes],
    ) -> None:
        """In the child: never comes back."""
        code = 70  # what ends it otherwise than by an exit code of its own is a mistake
        try:
            for descriptor, file in ((1, output.fileno()), (2, errors.fileno())):
                os.dup2(file, descriptor)
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123
                os.dup2(nothing.fileno(), 0)
            _count(log.fileno(), kill)
            code = self._main(list(arguments))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)


def _count(log: int, kill: Kill | None) -> None:
    """Write down each request, and die by the one that `kill` names."""
    original = URLLib3Session.send
    sent = 0

    def send(self: URLLib3Session, request: Any) -> Any:
        nonlocal sent
        sent += 1
        name = _named(request)
        here = kill is not None and kill.meets(sent, name)
        if here and kill and not kill.answered:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(self, request)
        os.write(log, name.encode() + b"\n")
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(URLLib3Session, "send", send)  # noqa: B010 -- mypy knows the plain way for a mistake


def _named(request: Any) -> str:
    """CloudFormation's action, else the method and what kind of object."""
    for name, values in parse_qs(_bytes(request.body).decode(errors="replace")).items():
        if name == "Action":
            return values[0]
    target = _bytes(request.headers.get("X-Amz-Target")).decode()
    if target:
        return target.rpartition(".")[2]
    _, _, kind = urlsplit(request.url).path.strip("/").partition("/")
    return f"{request.method} {kind.partition('/')[0]}".strip()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else b""


def _wait(child: int, seconds: float) -> int | None:
    """Its exit code; None where it was killed, by itself or because its time was over."""
    until = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None
        if time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(PIECE_SECONDS)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
