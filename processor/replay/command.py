"""`python -m processor replay`: everything made from the settings, run once, reported on standard output.

Every transaction moves some rows whole, so a replay that was killed is run again, and goes on.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import errors

from processor import cache
from processor.latest import Latest, newest_of
from processor.names import Names
from processor.pipeline import by_size, judge
from processor.replay.again import judge_again
from processor.replay.request import Quarantined, Request, Streamed
from processor.replay.stream import PastReader
from processor.replay.tables import Tables, fresh
from processor.replay.tally import Tally, quarantine_report, stream_report, unshown
from processor.secret import DatabaseSecret
from processor.service import AWS_CALLS, rules_of, stop_on_signals
from processor.settings import Settings
from processor.source.records import Record, as_many
from processor.storage.database import Database, Stopping
from processor.storage.store import Judged
from processor.validate import Rules

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient


def run(settings: Settings, request: Request) -> int:
    """Exit code 0, or 1 when it was stopped or could not go on: run it again, nothing is taken twice."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    aws = boto3.Session(region_name=settings.region)
    secret = DatabaseSecret(aws.client("secretsmanager", config=AWS_CALLS), settings.database_secret_arn)
    database = Database(secret, settings.database_ca_file, stopping)
    latest = Latest(cache.connect(settings))
    replay = Replay(database, latest, rules_of(settings), request.write)
    try:
        if isinstance(request.source, Quarantined):
            stream = request.source.stream or settings.stream_name
            report = replay.quarantine(stream, request.source)
        else:
            client = aws.client("kinesis", config=AWS_CALLS)
            report = replay.stream(settings.stream_name, request.source, client, stopping)
        for line in report:
            print(line)
        if left := latest.finish(stopping.wait):
            print(unshown(left, latest.away))
    except Stopping:
        return _ended("stopped; what was taken stays taken: run it again to go on")
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction) as error:
        said = str(error).splitlines()[0]
        return _ended(f"the tables are not this release's ({said}): deploy the release, then run it again")
    except (ClientError, BotoCoreError) as error:
        return _ended(f"the stream cannot be read: {error}; run it again when it can")
    finally:
        database.close()
    return 0


def _ended(why: str) -> int:
    print(f"replay: {why}", file=sys.stderr)
    return 1


class Replay:
    """One run. Latest values only go forward, as with the service's own batches."""

    def __init__(self, database: Database, latest: Latest, rules: Rules, write: bool) -> None:
        self._database = database
        self._latest = latest
        self._rules = rules
        self._write = write
        self._names = Names()
        self._tally = Tally()

    def quarantine(self, stream: str, chosen: Quarantined) -> Iterator[str]:
        """Judge these rows again; the report. Raises Stopping."""
        tables = Tables(self._database, stream)
        began, last = tables.now(), None
        while rows := tables.page(chosen, began, last):
            last = rows[-1]
            while rows:
                self._names = fresh(self._names)
                again, count = judge_again(rows, self._names, self._rules)
                self._tally.add_rows(again, (row.reason for row in rows[:count]))
                inserted = (
                    tables.settle(again.judged, again.settled, again.refused)
                    if self._write
                    else tables.count_missing(again.judged)
                )
                self._done(again.judged, inserted)
                rows = rows[count:]
        return quarantine_report(self._tally, stream, self._write)

    def stream(
        self, stream: str, chosen: Streamed, client: "KinesisClient", stopping: threading.Event
    ) -> Iterator[str]:
        """Read again what the service has read since then; the report. Raises Stopping, ClientError."""
        tables = Tables(self._database, stream)
        reader = PastReader(client, stream, stopping.wait)
        positions = tables.positions()
        shards = [shard for shard in reader.shards() if chosen.shard in (None, shard)]
        skipped = [shard for shard in shards if shard not in positions]
        for shard in shards:
            if shard in positions:
                for records in reader.records(shard, chosen.since, positions[shard]):
                    for run in by_size(records):
                        self._take(tables, shard, run)
        yield from stream_report(self._tally, stream, self._write)
        if not shards:
            yield f"the stream lists no shard {chosen.shard}"
        if skipped:
            yield f"not read, since the processor has stored nothing of them yet: {', '.join(skipped)}"

    def _take(self, tables: Tables, shard: str, records: Sequence[Record]) -> None:
        while records:
            self._names = fresh(self._names)
            judged, count = as_many(len(records), partial(self._judge, records))
            self._tally.records += count
            self._tally.refused.update(verdict.reason for verdict in judged.refused)
            refused = [(shard, verdict) for verdict in judged.refused]
            inserted = tables.settle(judged, [], refused) if self._write else tables.count_missing(judged)
            self._done(judged, inserted)
            records = records[count:]

    def _judge(self, records: Sequence[Record], count: int) -> Judged:
        return judge(records[:count], self._names, self._rules, 0)

    def _done(self, judged: Judged, inserted: int) -> None:
        self._tally.add_readings(len(judged.columns), inserted)
        if self._write:
            self._latest.show(newest_of(judged.columns), judged.names)
