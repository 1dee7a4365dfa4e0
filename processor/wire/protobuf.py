"""Reading one protobuf message, field by field.

Source: https://protobuf.dev/programming-guides/encoding/. Only what messages of numbers, strings, bytes and
messages need: fields of a fixed width are passed over, and groups, which nobody has written for a decade,
count as damage.
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10  # bytes: 64 bits, seven in each


class ProtobufError(ValueError):
    """The bytes are no message: the text says why."""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field in its order: a varint as a number, what has a length as its bytes.

    Raises ProtobufError where the message is cut off or no message at all.
    """
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ProtobufError("a field has the number 0")
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == BYTES:
            size, place = _varint(message, place)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ProtobufError(f"a field has the wire type {kind}")
        if size > end - place:
            raise ProtobufError("a field is cut off")
        if kind == BYTES:
            yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The number at `place`, and where it ends."""
    value = 0
    for count, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + count + 1
    raise ProtobufError("a number is cut off, or longer than 64 bits")
