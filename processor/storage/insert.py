"""Putting readings into the table: as if none were there, and if one was, only those that were not."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, errors
from psycopg.abc import Buffer

from processor.columns import MICROSECONDS_A_DAY, Bool, Kind
from processor.quality import NO_STATUS
from processor.queries import load_queries
from processor.storage.binary import (
    COPY_HEADER,
    COPY_TRAILER,
    POSTGRES_EPOCH,
    Bigints,
    Doubles,
    Integers,
    Smallints,
    Timestamps,
    pack_rows,
    timestamps,
    unpack_bigints,
)
from processor.storage.rows import Rows

_QUERIES = load_queries()
_COMMON = ("point", "ts", "seq", "quality", "ingested_at")
_VALUE = {Kind.NUMBER: ("number", ">f8"), Kind.FLAG: ("flag", ">i1"), Kind.NOTHING: None}
_MANY_DAYS = 16  # COPY keeps buffers for 32 partitions; beyond, rows are better grouped by day


class Block(NamedTuple):
    """Rows that need the same columns, packed for COPY."""

    columns: tuple[str, ...]
    rows: Buffer


def pack_blocks(rows: Rows, now_us: int) -> list[Block]:
    """All the rows. now_us: their ingested_at, in microseconds since 1970."""
    return list(_blocks(_grouped_by_day(rows), now_us))


def copy_blocks(connection: Connection[Any], blocks: Sequence[Block]) -> bool:
    """COPY into the keyed table within a savepoint. False, and nothing written, when one row stood there."""
    try:
        with connection.transaction(), connection.cursor() as cursor:
            for names, block in blocks:
                statement = f"COPY reading ({', '.join(names)}) FROM STDIN (FORMAT binary)"
                with cursor.copy(statement.encode()) as copy:
                    copy.write(COPY_HEADER)
                    copy.write(block)
                    copy.write(COPY_TRAILER)
    except errors.UniqueViolation:
        return False
    return True


def insert_missing(connection: Connection[Any], rows: Rows) -> Bool:
    """Insert those that are not there yet; which they were."""
    columns = rows.columns
    given = {
        "point": Integers(rows.point),
        "ts": Timestamps(columns.ts),
        "seq": Bigints(columns.seq),
        "number": Doubles(columns.number),
        "quality": Smallints(columns.quality),
        "kind": Smallints(columns.kind),
        "status": Bigints(columns.status),
        "text": [None] * len(rows) if columns.text is None else columns.text.tolist(),
        "extra": [None] * len(rows)
        if columns.extra is None
        else [extra and extra.decode() for extra in columns.extra],
    }
    inserted: Bool = np.zeros(len(rows), np.bool_)
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_QUERIES["insert_readings"], given)
        cell = cursor.pgresult.get_value(0, 0) if cursor.pgresult else None
    inserted[unpack_bigints(cell or bytes(4)) - 1] = True
    return inserted


def _grouped_by_day(rows: Rows) -> Rows:
    days = rows.columns.ts // MICROSECONDS_A_DAY
    if len(days) == 0 or int(days.max() - days.min()) < _MANY_DAYS:
        return rows
    return rows.take(np.argsort(days, kind="stable"))


def _blocks(rows: Rows, now_us: int) -> Iterator[Block]:
    columns = rows.columns
    odd = columns.status != NO_STATUS
    if columns.extra is not None:
        odd |= np.array([extra is not None for extra in columns.extra], np.bool_)
    if columns.text is not None:
        odd |= columns.kind == Kind.TEXT
    for kind, value in _VALUE.items():
        chosen = (columns.kind == kind) & ~odd
        if chosen.all():
            yield _fixed(rows, value, now_us)
            return
        if chosen.any():
            yield _fixed(rows.take(chosen), value, now_us)
    if odd.any():
        yield _varied(rows.take(odd), now_us)


def _fixed(rows: Rows, value: tuple[str, str] | None, now_us: int) -> Block:
    columns = rows.columns
    fields: list[tuple[str, NDArray[Any]]] = [
        (">i4", rows.point),
        (">i8", timestamps(columns.ts)),
        (">i8", columns.seq),
        (">i2", columns.quality),
        (">i8", np.full(len(rows), now_us - POSTGRES_EPOCH)),
    ]
    if value is None:
        return Block(_COMMON, pack_rows(fields))
    name, wire = value
    return Block((*_COMMON, name), pack_rows([*fields, (wire, columns.number)]))


_NULL = struct.pack(">i", -1)


def _varied(rows: Rows, now_us: int) -> Block:
    """Rows with text, a raw quality code or extra fields: packed one by one, for they are few."""
    columns = rows.columns
    block = bytearray()
    texts = [None] * len(rows) if columns.text is None else columns.text
    extras = [None] * len(rows) if columns.extra is None else columns.extra
    for row in range(len(rows)):
        ts = int(columns.ts[row]) - POSTGRES_EPOCH
        head = (10, 4, rows.point[row], 8, ts, 8, columns.seq[row], 2, columns.quality[row], 8)
        block += struct.pack(">hiiiqiqihiq", *head, now_us - POSTGRES_EPOCH)
        kind, number = columns.kind[row], columns.number[row]
        block += struct.pack(">id", 8, number) if kind == Kind.NUMBER else _NULL
        block += struct.pack(">ib", 1, int(number)) if kind == Kind.FLAG else _NULL
        text, extra = texts[row], extras[row]
        block += _sized(None if text is None else text.encode())
        status = int(columns.status[row])
        block += struct.pack(">iq", 8, status) if status != NO_STATUS else _NULL
        block += _sized(None if extra is None else b"\x01" + extra)  # jsonb, version 1
    return Block((*_COMMON, "number", "flag", "text", "status", "extra"), block)


def _sized(field: bytes | None) -> bytes:
    return _NULL if field is None else struct.pack(">i", len(field)) + field
