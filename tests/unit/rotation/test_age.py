"""The secret's age, as CloudWatch reads it out of the function's output."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rotation import age, handler
from rotation.memory import SecretsManagerInMemory
from rotation.steps import STEPS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:application"


@pytest.fixture
def manager() -> SecretsManagerInMemory:
    made = SecretsManagerInMemory(SECRET, "{}", {})
    made.created = NOW - timedelta(days=40)
    return made


def told(output: str) -> dict[str, Any]:
    (line,) = output.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_it_counts_from_the_last_rotation(manager: SecretsManagerInMemory) -> None:
    manager.rotated = NOW - timedelta(days=3, hours=12)

    assert age.days(manager.describe_secret(SecretId=SECRET), NOW) == 3.5


def test_a_secret_that_was_never_rotated_counts_from_its_making(manager: SecretsManagerInMemory) -> None:
    assert age.days(manager.describe_secret(SecretId=SECRET), NOW) == 40


def test_a_measurement_is_one_line_in_the_embedded_metric_format(
    manager: SecretsManagerInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.measure({"Measure": "SecretAge", "SecretId": SECRET}, manager, NOW)

    document = told(capsys.readouterr().out)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    (metric,) = directive["Metrics"]
    assert document["_aws"]["Timestamp"] == int(NOW.timestamp() * 1000), "milliseconds"
    # Every name that the directive mentions is a member of the root: a text for a dimension, else a number.
    assert {name: document[name] for name in dimensions} == {"Secret": SECRET}
    assert document[metric["Name"]] == 40.0
    assert set(document) == {"_aws", "Secret", "SecretAgeDays"}, "no word of the secret's value"


def test_a_measurement_changes_nothing(
    manager: SecretsManagerInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.begin("new")
    before = (dict(manager.values), dict(manager.labels))

    handler.measure({"Measure": "SecretAge", "SecretId": SECRET}, manager, NOW)

    assert (manager.values, manager.labels) == before


def test_the_entry_measures_when_it_is_asked_to(
    manager: SecretsManagerInMemory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handler, "_client", lambda: manager)

    handler.handle({"Measure": "SecretAge", "SecretId": SECRET}, object())

    assert told(capsys.readouterr().out)["SecretAgeDays"] > 0


def test_only_a_finished_rotation_begins_the_count_again(
    manager: SecretsManagerInMemory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MASTER_SECRET_ARN", "master")
    monkeypatch.setenv("DATABASE_CA_FILE", "/nowhere.pem")
    monkeypatch.setenv("DATABASE_HOST", "h")
    monkeypatch.setattr(handler, "STEPS", dict.fromkeys(STEPS, lambda rotation: "done"))
    manager.begin("new")

    for step in ("createSecret", "setSecret", "testSecret"):
        handler.take({"Step": step, "SecretId": SECRET, "ClientRequestToken": "new"}, manager)
        assert capsys.readouterr().out == "", step
    handler.take({"Step": "finishSecret", "SecretId": SECRET, "ClientRequestToken": "new"}, manager)

    assert told(capsys.readouterr().out)["SecretAgeDays"] == 0.0


def test_a_rotation_that_fails_leaves_the_count_alone(
    manager: SecretsManagerInMemory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(rotation: object) -> str:
        raise RuntimeError("no")

    monkeypatch.setenv("MASTER_SECRET_ARN", "master")
    monkeypatch.setenv("DATABASE_CA_FILE", "/nowhere.pem")
    monkeypatch.setenv("DATABASE_HOST", "h")
    monkeypatch.setattr(handler, "STEPS", {"finishSecret": fails})
    manager.begin("new")

    with pytest.raises(RuntimeError, match="no"):
        handler.take({"Step": "finishSecret", "SecretId": SECRET, "ClientRequestToken": "new"}, manager)

    assert capsys.readouterr().out == ""
