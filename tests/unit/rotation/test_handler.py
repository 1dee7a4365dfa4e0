"""The entry: which events it takes, and what it writes down."""

import json
import logging
from typing import Any

import pytest

from rotation import handler
from rotation.errors import GateClosed, RotationError, TargetRefused
from rotation.memory import SecretsManagerInMemory
from rotation.versions import Versions

PASSWORD = "sEcReT-of-today"
VALUE = json.dumps(
    {"host": "h", "port": 5432, "dbname": "millrace", "username": "millrace_app", "password": PASSWORD}
)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> SecretsManagerInMemory:
    monkeypatch.setenv("MASTER_SECRET_ARN", "master")
    monkeypatch.setenv("DATABASE_CA_FILE", "/nowhere.pem")
    monkeypatch.setenv("DATABASE_HOST", "h")
    made = SecretsManagerInMemory("app", VALUE, {})
    made.begin("new")
    return made


def event(step: str, version: str = "new") -> dict[str, Any]:
    return {"Step": step, "SecretId": "app", "ClientRequestToken": version, "RotationToken": "pRoOf"}


def test_writes_one_line_per_step_and_no_secret(
    manager: SecretsManagerInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        handler.take(event("createSecret"), manager)
    made = json.loads(manager.values["new"] or "")
    ours = [record for record in caplog.records if record.name == "rotation"]
    assert len(ours) == 1
    line = json.loads(ours[0].getMessage())
    assert {key: line[key] for key in ("step", "secret", "version", "outcome")} == {
        "step": "createSecret",
        "secret": "app",
        "version": "new",
        "outcome": "made a value",
    }
    for secret in (PASSWORD, made["password"], "pRoOf"):
        assert secret not in caplog.text


def test_createSecret_repeated_keeps_its_value(manager: SecretsManagerInMemory) -> None:
    handler.take(event("createSecret"), manager)
    made = manager.values["new"]
    handler.take(event("createSecret"), manager)
    assert manager.values["new"] == made


def test_a_failure_is_one_line_too_and_is_raised(
    manager: SecretsManagerInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(GateClosed):
        handler.take(event("createSecret", "other"), manager)
    line = json.loads(caplog.records[-1].getMessage())
    assert line["outcome"] == "failed"
    assert line["error"].startswith("GateClosed: ")


def test_an_unknown_step_is_refused(manager: SecretsManagerInMemory) -> None:
    with pytest.raises(GateClosed, match=r"'dance'.*createSecret, setSecret, testSecret, finishSecret"):
        handler.take(event("dance"), manager)


@pytest.mark.parametrize("step", ["setSecret", "testSecret", "finishSecret"])
def test_an_empty_version_goes_no_further(manager: SecretsManagerInMemory, step: str) -> None:
    with pytest.raises(RotationError, match="AWSPENDING has no value yet"):
        handler.take(event(step), manager)
    assert manager.labels == {"AWSCURRENT": "initial", "AWSPENDING": "new"}


def test_a_version_that_is_current_is_left_alone(manager: SecretsManagerInMemory) -> None:
    before = (dict(manager.values), dict(manager.labels))
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        handler.take(event(step, "initial"), manager)
    assert (manager.values, manager.labels) == before


def test_a_secret_of_another_host_is_refused_before_anything_is_made(
    manager: SecretsManagerInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_HOST", "another")
    with pytest.raises(TargetRefused, match="rotates logins to 'another' alone"):
        handler.take(event("createSecret"), manager)
    assert manager.values["new"] is None


def test_a_planted_value_loses_its_label(manager: SecretsManagerInMemory) -> None:
    manager.values["new"] = VALUE  # the user that is in use, with a password of somebody's choice
    with pytest.raises(TargetRefused, match="only 'millrace_app_clone' may follow"):
        handler.take(event("createSecret"), manager)
    assert manager.labels == {"AWSCURRENT": "initial"}


def test_two_that_make_a_value_at_once_go_on_with_one(
    manager: SecretsManagerInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a call that finds the version empty, and fills it after another has
    handler.take(event("createSecret"), manager)
    made = manager.values["new"]
    monkeypatch.setattr(Versions, "pending", lambda self: None)
    handler.take(event("createSecret"), manager)
    assert manager.values["new"] == made


def test_it_waits_for_secrets_manager_less_than_it_may_run() -> None:
    config: Any = handler.PATIENCE
    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) < 120


def test_a_missing_variable_is_named(
    manager: SecretsManagerInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MASTER_SECRET_ARN")
    with pytest.raises(RuntimeError, match="MASTER_SECRET_ARN"):
        handler.take(event("createSecret"), manager)


def test_the_entry_is_what_lambda_calls(
    manager: SecretsManagerInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_client", lambda: manager)
    handler.handle(event("createSecret"), object())
    assert manager.values["new"] is not None
