import json
import logging
import sys

from processor.log import JsonLines


def line(record: logging.LogRecord) -> dict[str, object]:
    text = JsonLines().format(record)
    assert "\n" not in text
    read: dict[str, object] = json.loads(text)
    return read


def test_a_line_is_one_json_object_with_what_the_call_gave() -> None:
    record = logging.LogRecord("processor.x", logging.WARNING, "x.py", 1, "two\nlines %s", ("ä",), None)
    record.created = 1_763_897_519.25
    record.msecs = 250
    record.shard = "shardId-0"
    assert line(record) == {
        "time": "2025-11-23T11:31:59.250Z",
        "level": "warning",
        "logger": "processor.x",
        "message": "two\nlines ä",
        "shard": "shardId-0",
    }


def test_an_exception_is_in_the_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        record = logging.LogRecord("processor", logging.ERROR, "x.py", 1, "ended", (), sys.exc_info())
    assert "ValueError: why" in str(line(record)["exception"])
