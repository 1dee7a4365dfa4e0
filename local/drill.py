"""A bad day, drilled: a database restored to an earlier point while readings flow, then an outage too long.

The same steps on AWS are in docs/restoring.md. The drill has readings of its own, beside those of the run.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

from local.arguments import Options
from local.audit import Audit
from local.errors import LocalError
from local.postgres import DATABASE, MASTER
from local.processor import Processor
from local.screen import Screen
from local.servers import Servers
from local.streaming import Streaming

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

FLOW_SECONDS = 15.0
BACKUP_SECONDS = 2.0  # after the beginning; it takes the database's place once more is stored than it holds
COUNT = 200  # readings before and after the outage
WAIT_SECONDS = 60.0
DEVICE = "acme/lon1/drill/line1/cell1"
GAP_LINE = "the stream no longer holds what came after the position"  # docs/log.md
OUTAGE_HOURS = 25  # the environment's stream keeps a day

ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
STORED = """
SELECT count(*) FROM millrace.reading AS r JOIN millrace.point AS p ON p.id = r.point
WHERE p.area = 'drill' AND p.metric = %s"""
AGE = """
UPDATE millrace.shard_progress
SET arrived_at = arrived_at - make_interval(hours => %(by)s),
    seen_at = seen_at - make_interval(hours => %(by)s)"""
GAPS = """
SELECT shard, from_at, to_at, reason FROM millrace.stream_gap WHERE stream = %s AND found_at >= %s
ORDER BY shard"""


class WentWrong(LocalError):
    """the drill did not go as it must: {why}"""

    exit_code = 1


@dataclass(frozen=True)
class Gap:
    """A row of stream_gap."""

    shard: str
    from_at: datetime
    to_at: datetime
    reason: str


@dataclass(frozen=True)
class Drill:
    """How it went. `back`: readings that the restore took away, and that were read again."""

    back: int
    audit: Audit
    gaps: tuple[Gap, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        audit = self.audit
        yield (
            f"drill        restored under load: {self.back:,} stored readings went back with the database; "
            f"of {audit.sent:,} sent {audit.lost} lost, {audit.duplicated} duplicated"
        )
        yield f"an outage of {OUTAGE_HOURS} h: {COUNT} readings expired unread, {COUNT} after them are stored"
        for gap in self.gaps:
            yield (
                f"  stream_gap {gap.shard}: {gap.reason}, from {gap.from_at:%Y-%m-%d %H:%M:%S} "
                f"to {gap.to_at:%Y-%m-%d %H:%M:%S} UTC"
            )


class Restoring:
    """Takes the processor's place where it is watched; while the plant goes on, the database goes back."""

    def __init__(self, processor: Processor, below: Servers) -> None:
        self._processor = processor
        self._below = below
        self._began = time.monotonic()
        self._backed_up: int | None = None
        self.back: int | None = None

    @property
    def restarts(self) -> int:
        return self._processor.restarts

    def commit_age(self) -> float | None:
        return self._processor.commit_age()

    def watch(self) -> None:
        self._processor.watch()
        passed = time.monotonic() - self._began
        if self._backed_up is None:
            if passed >= BACKUP_SECONDS:
                self._back_up()
        elif self.back is None and self._rows() > self._backed_up:
            self._restore(self._backed_up)

    def _back_up(self) -> None:
        self._processor.stop()
        self._backed_up = self._rows()
        self._as_operator(f"CREATE DATABASE {DATABASE}_backup TEMPLATE {DATABASE} OWNER {MASTER}")
        self._processor.start()

    def _restore(self, backed_up: int) -> None:
        self._processor.stop()
        self.back = self._rows() - backed_up
        self._as_operator(
            f"ALTER DATABASE {DATABASE} RENAME TO {DATABASE}_lost",
            f"ALTER DATABASE {DATABASE}_backup RENAME TO {DATABASE}",
            f"DROP DATABASE {DATABASE}_lost",
        )
        self._processor.start()

    def _rows(self) -> int:
        with self._below.database() as connection:
            row = connection.execute("SELECT count(*) FROM millrace.reading").fetchone()
        return row[0] if row else 0

    def _as_operator(self, *statements: LiteralString) -> None:
        with self._below.postgres.connect() as operator:
            operator.execute(ALONE, [DATABASE])
            for statement in statements:
                operator.execute(statement)


def drill(
    processor: Processor,
    below: Servers,
    stream: str,
    client: "KinesisClient",
    *,
    options: Options,
    log: Path,
    screen: Screen,
) -> Drill:
    """Restore under load, then an outage longer than the stream's retention. Raises WentWrong.

    log: the processor's. On AWS time passes; here the stream's records and what is known of them get older.
    """
    restoring = Restoring(processor, below)
    of_its_own = replace(options, seconds=FLOW_SECONDS, replay=None)
    with closing(Streaming(below, stream, of_its_own, None)) as streaming:
        streaming.flow(client, restoring, screen)
        audit = streaming.audit()
    if not restoring.back:
        raise WentWrong(
            why="nothing was stored between the backup and the plant's end, "
            f"{FLOW_SECONDS:.0f} s after it began: run it again on a machine with less to do"
        )
    if not audit.clean:
        raise WentWrong(why=f"{audit.lost} readings lost and {audit.duplicated} duplicated by a restore")
    return Drill(restoring.back, audit, _outage(processor, below, stream, client, log))


def _outage(
    processor: Processor, below: Servers, stream: str, client: "KinesisClient", log: Path
) -> tuple[Gap, ...]:
    processor.stop()
    told = _told(log)
    _put(client, stream, "expired")
    below.aws.age(stream, OUTAGE_HOURS * 3600.0)
    _put(client, stream, "kept")
    with below.database() as connection:
        connection.execute(AGE, {"by": OUTAGE_HOURS})
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        processor.start()
        end = time.monotonic() + WAIT_SECONDS
        while connection.execute(STORED, ["kept"]).fetchone() != (COUNT,):
            if time.monotonic() > end:
                raise WentWrong(why=f"not stored within {WAIT_SECONDS:.0f} s of the outage's end")
            time.sleep(0.1)
        found = connection.execute(GAPS, [stream, row and row[0]]).fetchall()
        if connection.execute(STORED, ["expired"]).fetchone() != (0,):
            raise WentWrong(why="what had expired is stored")
    if not found or _told(log) - told != len(found):
        raise WentWrong(why=f"{len(found)} rows in stream_gap, {_told(log) - told} lines in {log}")
    return tuple(Gap(*row) for row in found)


def _put(client: "KinesisClient", stream: str, metric: str) -> None:
    now = time.time_ns() // 1_000_000
    for place in range(COUNT):
        device = f"m{place % 8}"
        reading = {"path": f"{DEVICE}/{device}/{metric}", "ts": now + place, "value": place}
        client.put_record(StreamName=stream, Data=json.dumps(reading).encode(), PartitionKey=device)


def _told(log: Path) -> int:
    """How many gaps the processor has said."""
    return log.read_text(errors="replace").count(GAP_LINE) if log.exists() else 0
