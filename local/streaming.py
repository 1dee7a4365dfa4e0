"""Readings flow: the producer puts, the processor takes, and every second the screen is drawn anew."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import psycopg

from local.arguments import Options
from local.audit import Audit, audit
from local.latest import LatestValues
from local.ledger import Ledger
from local.machine import Machine
from local.plant import SEED, Plant, paced
from local.producer import Producer
from local.progress import Progress, Watch
from local.reading import Envelope
from local.recording import Recording
from local.screen import Screen, Stream
from local.servers import Servers
from local.watching import Watched, watched

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

LOOK_SECONDS = 1.0
DRAIN_LOOK_SECONDS = 0.2
STALL_SECONDS = 60.0  # without a commit, once all is put: what is missing then is reported as lost
AUDIT_TRIES = 10
SHOWN_MACHINES = 10


class Kept(Protocol):
    """A processor that is kept running: `watch` is called every second or so."""

    @property
    def restarts(self) -> int: ...

    def watch(self) -> None: ...

    def commit_age(self) -> float | None: ...


class Streaming:
    """One run's readings, from the first put to the audit."""

    def __init__(self, servers: Servers, stream: str, options: Options, recording: Recording | None) -> None:
        self._servers = servers
        self._options = options
        self._recording = recording
        self._ledger = Ledger()
        self._stream = stream
        self._watch = Watch(self._ledger, stream)
        self._latest = LatestValues(servers.cache(), self._shown_devices())
        self._stop = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._began = 0.0  # epoch seconds
        self.first_stored: float | None = None  # time.monotonic() when a first reading was seen committed

    def flow(self, client: "KinesisClient", processor: Kept, screen: Screen) -> None:
        """Put everything, and wait until it is committed or until nothing moves any more.

        Raises ServerEnded, and what stopped the producer.
        """
        self._began = time.time()
        producer = Producer(client, self._stream, self._batches(), self._ledger, self._stop.wait)
        producer.start()
        try:
            with screen.streaming(self._title()) as shown:
                self._follow(producer, processor, shown)
        finally:
            self._stop.set()
            producer.join(10)
        if producer.error is not None:
            raise producer.error

    def audit(self) -> Audit:
        """Compare what was put with what lies in PostgreSQL."""
        for _ in range(AUDIT_TRIES):
            try:
                return audit(self._connected(), self._ledger, self._stream, self._began)
            except psycopg.OperationalError:  # a server that restarts is back in a moment
                self.close()
                self._servers.postgres.check()
                time.sleep(1)
        return audit(self._connected(), self._ledger, self._stream, self._began)

    def watched(self) -> Watched:
        """The alarms of this run, once it is audited."""
        return watched(self._connected(), self._began)

    def close(self) -> None:
        """Let go of the database's connection; the next look opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _follow(self, producer: Producer, processor: Kept, shown: Stream) -> None:
        began = time.monotonic()
        all_put: float | None = None
        while producer.error is None:
            processor.watch()
            at = time.monotonic() - began
            if not producer.running and all_put is None:
                all_put = at
            progress = self._look(at)
            if progress is not None:
                latest = self._latest.read(time.time())
                shown.show(progress, processor.restarts, latest, processor.commit_age())
                if all_put is not None and progress.drained:
                    return
            if all_put is not None and at - max(all_put, self._watch.last_moved) > STALL_SECONDS:
                return
            waiting = all_put is not None or self.first_stored is None
            self._stop.wait(DRAIN_LOOK_SECONDS if waiting else LOOK_SECONDS)

    def _look(self, at: float) -> Progress | None:
        """None while the database is away: the processor waits for it as well. Raises ServerEnded."""
        try:
            progress = self._watch.look(self._connected(), at, time.time())
        except psycopg.OperationalError:
            self.close()
            self._servers.postgres.check()
            return None
        if progress.passed and self.first_stored is None:
            self.first_stored = time.monotonic()
        return progress

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = self._servers.database()
        return self._connection

    def _shown_devices(self) -> list[str]:
        """History never moves a latest value, so there is none to show of a recording."""
        machines = 0 if self._recording is not None else min(SHOWN_MACHINES, self._options.machines)
        return [Machine(index, SEED).device for index in range(machines)]

    def _title(self) -> str:
        if self._recording is not None:
            return f"replaying {self._recording.file.name}: {self._recording.readings:,} readings"
        machines, rate = self._options.machines, self._options.rate
        counted = f"{machines:,} machine" + ("s" if machines != 1 else "")
        return f"{counted}, {rate:,g} readings a second for {self._options.seconds:g} s"

    def _batches(self) -> Iterator[list[Envelope]]:
        if self._recording is not None:
            return ([envelope] for envelope in self._recording.envelopes() if not self._stop.is_set())
        rate, seconds = self._options.rate, self._options.seconds
        plant = Plant(self._options.machines, rate, round(self._began * 1000))
        return paced(plant, rate, seconds, time.monotonic, self._stop.wait)
