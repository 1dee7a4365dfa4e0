"""What the tests of the rotation share: a server of their own, and a plant whose logins are rotated there.

The server is not the one that other tests use: roles are a whole server's, and these tests drop them. It logs
every statement, and takes the master's temporary tables as RDS does.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import DATABASE, MASTER, PostgresServer
from rotation import handler
from rotation.credentials import MIGRATORS, USERS, Credentials, parse
from rotation.database import Session
from rotation.memory import SecretsManagerInMemory
from rotation.steps import STEPS

MASTER_PASSWORD = "mAsTeR-pAsSwOrD"
FIRST_PASSWORD = "fIrStPaSsWoRd"
ROTATION_TOKEN = "pRoOf"
SECRET = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:application"
ROLES = (*USERS, *MIGRATORS, "millrace_owner", "millrace_writer", "millrace_reader")
FORGET = """
DROP SCHEMA IF EXISTS millrace CASCADE;
DO $$
DECLARE
    one name;
BEGIN
    FOR one IN SELECT rolname FROM pg_roles WHERE rolname ~ '^millrace_' AND rolname <> 'millrace_master' LOOP
        EXECUTE format('DROP OWNED BY %I CASCADE', one);
        EXECUTE format('DROP ROLE %I', one);
    END LOOP;
END $$;
GRANT CONNECT, TEMPORARY ON DATABASE millrace TO PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC
"""


class Died(BaseException):
    """The function's process is gone: nothing of it runs on."""


class Watched(SecretsManagerInMemory):
    """Tells each call, once its effect is there and before its answer comes back."""

    def __init__(self, secret: str, value: str, others: dict[str, str]) -> None:
        super().__init__(secret, value, others)
        self.tell: Callable[[str], None] = lambda operation: None
        self.called: set[str] = set()

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        return self._told("DescribeSecret", super().describe_secret(SecretId=SecretId))

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        return self._told("GetSecretValue", super().get_secret_value(**request))

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        return self._told("PutSecretValue", super().put_secret_value(**request))

    def update_secret_version_stage(self, **request: str) -> dict[str, Any]:
        return self._told("UpdateSecretVersionStage", super().update_secret_version_stage(**request))

    def _told(self, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
        self.called.add(operation)
        self.tell(operation)
        return answer


@dataclass
class Plant:
    """A database that knows no application yet, and the application's secret as the stack has made it."""

    server: PostgresServer
    front: TlsFront
    authority: Authority
    manager: Watched
    pair: tuple[str, str] = field(default=USERS)

    def take(self, step: str, version: str) -> None:
        """One step, as Lambda is asked for it."""
        event = {
            "Step": step,
            "SecretId": SECRET,
            "ClientRequestToken": version,
            "RotationToken": ROTATION_TOKEN,
        }
        handler.take(event, self.manager)

    def rotate(self, version: str) -> None:
        """RotateSecret and its four steps."""
        self.manager.begin(version)
        self.steps(version)

    def steps(self, version: str) -> None:
        for step in STEPS:
            self.take(step, version)

    def value(self, label: str) -> Credentials:
        return parse(self.manager.values[self.manager.labels[label]] or "", label)

    def put_pending(self, version: str, **changes: Any) -> None:
        """Put what an attacker would like into a rotation's version."""
        self.manager.begin(version)
        value = {**json.loads(self.value("AWSCURRENT").successor().to_json()), **changes}
        self.manager.values[version] = json.dumps(value)

    def connect(self, who: Credentials) -> "psycopg.Connection[Any]":
        """As the processor does."""
        return psycopg.connect(
            host=who.host,
            port=who.port,
            user=who.username,
            password=who.password,
            dbname=who.dbname,
            sslmode="verify-full",
            sslrootcert=str(self.authority.ca_file),
        )

    def superuser(self) -> "psycopg.Connection[Any]":
        """Autocommit, past the front."""
        return self.server.connect(DATABASE)

    def as_master(self, *statements: str) -> None:
        """What an operator does by hand with what RDS gives: no superuser."""
        with self.superuser() as connection:
            connection.execute(f"SET SESSION AUTHORIZATION {MASTER}".encode())
            for statement in statements:
                connection.execute(statement.encode())

    def roles(self) -> set[str]:
        """The platform's roles that there are."""
        with self.superuser() as connection:
            rows = connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname ~ '^millrace_|probe' AND rolname <> %s", [MASTER]
            ).fetchall()
        return {name for (name,) in rows}

    def forget(self, username: str | None = None) -> None:
        """As before the first rotation."""
        with self.superuser() as connection:
            connection.execute(FORGET)
        self.manager = new_manager(self.front, username or self.pair[0])

    def check_settled(self, version: str | None = None) -> None:
        """No rotation is under way: AWSCURRENT's user works, AWSPREVIOUS's too, no label is astray."""
        labels = self.manager.labels
        assert set(labels) - {"AWSPREVIOUS"} == {"AWSCURRENT"}, labels
        if version is not None:
            assert labels["AWSCURRENT"] == version
        current = self.value("AWSCURRENT")
        with self.connect(current) as connection:
            found = connection.execute("SELECT session_user, current_user, current_schema").fetchone()
        role = "millrace_owner" if current.username in MIGRATORS else "millrace_writer"
        assert found == (current.username, role, "millrace")
        if "AWSPREVIOUS" in labels:  # what the application still holds
            self.connect(self.value("AWSPREVIOUS")).close()


