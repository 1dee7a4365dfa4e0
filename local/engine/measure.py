"""How long shards go unread: when a worker is told to end, is lost, or was the leader that is lost."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local.aws import EmbeddedAws
from local.engine import account, witness
from local.engine.fleet import Fleet, NotReached, make_table, python, session
from local.engine.home import Home
from local.engine.times import Properties
from local.engine.worker import Worker

SHARDS = 4
WORKERS = 2
START_SECONDS = 180.0
MOST_SECONDS = 400.0  # the library's own times come to 179 s
PUT_SECONDS = 0.1
SETTLED_SECONDS = 3.0  # both workers have been reading for this long when one of them is hit

# What happens → who it happens to, and how.
EVENTS = {
    "leader told to end": ("leader", "terminate"),
    "other told to end": ("other", "terminate"),
    "worker lost": ("other", "lose"),
    "leader lost": ("leader", "lose"),
    "idle child killed": ("other", "child"),
}
UNNOTICED_SECONDS = 120.0  # after which a dead child is not waited for any longer


Told = Callable[[str, float], None]  # an event and its seconds


class Heard:
    """What the witnesses have written, read on from where the last look ended."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0
        self.sequence: dict[str, float] = {}  # sequence number → when it was first heard

    def look(self) -> None:
        with self._file.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                note = json.loads(line)
                for _, number in note["records"]:
                    self.sequence.setdefault(number, note["at"])


class Drip:
    """A record a tenth of a second to each shard, so that a gap shows; `with Drip(…):`."""

    def __init__(self, aws: EmbeddedAws, stream: str) -> None:
        self._kinesis = session(aws).client("kinesis", endpoint_url=aws.endpoint_url)
        self._stream = stream
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._wanted.set()
        self._thread = threading.Thread(target=self._put, daemon=True)
        self.put: dict[str, list[tuple[float, str]]] = {}  # shard → when, sequence number

    def __enter__(self) -> "Drip":
        self._thread.start()
        return self

    def __exit__(self, *ending: object) -> None:
        self._stop.set()
        self._thread.join()
        self._kinesis.close()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing is put meanwhile."""
        self._wanted.clear()
        try:
            yield
        finally:
            self._wanted.set()

    def _put(self) -> None:
        shards = self._kinesis.list_shards(StreamName=self._stream)["Shards"]
        keys = [shard["HashKeyRange"]["StartingHashKey"] for shard in shards]
        while not self._stop.wait(PUT_SECONDS):
            if not self._wanted.is_set():
                continue
            at = time.time()
            answer = self._kinesis.put_records(
                StreamName=self._stream,
                Records=[{"Data": b"-", "PartitionKey": key, "ExplicitHashKey": key} for key in keys],
            )
            for record in answer["Records"]:
                self.put.setdefault(record["ShardId"], []).append((at, record["SequenceNumber"]))


@dataclass(frozen=True)
class Engine:
    """What is measured: a name for the table, the main class, its times, what happens to it."""

    name: str
    main: str
    times: Properties
    events: tuple[str, ...] = tuple(EVENTS)


def measure(home: Home, directory: Path, engine: Engine, runs: int, told: Told) -> None:
    """One cold start, and each event so many times. Raises NotReached, LocalError."""
    with account.opened(directory) as aws, _fleet(home, aws, directory, engine) as (fleet, drip, heard):
        told("cold start", _cold_start(fleet, drip, heard))
        for _ in range(runs):
            for event in engine.events:
                told(event, _once(fleet, drip, heard, event))


@contextmanager
def _fleet(
    home: Home, aws: EmbeddedAws, directory: Path, engine: Engine
) -> Iterator[tuple[Fleet, Drip, Heard]]:
    application = f"measured-{engine.name}"
    kinesis = session(aws).client("kinesis", endpoint_url=aws.endpoint_url)
    kinesis.create_stream(StreamName=application, ShardCount=SHARDS)
    kinesis.close()
    make_table(aws, application)
    file = directory / f"{engine.name}.heard"
    file.touch()
    fleet = Fleet(
        home,
        aws,
        directory,
        stream=application,
        application=application,
        child=python("local.engine.witness"),
        times=engine.times,
        environment={witness.FILE: str(file)},
        main=engine.main,
    )
    with ExitStack() as stack:
        stack.callback(fleet.end)
        yield fleet, stack.enter_context(Drip(aws, application)), Heard(file)


def _cold_start(fleet: Fleet, drip: Drip, heard: Heard) -> float:
    """From the first JVM's start to the first record of the last shard."""
    began = time.time()
    fleet.start()
    first = {}

    def all_heard() -> bool:
        heard.look()
        first.update({shard: heard.sequence.get(put[0][1]) for shard, put in dict(drip.put).items()})
        return len(first) == SHARDS and None not in first.values()

    fleet.until(all_heard, START_SECONDS, "a first reading of each shard")
    return max(at for at in first.values() if at is not None) - began


