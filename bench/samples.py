"""How most programs for this task do it: json, rows as tuples, one value a point in Redis.

They validate nothing and know each point's number beforehand, which is in their favour; their tables have no
rollups and no progress either.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.feed import MOST_RECORDS, Feed
from bench.measure import Way
from bench.servers import Servers, open_plainly

_INSERT = (
    b"INSERT INTO reading (point, ts, seq, number, quality, ingested_at) VALUES (%s, %s, %s, %s, %s, now())"
)


class Sample:
    """One reading a record, stored in `stride`s: a commit for each stride."""

    def __init__(self, servers: Servers, feed: Feed, ids: Mapping[str, int]) -> None:
        self._servers = servers
        self._bodies = [record.data for record in feed.single()]
        self._ids = ids

    def commit_each(self) -> Way:
        """For each reading execute, commit, SET."""
        return self._way("execute + commit each", self._commit_each)

    def executemany(self) -> Way:
        """For each 10,000 readings executemany, commit, and one pipeline of SETs."""
        return self._way("executemany + pipeline", self._executemany)

    def _way(self, name: str, run: Any) -> Way:
        return Way(name, run, self._before, self._after, len(self._bodies))

    def _before(self) -> None:
        self._servers.renew()
        self._connection = open_plainly(self._servers.credentials)
        self._cache = self._servers.cache()
        self._cache.ping()

    def _after(self) -> None:
        self._connection.close()
        self._cache.close()
        self._servers.check("SELECT count(*) FROM millrace.reading", len(self._bodies))

    def _commit_each(self) -> None:
        for body in self._bodies:
            reading = json.loads(body)
            self._connection.execute(_INSERT, self._row(reading))
            self._connection.commit()
            self._cache.set(reading["path"], _shown(reading))

    def _executemany(self) -> None:
        for start in range(0, len(self._bodies), MOST_RECORDS):
            readings = [json.loads(body) for body in self._bodies[start : start + MOST_RECORDS]]
            with self._connection.cursor() as cursor:
                cursor.executemany(_INSERT, [self._row(reading) for reading in readings])
            self._connection.commit()
            with self._cache.pipeline(transaction=False) as pipeline:
                for reading in readings:
                    pipeline.set(reading["path"], _shown(reading))
                pipeline.execute()

    def _row(self, reading: Mapping[str, Any]) -> Sequence[object]:
        ts = datetime.fromtimestamp(reading["ts"] / 1000, UTC)
        return self._ids[reading["path"]], ts, reading["seq"], reading["value"], reading["q"]


def _shown(reading: Mapping[str, Any]) -> str:
    return json.dumps({name: reading[name] for name in ("ts", "value", "q", "unit")})
