import json
import logging
import sys

import pytest
from psycopg import errors

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


def test_of_a_database_s_error_no_row_is_in_the_line_whatever_it_led_to() -> None:
    row = "new row violates a check\nDETAIL:  Failing row contains (4711, secret).\nCONTEXT:  COPY reading"
    with pytest.raises(RuntimeError) as caught:
        try:
            raise errors.CheckViolation(row)
        except errors.CheckViolation as error:
            raise RuntimeError("the second attempt") from error
    record = logging.LogRecord("processor", logging.ERROR, "x.py", 1, "ended", (), caught._excinfo)
    said = str(line(record)["exception"])
    assert "CheckViolation: 23514: new row violates a check\n" in said
    assert said.endswith("RuntimeError: the second attempt")
    assert "test_log.py" in said
    assert "secret" not in said and "COPY" not in said
