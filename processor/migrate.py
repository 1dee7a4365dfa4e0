"""The tables' migrations, run before a release takes traffic by whoever comes first.

How a release does it is in docs/decisions/migrations.md.

yoyo-migrations reads, orders and records them. Two things are ours: the lock is a PostgreSQL advisory lock,
which ends with its session (yoyo's own is a row that a killed process leaves behind for ever), and a
migration and its record are one transaction (yoyo's are two, on two connections: killed between them, it
would run the migration again).
"""

# mypy: allow-untyped-calls
# … since yoyo has no annotations.

import logging
from collections.abc import Mapping
from importlib import resources
from typing import Any

from psycopg import Connection, errors
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import default_migration_table

from processor.queries import load_queries
from processor.storage.database import Session

logger = logging.getLogger(__name__)

OWNER = "millrace_owner"
SCHEMA = "millrace"
_LOCK = "SELECT pg_advisory_lock(hashtextextended('millrace.migrations', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('millrace.migrations', 0))"
# The old release goes on writing: it never waits longer than this for a migration that waits itself.
_PATIENCE = "SET lock_timeout = '2s'"
_QUERIES = load_queries()


class _Backend(PostgresqlPsycopgBackend):
    """yoyo's backend on a connection that is given to it, under a lock that is held already."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._given = connection
        super().__init__(parse_uri("postgresql+psycopg:///"), default_migration_table)
        self._is_locked = True

    def connect(self, dburi: object) -> Connection[Any]:
        return self._given

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            self.mark_one(migration, log=False)


def migrate(session: Session, days: Mapping[str, int] | None = None) -> list[str]:
    """Bring the tables up to date; the names of the migrations that were applied. A second caller waits.

    days: table → days that its rows are kept, of the tables that `retention` knows; none: as they are.
    Where nothing is to be done nothing is locked, and no right of the owner's is needed. Raises
    psycopg.OperationalError for an outage, and when a lock is not had in time: then nothing is half done.
    """
    connection = session.connection
    if not missing(session) and (days is None or days == _days(connection)):
        return []
    connection.execute(_LOCK)
    connection.execute(f"SET ROLE {OWNER}".encode())
    connection.execute(f"SET search_path = {SCHEMA}".encode())
    connection.execute(_PATIENCE)
    backend = _Backend(connection)
    with resources.as_file(resources.files("processor") / "migrations") as directory:
        pending = backend.to_apply(read_migrations(str(directory)))
    for migration in pending:
        logger.info("applying migration", extra={"migration": migration.id})
        backend.apply_one(migration)
    if days is not None:
        _keep(connection, days)
    connection.execute(b"RESET ROLE")
    connection.execute(b"RESET search_path")
    connection.execute(b"RESET lock_timeout")
    connection.execute(_UNLOCK)
    return [migration.id for migration in pending]


def needed() -> list[str]:
    """The names of the migrations that this code has, in their order."""
    files = (resources.files("processor") / "migrations").iterdir()
    return sorted(file.name.removesuffix(".sql") for file in files if file.name.endswith(".sql"))


def missing(session: Session) -> list[str]:
    """Those that the tables lack; those that only a newer release knows do not matter."""
    try:
        rows = session.connection.execute(_QUERIES["applied_migrations"]).fetchall()
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return needed()  # before the one that lets everybody ask
    applied = {name for (name,) in rows}
    return [name for name in needed() if name not in applied]


def lacking(session: Session) -> str | None:
    """What the tables lack for this code, and what mends it; None where nothing is missing."""
    if not (names := missing(session)):
        return None
    return (
        f"the tables lack {', '.join(names)}; the container `migrate` of a task of this release applies them "
        "before its processor starts: see its log, and deploy this release again"
    )


def _days(connection: Connection[Any]) -> dict[str, int]:
    rows = connection.execute(_QUERIES["days_kept"]).fetchall()
    return dict(rows)


def _keep(connection: Connection[Any], days: Mapping[str, int]) -> None:
    with connection.transaction():
        for what, kept in days.items():
            connection.execute(_QUERIES["keep_days"], {"what": what, "days": kept})
