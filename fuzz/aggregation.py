"""What the Kinesis Producer Library puts together, taken apart slowly; contract.py reads the parts.

https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md, and for the message
https://protobuf.dev/programming-guides/encoding/. What is none of it stays the record that it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5

from fuzz.contract import LARGEST_DOCUMENT, Refusal, TooLarge, opened

MAGIC = b"\xf3\x89\x9a\xc2"
LARGEST_OPENED = 8 * 1024 * 1024
MOST_PARTS = 100_000
DIGEST = 16
NUMBER, TEXT = 0, 2  # the wire types that the format uses
WIDTHS = {1: 8, 5: 4}  # those that are passed over, and their bytes


@dataclass(frozen=True)
class Part:
    """A record, or one that was put into it, with its partition key."""

    data: bytes
    key: str


class Damage(Exception):
    """It is no AggregatedRecord."""


def parts(data: bytes, key: str) -> list[Part]:
    """What a record holds: itself, where it is none that the library made whole."""
    if data[:4] != MAGIC:
        return [Part(data, key)]
    try:
        found = list(_parts(data))
        if sum(_cost(part.data) for part in found) > LARGEST_OPENED:
            raise Damage("it opens to too much")
    except Damage:
        return [Part(data, key)]
    # Where a device's certificate has made the key, what its payload says of keys is not heard.
    return [Part(part.data, key) for part in found] if key.count("/") == 5 else found


def _parts(data: bytes) -> Iterator[Part]:
    message, digest = data[4:-DIGEST], data[-DIGEST:]
    if not message or md5(message, usedforsecurity=False).digest() != digest:
        raise Damage("checksum")
    fields = list(_fields(message))
    keys = [_text(kind, value).decode("utf-8", "replace") for number, kind, value in fields if number == 1]
    users = [_text(kind, value) for number, kind, value in fields if number == 3]
    if not 1 <= len(users) <= MOST_PARTS:
        raise Damage("no user record, or too many")
    for user in users:
        places, contents = [-1], [MAGIC]
        for number, kind, value in _fields(user):
            if number == 1:
                places.append(_number(kind, value))
            if number == 3:
                contents.append(_text(kind, value))
        # The last of several counts; one that is missing, or holds another aggregated record, is damage.
        if not 0 <= places[-1] < len(keys) or contents[-1][:4] == MAGIC:
            raise Damage("user record")
        yield Part(contents[-1], keys[places[-1]])


def _cost(data: bytes) -> int:
    try:
        return len(opened(data))
    except TooLarge:
        return LARGEST_DOCUMENT
    except Refusal:
        return len(data)


def _fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(number, wire type, value)"""
    while message:
        tag, message = _varint(message)
        number, kind = divmod(tag, 8)
        if number == 0 or kind not in (NUMBER, TEXT, *WIDTHS):
            raise Damage("tag")
        if kind == NUMBER:
            value, message = _varint(message)
            yield number, kind, value
            continue
        size = WIDTHS.get(kind, 0)
        if kind == TEXT:
            size, message = _varint(message)
        if size > len(message):
            raise Damage("cut off")
        if kind == TEXT:
            yield number, kind, message[:size]
        message = message[size:]


def _varint(message: bytes) -> tuple[int, bytes]:
    """Seven bits a byte, the lowest first, in ten bytes at most; and what follows."""
    for size in range(1, 11):
        if size <= len(message) and message[size - 1] < 128:
            bits = sum((byte % 128) << (7 * place) for place, byte in enumerate(message[:size]))
            return bits % 2**64, message[size:]
    raise Damage("number")


def _number(kind: int, value: int | bytes) -> int:
    if kind != NUMBER or isinstance(value, bytes):
        raise Damage("no number")
    return value


def _text(kind: int, value: int | bytes) -> bytes:
    if kind != TEXT or isinstance(value, int):
        raise Damage("no text")
    return value
