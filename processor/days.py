"""How many days one record may touch.

Each day is a partition, which takes two locks of the transaction that writes into it, and PostgreSQL's lock
table holds 64 a connection, for all of them together
(https://www.postgresql.org/docs/18/runtime-config-locks.html). A batch is divided, and a record never: all of
it is stored in one transaction. One that the Kinesis Producer Library has put together may hold history of
thousands of days; tried for ever, it would keep its shard from being read.
"""

from collections.abc import Sequence

import numpy as np

from processor.columns import MICROSECONDS_A_DAY, Bool, Int64
from processor.wire.document import MOST_READINGS

MOST_DAYS = MOST_READINGS  # so an envelope, packed or not, is never affected
SURPLUS = (
    f"the record holds readings of more than {MOST_DAYS} days, and this one is of none of the latest "
    f"{MOST_DAYS}; replay takes it"
)


def may_be_surplus(ts: Int64) -> bool:
    """Whether times (microseconds since 1970) may be of more days than one record may have."""
    return len(ts) > MOST_DAYS and int(ts.max() - ts.min()) >= MOST_DAYS * MICROSECONDS_A_DAY


def surplus(ts: Int64, bad: Bool, numbers: Sequence[str]) -> Bool:
    """Which rows are of none of their record's latest days; live readings are, so it is history that goes.

    ts, bad, numbers: each row's time, whether it is refused already, and its record's sequence number. The
    verdict on a record is the same whatever it is read with.
    """
    found: Bool = np.zeros(len(ts), np.bool_)
    days = ts // MICROSECONDS_A_DAY
    places: dict[str, int] = {}
    record = np.fromiter((places.setdefault(one, len(places)) for one in numbers), np.int64, len(ts))
    pairs = np.unique(np.column_stack((record, days))[~bad], axis=0)
    for one, count in zip(*np.unique(pairs[:, 0], return_counts=True), strict=True):
        if count > MOST_DAYS:
            kept = pairs[pairs[:, 0] == one][-MOST_DAYS:, 1]
            found |= ~bad & (record == one) & (days < kept[0])
    return found
