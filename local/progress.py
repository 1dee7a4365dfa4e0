"""How far the processor is, second by second: from its committed positions and what was put."""

from collections import deque
from dataclasses import dataclass

import psycopg

from local.ledger import Ledger

POSITIONS = """
SELECT shard, sequence_number::text FROM millrace.shard_progress
WHERE stream = %(stream)s AND sequence_number IS NOT NULL"""
TAKEN = """
SELECT count(*) FROM millrace.shard_progress
WHERE stream = %(stream)s AND updated_at >= to_timestamp(%(since)s)"""
LEAST_SECONDS = 0.5  # a rate over less would be a figure of speech
WINDOW_SECONDS = 5.0  # a rate over less jumps from line to line


@dataclass(frozen=True)
class Progress:
    """One look. `passed` readings are committed: stored, absorbed or quarantined."""

    at: float  # seconds since streaming began
    sent: int
    passed: int
    lag_seconds: float  # age of the oldest reading that is not committed
    sent_rate: float  # a second, over the last few
    passed_rate: float

    @property
    def drained(self) -> bool:
        return self.passed >= self.sent


class Watch:
    """Looks at the ledger and at PostgreSQL, and remembers enough to tell rates."""

    def __init__(self, ledger: Ledger, stream: str) -> None:
        self._ledger = ledger
        self._stream = stream
        self._seen: deque[tuple[float, int, int]] = deque([(0.0, 0, 0)])
        self.last_moved = 0.0  # when `passed` last grew

    def look(self, connection: psycopg.Connection, at: float, now: float) -> Progress:
        """`at`: seconds since streaming began; `now`: epoch seconds, as the ledger's put times."""
        # The positions first: what is put meanwhile is then not yet passed, never the other way round.
        rows = connection.execute(POSITIONS, {"stream": self._stream}).fetchall()
        positions = {shard: int(position) for shard, position in rows}
        sent, passed = self._ledger.sent, self._ledger.passed(positions)
        if passed > self._seen[-1][2]:
            self.last_moved = at
        self._seen.append((at, sent, passed))
        while self._seen[0][0] < at - WINDOW_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        began, sent_then, passed_then = self._seen[0]
        span = max(at - began, LEAST_SECONDS)
        since = self._ledger.waiting_since(positions)
        return Progress(
            at=at,
            sent=sent,
            passed=passed,
            lag_seconds=0.0 if since is None else max(0.0, now - since),
            sent_rate=(sent - sent_then) / span,
            passed_rate=(passed - passed_then) / span,
        )


def taken(connection: psycopg.Connection, stream: str, since: float) -> bool:
    """Whether the processor has made its tables and taken a shard since then (epoch seconds)."""
    try:
        row = connection.execute(TAKEN, {"stream": stream, "since": since}).fetchone()
    except psycopg.errors.UndefinedTable:
        return False
    return bool(row and row[0])
