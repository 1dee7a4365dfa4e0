"""Adding rollups to what stands."""

from typing import Any

from psycopg import Connection

from processor.queries import load_queries
from processor.rollup import Rollup, Rollups
from processor.storage.binary import Bigints, Doubles, Integers, Timestamps

_QUERIES = load_queries()
_STATEMENT = {
    table: _QUERIES["add_rollups"].replace(b"{table}", table.encode()) for table in ("rollup_1m", "rollup_1h")
}


def add_rollups(connection: Connection[Any], rollups: Rollups) -> None:
    """Of rows that were really inserted, in the same transaction."""
    for table, rollup in (("rollup_1m", rollups.minutes), ("rollup_1h", rollups.hours)):
        if len(rollup.n):
            connection.execute(_STATEMENT[table], _given(rollup))


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
