"""Does a device's clock go wrong? Readings' times are compared with when their records reached the stream.

What lies between the two is the delay on the way, which varies and is never negative, and the clock's error,
which varies little. The least difference within a span is the one with the least delay in it: so NTP takes of
its last samples the one of least delay (RFC 5905, section 10, https://www.rfc-editor.org/rfc/rfc5905), and so
the clocks of two ends are compared where packets go one way only, by the lower edge of their delays (Moon,
Skelly, Towsley, INFOCOM 1999, https://doi.org/10.1109/INFCOM.1999.749287). A gateway that sends a backlog
raises delays and not their least, as soon as one fresh reading comes within the span.

A reading ahead of its arrival proves a clock ahead. One behind proves nothing alone, and a span of them does.
"""

import numpy as np

from processor.alarms import bins
from processor.alarms.definition import Clock, microseconds
from processor.alarms.order import Readings
from processor.alarms.segments import Segments
from processor.alarms.steps import State, Steps


def detect(definition: Clock, state: State, readings: Readings, runs: Segments) -> Steps:
    """A step for each span that is over. `figure`: seconds that the clock is ahead; behind: less than 0."""
    span = microseconds(definition.span)
    arrived = runs.highest(readings.arrived, state["arrived"])
    before = bins.OpenLeast(state["bin"], state["least"])
    after, closed = bins.close_least(before, runs, arrived, readings.arrived - readings.ts, span)
    begun, last = runs.begun, runs.last
    state["arrived"][begun] = arrived[last]
    state["bin"], state["least"] = after.bin, after.least
    ahead, behind = microseconds(definition.ahead), microseconds(definition.behind)
    wrong = (closed.least < -ahead) | (closed.least > behind)
    well = (closed.least >= -ahead // 2) & (closed.least <= behind // 2)
    return Steps(
        runs=closed.runs,
        at=closed.at,
        began=closed.at,
        heat=wrong.astype(np.int8) - well.astype(np.int8),
        figure=closed.least / -1e6,
        value=readings.value[closed.closed_by],
    )
