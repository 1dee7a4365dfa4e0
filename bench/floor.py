"""The floor under any path into this table: one binary COPY of rows that were packed beforehand."""

import time
from collections.abc import Sequence

import numpy as np

from bench.feed import QUALITY, Feed
from bench.measure import Way
from bench.servers import Servers, open_plainly
from processor.storage.binary import COPY_HEADER, COPY_TRAILER, POSTGRES_EPOCH, pack_rows

_COPY = b"COPY reading (point, ts, seq, quality, ingested_at, number) FROM STDIN (FORMAT binary)"


class Floor:
    """COPY in one transaction. No decoding, no rollups, no progress, no cache, one commit."""

    def __init__(self, servers: Servers, feed: Feed, ids: Sequence[int]) -> None:
        self._servers = servers
        self._rows = len(feed)
        self._bytes = COPY_HEADER + bytes(_packed(feed, ids)) + COPY_TRAILER

    def way(self) -> Way:
        """One run: every row."""
        return Way("binary COPY", self._run, self._before, self._after, self._rows)

    def _before(self) -> None:
        self._servers.renew()
        self._connection = open_plainly(self._servers.credentials)

    def _run(self) -> None:
        with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(self._bytes)
        self._connection.commit()

    def _after(self) -> None:
        self._connection.close()
        self._servers.check("SELECT count(*) FROM millrace.reading", self._rows)


def _packed(feed: Feed, ids: Sequence[int]) -> memoryview:
    # In the order of the key, the best that one COPY can be given: each page of the index is visited once.
    order = np.lexsort((feed.seq, feed.ts, feed.point))
    rows = len(feed)
    return pack_rows(
        [
            (">i4", np.array(ids, np.int32)[feed.point[order]]),
            (">i8", feed.ts[order] * 1000 - POSTGRES_EPOCH),
            (">i8", feed.seq[order]),
            (">i2", np.full(rows, QUALITY, np.int16)),
            (">i8", np.full(rows, time.time_ns() // 1000 - POSTGRES_EPOCH)),
            (">f8", feed.value[order]),
        ]
    )
