"""Records as a stream hands them over."""

import json
from collections.abc import Callable, Sequence
from hashlib import md5

import pytest
from hypothesis import settings

from processor.source.records import Record

# On a shared machine an example may take any time.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

NOW = 1_763_897_519.0  # when each record arrived


@pytest.fixture
def record() -> Callable[..., Record]:
    def make(document: object, number: int = 1, key: str = "") -> Record:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Record(data, str(number), NOW, partition_key=key)

    return make


def varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protobuf message: a varint or bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def sealed(message: bytes) -> bytes:
    """An AggregatedRecord between its magic and its checksum."""
    return b"\xf3\x89\x9a\xc2" + message + md5(message, usedforsecurity=False).digest()


def aggregated(users: Sequence[tuple[str, bytes]]) -> bytes:
    """User records, each a partition key and data, as the Kinesis Producer Library puts them together."""
    keys = list(dict.fromkeys(key for key, _ in users))
    table = b"".join(field(1, key.encode()) for key in keys)
    return sealed(
        table + b"".join(field(3, field(1, keys.index(key)) + field(3, data)) for key, data in users)
    )
