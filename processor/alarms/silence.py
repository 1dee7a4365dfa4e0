"""Is a sensor dead? Judged by when its readings reached the stream, and told while it is so.

A reading's own time says when it was measured, not that the sensor lives: a gateway may send yesterday's.
When a record arrived is written in the record, so whoever reads it, whenever, finds the same silences: where
more than `within` lies between the arrivals of one judged reading and the next.

Nobody needs to wait for that next reading. Once all that had arrived until some time has been read, a point
that should have been heard by then *is* silent, whatever comes later: `lapse` says what its next reading
would say, with the same times and figures, and when that reading comes it finds it said. So events do not
depend on whether anybody looked, or when; only how soon they are there does.

A reading that is late for the other detectors is no sign of life either, nor is a bad one: a gateway that has
lost its sensor sends just those. Stamps of arrival may go back a little ("no guarantees about the time stamp
accuracy, or that the time stamp is always increasing",
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html): the latest so far counts.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.definition import Definition, Silence, microseconds
from processor.alarms.order import Readings
from processor.alarms.segments import Segments
from processor.alarms.standing import NEVER
from processor.alarms.steps import State, Steps
from processor.columns import Bool, Float64, Int64

# When the last reading judged had arrived, in µs since 1970, and what it showed.
HEARD: list[tuple[str, type]] = [("arrived", np.int64), ("value", np.float64)]
NOTHING_DUE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Lapsed:
    """Points that have become silent, by place; times in µs. `value`: the last one; `figure`: seconds."""

    states: State
    place: Int64
    at: Int64
    since: Int64
    value: Float64
    figure: Float64


def detect(definition: Silence, state: State, readings: Readings, runs: Segments) -> Steps:
    """A step for each reading, and before one that was waited for too long another: then it became silent.

    Only of runs that are silent, or were: the others are well, and are nearly all.
    """
    within = microseconds(definition.within)
    arrived = runs.highest(readings.arrived, state["arrived"])
    before = runs.before(arrived, state["arrived"])
    shown = runs.before_number(readings.value, state["value"])
    known = before != NEVER
    waited = arrived - np.where(known, before, arrived)
    lapsed = waited > within
    stirred = (state["hot"] > 0) | (state["raised"] > 0)
    stirred[runs.run[lapsed]] = True
    rows = np.flatnonzero(stirred[runs.run])
    place = np.repeat(rows, 1 + lapsed[rows])
    silent = _firsts_of_two(lapsed[rows])
    # What was told of a silence stands, even if a record turns up then that was stamped before its end.
    told = np.where(state["hot"] > 0, state["since"] + within, state["since"])
    at = np.maximum(np.where(silent, before[place] + within, arrived[place]), told[runs.run[place]])
    begun, last = runs.begun, runs.last
    state["arrived"][begun], state["value"][begun] = arrived[last], readings.value[last]
    return Steps(
        runs=Segments.of(runs.run[place], len(runs.lengths)),
        at=at,
        began=np.where(silent, before[place], at),
        heat=np.where(silent, 1, -1).astype(np.int8),
        figure=np.where(silent, definition.within, waited[place] / 1e6),
        value=np.where(silent, shown[place], readings.value[place]),
    )


def due(definition: Silence, states: State) -> Int64:
    """When each point becomes silent if nothing comes, µs; NOTHING_DUE where it is told, or nothing known."""
    waits = (states["raised"] == 0) & (states["arrived"] != NEVER)
    arrived = np.where(waits, states["arrived"], 0)
    return np.where(waits, arrived + microseconds(definition.within), NOTHING_DUE)


def soonest(definition: Definition, states: State, starts: Int64) -> list[int | None]:
    """Of devices, whose points begin at these places: when the first of each is due; None: none is."""
    if not isinstance(definition, Silence) or not len(starts):
        return [None] * len(starts)
    first = np.minimum.reduceat(due(definition, states), starts)
    return [None if one == NOTHING_DUE else one for one in first.tolist()]


def lapse(definition: Silence, states: State, seen: int, until: int) -> Lapsed:
    """What is silent by now, and not told. Nothing given is changed.

    seen: whatever had arrived by then is in these states, µs. until: where the version of the rule ends.
    """
    when = due(definition, states)
    place = np.flatnonzero((when <= seen) & (when < until))
    after = states.copy()
    after["hot"][place], after["raised"][place], after["since"][place] = 1, 1, states["arrived"][place]
    return Lapsed(
        states=after,
        place=place,
        at=when[place],
        since=states["arrived"][place],
        value=states["value"][place],
        figure=np.full(len(place), definition.within),
    )


def _firsts_of_two(double: Bool) -> Bool:
    """Of rows of which some stand twice: which are the first of two."""
    ends = np.cumsum(1 + double)
    first = np.zeros(int(ends[-1]) if len(ends) else 0, np.bool_)
    first[ends[double] - 2] = True
    return first
