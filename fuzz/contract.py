"""The wire contract read slowly, with the standard library alone: what must become of each reading.

(zstd comes into it with Python 3.14; backports.zstd is that module for those before.) What several producers'
records in one are is in aggregation.py.

It shares no code with the processor but the bounds that are settings. Where the two disagree, one is wrong.
"""

import base64
import json
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backports import zstd

LARGEST_DOCUMENT = 4 * 1024 * 1024
MOST_MEMBERS = 100
MOST_READINGS = MOST_DAYS = 500
DAY = 86_400_000_000  # microseconds
LARGEST_ADDITION = 16 * 1024
DEEPEST = 64
LONGEST_TEXT = 4096
OLDEST_DAYS, NEWEST_MINUTES = 7, 10
FIRST_HISTORY = 631_152_000_000_000  # 1990-01-01, microseconds since 1970
READING = {"path", "ts", "value", "q", "unit", "seq", "hist"}
ENVELOPE = {"v", "id", "src", "sent", "traceparent", "readings"}
PATH = re.compile(r"[A-Za-z0-9_.\-]{1,64}(/[A-Za-z0-9_.\-]{1,64}){6}")
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
SKIPPABLE = {bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16)}
WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}  # 8 MiB
NAMED = {"GOOD": 192, "UNCERTAIN": 64, "BAD": 0}


@dataclass(frozen=True)
class Expected:
    """One reading as it must be stored. ts: microseconds since 1970; status -1: the class says it all."""

    path: str
    ts: int
    value: float | bool | str | None
    quality: int
    status: int
    seq: int | None
    hist: bool


class Refusal(Exception):
    """The record, or the reading, must be refused: why."""


class TooLarge(Refusal):
    """It opens to more than a document may have."""


def readings(data: bytes) -> list[Any]:
    """The readings of a record, each as it was parsed. Raises Refusal when the whole record is none."""
    document = _unwrapped(_parsed(opened(data)))
    if not isinstance(document, dict):
        raise Refusal("no object")
    if "readings" not in document:
        return [document]
    inside = document["readings"]
    if not isinstance(inside, list) or not 1 <= len(inside) <= MOST_READINGS:
        raise Refusal("no list of 1 to 500")
    if "v" in document and (type(document["v"]) is not int or document["v"] != 1):
        raise Refusal("another version")
    added = {name: value for name, value in document.items() if name not in ENVELOPE}
    _check_depth(added)
    if added and len(json.dumps(added)) > LARGEST_ADDITION:
        raise Refusal("too much beside the readings")
    return inside


def expected(reading: Any, arrived: float, key: str = "") -> Expected:
    """What must be stored of one that came in a record of this partition key. Raises Refusal."""
    if not isinstance(reading, dict):
        raise Refusal("no object")
    if not {"path", "ts", "value"} <= reading.keys():
        raise Refusal("incomplete")
    _check_depth({name: value for name, value in reading.items() if name not in READING})
    path, seq, hist = reading["path"], reading.get("seq"), reading.get("hist", False)
    if not isinstance(path, str) or not PATH.fullmatch(path):
        raise Refusal("path")
    if key.count("/") == 5 and path.rpartition("/")[0] != key:
        raise Refusal("another device's")
    if not isinstance(hist, bool):
        raise Refusal("hist")
    if seq is not None and not 0 <= _whole(seq) < 2**63:
        raise Refusal("seq")
    _check_unit(reading.get("unit"))
    ts = _time(reading["ts"])
    _check_age(ts, hist, int(arrived * 1_000_000))
    quality, status = _quality(reading.get("q"))
    value = _value(reading["value"])
    if value is None and reading["value"] is not None:
        given = reading.get("q")
        quality, status = 0, given if isinstance(given, int) and given != 0 else status
    return Expected(path, ts, value, quality, status, None if seq is None else _whole(seq), hist)


def surplus(stored: list[Expected]) -> list[bool]:
    """Which readings of one record must wait, as it holds more than 500 days: all but those of the latest."""
    days = [reading.ts // DAY for reading in stored]
    kept = sorted(set(days))[-MOST_DAYS:]
    return [day < kept[0] for day in days]


def opened(data: bytes) -> bytes:
    """Unpacked, where it is packed. Raises Refusal."""
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data, lambda: zlib.decompressobj(wbits=31))
    elif data[:4] == b"\x28\xb5\x2f\xfd" or data[:4] in SKIPPABLE:
        data = _unzipped(data, lambda: zstd.ZstdDecompressor(options=WINDOW))
    if len(data) > LARGEST_DOCUMENT:
        raise TooLarge("too large")
    return data