def new_manager(front: TlsFront, username: str = USERS[0]) -> Watched:
    """The secret as stack and attachment write it: AWS's attachment adds engine and instance."""
    value = {
        "engine": "postgres",
        "host": front.host,
        "port": front.port,
        "dbname": DATABASE,
        "username": username,
        "password": FIRST_PASSWORD,
        "dbInstanceIdentifier": "millrace-dev",
    }
    master = json.dumps({"username": MASTER, "password": MASTER_PASSWORD})
    return Watched(SECRET, json.dumps(value), {"master": master})


@pytest.fixture(scope="session")
def rotation_server(authority: Authority) -> Iterator[tuple[PostgresServer, TlsFront]]:
    directory = Path("/tmp") / f"millrace-rotation-{uuid4().hex[:8]}"  # where `nobody` may enter it
    directory.mkdir(mode=0o755)
    try:
        with (
            PostgresServer(directory) as server,
            TlsFront(authority, server.socket, Protocol.POSTGRESQL) as front,
        ):
            server.create_master(MASTER_PASSWORD)
            with server.connect() as connection:
                connection.execute("ALTER SYSTEM SET log_statement = 'all'")
                connection.execute("ALTER SYSTEM SET fsync = off")  # no crash of the machine is tried here
                connection.execute("SELECT pg_reload_conf()")
            yield server, front
    finally:
        subprocess.run(["rm", "-rf", str(directory)], check=False)


@pytest.fixture
def plant(
    rotation_server: tuple[PostgresServer, TlsFront], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Plant:
    server, front = rotation_server
    monkeypatch.setenv("MASTER_SECRET_ARN", "master")
    monkeypatch.setenv("DATABASE_CA_FILE", str(authority.ca_file))
    monkeypatch.setenv("DATABASE_HOST", front.host)
    made = Plant(server, front, authority, new_manager(front))
    made.forget()
    return made


@pytest.fixture
def release(plant: Plant) -> Plant:
    """The same database, and the secret of a release's migrations."""
    manager = new_manager(plant.front, MIGRATORS[0])
    return Plant(plant.server, plant.front, plant.authority, manager, MIGRATORS)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """Have every statement told to a function of the test's, once the server has run it."""

    def install(tell: Callable[[str], None]) -> None:
        query, fill = Session.query, Session.fill

        def told(self: Session, statement: str, **parameters: object) -> list[list[Any]]:
            rows = query(self, statement, **parameters)
            tell(statement)
            return rows

        def told_fill(self: Session, table: str, lines: list[str]) -> None:
            fill(self, table, lines)
            tell(f"COPY {table} FROM STDIN")

        monkeypatch.setattr(Session, "query", told)
        monkeypatch.setattr(Session, "fill", told_fill)

    return install
