"""A server that must not outlive the run, whatever becomes of the run.

`Guarded` starts a small process that starts the server and holds the reading end of a pipe. The pipe closes
when the run ends, however it ends (SIGKILL and a crash included); then the guard stops the server properly.
PR_SET_PDEATHSIG would do it on Linux alone, and would fire when the *thread* that started the server ends.
The guard runs as `python -I -S`: the standard library is all it may use.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

STOP_SECONDS = 60.0  # PostgreSQL's fast shutdown ends with a checkpoint, which may take its time


@dataclass(frozen=True)
class Command:
    """What the guard runs, and how it ends it."""

    arguments: Sequence[str]
    stop_signal: int
    log: str  # both outputs are appended here
    directory: str = "/"  # where it runs
    user: int | None = None
    group: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    remove: Sequence[str] = ()  # directories that go when the server has ended
    patience: float = STOP_SECONDS  # between the stop signal and SIGKILL


class Guarded:
    """A running server, from the run's side. `stop` is idempotent."""

    def __init__(self, command: Command) -> None:
        self._patience = command.patience
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, json.dumps(asdict(command))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the run, which stops its servers in order
        )

    @property
    def pid(self) -> int:
        """The guard's process, not the server's."""
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server as its stop signal does, and wait for it; when its patience is over it is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(self._patience + 5)


def _guard(command: Command) -> int:
    """Run the command until it ends or the pipe on standard input closes."""
    with open(command.log, "ab") as log:  # noqa: PTH123 (pathlib would double the guard's start time)
        server = subprocess.Popen(
            command.arguments,
            cwd=command.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **command.environment},
            user=command.user,
            group=command.group,
            extra_groups=None if command.user is None else [],
        )
    threading.Thread(target=_end_with, args=(server,), daemon=True).start()
    try:
        while sys.stdin.buffer.read(1):
            pass
    finally:
        _end(server, command)
    return server.returncode


def _end_with(server: subprocess.Popen[bytes]) -> None:
    """A server that ends by itself ends its guard, which else waits for the pipe."""
    server.wait()
    os.kill(os.getpid(), signal.SIGTERM)


def _end(server: subprocess.Popen[bytes], command: Command) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError):
        server.send_signal(command.stop_signal)
    try:
        server.wait(command.patience)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for directory in command.remove:
        shutil.rmtree(directory, ignore_errors=True)


def _terminated(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(_guard(Command(**json.loads(sys.argv[1]))))
