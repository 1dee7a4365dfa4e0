"""The tables' migrations, run at start by whoever comes first.

yoyo-migrations reads, orders and records them. Two things are ours: the lock is a PostgreSQL advisory lock,
which ends with its session (yoyo's own is a row that a killed process leaves behind for ever), and a
migration and its record are one transaction (yoyo's are two, on two connections: killed between them, it
would run the migration again).
"""

# mypy: allow-untyped-calls
# … since yoyo has no annotations.

import logging
from importlib import resources
from typing import Any

from psycopg import Connection
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import default_migration_table

from processor.storage.database import Session

logger = logging.getLogger(__name__)

OWNER = "millrace_owner"
SCHEMA = "millrace"
_LOCK = "SELECT pg_advisory_lock(hashtextextended('millrace.migrations', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('millrace.migrations', 0))"


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


def migrate(session: Session) -> list[str]:
    """Bring the tables up to date; the names of the migrations that were applied. A second caller waits."""
    connection = session.connection
    connection.execute(_LOCK)
    connection.execute(f"SET ROLE {OWNER}".encode())
    connection.execute(f"SET search_path = {SCHEMA}".encode())
    backend = _Backend(connection)
    with resources.as_file(resources.files("processor") / "migrations") as directory:
        pending = backend.to_apply(read_migrations(str(directory)))
    for migration in pending:
        logger.info("applying migration", extra={"migration": migration.id})
        backend.apply_one(migration)
    connection.execute(b"RESET ROLE")
    connection.execute(b"RESET search_path")
    connection.execute(_UNLOCK)
    return [migration.id for migration in pending]
