"""How many days one record may touch.

Each day is a partition, which takes two locks of the transaction that writes into it, and PostgreSQL's lock
table holds 64 a connection, for all of them together
(https://www.postgresql.org/docs/18/runtime-config-locks.html). A batch is divided, and a record never: all of
it is stored in one transaction. One that the Kinesis Producer Library has put together may hold history of
thousands of days; tried for ever, it would keep its shard from being read.
"""

from collections.abc import Callable

import numpy as np

from processor.columns import MICROSECONDS_A_DAY, Bool, Int64
from processor.wire.document import MOST_READINGS

DAYS_A_RECORD = MOST_READINGS  # so an envelope, packed or not, is never affected
SURPLUS = (
    f"the record holds readings of more than {DAYS_A_RECORD} days, and this one is of none of the latest "
    f"{DAYS_A_RECORD}; replay takes it"
)
_NONE: Int64 = np.zeros(0, np.int64)


def surplus(ts: Int64, bad: Bool, records: Callable[[], Int64]) -> Int64:
    """The rows that are of none of their record's latest days; live readings are, so it is history that goes.

    ts, bad: each row's time in microseconds since 1970, and whether it is refused already; `records` gives
    its record's number. The verdict on a record is the same whatever it is read with.
    """
    good = np.flatnonzero(~bad) if _far_apart(ts) else _NONE
    if not _far_apart(ts[good]):
        return _NONE
    days, record = ts[good] // MICROSECONDS_A_DAY, records()[good]
    found = [_NONE]
    for one in np.flatnonzero(np.bincount(record) > DAYS_A_RECORD):
        rows = np.flatnonzero(record == one)
        kept = np.unique(days[rows])[-DAYS_A_RECORD:]
        found.append(good[rows[days[rows] < kept[0]]])
    return np.concatenate(found)


def _far_apart(ts: Int64) -> bool:
    """Whether there may be more days than a record may have; it costs next to nothing."""
    return len(ts) > DAYS_A_RECORD and int(ts.max() - ts.min()) >= DAYS_A_RECORD * MICROSECONDS_A_DAY
