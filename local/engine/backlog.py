"""Gigabytes that wait in the stream, worked off by one worker: does it stay within its memory?"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.engine import account, witness
from local.engine.fleet import Fleet, make_table, python, session
from local.engine.home import Home
from local.engine.measure import Heard
from local.engine.times import OURS

SHARDS = 4
RECORD_BYTES = 50_000  # so that each answer is as large as Kinesis makes it, 10 MiB
AT_ONCE = 100  # records of one PutRecords: 5 MB are allowed
MOST_SECONDS = 3600.0
MIB = 1024 * 1024


@dataclass(frozen=True)
class Backlog:
    """What became of it. most_mib: the JVM and its children, the highest that was seen."""

    gigabytes: float
    seconds: float
    most_mib: int


def work_off(home: Home, directory: Path, gigabytes: float, say: Callable[[str], None]) -> Backlog:
    """Fill, start one worker, wait. Raises NotReached, as when the worker ends for want of memory."""
    records = round(gigabytes * 1e9 / RECORD_BYTES)
    with account.opened(directory) as aws:
        kinesis: Any = session(aws).client("kinesis", endpoint_url=aws.endpoint_url)
        kinesis.create_stream(StreamName="backlog", ShardCount=SHARDS)
        data = os.urandom(RECORD_BYTES)
        for start in range(0, records, AT_ONCE):
            batch = [
                {"Data": data, "PartitionKey": f"m{number}"}
                for number in range(start, min(start + AT_ONCE, records))
            ]
            kinesis.put_records(StreamName="backlog", Records=batch)
        say(f"{records} records of {RECORD_BYTES} bytes wait in {SHARDS} shards")
        kinesis.close()
        make_table(aws, "backlog")
        file = directory / "backlog.heard"
        file.touch()
        fleet = Fleet(
            home,
            aws,
            directory,
            stream="backlog",
            application="backlog",
            child=python("local.engine.witness"),
            times=OURS,
            environment={witness.FILE: str(file)},
        )
        try:
            return _watched(fleet, Heard(file), records, gigabytes)
        finally:
            fleet.end()


def _watched(fleet: Fleet, heard: Heard, records: int, gigabytes: float) -> Backlog:
    worker, began, most = fleet.start(), time.monotonic(), 0

    def done() -> bool:
        nonlocal most
        most = max(most, worker.memory())
        heard.look()
        return len(heard.sequence) >= records

    fleet.until(done, MOST_SECONDS, "the end of the backlog")
    return Backlog(gigabytes, time.monotonic() - began, most // MIB)
