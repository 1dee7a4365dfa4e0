"""The wire contract as types, and the two fast decoders.

The fast decoders refuse what they do not know, bare NaN and all that is malformed; `wire/tolerant.py` then
takes the record apart piece by piece. So a well-formed record costs one pass, and nothing is dropped.
"""

from typing import Annotated, Any, Literal

import msgspec

MOST_READINGS = 500  # an envelope


class Reading(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """`ts` in epoch milliseconds or RFC 3339, `q` 192/64/0, GOOD/UNCERTAIN/BAD or a status code."""

    path: str
    ts: int | str
    value: int | float | bool | str | None
    q: int | str | None = None
    unit: str | None = None
    seq: int | None = None
    hist: bool = False


class Envelope(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Readings that a gateway sent together."""

    readings: Annotated[list[Reading], msgspec.Meta(min_length=1, max_length=MOST_READINGS)]
    v: Literal[1] = 1
    # Told for people and traces: whatever stands here, the readings are heard.
    id: Any = None
    src: Any = None
    sent: Any = None
    traceparent: Any = None


class Digits(str):
    """A bare number that neither a double nor an integer holds, as it was written; no text."""


decode_reading = msgspec.json.Decoder(Reading).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
READING_FIELDS = frozenset(Reading.__struct_fields__)
ENVELOPE_FIELDS = frozenset(Envelope.__struct_fields__)
