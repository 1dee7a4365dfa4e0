"""What one commit was: told to whoever counts, after PostgreSQL has said yes and Redis was told."""

from collections.abc import Mapping
from dataclasses import dataclass

from processor.quarantine import Reason


@dataclass(frozen=True)
class Committed:
    """One transaction of one shard; it may hold several batches.

    `refused` holds only reasons that occurred. A transaction that had been committed before, and whose answer
    was lost, shows its records and nothing inserted, absorbed or refused.
    """

    shard: str
    records: int
    inserted: int
    absorbed: int  # readings that were there already
    refused: Mapping[Reason, int]
    lag_ms: int  # of the last batch: how far it was behind the tip of the stream
    decode_seconds: float  # from the records' bytes to judged columns, of all its batches
    write_seconds: float  # the transaction, with all waiting for the database
    oldest_arrived: float  # seconds since 1970: when the first of the records reached the stream
    raised: int  # alarms of readings that are not history
    cleared: int
