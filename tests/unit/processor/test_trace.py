import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from processor.trace import traceparent, valid

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("text", [TRACE, TRACE.replace("00-", "cc-", 1), TRACE[:-2] + "ff"])
def test_a_traceparent_of_the_specification_is_taken(text: str) -> None:
    assert valid(text) == text


def test_what_a_later_version_adds_is_left_out() -> None:
    later = "01" + TRACE[2:]
    assert valid(f"{later}-what-comes") == later


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        7,
        TRACE.upper(),
        "ff" + TRACE[2:],
        TRACE + "-more",
        "01" + TRACE[2:] + "more",
        "00-" + "0" * 32 + TRACE[35:],
        TRACE[:36] + "0" * 16 + TRACE[52:],
        TRACE[:-1],
        TRACE.replace("4bf9", "٤bf9"),
        "00-…",
    ],
)
def test_what_is_no_traceparent_is_none(text: object) -> None:
    assert valid(text) is None


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"traceparent": TRACE, "readings": []}).encode(),
        gzip.compress(json.dumps({"specversion": "1.0", "traceparent": TRACE, "data": {}}).encode()),
        b'{"traceparent" : "' + TRACE.encode() + b'", "readings": [{"path": \xff',
    ],
)
def test_it_is_found_in_records_whole_or_not(data: bytes) -> None:
    assert traceparent(data) == TRACE


def test_a_value_that_only_looks_like_the_field_is_not_it() -> None:
    quoted = json.dumps({"value": f'{{"traceparent":"{TRACE}"}}'}).encode()
    assert traceparent(quoted) is None


@given(some.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    assert traceparent(data) is None
    assert traceparent(b"\x1f\x8b" + data) is None
    assert traceparent(b'"traceparent":"' + data) is None or b"-" in data
