"""`python -m local` as its user has it: a process that is started, watched, and ended."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


class Run:
    """A run under way, with a temporary directory of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self._errors = directory / "errors.txt"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local", *arguments],
                cwd=ROOT,
                # A profile that is not there must not matter: the run's account is its own.
                env={**os.environ, "TMPDIR": str(self.temporary), "AWS_PROFILE": "no-such-profile"},
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.pid = self._process.pid

    @property
    def chatter(self) -> str:
        return self._errors.read_text()

    def wait_for(self, text: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while text not in self.chatter:
            assert self._process.poll() is None, self.chatter
            assert time.monotonic() < end, self.chatter
            time.sleep(0.05)

    def end(self, seconds: float = 120) -> tuple[int, str]:
        """Exit code and standard output."""
        output, _ = self._process.communicate(timeout=seconds)
        return self._process.returncode, output.decode()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.communicate(timeout=60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    runs: list[Run] = []

    def one(*arguments: str) -> Run:
        runs.append(Run(tmp_path, *arguments))
        return runs[-1]

    yield one
    for run in runs:
        run.kill()


def processes() -> dict[int, tuple[int, str]]:
    """Every process with its parent and its command."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    fields = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {int(pid): (int(parent), command) for pid, parent, command in fields}


def descendants(pid: int) -> dict[int, str]:
    """What a run has started, and what that has started."""
    everything, found = processes(), {pid: ""}
    while more := {p: c for p, (parent, c) in everything.items() if parent in found and p not in found}:
        found |= more
    return {p: command for p, command in found.items() if p != pid}


def alive(started: dict[int, str]) -> list[str]:
    everything = processes()
    return [command for pid, command in started.items() if everything.get(pid, (0, ""))[1] == command]
