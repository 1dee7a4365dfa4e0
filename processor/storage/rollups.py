"""Adding rollups to what stands."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from psycopg import Connection

from processor.queries import load_queries
from processor.rollup import Rollup, Rollups
from processor.storage.binary import Bigints, Doubles, Integers, Timestamps

_QUERIES = load_queries()


class Addition(NamedTuple):
    """Rollups of one width, packed: the statement that adds them, and its parameters."""

    statement: bytes
    given: Mapping[str, object]


def pack_rollups(rollups: Rollups) -> list[Addition]:
    """Nothing where there are none."""
    tables = ((b"rollup_1m", rollups.minutes), (b"rollup_1h", rollups.hours))
    return [
        Addition(_QUERIES["add_rollups"].replace(b"{table}", table), _given(rollup))
        for table, rollup in tables
        if len(rollup.n)
    ]


def add_rollups(connection: Connection[Any], packed: list[Addition]) -> None:
    """Of rows that were really inserted, in the same transaction."""
    for statement, given in packed:
        connection.execute(statement, given)


def _given(rollup: Rollup) -> dict[str, object]:
    return {
        "point": Integers(rollup.point),
        "bucket": Timestamps(rollup.bucket),
        "n": Bigints(rollup.n),
        "n_bad": Bigints(rollup.n_bad),
        "sum": Doubles(rollup.sum),
        "sumsq": Doubles(rollup.sumsq),
        "min": Doubles(rollup.min),
        "max": Doubles(rollup.max),
        "first": Doubles(rollup.first),
        "last": Doubles(rollup.last),
        "first_at": Timestamps(rollup.first_at),
        "last_at": Timestamps(rollup.last_at),
    }
