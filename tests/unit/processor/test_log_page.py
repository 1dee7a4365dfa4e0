"""docs/log.md has every event that the code logs, with its level and its fields, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEVELS = {"info", "warning", "error", "critical", "exception"}
ROW = re.compile(r"^\| (?P<message>[^|`]+) \| (?P<level>\w+) \|(?P<fields>[^|]*)\|", re.MULTILINE)
Event = tuple[str, str, frozenset[str] | None]


def logged(source: str) -> Iterator[Event]:
    """Message, level and fields of each call; None where the fields are not written out there."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = ast.unparse(node.func.value)
        if node.func.attr not in LEVELS or not (owner == "logger" or owner.startswith("logging.getLogger")):
            continue
        (message,) = node.args
        assert isinstance(message, ast.Constant), f"a value in a message: {ast.unparse(node)}"
        level = "error" if node.func.attr == "exception" else node.func.attr
        extra = next((word.value for word in node.keywords if word.arg == "extra"), ast.Dict([], []))
        fields = None
        if isinstance(extra, ast.Dict):
            fields = frozenset(str(ast.literal_eval(key)) for key in extra.keys if key is not None)
        yield str(message.value), level, fields


def test_every_event_is_on_the_page_and_the_page_has_no_other() -> None:
    page = (ROOT / "docs/log.md").read_text(encoding="utf-8").partition("## Events")[2]
    told = {
        row["message"]: (row["level"], frozenset(re.findall(r"`(\w+)`", row["fields"])))
        for row in ROW.finditer(page)
        if row["message"] != "message"
    }
    events = [
        event
        for file in sorted((ROOT / "processor").rglob("*.py"))
        for event in logged(file.read_text("utf-8"))
    ]

    assert len(events) > 15
    assert {message for message, _, _ in events} == set(told), "docs/log.md, table Events: a row for each"
    for message, level, fields in events:
        assert told[message][0] == level, message
        assert fields is None or told[message][1] == fields, message
