"""The whole path, records' bytes to PostgreSQL and Redis, against a floor and against other ways.

Ours is the processor's own Pipeline: decode, validate, one transaction a batch with rollups and progress,
then Redis. Its tables are empty at the start of each run and its connection is open; what it learns of the
points belongs to the run.
"""

import gc
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from bench.feed import MACHINES, PATHS, UNIT, Feed, batches, make_feed
from bench.floor import Floor
from bench.known import RULES, Known
from bench.measure import Options, Row, Way, in_turn
from bench.samples import Sample
from bench.servers import Servers, servers
from local.errors import LocalError
from processor.alarms.definition import Definition
from processor.columns import Int64
from processor.latest import Latest
from processor.pipeline import Pipeline
from processor.source.records import Record
from processor.storage.binary import Dates
from processor.storage.database import Database
from processor.storage.store import Store

DAY_MS = 86_400_000
THINGS = "readings"
# The slow ways get fewer readings, so that each way's run takes about as long.
FEWER_COMMITS = 400
FEWER_MANY = 20
FEWER_PEER = 20
# Eight bytes tell whose a state is, and each rule has one of every point.
_SUBJECTS = "SELECT coalesce(sum(length(subjects)) / 8, 0)::bigint FROM millrace.alarm_state"


class PeerMissing(LocalError):
    """{name} is not installed, for it has an extra of its own:
    .venv/bin/pip install -c constraints.txt -e '.[bench]'"""


class Carrier:
    """The processor's path for the same readings, in one of the two shapes of records.

    rules: of alarms, by name, on every point.
    """

    def __init__(
        self,
        servers: Servers,
        records: Sequence[Record],
        readings: int,
        rules: Mapping[str, Definition] | None = None,
    ) -> None:
        self._servers = servers
        self._batches = list(batches(records))
        self._readings = readings
        self._alarms = rules or {}

    def way(self, name: str = "pipeline") -> Way:
        """One run: every batch."""
        return Way(name, self._run, self._before, self._after, self._readings)

    def _before(self) -> None:
        self._servers.renew()
        self._servers.add_rules(self._alarms)
        secret = Known(self._servers.credentials)
        self._database = Database(secret, self._servers.ca_file, threading.Event())
        self._cache = self._servers.cache()
        self._cache.ping()
        self._pipeline = Pipeline(Store(self._database, "readings"), Latest(self._cache), RULES)
        self._lease = self._pipeline.own(self._batches[0].shard)

    def _run(self) -> None:
        for batch in self._batches:
            self._pipeline.take(self._lease, batch)
        self._pipeline.drain()

    def _after(self) -> None:
        self._pipeline.close()
        self._database.close()
        shown = self._cache.dbsize()
        self._cache.close()
        if shown != MACHINES:
            raise RuntimeError(f"the cache shows {shown} machines, not {MACHINES}")
        for query in (
            "SELECT count(*) FROM millrace.reading",
            "SELECT sum(n)::bigint FROM millrace.rollup_1m",
            "SELECT sum(n)::bigint FROM millrace.rollup_1h",
        ):
            self._servers.check(query, self._readings)
        self._servers.check(_SUBJECTS, len(self._alarms) * len(PATHS))


def rows(options: Options) -> list[Row]:
    """Two shapes of records against the floor, and one reading a record against two usual ways."""
    feed = make_feed(options.readings)
    with servers() as running:
        ids = running.make_tables(PATHS, UNIT, Dates(_days(feed)))
        single = Carrier(running, feed.single(), len(feed)).way()
        packed = Carrier(running, feed.packed(), len(feed)).way()
        floor = Floor(running, feed, ids).way()
        known = dict(zip(PATHS, ids, strict=True))
        committing = Sample(running, feed.take(len(feed) // FEWER_COMMITS), known).commit_each()
        many = Sample(running, feed.take(len(feed) // FEWER_MANY), known).executemany()
        gc.collect()
        gc.freeze()  # the prepared records are not the garbage of any of the ways
        try:
            return [
                _row("path_single_vs_copy", single, floor, options, 0.85),
                _row("path_batch_vs_copy", packed, floor, options, 0.95),
                _row("path_vs_commit_each", single, committing, options, 200),
                _row("path_vs_executemany", single, many, options, 11),
            ]
        finally:
            gc.unfreeze()


def against_bytewax(options: Options) -> list[Row]:
    """One reading a record, windows included. Raises PeerMissing."""
    if find_spec("bytewax") is None:
        raise PeerMissing(name="bytewax")
    peer = import_module("bench.peer")
    feed = make_feed(options.readings)
    with servers() as running:
        ids = running.make_tables(PATHS, UNIT, Dates(_days(feed)))
        single = Carrier(running, feed.single(), len(feed)).way()
        few = feed.take(len(feed) // FEWER_PEER)
        theirs = peer.Peer(running, few, dict(zip(PATHS, ids, strict=True))).way()
        return [_row("path_vs_bytewax", single, theirs, options, 9)]


def _row(name: str, ours: Way, theirs: Way, options: Options, goal: float) -> Row:
    return in_turn(name, ours, theirs, runs=options.runs, things=THINGS, goal=goal)


def _days(feed: Feed) -> Int64:
    """From the first reading's day to the days that the processor makes ahead."""
    return np.arange(feed.ts[0] // DAY_MS, feed.ts[-1] // DAY_MS + 4)
