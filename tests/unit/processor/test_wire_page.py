"""docs/wire.md: every example is taken as it stands there."""

import re
from pathlib import Path

import pytest

from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason
from processor.source.records import Record
from processor.validate import Rules

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def data_of(language: str, text: str) -> bytes:
    """What a producer would put."""
    if language == "json":
        return text.encode()
    namespace: dict[str, object] = {}
    exec(compile(text, "docs/wire.md", "exec"), namespace)  # noqa: S102 - our own page
    data = namespace["data"]
    assert isinstance(data, bytes)
    return data


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_every_example_is_taken(language: str, text: str) -> None:
    record = Record(data_of(language, text), "1", 1_763_897_520.0)
    judged = judge([record], Names(), Rules(oldest_days=7, newest_minutes=10), 0)
    assert judged.refused == []
    assert 73.9 in judged.columns.number.tolist()


def test_every_form_has_an_example() -> None:
    assert [language for language, _ in BLOCKS] == [
        "json",
        "json",
        "python",
        "python",
        "json",
        "python",
        "python",
    ]


def test_every_reason_is_told() -> None:
    for page in ("wire.md", "replaying.md"):
        assert (ROOT / "docs" / page).exists()
    refusals = PAGE.partition("## What is refused")[2]
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in refusals] == []
