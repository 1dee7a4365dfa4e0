"""What makes a reading itself, as sixteen bytes, computed here and inside PostgreSQL alike.

The audit compares what was sent with what is stored by these. They are not the processor's key, which is
what is audited. Python here and SQL in audit.sql build the same bytes (path, time, counter, value by kind,
quality) and take their MD5, which guards against chance, not against an adversary.
"""

import hashlib
import math
import struct

from local.reading import BAD, Reading, Value

SIZE = 16

_ints = struct.Struct(">q")
_double = struct.Struct(">d")


def identity(reading: Reading) -> bytes:
    """The identity of a reading as it is to be stored: a number that is none is null, and bad."""
    value, q = reading.value, reading.q
    if isinstance(value, float) and not math.isfinite(value):
        value, q = None, BAD
    counter = b"" if reading.seq is None else _ints.pack(reading.seq)
    text = reading.path.encode() + b"/" + _ints.pack(reading.micros) + counter + _value(value) + bytes([q])
    return hashlib.md5(text, usedforsecurity=False).digest()


def _value(value: Value) -> bytes:
    if value is None:
        return b"0"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, str):
        return b"s" + value.encode()
    return b"n" + _double.pack(value + 0.0)  # -0.0 becomes 0.0
