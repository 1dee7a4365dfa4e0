"""What was really put on the stream: each reading's identity, each record's place and time."""

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from local.identity import SIZE, identity
from local.reading import Envelope

Identities = NDArray[np.bytes_]


@dataclass
class Shard:
    """The records put on one shard, in the order of their sequence numbers."""

    positions: list[int] = field(default_factory=list)
    readings: list[int] = field(default_factory=list)  # up to and including the record
    put_at: list[float] = field(default_factory=list)


class Ledger:
    """Filled by the producer alone, record by record; others may read its figures at any time.

    28 bytes a reading and some 200 a record, so ten million readings fit a laptop.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.paths: set[str] = set()
        self.first_micros: int | None = None
        self.last_micros: int | None = None
        self._identities = bytearray()
        self._records: list[tuple[str, int]] = []
        self._sizes = array("i")
        self._put_at = array("d")
        self._shards: dict[str, Shard] = {}

    def add(self, envelope: Envelope, shard_id: str, sequence_number: int, put_at: float) -> None:
        """A record that the stream has taken. `put_at`: when it was first tried, epoch seconds."""
        for reading in envelope.readings:
            self._identities += identity(reading)
            self.paths.add(reading.path)
        times = [reading.micros for reading in envelope.readings]
        self.first_micros = min(times) if self.first_micros is None else min(self.first_micros, *times)
        self.last_micros = max(times) if self.last_micros is None else max(self.last_micros, *times)
        self._records.append((shard_id, sequence_number))
        self._sizes.append(len(times))
        self._put_at.append(put_at)
        self._place(self._shards.setdefault(shard_id, Shard()), sequence_number, len(times), put_at)
        self.sent += len(times)

    def _place(self, shard: Shard, position: int, readings: int, put_at: float) -> None:
        if shard.positions and position < shard.positions[-1]:
            # The records of one call may be numbered in another order than they were given.
            index = bisect_right(shard.positions, position)
            shard.put_at.insert(index, put_at)
            shard.readings.insert(index, shard.readings[index - 1] if index else 0)
            for later in range(index, len(shard.readings)):
                shard.readings[later] += readings
            shard.positions.insert(index, position)  # last, as others read meanwhile
            return
        shard.readings.append(readings + (shard.readings[-1] if shard.readings else 0))
        shard.put_at.append(put_at)
        shard.positions.append(position)

    def passed(self, progress: dict[str, int]) -> int:
        """How many readings lie at or before the positions that the processor has committed."""
        return sum(
            shard.readings[index - 1]
            for shard_id, shard in list(self._shards.items())
            if (index := bisect_right(shard.positions, progress.get(shard_id, -1)))
        )

    def waiting_since(self, progress: dict[str, int]) -> float | None:
        """When the oldest record was put that has not been committed; None if there is none."""
        oldest = [
            shard.put_at[index]
            for shard_id, shard in list(self._shards.items())
            if (index := bisect_right(shard.positions, progress.get(shard_id, -1))) < len(shard.put_at)
        ]
        return min(oldest, default=None)

    def identities(self) -> Identities:
        """One a reading, in the order they were put."""
        return np.frombuffer(bytes(self._identities), dtype=f"S{SIZE}")

    def put_times(self) -> NDArray[np.float64]:
        """One a reading, epoch seconds."""
        return np.repeat(np.array(self._put_at, dtype=np.float64), np.array(self._sizes, dtype=np.int64))

    def spans(self) -> dict[tuple[str, int], range]:
        """Where each record's readings stand among the identities, by shard and sequence number."""
        ends = accumulate(self._sizes)
        return {
            record: range(end - size, end)
            for record, size, end in zip(self._records, self._sizes, ends, strict=True)
        }
