"""Records to begin with: one of each form, and of each way to be wrong that somebody has thought of."""

import base64
import codecs
import gzip
import json
from collections.abc import Iterator, Sequence
from hashlib import md5
from typing import Any

from backports import zstd

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
TS = 1_763_897_519_000
READING: dict[str, Any] = {"path": PATH, "ts": TS, "value": 73.9, "q": 192, "unit": "Cel", "seq": 4711}
EVENT = {"specversion": "1.0", "type": "readings", "source": "/gw", "id": "1"}
VALUES: tuple[Any, ...] = (
    73.9,
    -0.0,
    1,
    2**53 + 1,
    2**80,
    True,
    False,
    "run",
    "NaN",
    "-inf",
    "",
    None,
    [1],
    {},
    "a\0b",
    "\ud800",
)
TIMES = (
    TS,
    "2025-11-23T11:31:59Z",
    "2025-11-23t11:31:59.123456789+01:00",
    "2025-11-23T11:31:59",
    "2025-02-30T00:00:00Z",
    TS - 8 * 86_400_000,
    TS + 3_600_000,
    -1,
    2**70,
    1.5,
    True,
    None,
)
QUALITIES = (192, 64, 0, "GOOD", " bad ", 0x80050000, 193, 255, 256, -1, 2**32, "x", None, 1.0)
NUMBERS = (0, 2**63 - 1, 2**63, -1, None, "1", 1.0)


def single() -> Iterator[bytes]:
    """One record each."""
    for name, values in {"value": VALUES, "ts": TIMES, "q": QUALITIES, "seq": NUMBERS}.items():
        for value in values:
            yield json.dumps({**READING, name: value}).encode()
    for bare in ("NaN", "-Infinity", "1e400", "1E5", "0.1e-3", "9" * 400):
        yield json.dumps(READING).replace("73.9", bare).encode()
    for name in READING:
        yield json.dumps({key: value for key, value in READING.items() if key != name}).encode()
    for added in ({"hist": True}, {"hist": 1}, {"other": {"deep": [1]}}, {"path": "a/b"}, {"unit": "x" * 65}):
        yield json.dumps(READING | added).encode()
    yield from _wrapped()
    yield from (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{}\n{}", b" {} ")


def _wrapped() -> Iterator[bytes]:
    envelope = {"v": 1, "id": "01J", "src": "gw-7", "sent": TS, "readings": [READING, READING | {"seq": 1}]}
    text = json.dumps(envelope).encode()
    yield text
    yield gzip.compress(text)
    yield gzip.compress(text)[:-3]
    yield gzip.compress(text[:9]) + gzip.compress(text[9:])
    yield zstd.compress(text)
    yield zstd.compress(text)[:-3]
    yield b"\x50\x2a\x4d\x18\x01\0\0\0?" + zstd.compress(text[:9]) + zstd.compress(text[9:])
    yield json.dumps(EVENT | {"data": text.decode(), "datacontenttype": "text/plain"}).encode()
    yield json.dumps(EVENT | {"data": text.decode(), "datacontenttype": "a/b+json"}).encode()
    yield codecs.BOM_UTF8 + text
    yield text.decode().encode("utf-16")
    yield json.dumps(EVENT | {"data": envelope}).encode()
    yield json.dumps(EVENT | {"data_base64": base64.b64encode(gzip.compress(text)).decode()}).encode()
    yield json.dumps(EVENT | {"data": READING}).encode()
    odd: tuple[dict[str, Any], ...] = (
        {"v": 2},
        {"v": True},
        {"readings": []},
        {"readings": {}},
        {"more": "x"},
        {"v": 1.0},
    )
    for changed in odd:
        yield json.dumps(envelope | changed).encode()
    yield json.dumps(envelope | {"readings": [READING, {"path": 1}, 7, None]}).encode()
    yield json.dumps(envelope, indent=1).encode()


def put_together(users: Sequence[tuple[str, bytes]]) -> bytes:
    """Records, each a partition key and data, as the Kinesis Producer Library puts them into one."""
    keys = list(dict.fromkeys(key for key, _ in users))
    return sealed(
        b"".join(_field(1, key.encode()) for key in keys)
        + b"".join(_field(3, _field(1, keys.index(key)) + _field(3, data)) for key, data in users)
    )


def sealed(message: bytes) -> bytes:
    """With the magic before it and its checksum behind."""
    return b"\xf3\x89\x9a\xc2" + message + md5(message, usedforsecurity=False).digest()


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number % 128 + 128]) + _varint(number // 128)


def _aggregated() -> Iterator[bytes]:
    good = json.dumps(READING).encode()
    device, other = PATH.rpartition("/")[0], PATH.replace("m17", "m18").rpartition("/")[0]
    forms = [good, *_wrapped(), b"", b"{", gzip.compress(good)[:-3], gzip.compress(gzip.compress(good))]
    yield put_together([("m17", form) for form in forms])
    yield put_together([(key, good) for key in ("m17", device, other, "", "ü")])
    history = [{**READING, "ts": TS - day * 86_400_000, "hist": True} for day in range(503)]
    yield put_together([("m17", json.dumps(one).encode()) for one in [*history, *history[-2:]]])
    whole = put_together([("m17", good), ("m18", good)])
    yield put_together([("m17", good), ("m17", whole)])  # one within another
    yield put_together([("m17", gzip.compress(whole))])
    yield from (whole[:-1], whole[:4], whole[:20], whole[:-1] + b"?", whole + b"\0", gzip.compress(whole))
    message, key = whole[4:-16], _field(1, b"m17")
    yield sealed(message[:-1])
    yield sealed(b"")
    yield sealed(key)
    user = _field(1, 0) + _field(3, good)
    odd = (
        _field(1, 1) + _field(3, good),  # no such key
        _field(1, 2**64 - 1) + _field(3, good),
        _field(3, good),
        _field(1, 0),
        user + _field(3, b"?") + _field(3, good),  # of three the last one counts
        user + _field(2, 0) + _field(4, b"tag") + b"\x49" + bytes(8) + b"\x4d" + bytes(4),
        b"\x0d" + bytes(4) + _field(3, good),  # a number of a fixed width
        b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02" + _field(3, good),  # more than 64 bits
        _field(1, 0) + _field(3, 5),
        b"\x0b\x0c" + user,  # a group
        b"\x02\x00" + user,  # a field with the number 0
    )
    for one in odd:
        yield sealed(key + _field(3, one))
    yield sealed(b"\x09" + b"8" * 8 + _field(3, user))
    yield sealed(_field(9, b"later") + key + _field(2, b"123") + _field(3, user) + _field(4, 1))


def batches() -> Iterator[list[bytes]]:
    """Several records: good ones whose neighbours are not, and documents cut at every kind of place."""
    good = json.dumps(READING).encode()
    yield [good] * 3
    for one in single():
        yield [good, one, good]
    for one in _aggregated():
        yield [good, one, good]
    for place in (1, 8, len(good) // 2, len(good) - 1):
        yield [good[:place], good[place:]]
        yield [good + b"\n" + good, good[:place], good[place:]]
