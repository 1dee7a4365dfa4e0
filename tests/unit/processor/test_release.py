"""What the migrations' container is told, and how long it waits."""

import json
import logging
from typing import Any

import psycopg
import pytest

from processor import release
from processor.settings import SettingsError

LOGIN = {"host": "h", "port": "5432", "dbname": "d", "username": "millrace_migrator", "password": "hush-hush"}
ENVIRONMENT = {
    "ENVIRONMENT": "test",
    "DATABASE_LOGIN": json.dumps(LOGIN),
    "DATABASE_CA_FILE": "/ca.pem",
    "READING_RETENTION_DAYS": "30",
    "MINUTE_RETENTION_DAYS": "90",
    "HOUR_RETENTION_DAYS": "400",
    "QUARANTINE_RETENTION_DAYS": "20",
}


class Opened:
    """A connection that is not used."""

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_it_is_told_the_days_by_table() -> None:
    assert release.from_environment(ENVIRONMENT).days == {
        "reading": 30,
        "rollup_1m": 90,
        "rollup_1h": 400,
        "quarantine": 20,
    }


@pytest.mark.parametrize("held", ["hush-hush", "{}", '{"password": "hush-hush"}'])
def test_a_login_that_cannot_be_used_is_not_shown(held: str) -> None:
    with pytest.raises(SettingsError, match=r"DATABASE_LOGIN must be JSON with \{\"host\"") as refused:
        release.from_environment({**ENVIRONMENT, "DATABASE_LOGIN": held})
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(release.from_environment(ENVIRONMENT))


@pytest.mark.parametrize("missing", ["DATABASE_LOGIN", "QUARANTINE_RETENTION_DAYS"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        release.from_environment({**ENVIRONMENT, missing: ""})


def test_it_waits_for_the_first_rotation_to_make_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = iter([psycopg.OperationalError("password authentication failed")] * 2)
    paused: list[float] = []

    def connect(*_: object) -> Opened:
        for refusal in refusals:
            raise refusal
        return Opened()

    monkeypatch.setattr(release, "connect", connect)
    monkeypatch.setattr(release, "migrate", lambda session, days: ["0001.tables"])
    assert release.run(release.from_environment(ENVIRONMENT), paused.append) == 0
    assert paused == [release.PAUSE_SECONDS] * 2


def test_it_says_what_was_in_the_way_before_fargate_gives_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    def connect(*_: object) -> Any:
        raise psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")

    monkeypatch.setattr(release, "connect", connect)
    monkeypatch.setattr("processor.release.time.monotonic", lambda: now)
    with caplog.at_level(logging.INFO):
        assert release.run(release.from_environment(ENVIRONMENT), pause) == 1
    assert 120 <= now < 170
    assert "lock timeout" in caplog.records[-1].__dict__["cause"]
    assert "the release before goes on" in caplog.records[-1].message


def test_what_a_migration_does_wrong_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(*_: object) -> list[str]:
        raise psycopg.errors.SyntaxError("at or near TABEL")

    monkeypatch.setattr(release, "connect", lambda *_: Opened())
    monkeypatch.setattr(release, "migrate", migrate)
    monkeypatch.setattr("processor.release.Session", lambda connection: connection)
    with pytest.raises(psycopg.errors.SyntaxError):
        release.run(release.from_environment(ENVIRONMENT), lambda _: pytest.fail("nothing to wait for"))
