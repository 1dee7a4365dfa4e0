"""What was taken from the stream and waits for its commit; several of one shard become one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from processor.columns import Columns, joined
from processor.storage.store import Judged, Lease


@dataclass(frozen=True)
class Taken:
    """Judged records of one shard."""

    lease: Lease
    judged: Judged
    records: int
    decode_seconds: float

    def goes_with(self, other: "Taken") -> bool:
        """Whether both may share a transaction: one owner, and one meaning of the columns' slots."""
        return self.lease is other.lease and self.judged.names is other.judged.names


def merged(parts: Sequence[Taken]) -> Taken:
    """All in one, in their order; the last one's position stands for all. Each goes with the first."""
    if len(parts) == 1:
        return parts[0]
    last = parts[-1]
    judged = replace(
        last.judged,
        columns=joined(list(_placed(parts))),
        arrivals=np.concatenate([part.judged.arrivals for part in parts]),
        refused=[refused for part in parts for refused in part.judged.refused],
        size=sum(part.judged.size for part in parts),
        oldest_arrived=min(part.judged.oldest_arrived for part in parts),
    )
    return Taken(
        lease=last.lease,
        judged=judged,
        records=sum(part.records for part in parts),
        decode_seconds=sum(part.decode_seconds for part in parts),
    )


def _placed(parts: Sequence[Taken]) -> Iterator[Columns]:
    """The columns of each, with the places of its records behind those of the parts before."""
    before = 0
    for part in parts:
        columns = part.judged.columns
        yield replace(columns, record=columns.record + before)
        before += len(part.judged.arrivals)
