"""What the rules of alarms cost: the whole path with rules on every point, against the same without any.

The records are envelopes, the faster of the two shapes, so what is added shows most. The two rules are what a
plant would have: a limit with deadband and delays on every point, and on every point a deviation with its
defaults, the dearest of the detectors. The readings are sines with noise (bench/feed.py); now and then a
crest lasts for longer than the on-delay, so alarms are raised and cleared in each batch.
"""

import gc
import tracemalloc
from collections.abc import Mapping

import numpy as np

from bench.feed import PATHS, UNIT, make_feed
from bench.measure import Options, Row, in_turn
from bench.path import DAY_MS, THINGS, Carrier
from bench.servers import servers
from processor.alarms.definition import Definition, Deviation, Limit
from processor.alarms.pattern import expression
from processor.alarms.rules import LAST
from processor.alarms.watch import Watch, Watched
from processor.columns import Columns
from processor.quality import GOOD, NO_STATUS
from processor.storage.binary import Dates
from processor.storage.rows import Rows

LEFT = 0.85  # of the throughput, at least
MANY = 100_000  # points, ten a device
MIB = 1024 * 1024
EVERYWHERE = "*/*/*/*/*/*/*"
RULES: Mapping[str, Definition] = {
    "limit": Limit(high=79.0, low=10.0, deadband=1.0, on_delay=70, off_delay=60),
    "deviation": Deviation(),
}


def rows(options: Options) -> list[Row]:
    """How much of the path's throughput is left, and what is remembered of many points."""
    feed = make_feed(options.readings)
    with servers() as running:
        days = np.arange(feed.ts[0] // DAY_MS, feed.ts[-1] // DAY_MS + 4)
        running.make_tables(PATHS, UNIT, Dates(days))
        records = feed.packed()
        judging = Carrier(running, records, len(feed), RULES).way("with rules")
        without = Carrier(running, records, len(feed)).way("without rules")
        gc.collect()
        gc.freeze()  # the prepared records are not the garbage of any of the ways
        try:
            cost = in_turn("detectors_cost", judging, without, runs=options.runs, things=THINGS, goal=LEFT)
        finally:
            gc.unfreeze()
    return [cost, _memory()]


def _memory() -> Row:
    """What a watch of a hundred thousand points holds, beside the states that it is held for."""
    paths = [f"acme/lon1/press/line1/cell1/m{point // 10:05}/{point % 10}" for point in range(MANY)]
    rules = [
        Watched(number, 1, expression(EVERYWHERE), definition, 0, LAST)
        for number, definition in enumerate(RULES.values())
    ]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        watch = Watch(rules, paths)
        told = watch.judge(_one_of_each(MANY), np.zeros(MANY, np.int64), lambda devices: [])
        states = sum(len(row.subjects) + len(row.states) for row in told.rows)
        del told
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Row(
        name=f"watch_of_{MANY}_points",
        ours=(held - before) / MIB,
        against="states as stored",
        theirs=states / MIB,
        unit="MiB",
        ratio=states / (held - before),
        goal=None,
        runs=1,
        ours_cpu=0.0,
        theirs_cpu=0.0,
        cpu_unit="s",
    )


def _one_of_each(points: int) -> Rows:
    """A reading of each point, in the order of the key."""
    columns = Columns(
        slot=np.arange(points, dtype=np.int32),
        record=np.arange(points),
        ts=np.full(points, 1_772_323_200_000_000),
        seq=np.zeros(points, np.int64),
        quality=np.full(points, GOOD, np.int16),
        status=np.full(points, NO_STATUS),
        kind=np.zeros(points, np.int8),
        number=np.full(points, 60.0),
        hist=np.zeros(points, np.bool_),
        text=None,
        extra=None,
    )
    return Rows(np.arange(1, points + 1, dtype=np.int32), columns)
