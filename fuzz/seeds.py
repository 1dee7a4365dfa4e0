"""Records to begin with: one of each form, and of each way to be wrong that somebody has thought of."""

import base64
import codecs
import gzip
import json
from collections.abc import Iterator
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


def batches() -> Iterator[list[bytes]]:
    """Several records: good ones whose neighbours are not, and documents cut at every kind of place."""
    good = json.dumps(READING).encode()
    yield [good] * 3
    for one in single():
        yield [good, one, good]
    for place in (1, 8, len(good) // 2, len(good) - 1):
        yield [good[:place], good[place:]]
        yield [good + b"\n" + good, good[:place], good[place:]]
