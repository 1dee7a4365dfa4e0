"""Where a run keeps its things: a directory that goes with it, or one that --state keeps for the next."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from local.arguments import Ports
from local.errors import LocalError, StateDamaged

PREFIX = "millrace-run-"
LOCK = "lock"
PORTS = "ports.json"
PASSWORD = "master.password"  # noqa: S105 (a file's name)


class DirectoryBusy(LocalError):
    """{directory} is in use by another run: end that one, or give another directory to --state"""


class DirectoryForeign(LocalError):
    """{directory} is not empty and holds no earlier run: give an empty or a new directory to --state"""


class DirectoryClosed(LocalError):
    """{directory} cannot be used: {why}: give another directory to --state"""


class PortsFixed(LocalError):
    """the stacks in {directory} name port {kept} for {server}: leave --{server}-port out, or give another
    directory to --state"""


class RunDirectory:
    """`with RunDirectory(state) as directory:`; without a state it is removed at the end.

    One run at a time holds it. A directory that a killed run could not remove is removed by the next run.
    Raises DirectoryBusy, DirectoryClosed, DirectoryForeign.
    """

    def __init__(self, kept: Path | None) -> None:
        self.kept = kept is not None
        self._state = kept
        self._lock: IO[str] | None = None
        self.path = kept or Path()

    def __enter__(self) -> Self:
        if self._state is None:
            _sweep()
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        else:
            _adopt(self._state)
        try:
            self._lock = _locked(self.path)
        except OSError as error:
            raise DirectoryClosed(directory=self.path, why=error) from error
        if self._lock is None:
            raise DirectoryBusy(directory=self.path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.kept:
            _remove(self.path)
        if self._lock is not None:
            self._lock.close()

    def part(self, name: str) -> Path:
        """A directory of that name in it."""
        part = self.path / name
        part.mkdir(exist_ok=True)
        return part

    def ports(self, asked: Ports) -> Ports:
        """What was asked for, or what an earlier run's stacks name. Raises PortsFixed where they differ,
        StateDamaged."""
        file = self.path / PORTS
        if not file.exists():
            return asked
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=Ports)
        except msgspec.MsgspecError as error:
            raise StateDamaged(directory=self.path, file=file, why="is damaged") from error
        for server, port in asdict(asked).items():
            if port not in (0, getattr(kept, server)):
                raise PortsFixed(directory=self.path, kept=getattr(kept, server), server=server)
        return kept

    def keep_ports(self, ports: Ports) -> None:
        """The next run uses them again."""
        staged = self.path / f"{PORTS}.new"
        staged.write_bytes(msgspec.json.encode(replace(ports)))
        staged.replace(self.path / PORTS)

    def master_password(self) -> str:
        """The database's master password: made once, readable by its owner alone."""
        file = self.path / PASSWORD
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text()


def _adopt(directory: Path) -> None:
    """Make it, or see that it is an earlier run's: what else lies somewhere is nobody's to write into."""
    try:
        if directory.is_dir() and any(directory.iterdir()) and not (directory / LOCK).exists():
            raise DirectoryForeign(directory=directory)
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DirectoryClosed(directory=directory, why=error) from error


def _locked(directory: Path) -> IO[str] | None:
    """The open lock, held as long as it is open and gone with the process; None: another run holds it."""
    lock = (directory / LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _sweep() -> None:
    """Remove what killed runs have left behind."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if (left / LOCK).exists() and (lock := _locked(left)) is not None:
                _remove(left)
                lock.close()


def _remove(directory: Path) -> None:
    """The lock last, and only with the rest: what stays for once is then the next run's to sweep."""
    for entry in directory.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOCK:
            entry.unlink(missing_ok=True)
    if [entry.name for entry in directory.iterdir()] == [LOCK]:
        shutil.rmtree(directory, ignore_errors=True)
