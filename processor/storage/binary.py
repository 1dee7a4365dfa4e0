"""Columns in PostgreSQL's binary formats, packed by numpy: rows for COPY, arrays as parameters.

Sources: PostgreSQL's documentation of COPY (Binary Format) and array_send/array_recv in its arrayfuncs.c.
All numbers are big-endian; a timestamp is microseconds since 2000-01-01; NULL is a length of -1.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from processor.columns import Int64

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
COPY_TRAILER = b"\xff\xff"
POSTGRES_EPOCH = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
EPOCH_DAY = 10_957  # 2000-01-01 in days since 1970


def timestamps(ts: Int64) -> Int64:
    """Microseconds since 1970 as PostgreSQL counts them."""
    return ts - POSTGRES_EPOCH


def pack_rows(columns: list[tuple[str, NDArray[Any]]]) -> memoryview:
    """Rows of NOT NULL fields for COPY, without header and trailer; each column with its numpy wire type."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for place, (wire, _) in enumerate(columns):
        layout += [(f"size{place}", ">i4"), (f"field{place}", wire)]
    row = np.zeros(1, np.dtype(layout))
    row["fields"] = len(columns)
    for place, (wire, _) in enumerate(columns):
        row[f"size{place}"] = np.dtype(wire).itemsize
    rows = np.repeat(row.view(f"V{row.itemsize}"), len(columns[0][1])).view(row.dtype)
    for place, (_, column) in enumerate(columns):
        rows[f"field{place}"] = column
    return rows.view(np.uint8).data


class Array:
    """A one-dimensional parameter without NULLs, packed as array_recv reads it; the subclass has the type."""

    wire: ClassVar[str]
    element: ClassVar[int]  # the element type's oid in pg_type.dat
    array: ClassVar[int]

    def __init__(self, values: NDArray[Any]) -> None:
        header = np.array([1, 0, self.element, len(values), 1], ">i4")
        cells = np.empty(len(values), np.dtype([("size", ">i4"), ("cell", self.wire)]))
        cells["size"] = np.dtype(self.wire).itemsize
        cells["cell"] = values
        self.packed = header.tobytes() + cells.tobytes()


class Smallints(Array):
    """smallint[]"""

    wire, element, array = ">i2", 21, 1005


class Integers(Array):
    """integer[]"""

    wire, element, array = ">i4", 23, 1007


class Bigints(Array):
    """bigint[]"""

    wire, element, array = ">i8", 20, 1016


class Doubles(Array):
    """double precision[]"""

    wire, element, array = ">f8", 701, 1022


class Timestamps(Array):
    """timestamptz[], from microseconds since 1970"""

    wire, element, array = ">i8", 1184, 1185

    def __init__(self, values: Int64) -> None:
        super().__init__(timestamps(values))


class Dates(Array):
    """date[], from days since 1970"""

    wire, element, array = ">i4", 1082, 1182

    def __init__(self, values: Int64) -> None:
        super().__init__(values - EPOCH_DAY)


def register_arrays(connection: Connection[Any]) -> None:
    """Teach a connection to send these arrays."""
    for kind in (Smallints, Integers, Bigints, Doubles, Timestamps, Dates):
        connection.adapters.register_dumper(kind, _dumper(kind))


def _dumper(kind: type[Array]) -> type[Dumper]:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = kind.array

        def dump(self, obj: Array) -> Buffer:
            return obj.packed

    return ArrayDumper


def unpack_bigints(cell: bytes) -> Int64:
    """A bigint[] without NULLs as array_send writes it."""
    if int.from_bytes(cell[:4], "big") == 0:  # no dimension: empty
        return np.empty(0, np.int64)
    cells = np.frombuffer(cell, np.dtype([("size", ">i4"), ("cell", ">i8")]), offset=20)
    return cells["cell"].astype(np.int64)
