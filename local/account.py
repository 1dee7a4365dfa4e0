"""Whom a server runs as: PostgreSQL refuses root, so root gives way to `nobody`."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """Whom the server runs as; None: as ourselves."""

    user: int | None = None
    group: int | None = None

    def run(self, arguments: Sequence[str | Path], directory: Path) -> subprocess.CompletedProcess[str]:
        groups: list[int] | None = None if self.user is None else []
        return subprocess.run(
            arguments,
            cwd=directory,
            user=self.user,
            group=self.group,
            extra_groups=groups,
            capture_output=True,
            text=True,
            check=False,
        )

    def may_enter(self, directory: Path) -> bool:
        return self.user is None or self.run(["/usr/bin/test", "-x", directory], Path("/")).returncode == 0

    def give(self, directory: Path) -> None:
        """Make the directory and all in it this account's own, readable by nobody else."""
        directory.chmod(0o700)
        if self.user is not None and self.group is not None:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, self.user, self.group, follow_symlinks=False)


def unprivileged() -> Account:
    """Ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)
