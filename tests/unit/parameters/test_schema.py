"""The schema that editors read: what the parameters' own check refuses, as far as a schema can say it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from msgspec import Struct

from parameters import schema, settings
from parameters.section import Section
from parameters.settings import DIRECTORY, ParameterError, environments, load

MODELINE = "# yaml-language-server: $schema="


def refusals(text: str) -> list[str]:
    """Where the published schema refuses a file, outermost first."""
    published = json.loads(schema.FILE.read_text(encoding="utf-8"))
    errors = Draft202012Validator(published).iter_errors(yaml.safe_load(text))
    return sorted(".".join(map(str, error.absolute_path)) for error in errors)


def text_of(name: str) -> str:
    return (DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")


def changed(old: str, new: str) -> str:
    text = text_of("dev")
    assert text.count(old) == 1
    return text.replace(old, new)


def test_it_is_published_as_the_settings_are_and_is_itself_a_schema() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.printed(), "python build.py"
    Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("name", environments())
def test_every_environment_names_it_first_and_is_taken_by_it(name: str) -> None:
    first, *_ = text_of(name).splitlines()

    assert first.startswith(MODELINE)
    assert DIRECTORY / first.removeprefix(MODELINE) == schema.FILE
    assert refusals(text_of(name)) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("keys: {rotation_days: 365", "keys: {rotation_days: 5000", "keys.rotation_days"),
        ("keys: {rotation_days: 365", "keys: {rotation_days: soon", "keys.rotation_days"),
        ("nat: one", "nat: maybe", "network.nat"),
        ("nat: one", "nat: One", "network.nat"),
        ("retention_hours: 24", "retention_hours: 1", "stream.retention_hours"),
        ("  multi_az: true", "  multi_az: yes please", "database.multi_az"),
        ('engine_version: "18.6"', "engine_version: 18.6", "database.engine_version"),
        ('engine_version: "18.6"', 'engine_version: "18"', "database.engine_version"),
        ('account: "111122223333"', "account: 111122223333", "account"),
        ("architecture: ARM64", "architecture: arm64", "processor.architecture"),
        ("backup_window: 03:00-04:00", "backup_window: 25:00-26:00", "database.backup_window"),
        ("sun:04:30-sun:05:30", "Sun:04:30-Sun:05:30", "database.maintenance_window"),
        ("10.0.21.0/24", "10.0.999.0/24", "network.zones.0.data_cidr"),
        ("  nodes: 2\n", "", "cache"),
        ("  nodes: 2", "  nodes: 2\n  node: 3", "cache"),
        ("flow_log_retention_days: 7", "flow_log_retention_days: 8", "network.flow_log_retention_days"),
        ("platform-alerts@example.com", "nobody", "notification_address"),
    ],
)  # fmt: skip
def test_a_mistake_is_marked_where_it_stands_and_refused_when_loaded(
    old: str, new: str, where: str, tmp_path: Path
) -> None:
    text = changed(old, new)
    (tmp_path / "dev.yaml").write_text(text, encoding="utf-8")

    assert refusals(text) == [where]
    with pytest.raises(ParameterError):
        load("dev", tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_storage_gib: 100", "max_storage_gib: 21"),
        ("mode: PROVISIONED, shards: 2", "mode: PROVISIONED"),
        ("10.0.21.0/24", "10.1.21.0/24"),
    ],
)
def test_what_depends_on_two_fields_is_left_to_the_check(old: str, new: str, tmp_path: Path) -> None:
    text = changed(old, new)
    (tmp_path / "dev.yaml").write_text(text, encoding="utf-8")

    assert refusals(text) == []
    with pytest.raises(ParameterError):
        load("dev", tmp_path)


def test_an_editor_shows_of_a_field_what_it_is_its_unit_and_its_bounds() -> None:
    keys = schema.schema()["$defs"]["Keys"]["properties"]

    assert keys["deletion_window_days"] == {
        "type": "integer",
        "minimum": 7,
        "maximum": 30,
        "description": "Days between the deletion of a key and the end of all that it encrypts. "
        "Allowed is a whole number from 7 to 30.",
    }


def test_every_field_of_every_section_has_a_description() -> None:
    definitions: dict[str, Any] = schema.schema()["$defs"]
    sections = {
        name
        for name, cls in vars(settings).items()
        if isinstance(cls, type) and issubclass(cls, Struct) and cls.__struct_fields__
    }

    assert sections <= definitions.keys()
    assert [
        f"{section}.{field}"
        for section in sorted(sections)
        for field, said in definitions[section]["properties"].items()
        if not said.get("description")
    ] == []


class Undescribed(Section, frozen=True):
    described: int
    """How many."""
    bare: int


def test_a_field_without_a_text_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "Environment", Undescribed)

    with pytest.raises(schema.UndocumentedError, match=r"test_schema\.Undescribed\.bare has no text"):
        schema.schema()