def _unzipped(data: bytes, start: Callable[[], Any]) -> bytes:
    """Members or frames, one behind the other, and nothing else: RFC 1952, 2.2, and RFC 8878, 3.1."""
    whole: bytes = b""
    for _ in range(MOST_MEMBERS):
        member = start()
        try:
            whole += member.decompress(data)
        except (zlib.error, zstd.ZstdError) as error:
            raise Refusal("damaged, or not to be opened by everybody") from error
        data = member.unused_data
        if not member.eof:
            raise Refusal("it ends too early")
        if not data:
            return whole
    raise Refusal("too many members")


def _parsed(data: bytes) -> Any:
    try:
        try:
            return json.loads(
                data, parse_constant=_Constant
            )  # a byte order mark, and UTF-16 and 32 are heard
        except UnicodeDecodeError:
            text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
            return json.loads(text, parse_constant=_Constant)
    except (ValueError, RecursionError) as error:
        raise Refusal("no JSON") from error


class _Constant(str):
    """A bare NaN, Infinity or -Infinity."""

    __slots__ = ()


def _unwrapped(document: Any) -> Any:
    if not isinstance(document, dict) or "specversion" not in document:
        return document
    if "data_base64" in document:
        try:
            return _parsed(opened(base64.b64decode(document["data_base64"], validate=True)))
        except (ValueError, TypeError) as error:
            raise Refusal("base64") from error
    if "data" not in document:
        raise Refusal("no data")
    body, declared = document["data"], document.get("datacontenttype")
    if isinstance(body, str) and isinstance(declared, str):
        subtype = declared.split(";")[0].strip().lower()
        if not subtype.endswith(("/json", "+json")):
            return _parsed(body.encode("utf-8", "surrogatepass"))  # else it is a JSON string and no document
    return body


def _check_depth(item: Any, level: int = 0) -> None:
    if level > DEEPEST + 1:
        raise Refusal("too deep")
    for inner in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        _check_depth(inner, level + 1)


def _whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise Refusal("no whole number")
    return number


def _check_unit(unit: Any) -> None:
    if unit is not None and not (isinstance(unit, str) and len(unit) <= 64 and unit.isprintable()):
        raise Refusal("unit")


def _time(ts: Any) -> int:
    if not isinstance(ts, str):
        return _whole(ts) * 1000
    match = TIME.fullmatch(ts)
    if match is None:
        raise Refusal("ts")
    *parts, fraction, offset = match.groups()
    zone = "+0000" if offset in "zZ" else offset.replace(":", "")
    try:
        moment = datetime.strptime("-".join(parts) + zone, "%Y-%m-%d-%H-%M-%S%z")
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Refusal("no date") from error
    return (since.days * 86_400 + since.seconds) * 1_000_000 + int((fraction or ".")[1:7].ljust(6, "0"))


def _check_age(ts: int, hist: bool, arrived: int) -> None:
    if ts > arrived + NEWEST_MINUTES * 60_000_000 or ts < FIRST_HISTORY:
        raise Refusal("too new, or before all history")
    if not hist and ts < arrived - OLDEST_DAYS * 86_400_000_000:
        raise Refusal("too old")


def _quality(q: Any) -> tuple[int, int]:
    if q is None:
        return 192, -1
    if isinstance(q, str):
        if q.strip().upper() not in NAMED:
            raise Refusal("q")
        return NAMED[q.strip().upper()], -1
    code = _whole(q)
    if not 0 <= code < 2**32:
        raise Refusal("q")
    # OPC DA has the class in the top two bits of a byte, OPC UA in the top two of 32.
    quality = {3: 192, 1: 64}.get(code >> 6, 0) if code < 256 else {0: 192, 1: 64}.get(code >> 30, 0)
    return quality, -1 if code == quality else code


def _value(value: Any) -> float | bool | str | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    if not isinstance(value, str):
        raise Refusal("value")
    if isinstance(value, _Constant) or NO_NUMBER.fullmatch(value):
        return None
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise Refusal("half a character") from error
    if "\0" in value or size > LONGEST_TEXT:
        raise Refusal("text")
    return value
