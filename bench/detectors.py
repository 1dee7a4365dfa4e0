"""What the rules of alarms cost: the whole path with rules on every point, against the same without any.

The records are envelopes, the faster of the two shapes, so what is added shows most. The two rules are what a
plant would have: a limit with deadband and delays on every point, and on every point a deviation with its
defaults, the dearest of the detectors. The readings are sines with noise (bench/feed.py); now and then a
crest lasts for longer than the on-delay, so alarms are raised and cleared in each batch.
"""

import gc
from collections.abc import Mapping

import numpy as np

from bench.feed import PATHS, UNIT, make_feed
from bench.measure import Options, Row, in_turn
from bench.path import DAY_MS, THINGS, Carrier
from bench.servers import servers
from processor.alarms.definition import Definition, Deviation, Limit
from processor.storage.binary import Dates

LEFT = 0.85  # of the throughput, at least
RULES: Mapping[str, Definition] = {
    "limit": Limit(high=79.0, low=10.0, deadband=1.0, on_delay=70, off_delay=60),
    "deviation": Deviation(),
}


def rows(options: Options) -> list[Row]:
    """How much of the path's throughput is left."""
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
            return [in_turn("detectors_cost", judging, without, runs=options.runs, things=THINGS, goal=LEFT)]
        finally:
            gc.unfreeze()
