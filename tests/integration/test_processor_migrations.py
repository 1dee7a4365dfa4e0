"""Migrations run once, whoever comes, and survive being killed."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from processor.migrate import lacking, migrate
from processor.secret import Credentials
from processor.storage.database import Database, Session, Stopping, connect
from processor.turn import Turn

ALL = sorted(path.stem for path in (Path(__file__).parents[2] / "processor" / "migrations").glob("*.sql"))
SESSIONS = "FROM pg_stat_activity WHERE datname = %s AND application_name = 'millrace-processor'"
MIGRATE = """
import sys
from processor.migrate import migrate
from processor.secret import Credentials
from processor.storage.database import Session, connect
host, port, dbname, username, password, ca_file = sys.argv[1:]
print(migrate(Session(connect(Credentials(host, int(port), dbname, username, password), ca_file))))
"""


class Fixed:
    """The fake of DatabaseSecret."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def candidates(self) -> Iterator[Credentials]:
        yield self._credentials


def start(postgres: Any, who: Credentials) -> "subprocess.Popen[bytes]":
    who = postgres.migrator(who.dbname)
    told = [who.host, str(who.port), who.dbname, who.username, who.password, postgres.ca_file]
    return subprocess.Popen([sys.executable, "-c", MIGRATE, *told], stdout=subprocess.PIPE)


def applied(postgres: Any, who: Credentials) -> list[str]:
    with postgres.operator(who.dbname) as connection:
        try:
            found = connection.execute(
                "SELECT migration_id FROM millrace._yoyo_migration ORDER BY 1"
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return []
    return [name for (name,) in found]


def test_many_at_once_migrate_once(postgres: Any) -> None:
    who = postgres.make_database(migrated=False)
    results: list[list[str]] = []

    def run() -> None:
        with connect(postgres.migrator(who.dbname), postgres.ca_file) as connection:
            results.append(migrate(Session(connection)))

    runners = [threading.Thread(target=run) for _ in range(4)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)
    assert sorted(results) == [[], [], [], ALL]
    assert applied(postgres, who) == ALL


def test_a_second_process_waits_for_the_first(postgres: Any) -> None:
    # Given someone who holds the lock
    who = postgres.make_database(migrated=False)
    with postgres.operator(who.dbname) as holder:
        holder.execute("SELECT pg_advisory_lock(hashtextextended('millrace.migrations', 0))")
        process = start(postgres, who)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        end = time.monotonic() + 20
        while holder.execute(waiting).fetchone() != (1,):
            assert time.monotonic() < end
            time.sleep(0.02)
        # Then nothing is done until it is given back
        assert applied(postgres, who) == []
    output, _ = process.communicate(timeout=20)
    assert output.decode().strip() == str(ALL)


@pytest.mark.parametrize(
    "blocked",
    [
        "point",
        "reading",
        "shard_progress",
        "ensure_partitions",
        "saturating_sum",
        "retention",
        "drop_refused",
        "readings",
    ],
)
def test_a_kill_in_the_middle_leaves_nothing_half_done(postgres: Any, blocked: str) -> None:
    # Given a migration that stands still in the middle, since someone else holds what it is about to make
    who = postgres.make_database(migrated=False)
    with postgres.operator(who.dbname) as holder:
        holder.execute(
            """
            CREATE FUNCTION public.hold() RETURNS event_trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
                    WHERE object_identity ~ ('^millrace[.]' || current_setting('hold.at') || '($|[(])'))
                THEN PERFORM pg_advisory_lock(4711); END IF;
            END $$"""
        )
        holder.execute("CREATE EVENT TRIGGER hold ON ddl_command_end EXECUTE FUNCTION public.hold()")
        holder.execute(f"ALTER DATABASE {who.dbname} SET hold.at = '{blocked}'")
        holder.execute("SELECT pg_advisory_lock(4711)")
        process = start(postgres, who)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
        end = time.monotonic() + 20
        while holder.execute(waiting).fetchone() != (1,):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)

        # When it is killed there
        process.kill()
        process.communicate(timeout=10)
        holder.execute("SELECT pg_advisory_unlock(4711)")
        holder.execute("ALTER EVENT TRIGGER hold DISABLE")
        holder.execute("DROP EVENT TRIGGER hold")

    # Then the next one does what is left, and no lock stands in its way
    with connect(postgres.migrator(who.dbname), postgres.ca_file) as connection:
        done = migrate(Session(connection))
        assert migrate(Session(connection)) == []
    assert set(done) <= set(ALL)
    assert applied(postgres, who) == ALL


