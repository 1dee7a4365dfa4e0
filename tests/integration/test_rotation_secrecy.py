"""No password, verifier or token anywhere but where it belongs: the real values are looked for everywhere."""

import json
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rotation.credentials import parse
from rotation.database import LIMITS
from rotation.errors import DatabaseUnreachable, RotationError, StatementRefused
from tests.integration.rotations import MASTER_PASSWORD, ROTATION_TOKEN, Plant

ROOT = Path(__file__).parents[2]
Watch = Callable[[Callable[[str], None]], None]


class Everywhere:
    """All that anybody could read while rotations ran, and the values that must not be in it."""

    def __init__(self, plant: Plant, watch: Watch) -> None:
        self.plant = plant
        self.verifiers: set[str] = set()
        self.statements: list[str] = []
        self.activity: set[str] = set()
        self.errors: list[str] = []
        self._logged_before = plant.server.log.stat().st_size
        self._superuser = plant.superuser()
        watch(self.look)

    def look(self, statement: str) -> None:
        self.statements.append(statement)
        seen = self._superuser.execute(
            "SELECT query FROM pg_stat_activity WHERE application_name = 'millrace-rotation'"
        ).fetchall()
        self.activity |= {query for (query,) in seen}
        stored = self._superuser.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname ~ '^millrace_' AND rolpassword IS NOT NULL"
        ).fetchall()
        self.verifiers |= {kept for (kept,) in stored}

    def fails(self, error: type[RotationError], step: str, version: str) -> None:
        with pytest.raises(error) as told:
            self.plant.take(step, version)
        self.errors += traceback.format_exception(told.value)

    def check(self, log: str) -> None:
        """No secret in anything."""
        self._superuser.close()
        with self.plant.server.log.open("rb") as server:
            server.seek(self._logged_before)
            server_log = server.read().decode(errors="replace")
        written = {
            "the function's log": log,
            "the statements": "\n".join(self.statements),
            "pg_stat_activity": "\n".join(self.activity),
            "the server's log": server_log,
            "the errors": "\n".join(self.errors),
            "the environment": json.dumps(dict(os.environ)),
            "the templates": "\n".join(file.read_text() for file in (ROOT / "templates").rglob("*.yaml")),
        }
        assert "set the password" in written["the function's log"]
        assert "LOGIN CONNECTION LIMIT -1" in written["the statements"]
        assert "EXECUTE format('ALTER ROLE %I PASSWORD %L'" in written["pg_stat_activity"]
        assert "COPY pg_temp.rotation_verifier FROM STDIN" in written["the server's log"]
        values = [value for value in self.plant.manager.values.values() if value]
        passwords = {parse(value, "v").password for value in values}
        assert len(passwords) > 2
        assert len(self.verifiers) > 2
        keys = {part for kept in self.verifiers for part in kept.replace(":", "$").split("$")[2:]}
        for secret in (*passwords, *self.verifiers, *keys, MASTER_PASSWORD, ROTATION_TOKEN):
            for where, text in written.items():
                assert secret not in text, where


@pytest.fixture
def everywhere(plant: Plant, watch: Watch) -> Everywhere:
    return Everywhere(plant, watch)


def test_no_secret_is_written_anywhere(
    plant: Plant, everywhere: Everywhere, caplog: pytest.LogCaptureFixture
) -> None:
    # The server logs every statement with its parameters, and the function all that its libraries say.
    with caplog.at_level(logging.DEBUG):
        plant.rotate("v1")
        plant.rotate("v2")
        plant.put_pending("v3", host="elsewhere")
        everywhere.fails(RotationError, "setSecret", "v3")
        del plant.manager.labels["AWSPENDING"]
        plant.manager._others["master"] = "{"
        plant.manager.begin("v4")
        plant.take("createSecret", "v4")
        everywhere.fails(RotationError, "setSecret", "v4")
    everywhere.check(caplog.text)


def test_not_when_a_role_is_locked_or_forbidden_while_its_verifier_is_set(
    plant: Plant,
    everywhere: Everywhere,
    watch: Watch,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant.rotate("v1")
    plant.rotate("v2")
    monkeypatch.setitem(LIMITS, "lock_timeout", "300")
    caplog.set_level(logging.DEBUG)
    plant.manager.begin("v3")
    plant.take("createSecret", "v3")
    with plant.superuser() as other:
        # Waits for locks are logged, with the statement and what it executes, as on RDS.
        other.execute("ALTER DATABASE millrace SET log_lock_waits = on")
        other.execute("ALTER DATABASE millrace SET deadlock_timeout = '20ms'")
        try:
            with other.transaction():
                other.execute("ALTER ROLE millrace_app_clone CONNECTION LIMIT -1")
                everywhere.fails(DatabaseUnreachable, "setSecret", "v3")
            assert "still waiting for" in plant.server.log.read_text()
            # The master loses its right over the role in the very moment.
            taking = [True]
            watch(lambda said: take_away(other) if taking and said.startswith("COPY") else None)
            everywhere.fails(StatementRefused, "setSecret", "v3")
            taking.clear()
        finally:
            other.execute("ALTER DATABASE millrace RESET ALL")
            other.execute("GRANT millrace_app_clone TO millrace_master WITH ADMIN TRUE")
    assert "permission denied to alter role" in everywhere.errors[-1]
    plant.take("setSecret", "v3")
    everywhere.check(caplog.text)


def take_away(superuser: "psycopg.Connection[Any]") -> None:
    superuser.execute("REVOKE millrace_app_clone FROM millrace_master GRANTED BY postgres")


def test_a_row_of_a_role_is_held_before_its_verifier_is_set(plant: Plant, watch: Watch) -> None:
    # So that setting it waits for nobody: a wait would be logged with what is executed, verifier and all.
    plant.rotate("v1")
    plant.manager.begin("v2")
    plant.take("createSecret", "v2")
    waited: list[str] = []

    def alter(statement: str) -> None:
        if statement.startswith("COPY"):
            with plant.superuser() as other:
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute("ALTER ROLE millrace_app CONNECTION LIMIT -1")
                waited.append(statement)

    watch(alter)
    plant.take("setSecret", "v2")
    assert len(waited) == 1
