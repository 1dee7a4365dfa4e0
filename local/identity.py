"""What makes a reading itself, as sixteen bytes, computed here and inside PostgreSQL alike.

The audit compares what was sent with what is stored by these. They are not the processor's key, which is
what is audited. Python here and SQL in audit.sql build the same bytes (path, time, counter, value by kind,
what was sent where that could not be stored, quality) and take their MD5, which guards against chance, not
against an adversary.
"""

import hashlib
import json
import math
import struct

from local.reading import BAD, GOOD, Reading, Value

SIZE = 16

_ints = struct.Struct(">q")
_double = struct.Struct(">d")


def identity(reading: Reading) -> bytes:
    """The identity of a reading as it is to be stored: a number that is none is null, and bad.

    What no double holds (NaN, a long integer) is kept beside it as it was sent, and so is NaN's own quality.
    """
    value, q, original = reading.value, reading.q, b""
    if isinstance(value, float) and not math.isfinite(value):
        original = json.dumps(value).encode()
        if q not in (GOOD, BAD):  # GOOD is not sent, as it may be left out
            original += _ints.pack(q)
        value, q = None, BAD
    elif isinstance(value, int) and int(float(value)) != value:
        original = str(value).encode()
    counter = b"" if reading.seq is None else _ints.pack(reading.seq)
    text = b"%s/%s%s%s%s%c" % (
        reading.path.encode(),
        _ints.pack(reading.micros),
        counter,
        _value(value),
        original,
        q,
    )
    return hashlib.md5(text, usedforsecurity=False).digest()


def _value(value: Value) -> bytes:
    if value is None:
        return b"0"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, str):
        return b"s" + value.encode()
    return b"n" + _double.pack(value + 0.0)  # -0.0 becomes 0.0
