"""What takes the place of `seq` in a reading's identity: a hash of its value and quality.

It must come out the same in every process, on every architecture and for ever, or a replay would store
readings twice. So it is defined on integers alone: splitmix64's finalizer (Steele, Lea, Flood: Fast
splittable pseudorandom number generators, 2014) over the bits of the IEEE 754 double, the kind, the class and
the raw code; text enters by its BLAKE2b digest of 8 bytes. The result is negative, so that it never meets a
counter.
"""

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

from processor.columns import Bool, Float64, Int8, Int16, Int64, UInt64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SIGN = np.uint64(1 << 63)


def identity_hash(
    kind: Int8, number: Float64, texts: Mapping[int, str], quality: Int16, status: Int64
) -> Int64:
    """One negative number a row. 0.0 and -0.0 are one value, as they are in PostgreSQL.

    texts: row → the text that is its value, or what was sent where that could not be stored (NaN, an integer
    too long for a double).
    """
    bits = np.where(np.isnan(number), 0.0, number + 0.0).view(np.uint64)
    for row, text in texts.items():
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        bits[row] = int.from_bytes(digest, "little")
    state = _mixed(bits + _GOLDEN * (kind.astype(np.uint64) + np.uint64(1)))
    state = _mixed(state ^ quality.astype(np.uint64))
    state = _mixed(state ^ (status + 1).view(np.uint64))
    hashed: Int64 = (state | _SIGN).view(np.int64)
    return hashed


def _mixed(state: UInt64) -> UInt64:
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    mixed: UInt64 = state ^ (state >> np.uint64(31))
    return mixed


def without_counter(given: list[int | None]) -> Bool:
    """Which rows have no `seq`."""
    return np.fromiter((seq is None for seq in given), np.bool_, len(given))