def _once(fleet: Fleet, drip: Drip, heard: Heard, event: str) -> float:
    """The longest that a record which was put after the event waited to be heard."""
    while len(fleet.workers) < WORKERS:
        fleet.start()
    victim, shards = _settled(fleet, EVENTS[event][0])
    if EVENTS[event][1] == "child":
        return _noticed(fleet, drip, victim)
    at = time.time()
    ended = threading.Thread(target=victim.end if EVENTS[event][1] == "terminate" else victim.lose)
    ended.start()

    def waiting() -> list[str]:
        heard.look()
        after = {shard: [put for put in drip.put[shard] if put[0] > at] for shard in shards}
        return [shard for shard, puts in after.items() if not _taken_over(puts, heard, fleet, shard)]

    fleet.until(lambda: not waiting(), MOST_SECONDS, f"the taking over after: {event}")
    ended.join()
    fleet.forget(victim)
    return max(_gap(drip.put[shard], heard, at) for shard in shards)


def _noticed(fleet: Fleet, drip: Drip, victim: Worker) -> float:
    """Until the worker of a child that was killed has ended: no record comes that could find it dead."""
    with drip.quiet():
        time.sleep(SETTLED_SECONDS)
        fleet.until(lambda: bool(victim.children()), MOST_SECONDS, "a child")
        began = time.monotonic()
        victim.may_end = True
        os.kill(victim.children()[0], signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            victim.process.wait(UNNOTICED_SECONDS)
        seconds = time.monotonic() - began
    victim.lose()
    fleet.forget(victim)
    return seconds


def _settled(fleet: Fleet, which: str) -> tuple[Worker, list[str]]:
    """Whom it will hit, with the shards that it has, once all have had their even share for a while."""
    while True:
        fleet.until(lambda: fleet.balanced(SHARDS), MOST_SECONDS, "an even share for each worker")
        fleet.until(lambda: fleet.leader() is not None, MOST_SECONDS, "a leader")
        time.sleep(SETTLED_SECONDS)
        leader, owners = fleet.leader(), fleet.owners()
        if leader is not None and fleet.balanced(SHARDS, owners):
            victim = leader if which == "leader" else next(one for one in fleet.workers if one is not leader)
            return victim, [shard for shard, owner in owners.items() if owner == victim.name]


def _taken_over(puts: list[tuple[float, str]], heard: Heard, fleet: Fleet, shard: str) -> bool:
    """The newest is heard, and by somebody who runs: the victim may have read on for a while."""
    owner = fleet.owners().get(shard)
    running = [one.name for one in fleet.workers if not one.may_end]
    return owner in running and any(number in heard.sequence for _, number in puts[-3:])


def _gap(puts: list[tuple[float, str]], heard: Heard, at: float) -> float:
    """The longest wait of a record that was put around the event or after it."""
    waits = [
        heard.sequence[number] - put
        for put, number in list(puts)
        if put > at - 1 and number in heard.sequence
    ]
    if not waits:
        raise NotReached("nothing was heard after the event")
    return max(waits)
