from pathlib import Path

from processor.wire.schema import printed, schema

ROOT = Path(__file__).parents[3]


def test_the_published_contract_is_the_codes_own() -> None:
    published = (ROOT / "docs" / "reading.schema.json").read_text()
    assert published == printed(), "python -m processor schema > docs/reading.schema.json"


def test_what_the_checks_need_is_required() -> None:
    definitions = schema()["$defs"]
    assert definitions["reading"]["required"] == ["path", "ts", "value"]
    assert definitions["envelope"]["properties"]["readings"]["maxItems"] == 500
