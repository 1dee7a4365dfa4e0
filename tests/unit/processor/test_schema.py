import json
from pathlib import Path

import jsonschema
import pytest

from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.validate import Rules
from processor.wire.schema import READING_EXAMPLE, printed, schema

ROOT = Path(__file__).parents[3]


def test_the_published_contract_is_the_codes_own() -> None:
    published = (ROOT / "docs" / "reading.schema.json").read_text()
    assert published == printed(), "python -m processor schema > docs/reading.schema.json"


def test_what_the_checks_need_is_required() -> None:
    definitions = schema()["$defs"]
    assert definitions["reading"]["required"] == ["path", "ts", "value"]
    assert definitions["envelope"]["properties"]["readings"]["maxItems"] == 500


@pytest.mark.parametrize("form", ["event", "envelope", "reading"])
def test_each_forms_example_is_what_the_schema_and_the_processor_take(form: str) -> None:
    contract = schema()
    jsonschema.Draft202012Validator.check_schema(contract)
    (example,) = contract["$defs"][form]["examples"]
    jsonschema.validate(example, contract)
    judged = judge([Record(json.dumps(example).encode(), "1", 1_763_897_519.5)], Names(), Rules(7, 10), 0)
    assert judged.refused == []
    assert len(judged.columns) == (3 if form == "envelope" else 1)


@pytest.mark.parametrize(
    "change", [{"path": "m17"}, {"ts": None}, {"value": [1]}, {"q": 1.5}, {"seq": -1}, {"hist": "yes"}]
)
def test_what_the_processor_refuses_the_schema_refuses(change: dict[str, object]) -> None:
    example = {**READING_EXAMPLE, **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example, schema())
    judged = judge([Record(json.dumps(example).encode(), "1", 1_763_897_519.5)], Names(), Rules(7, 10), 0)
    assert len(judged.refused) == 1
