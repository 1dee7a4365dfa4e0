"""A process of its own that carries a backlog, and says what that took: `python -m bench.load`.

It reads one Task as JSON from its standard input and writes one Step as a line of JSON after each part of the
backlog. The records are made as they are needed, and the service is here with its clients though it does not
run: so what is resident is the processor's own.
"""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import msgspec
from redis import Redis

from bench.feed import FIRST_NUMBER, MOST_RECORDS, SHARD
from bench.known import RULES, Known
from processor.latest import Latest
from processor.pipeline import Pipeline
from processor.secret import Credentials
from processor.service import rules_of  # noqa: F401 - the service as it is imported by the processor
from processor.source.records import Batch, Record
from processor.storage.database import Database
from processor.storage.store import Store

_READING = (
    b'{"path":"acme/lon1/press/line1/cell1/m%06d/power","ts":%d,"value":%d.5,"q":192,"unit":"kW","seq":%d}'
)


class Task(msgspec.Struct, frozen=True):
    """`devices` with one metric each, read once a second; so many readings in all, in `steps` parts."""

    credentials: Credentials
    ca_file: str
    cache_socket: str
    cache_user: str
    cache_password: str
    devices: int
    readings: int
    steps: int


class Step(msgspec.Struct, frozen=True):
    """So far: readings committed, processor seconds without the making of records; and MiB resident now."""

    readings: int
    cpu: float
    resident: float


def carry(task: Task) -> Iterator[Step]:
    """Every reading through the pipeline, and a Step after each part."""
    aws = boto3.Session("nobody", "nothing", region_name="eu-west-2")
    clients = [aws.client(name) for name in ("kinesis", "secretsmanager")]  # as the service has
    database = Database(Known(task.credentials), task.ca_file, threading.Event())
    cache = Redis(
        unix_socket_path=task.cache_socket,
        username=task.cache_user,
        password=task.cache_password,
        protocol=2,
    )
    pipeline = Pipeline(Store(database, f"load-{task.devices}"), Latest(cache), RULES)
    lease = pipeline.own(SHARD)
    began = int(time.time()) - task.readings // task.devices - 1
    making = 0.0
    start = 0
    for step in range(1, task.steps + 1):
        end = task.readings * step // task.steps
        while start < end:
            before = time.thread_time()
            batch = _batch(start, min(start + MOST_RECORDS, end), task.devices, began)
            making += time.thread_time() - before
            start += len(batch.records)
            pipeline.take(lease, batch)
        pipeline.drain()
        yield Step(end, time.process_time() - making, resident_mib())
    pipeline.close(10.0)
    for opened in (database, cache, *clients):
        opened.close()


def resident_mib(status: Path = Path("/proc/self/status")) -> float:
    """What of this process lies in memory now, shared libraries included."""
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _batch(start: int, end: int, devices: int, began: int) -> Batch:
    records = []
    for place in range(start, end):
        second, device = divmod(place, devices)
        body = _READING % (device, (began + second) * 1000, second % 90, second)
        records.append(Record(body, str(FIRST_NUMBER + place), float(began + second)))
    return Batch(SHARD, records, 0)


if __name__ == "__main__":
    for done in carry(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)):
        print(msgspec.json.encode(done).decode(), flush=True)
