"""Taking apart a record that the fast decoders refused.

Here an unknown field is kept, a bare NaN is heard, a CloudEvents wrapping is taken off, and each reading of
an envelope stands or falls alone.
"""

import base64
import json
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from processor.quarantine import WHOLE_RECORD, Reason, Refused, refusal, written
from processor.source.records import Record
from processor.wire.aggregated import MAGIC, deaggregated
from processor.wire.document import (
    ENVELOPE_FIELDS,
    MOST_READINGS,
    READING_FIELDS,
    Digits,
    Envelope,
    Reading,
)
from processor.wire.payload import PayloadError, open_payload

# Of the fields that the contract does not know. What an envelope adds is kept with each of its readings, so
# it is bounded; deeper nesting would overflow a stack, ours or jsonb's, on its way to the table.
LARGEST_ADDITION = 16 * 1024  # bytes of JSON
DEEPEST = 64


class Kept(NamedTuple):
    """A reading with its place in the record, and the fields that the contract does not know."""

    place: int
    reading: Reading
    unknown: dict[str, Any] | None
    envelope: dict[str, Any]  # the envelope's unknown fields


class Apart(NamedTuple):
    """The readings of one record, what had to be refused, and the bytes that were opened in its document."""

    kept: list[Kept]
    refused: list[Refused]
    opened: int


def take_apart(record: Record) -> Apart:
    """What is in a record. Raises nothing."""
    opened = 0
    try:
        if record.data.startswith(MAGIC):
            deaggregated(record)  # it says why it could not be taken apart
        document, opened = _unwrap(_parse(open_payload(record.data)))
        return Apart(*_readings(record, document), opened)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Apart([], [refusal(record, WHOLE_RECORD, Reason.UNDECODABLE, why, record.data)], opened)


def _parse(text: bytes) -> object:
    # json.loads and not msgspec: it hears NaN and Infinity. They stay text, as if they had been quoted. It
    # passes over a byte order mark too, as RFC 8259, 8.1, allows, and hears UTF-16 and UTF-32 by their NULs.
    try:
        return json.loads(text, parse_constant=str, parse_float=_float, parse_int=_int)
    except UnicodeDecodeError:
        # Bytes that are no UTF-8 become halves of surrogate pairs: refused where they stand, not around it.
        readable = text.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        return json.loads(readable, parse_constant=str, parse_float=_float, parse_int=_int)


def _float(digits: str) -> float | Digits:
    number = float(digits)
    return number if math.isfinite(number) else Digits(digits)


def _int(digits: str) -> int | Digits:
    try:
        return int(digits)
    except ValueError:  # more than 4,300 of them
        return Digits(digits)


def _unwrap(document: object) -> tuple[object, int]:
    """The `data` of a CloudEvents document in its JSON format (spec 1.0.2, 3.1), else the document itself.

    And the bytes that were opened for it.
    """
    if not isinstance(document, dict) or "specversion" not in document:
        return document, 0
    if "data_base64" in document:
        try:
            packed = base64.b64decode(document["data_base64"], validate=True)
        except (ValueError, TypeError):
            raise PayloadError("CloudEvents data_base64 is not base64") from None
        text = open_payload(packed)
        return _parse(text), len(text)
    if "data" not in document:
        raise PayloadError("a CloudEvents document without data")
    data = document["data"]
    if isinstance(data, str) and not _declares_json(document.get("datacontenttype")):
        return _parse(data.encode("utf-8", "surrogatepass")), 0
    return data, 0


def _declares_json(content_type: object) -> bool:
    """Text that is declared as JSON, as what is not declared, is a JSON string and no document (3.1.2)."""
    if not isinstance(content_type, str):
        return True
    return content_type.partition(";")[0].strip().lower().endswith(("/json", "+json"))


def _readings(record: Record, document: object) -> tuple[list[Kept], list[Refused]]:
    if isinstance(document, list):
        # CloudEvents' JSON Batch Format (4) is a format of its own; nothing here says that it is spoken.
        raise PayloadError("a JSON array: put each of its documents as a record of its own")
    if not isinstance(document, dict):
        raise PayloadError("neither an envelope nor a reading: a JSON object is expected")
    if "readings" not in document:
        return _one_by_one(record, [document], {})
    readings = document["readings"]
    if not isinstance(readings, list) or not 1 <= len(readings) <= MOST_READINGS:
        raise PayloadError(f"readings must be a list of 1 to {MOST_READINGS}")
    header = {name: value for name, value in document.items() if name in ENVELOPE_FIELDS}
    msgspec.convert({**header, "readings": [_ANY_READING]}, Envelope)
    return _one_by_one(record, readings, _addition(document))


def _addition(document: dict[str, Any]) -> dict[str, Any]:
    unknown = _unknown(document, ENVELOPE_FIELDS)
    if unknown and (size := len(json.dumps(unknown))) > LARGEST_ADDITION:
        raise PayloadError(
            f"the envelope adds {size} bytes of unknown fields; at most {LARGEST_ADDITION} are allowed"
        )
    return unknown


_ANY_READING = {"path": "", "ts": 0, "value": None}  # so that an envelope's own fields are checked alone


def _one_by_one(
    record: Record, items: list[object], envelope: dict[str, Any]
) -> tuple[list[Kept], list[Refused]]:
    kept: list[Kept] = []
    refused: list[Refused] = []
    for index, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise PayloadError("a reading must be a JSON object")
            known = {name: value for name, value in item.items() if name in READING_FIELDS}
            reading = msgspec.convert(known, Reading)
            if isinstance(item["value"], Digits):
                reading.value = item["value"]  # msgspec has made text of it
            kept.append(Kept(index, reading, _unknown(item, READING_FIELDS) or None, envelope))
        except (ValueError, msgspec.ValidationError) as error:  # half a surrogate pair among them
            payload = written(item, envelope)
            refused.append(refusal(record, index, Reason.MALFORMED, str(error), payload))
    return kept, refused


def _unknown(item: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    unknown = {name: value for name, value in item.items() if name not in known}
    if unknown and _too_deep(unknown):
        raise PayloadError(f"unknown fields are nested more than {DEEPEST} deep")
    return unknown


def _too_deep(item: object) -> bool:
    level = [item]
    for _ in range(DEEPEST + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(item: object) -> Iterable[object]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
