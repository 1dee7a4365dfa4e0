import json
from typing import Any

import jsonschema
import pytest

from deployer import commands, documents
from deployer.paths import ROOT


def test_the_schemas_are_what_the_code_says() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in documents.SCHEMAS.glob("*.json")}

    assert written == {f"{command}.schema.json": documents.schema(command) for command in documents.DOCUMENTS}


def takes_json(command: str) -> bool:
    return any("--json" in option.opts for option in commands.deploy.commands[command].params)


def test_every_command_has_json_and_its_schema_or_a_reason_why_not() -> None:
    names = set(commands.deploy.commands)

    assert {name for name in names if takes_json(name)} == set(documents.DOCUMENTS)
    assert names - set(documents.DOCUMENTS) == set(documents.WITHOUT)
    assert all(documents.WITHOUT.values())


@pytest.mark.parametrize("command", documents.DOCUMENTS)
def test_each_schema_is_one_and_refuses_what_is_no_document(command: str) -> None:
    schema: dict[str, Any] = json.loads(documents.schema(command))

    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([], schema)


def test_the_page_names_the_commands_without_a_document() -> None:
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")

    for command, reason in documents.WITHOUT.items():
        assert f"`{command}` has none: {reason}" in page
