"""The rows that tell of gaps, each in the transaction of whatever is stored next."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from processor.queries import load_queries
from processor.source.position import Gap, Loss

_QUERIES = load_queries()


def tell_gap(connection: Connection[Any], key: Mapping[str, Any], gap: Gap, *, alone: bool) -> None:
    """Write a gap within the caller's transaction and before its fence; once, however often it is tried.

    key: stream, shard, epoch. alone: no record follows in this transaction, so it is noted that the record at
    the position is gone.
    """
    span = {"after": gap.after, "from_at": gap.from_at, "before": gap.before, "to_at": gap.to_at}
    connection.execute(_QUERIES["add_gap"], {**key, **span, "reason": gap.reason.value})
    remade = gap.reason is Loss.REMADE
    if alone or remade:
        connection.execute(_QUERIES["leave_position"], {**key, "remade": remade})
