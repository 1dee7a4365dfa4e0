"""One message, field by field, against what protobuf's own documentation shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.wire.protobuf import ProtobufError, fields
from tests.unit.processor.conftest import field, varint


def test_the_examples_of_the_encodings_documentation_are_read() -> None:
    # https://protobuf.dev/programming-guides/encoding/: {a: 150}, {b: "testing"}, {c: {a: 150}}
    assert list(fields(bytes.fromhex("089601"))) == [(1, 150)]
    assert list(fields(bytes.fromhex("120774657374696e67"))) == [(2, b"testing")]
    assert list(fields(bytes.fromhex("1a03089601"))) == [(3, b"\x08\x96\x01")]


def test_fields_of_fixed_width_are_passed_over() -> None:
    assert list(fields(b"\x09" + b"8" * 8 + b"\x15" + b"4" * 4 + b"\x08\x07")) == [(1, 7)]


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(0, 2**64 - 1) | st.binary(max_size=300))))
def test_what_is_written_is_read(written: list[tuple[int, int | bytes]]) -> None:
    message = b"".join(field(number, value) for number, value in written)
    assert list(fields(message)) == written


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\x08", "cut off"),
        (b"\x08\x96", "cut off"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "longer than 64 bits"),
        (b"\x12\x05abcd", "cut off"),
        (b"\x09abc", "cut off"),
        (b"\x12" + varint(2**63), "cut off"),
        (b"\x0b\x0c", "wire type 3"),
        (b"\x02\x00", "number 0"),
    ],
)
def test_what_is_no_message_is_refused(message: bytes, why: str) -> None:
    with pytest.raises(ProtobufError, match=why):
        list(fields(message))


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(message: bytes) -> None:
    try:
        assert all(number > 0 for number, _ in fields(message))
    except ProtobufError as error:
        assert str(error)
