"""One rule over some readings: the points' states after them, and what changed on the way.

The states after and all changes together are the same however the records were divided into batches.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.definition import Definition, delays
from processor.alarms.detectors import State, detect
from processor.alarms.order import Readings, in_order
from processor.alarms.segments import Segments
from processor.alarms.standing import Standing, stand
from processor.columns import Bool, Float64, Int64


@dataclass(frozen=True)
class Judgement:
    """Changes of alarms, in the order of (run, time); `states`: of each run's point.

    `at`: when it changed, by the readings' time or, where the definition is judged by it, by their arrival;
    `since`: when the heat or cold that did it began (µs). `value`: of the reading with which it became known,
    or the last one before a silence; `figure`: what the detector judged.
    """

    states: State
    run: Int64
    raised: Bool
    at: Int64
    since: Int64
    value: Float64
    figure: Float64
    late: int  # readings that were not judged

    def __len__(self) -> int:
        return len(self.run)


def judge(definition: Definition, states: State, readings: Readings, runs: Segments) -> Judgement:
    """states: of each run's point; each run in the order of the key. Nothing given is changed."""
    states = states.copy()
    judged = in_order(readings, runs, states["ts"], states["seq"])
    late = len(judged) - int(judged.sum())
    if late:
        runs = Segments.of(runs.run[judged], len(states))
        readings = readings.take(judged)
    if not len(readings.ts):
        nothing = np.zeros(0, np.int64)
        empty = np.zeros(0)
        return Judgement(states, nothing, nothing > 0, nothing, nothing, empty, empty, late)
    steps = detect(definition, states, readings, runs)
    before = Standing(states["since"], states["hot"], states["raised"])
    after, changes = stand(before, steps, delays(definition))
    states["since"], states["hot"], states["raised"] = after.since, after.hot, after.raised
    begun, last = runs.begun, runs.last
    states["ts"][begun], states["seq"][begun] = readings.ts[last], readings.seq[last]
    return Judgement(
        states=states,
        run=steps.runs.run[changes.step],
        raised=changes.raised,
        at=steps.at[changes.step],
        since=changes.since,
        value=steps.value[changes.step],
        figure=steps.figure[changes.step],
        late=late,
    )
