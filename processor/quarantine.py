"""What could not be stored, with the reason: a bad reading never blocks its siblings or its shard."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from processor.source.records import Record
from processor.wire.document import Digits

WHOLE_RECORD = -1  # the index of a refusal that concerns the record, not one reading in it
LONGEST_DETAIL = 500
_WRAPPINGS = frozenset({"readings", "specversion"})  # what tells an envelope or an event from a reading


class Reason(StrEnum):
    """Why; `detail` beside it names the field and what is allowed."""

    UNDECODABLE = "undecodable"  # no JSON document, or one that is neither envelope nor reading
    MALFORMED = "malformed"  # a reading with a field missing or of the wrong type
    DEVICE = "device"  # the path is another device's than the one whose partition key the record has
    PATH = "path"
    TIMESTAMP = "timestamp"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    TOO_MANY_DAYS = "too_many_days"  # an aggregated record of more days than one transaction should touch
    VALUE = "value"
    QUALITY = "quality"
    SEQ = "seq"
    UNIT = "unit"


class Refused(NamedTuple):
    """One row of the quarantine; record and index make it the same row when the batch comes again."""

    sequence_number: str
    sub_sequence: int
    place: int  # in the envelope, from 0
    reason: Reason
    detail: str
    payload: bytes  # a document that can be judged again: the record as it came, or its reading alone
    arrived: float  # seconds since 1970: the age of a reading is measured from here, whenever it is judged
    partition_key: str = ""  # what a device may speak for is told by it, whenever it is judged


def refusal(record: Record, place: int, reason: Reason, detail: str, payload: bytes) -> Refused:
    """Of one reading of a record, or of the whole record when `place` is WHOLE_RECORD."""
    number, part = record.sequence_number, record.sub_sequence
    key = storable(record.partition_key)  # in an aggregated record, whatever its sender wrote
    return Refused(number, part, place, reason, detail, payload, record.arrived, key)


def storable(text: str) -> str:
    """Text that PostgreSQL takes: no 0x00, no half of a surrogate pair, cut to what a person reads."""
    return text.replace("\0", "␀").encode("utf-8", "replace").decode()[:LONGEST_DETAIL]


def written(reading: object, envelope: Mapping[str, Any]) -> bytes:
    """One reading as a document of its own, with the fields that its envelope adds.

    ASCII, so even half a surrogate pair is kept. Digits stay bare: quoted, they would come again as text.
    What would not be taken for a reading when it stands alone is wrapped, so that it comes again as it was.
    """
    text = json.dumps(reading)
    if isinstance(reading, dict) and isinstance(digits := reading.get("value"), Digits):
        others = {name: value for name, value in reading.items() if name != "value"}
        text = json.dumps(others).removesuffix("}") + (", " if others else "") + f'"value": {digits}}}'
    if envelope or not isinstance(reading, dict) or not _WRAPPINGS.isdisjoint(reading):
        text = (
            json.dumps(dict(envelope)).removesuffix("}")
            + (", " if envelope else "")
            + f'"readings": [{text}]}}'
        )
    return text.encode()
