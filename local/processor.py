"""The real processor, started with the environment of the deployed task and kept running as ECS would."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local.errors import LocalError
from local.guard import Command, Guarded

ROOT = Path(__file__).parent.parent
READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
PAUSE_SECONDS = 1.0  # before it is started again
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


class ProcessorFailed(LocalError):
    """the processor {why}; the end of its log:
    {tail}"""

    exit_code = 1


class Processor:
    """`with Processor(environment, log, at_work) as processor:`; `watch` starts it again when it has died.

    at_work: whether it has begun to read the stream; the block begins when it has.
    environment: the deployed task's, with what differs on one machine laid over it. It is all that the
    process gets beside PATH and its like, so a setting that the template forgot is missing here as in AWS.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        at_work: Callable[[], bool],
        *,
        program: Sequence[str] = (sys.executable, "-m", "processor"),
        answers: bool = True,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        """answers: whether it has a server for /health."""
        self._at_work = at_work
        self._program = program
        self._answers = answers
        self._ready_seconds = ready_seconds
        self._port = free_port()
        self._environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **environment,
            "HEALTH_PORT": str(self._port),
        }
        self._log = log
        self._guarded: Guarded | None = None
        self._died_at: float | None = None
        self.restarts = 0

    def __enter__(self) -> Self:
        self._start()
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def watch(self) -> None:
        """Start it again if it has died. To be called every second or so."""
        if self._guarded is None or self._guarded.running():
            return
        if self._died_at is None:
            self._died_at = time.monotonic()
        elif time.monotonic() - self._died_at >= PAUSE_SECONDS:
            self.restarts += 1
            self.stop()  # lets go of the one that is gone
            self._start()

    def start(self) -> None:
        """Start it again after `stop`."""
        self._start()

    def stop(self) -> None:
        """SIGTERM: it finishes its batch and ends."""
        if self._guarded is not None:
            self._guarded.stop()
            self._guarded = None

    def tail(self, lines: int = 12) -> str:
        """The end of its log."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def commit_age(self) -> float | None:
        """Seconds that the oldest record of the last commits had been in the stream, as /ready says."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self._port}/ready", timeout=3) as answer:
                shards = json.load(answer)["shards"].values()
        except (OSError, ValueError):  # nobody there, or it is not ready: the lag shows what that amounts to
            return None
        ages = [shard["age_at_commit_seconds"] for shard in shards]
        return max((age for age in ages if age is not None), default=None)

    def _start(self) -> None:
        self._died_at = None
        settings = [f"{name}={value}" for name, value in self._environment.items()]
        self._guarded = Guarded(
            Command(
                # env -i: the guard passes its own environment on, and the task's must stand alone.
                arguments=["env", "-i", *settings, *self._program],
                stop_signal=signal.SIGTERM,
                log=str(self._log),
                directory=str(ROOT),
            )
        )

    def _await_ready(self) -> None:
        end = time.monotonic() + self._ready_seconds
        while not (self._healthy() and self._at_work()):
            if self._guarded is None or not self._guarded.running():
                raise ProcessorFailed(why="ended while it started", tail=self.tail())
            if time.monotonic() > end:
                raise ProcessorFailed(
                    why=f"was not ready within {self._ready_seconds:.0f} s", tail=self.tail()
                )
            time.sleep(LOOK_SECONDS)

    def _healthy(self) -> bool:
        if not self._answers:
            return True
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self._port}/health", timeout=3) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
