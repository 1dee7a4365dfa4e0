"""Readings as columns: what one batch becomes once it is decoded and judged."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Int16 = NDArray[np.int16]
Int8 = NDArray[np.int8]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Objects = NDArray[np.object_]
UInt64 = NDArray[np.uint64]

MICROSECONDS_A_DAY = 86_400_000_000


class Kind(IntEnum):
    """Which column a value goes to; the numbers are part of the identity hash: never change them."""

    NUMBER = 0
    FLAG = 1
    TEXT = 2
    NOTHING = 3


@dataclass(frozen=True)
class Columns:
    """Readings, one row each, all columns of one length."""

    slot: Int32  # in Names
    record: Int64  # the place, by arrival, of the record that brought it; ascending
    ts: Int64  # microseconds since 1970, UTC
    seq: Int64  # the device's counter (≥ 0), or the hash of value and quality (< 0)
    quality: Int16  # 192, 64, 0
    status: Int64  # raw code where it says more than the class, else -1
    kind: Int8
    number: Float64  # a flag is 0 or 1; NaN where there is no number
    hist: Bool
    text: Objects | None  # str where kind is TEXT; None when no row of the batch has one
    extra: Objects | None  # JSON bytes or None

    def __len__(self) -> int:
        return len(self.slot)

    def take(self, rows: Int64 | Bool) -> Self:
        """These rows, in this order."""
        taken: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            taken[field.name] = None if column is None else column[rows]
        return type(self)(**taken)

    def days(self) -> Int64:
        """The distinct UTC days, as days since 1970."""
        days: Int64 = self.ts // MICROSECONDS_A_DAY
        return days[:1] if len(days) and days.min() == days.max() else np.unique(days)


def joined(parts: Sequence[Columns]) -> Columns:
    """All rows, in their order. At least one part; slots of one Names."""
    columns: dict[str, Any] = {}
    for field in fields(Columns):
        pieces = [getattr(part, field.name) for part in parts]
        if all(piece is None for piece in pieces):
            columns[field.name] = None
            continue
        for place, part in enumerate(parts):
            if pieces[place] is None:
                pieces[place] = np.full(len(part), None, np.object_)
        columns[field.name] = np.concatenate(pieces)
    return Columns(**columns)