def test_a_second_run_needs_no_lock_and_no_owner(postgres: Any) -> None:
    who = postgres.make_database()
    with postgres.operator(who.dbname) as holder, connect(who, postgres.ca_file) as connection:
        holder.execute("SELECT pg_advisory_lock(hashtextextended('millrace.migrations', 0))")
        assert migrate(Session(connection)) == []


def test_the_days_that_rows_are_kept_are_those_of_the_last_release(postgres: Any) -> None:
    who = postgres.make_database()
    days = {"reading": 30, "rollup_1m": 60}
    with connect(postgres.migrator(who.dbname), postgres.ca_file) as connection:
        for kept in (days, {**days, "reading": 7}):
            assert migrate(Session(connection), kept) == []
            found = connection.execute("SELECT what, days FROM retention").fetchall()
            assert dict(found) == kept
            assert connection.execute("SHOW lock_timeout").fetchone() == ("10s",)


def test_the_processors_login_cannot_migrate(postgres: Any) -> None:
    who = postgres.make_database(migrated=False)
    with connect(who, postgres.ca_file) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrate(Session(connection))
    assert applied(postgres, who) == []


def test_processors_wait_for_tables_in_standby_on_one_session_and_without_the_turn(postgres: Any) -> None:
    # Given two of a new release, before tables as the release before last left them
    who = postgres.make_database(migrated=False)
    stopping = threading.Event()
    both = [Turn("readings", stopping, lacking) for _ in range(2)]
    databases = [Database(Fixed(who), postgres.ca_file, stopping) for _ in both]
    ended: list[str] = []

    def read(turn: Turn, database: Database) -> None:
        database.opened = turn.take
        with contextlib.suppress(Stopping):
            database.run(lambda session: ended.append(turn.state))

    threads = [threading.Thread(target=read, args=pair) for pair in zip(both, databases, strict=True)]
    for thread in threads:
        thread.start()

    # Then both stand by and say what is missing; they keep their sessions, and none of them has the turn
    with postgres.operator(who.dbname) as operator:

        def sessions() -> list[int]:
            found = operator.execute(f"SELECT pid {SESSIONS} ORDER BY 1", (who.dbname,)).fetchall()
            return [pid for (pid,) in found]

        wait(lambda: all(turn.lacks for turn in both))
        assert "the tables lack 0001.tables, 0002.partitions" in str(both[0].lacks)
        assert {turn.state for turn in both} == {"standby"}
        before = sessions()
        looks = "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database WHERE datname = %s"
        began = operator.execute(looks, (who.dbname,)).fetchone()
        wait(lambda: operator.execute(looks, (who.dbname,)).fetchone() != began)
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = ANY(%s)"
        assert operator.execute(held, (before,)).fetchone() == (0,)
        assert (len(before), sessions()) == (2, before)

        # When the tables are brought up to date, one reads, the other stands by, and nobody leaves
        with connect(postgres.migrator(who.dbname), postgres.ca_file) as connection:
            migrate(Session(connection))
        wait(lambda: ended == ["reader"] and not any(turn.lacks for turn in both))
        assert sorted(turn.state for turn in both) == ["reader", "standby"]
        assert sessions() == before
    stopping.set()
    for thread, database in zip(threads, databases, strict=True):
        thread.join(10)
        database.close()


def wait(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_newer_tables_are_well(postgres: Any) -> None:
    who = postgres.make_database()
    with postgres.operator(who.dbname) as operator:
        operator.execute(
            "INSERT INTO millrace._yoyo_migration (migration_hash, migration_id) VALUES ('f', '9999.later')"
        )
    with connect(who, postgres.ca_file) as connection:
        assert lacking(Session(connection)) is None


def test_a_migration_that_a_batch_is_in_the_way_of_gives_up_soon(postgres: Any) -> None:
    # Given a writer of the release before, in the middle of a batch
    who = postgres.make_database(migrated=False)
    with connect(postgres.migrator(who.dbname), postgres.ca_file) as connection:
        migrate(Session(connection))
    with postgres.operator(who.dbname) as batch, batch.transaction():
        batch.execute("DELETE FROM millrace._yoyo_migration WHERE migration_id = '0004.arrival'")
    with postgres.operator(who.dbname) as batch, batch.transaction():
        batch.execute("INSERT INTO millrace.quarantine VALUES ('s', 'shard', '1', 0, 0, 'r', '', '')")
        began = time.monotonic()
        with (
            connect(postgres.migrator(who.dbname), postgres.ca_file) as connection,
            pytest.raises(psycopg.errors.LockNotAvailable),
        ):
            migrate(Session(connection))
        assert time.monotonic() - began < 8
        batch.execute("INSERT INTO millrace.quarantine VALUES ('s', 'shard', '2', 0, 0, 'r', '', '')")
