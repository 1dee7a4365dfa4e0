"""Whom a server runs as: PostgreSQL refuses root, so root gives way to `nobody`."""

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.interrupt import deferred

LEAVE_SECONDS = 10.0


@dataclass(frozen=True)
class Account:
    """Whom the server runs as; None: as ourselves."""

    user: int | None = None
    group: int | None = None

    def run(self, arguments: Sequence[str | Path], directory: Path) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; what interrupts us ends it and all that it has started, first."""
        groups: list[int] | None = None if self.user is None else []
        process: subprocess.Popen[str] | None = None
        try:
            with deferred():  # or a process might run that nobody knows of
                process = subprocess.Popen(
                    arguments,
                    cwd=directory,
                    user=self.user,
                    group=self.group,
                    extra_groups=groups,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,  # a process group of its own
                )
            output, errors = process.communicate()
        except BaseException:
            if process is not None:
                _end(process)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def may_enter(self, directory: Path) -> bool:
        return self.user is None or self.run(["/usr/bin/test", "-x", directory], Path("/")).returncode == 0

    def give(self, directory: Path) -> None:
        """Make the directory and all in it this account's own, readable by nobody else."""
        directory.chmod(0o700)
        if self.user is not None and self.group is not None:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, self.user, self.group, follow_symlinks=False)


def _end(process: subprocess.Popen[str]) -> None:
    """SIGTERM first: a program that is killed leaves what it has started, and that goes on writing."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.communicate(timeout=LEAVE_SECONDS)
            return


def unprivileged() -> Account:
    """Ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)
