"""The processors of one stream, kept as ECS keeps tasks: as many as wanted, a new one where one has ended."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.processor import ROOT, free_port

WANTED = 2  # one reads, one stands by
TAKEN_OVER = 3  # the exit code of one whose turn or shard went to another
LEAVE_SECONDS = 45.0  # after which a processor that should leave is stuck


@dataclass
class Processor:
    """One process; `may_end` are the exit codes that what was done to it explains."""

    process: "subprocess.Popen[bytes]"
    port: int
    may_end: frozenset[int]
    leaves_by: float | None = None  # on the monotonic clock: stuck if it runs then

    def state(self) -> str | None:
        """ "reader", "standby", "starting"; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2) as answer:
                said = json.load(answer)
        except (OSError, ValueError):
            return None
        state: str = said["state"]
        return state

    def send(self, number: int) -> None:
        """A signal, if it still runs."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)

    def leaves(self, *codes: int) -> None:
        """It has to end by itself now, with one of these."""
        self.may_end |= set(codes)
        self.leaves_by = time.monotonic() + LEAVE_SECONDS


class Processors:
    """`environment`: what the task definition gives; the log takes what all of them say."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._running: list[Processor] = []
        self.wrong: list[str] = []  # processors that ended unasked, or did not end

    def keep(self) -> None:
        """Start what is missing, take note of who has ended. To be called often."""
        self._look()
        while sum(one.leaves_by is None for one in self._running) < WANTED:
            self._start()

    def _look(self) -> None:
        for one in list(self._running):
            code = one.process.poll()
            if code is not None:
                self._running.remove(one)
                if code not in one.may_end:
                    self.wrong.append(f"a processor ended by itself, exit code {code}; see {self._log}")
            elif one.leaves_by is not None and time.monotonic() > one.leaves_by:
                self.wrong.append(f"a processor that had to leave was there {LEAVE_SECONDS:.0f} s later")
                one.process.kill()
                one.may_end |= {-signal.SIGKILL}
                one.leaves_by = None

    def reader(self, seconds: float = 3.0) -> Processor | None:
        """Who reads now, or does so in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.keep()
            for one in self._running:
                if one.leaves_by is None and one.state() == "reader":
                    return one
            time.sleep(0.02)
        return None

    def replay(self, settings: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """`python -m processor replay --quarantine --yes` by these settings, begun."""
        return self._begin({**self._environment, **settings}, "replay", "--quarantine", "--yes")

    def may_all_end(self, *codes: int) -> None:
        """What happens now may end any of them so."""
        for one in self._running:
            one.may_end |= set(codes)

    def await_leaving(self) -> None:
        """Until all have left that had to; none is started meanwhile."""
        while any(one.leaves_by is not None for one in self._running):
            self._look()
            time.sleep(0.02)

    def end(self, but: Processor | None = None) -> None:
        """All of them, or all others, at once."""
        for one in self._running:
            if one is not but:
                one.process.kill()
                one.process.wait(10)
        self._running = [one for one in self._running if one is but]

    def _begin(self, environment: Mapping[str, str], *command: str) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "processor", *command],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def _start(self) -> None:
        port = free_port()
        process = self._begin({**self._environment, "HEALTH_PORT": str(port)})
        # A lost session may be found by the other one first, at any time.
        self._running.append(Processor(process, port, frozenset({TAKEN_OVER})))
