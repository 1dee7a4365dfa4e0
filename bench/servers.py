"""PostgreSQL and Redis for the measurements, with the platform's own roles and tables, new for each run.

Clients come by the Unix sockets: both sides of a comparison would pay for the TLS front of one machine,
which AWS does not have, and the ratio would flatter whoever works more beside it.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from redis import Redis

from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import DATABASE, MASTER, PORT, PostgresServer
from local.redis import RedisServer
from processor.alarms.definition import Definition
from processor.migrate import migrate
from processor.queries import load_queries
from processor.secret import Credentials
from processor.storage.binary import Dates
from processor.storage.database import Session, connect
from rotation import roles
from rotation.credentials import Credentials as RotationCredentials
from rotation.database import session, transaction

_QUERIES = load_queries()
_MASTER_PASSWORD = "master"  # noqa: S105 - of a server that ends with the measurement
_PASSWORD = "application"  # noqa: S105 - as above
_USER = "millrace_app"
_MIGRATOR = "millrace_migrator"
_CACHE_USER = "millrace-processor"
# The points stay: both sides of a comparison use the same numbers for them.
_EMPTY = (
    b"TRUNCATE millrace.reading, millrace.rollup_1m, millrace.rollup_1h, "
    b"millrace.quarantine, millrace.shard_progress, millrace.alarm_state, millrace.alarm_rule CASCADE",
    b"CHECKPOINT",
)
_RULE = b"""
    WITH rule AS (
        INSERT INTO millrace.alarm_rule (name, definition) VALUES (%(name)s, '{}') RETURNING id
    )
    INSERT INTO millrace.alarm_rule_version (rule, version, path, definition, enabled, applies_from)
    SELECT id, 1, '*/*/*/*/*/*/*', %(definition)s::text::jsonb, true, '2000-01-01Z' FROM rule"""


@dataclass(frozen=True)
class Servers:
    """One of each. `ca_file` verifies nothing on a Unix socket, but the processor's connection wants one."""

    postgres: PostgresServer
    redis: RedisServer
    ca_file: str
    cache_user: str = _CACHE_USER
    cache_password: str = _PASSWORD

    @property
    def credentials(self) -> Credentials:
        """The application's."""
        return Credentials(str(self.postgres.socket.parent), PORT, DATABASE, _USER, _PASSWORD)

    @property
    def _migrator(self) -> Credentials:
        """A release's."""
        return Credentials(str(self.postgres.socket.parent), PORT, DATABASE, _MIGRATOR, _PASSWORD)

    def cache(self) -> "Redis":
        """A client of one's own."""
        path = str(self.redis.socket)
        return Redis(unix_socket_path=path, username=_CACHE_USER, password=_PASSWORD, protocol=2)

    def make_tables(self, paths: Sequence[str], unit: str, days: Dates) -> list[int]:
        """The platform's tables with these points and partitions; the points' ids."""
        with connect(self._migrator, self.ca_file) as connection:
            migrate(Session(connection))
        with connect(self.credentials, self.ca_file) as connection:
            given = {"paths": list(paths), "units": [unit] * len(paths), "types": ["number"] * len(paths)}
            connection.execute(_QUERIES["add_points"], given)
            connection.execute(_QUERIES["ensure_partitions"], {"days": days})
            found = connection.execute(_QUERIES["find_points"], given).fetchall()
        ids = {path: point for path, point, _ in found}
        return [ids[path] for path in paths]

    def renew(self) -> None:
        """Empty tables in new files, an empty cache, and nothing of an earlier run left to write."""
        with self.postgres.connect(DATABASE) as connection:
            for statement in _EMPTY:
                connection.execute(statement)
        client = self.cache()
        client.flushall()
        client.close()

    def add_rules(self, rules: Mapping[str, Definition]) -> None:
        """Rules of alarms on every point, which judge whatever comes."""
        with self.postgres.connect(DATABASE) as connection:
            for name, definition in rules.items():
                connection.execute(
                    _RULE, {"name": name, "definition": msgspec.json.encode(definition).decode()}
                )

    def check(self, query: str, expected: int) -> None:
        """A figure counts only if the work was done. Raises RuntimeError when the present run's was not."""
        with self.postgres.connect(DATABASE) as connection:
            row = connection.execute(query.encode()).fetchone()
        if row != (expected,):
            raise RuntimeError(f"{query}: {expected} expected, found {row}; this run measured something else")


@contextmanager
def servers() -> Iterator[Servers]:
    """Both until the block ends. Raises LocalError when one is missing or does not start."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        directory = Path(name)
        authority = Authority(directory / "certificates")
        with (
            PostgresServer(directory / "postgres") as postgres,
            RedisServer(directory / "redis", user=_CACHE_USER) as redis,
        ):
            _make_roles(postgres, authority)
            yield Servers(postgres, redis, str(authority.ca_file))


def _make_roles(postgres: PostgresServer, authority: Authority) -> None:
    """As the rotation function makes them, which never speaks without TLS."""
    postgres.create_master(_MASTER_PASSWORD, database=DATABASE)
    with TlsFront(authority, postgres.socket, Protocol.POSTGRESQL) as front:
        master = RotationCredentials(
            host=front.host, port=front.port, dbname=DATABASE, username=MASTER, password=_MASTER_PASSWORD
        )
        with session(master, str(authority.ca_file)) as opened, transaction(opened):
            for user in (_USER, _MIGRATOR):
                roles.ensure(opened, {user: _PASSWORD})


def open_plainly(credentials: Credentials) -> psycopg.Connection[Any]:
    """A connection as any program makes it."""
    return psycopg.connect(
        host=credentials.host,
        port=credentials.port,
        dbname=credentials.dbname,
        user=credentials.username,
        password=credentials.password,
    )
