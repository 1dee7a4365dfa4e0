"""Each kind of rule over readings in order: the steps at which it has something to say, and how hot it is."""

from dataclasses import replace

import numpy as np

from processor.alarms import bins, clock, deviation, silence
from processor.alarms.definition import (
    Clock,
    Definition,
    Deviation,
    Limit,
    Rate,
    Silence,
    Stuck,
    microseconds,
)
from processor.alarms.order import Readings
from processor.alarms.segments import Segments
from processor.alarms.standing import NEVER, STANDING
from processor.alarms.steps import State, Steps
from processor.columns import Float64, Int8

__all__ = ["State", "detect", "fresh", "layout"]

_FIELDS: dict[type, list[tuple[str, type]]] = {
    Limit: [],
    Rate: [*bins.BIN, ("at", np.int64), ("mean", np.float64)],
    Stuck: [("value", np.float64), ("same", np.int64)],
    Silence: silence.HEARD,
    Clock: [("arrived", np.int64), *bins.LEAST],
    Deviation: [*bins.BIN, *deviation.LEARNT],
}


def layout(definition: Definition) -> np.dtype[np.void]:
    """What is kept of one point, packed."""
    return np.dtype([*STANDING, *_FIELDS[type(definition)]])


def fresh(definition: Definition, count: int) -> State:
    """Of points that were never judged."""
    state = np.zeros(count, layout(definition))
    for field in {"ts", "seq", "since", "at", "arrived"} & set(state.dtype.names or ()):
        state[field] = NEVER
    if isinstance(definition, Deviation):
        state["elapsed"] = -deviation.WANTED
    if isinstance(definition, Clock):
        state["least"] = bins.UNSEEN
    return state


def detect(definition: Definition, state: State, readings: Readings, runs: Segments) -> Steps:
    """Judge readings that are in order; the detector's own fields in `state` move on."""
    if isinstance(definition, Limit):
        return _each(readings, runs, _limit(definition, readings.value), readings.value)
    if isinstance(definition, Stuck):
        return _stuck(definition, state, readings, runs)
    if isinstance(definition, Silence):
        return silence.detect(definition, state, readings, runs)
    if isinstance(definition, Clock):
        return clock.detect(definition, state, readings, runs)
    if isinstance(definition, Rate):
        return _rate(definition, state, readings, runs)
    return _deviation(definition, state, readings, runs)


def _each(readings: Readings, runs: Segments, heat: Int8, figure: Float64) -> Steps:
    return Steps(runs, readings.ts, readings.ts, heat, figure, readings.value)


def _limit(definition: Limit, value: Float64) -> Int8:
    hot = np.zeros(len(value), np.bool_)
    cold = np.ones(len(value), np.bool_)
    if definition.high is not None:
        hot |= value > definition.high
        cold &= value <= definition.high - definition.deadband
    if definition.low is not None:
        hot |= value < definition.low
        cold &= value >= definition.low + definition.deadband
    return hot.astype(np.int8) - (cold & ~hot).astype(np.int8)


def _stuck(definition: Stuck, state: State, readings: Readings, runs: Segments) -> Steps:
    within = microseconds(definition.within)
    before = runs.before(readings.ts, state["ts"])
    before = np.where(before == NEVER, readings.ts, before)
    never = state["ts"] == NEVER
    changed = readings.value != runs.before_number(readings.value, np.where(never, np.nan, state["value"]))
    # Of what lay between no reading tells: a machine that was off for a weekend may begin where it ended.
    turn = runs.latest(changed | (readings.ts - before > within))
    since = np.where(turn >= 0, readings.ts[turn], state["same"][runs.run])
    lasted = readings.ts - since
    begun, last = runs.begun, runs.last
    state["value"][begun], state["same"][begun] = readings.value[last], since[last]
    hot = np.where(lasted >= within, 1, -1).astype(np.int8)
    return replace(_each(readings, runs, hot, lasted / 1e6), began=np.where(hot > 0, since, readings.ts))


def _rate(definition: Rate, state: State, readings: Readings, runs: Segments) -> Steps:
    closed = _close(state, readings, runs, microseconds(definition.span))
    at = closed.runs.before(closed.at, state["at"])
    mean = closed.runs.before_number(closed.mean, state["mean"])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        hourly = (closed.mean - mean) / ((closed.at - np.where(at == NEVER, 0, at)) / deviation.HOUR)
    hourly = np.where(at == NEVER, 0.0, hourly)
    size = np.abs(hourly)
    heat = (size > definition.most).astype(np.int8) - (size <= definition.most / 2).astype(np.int8)
    begun, last = closed.runs.begun, closed.runs.last
    state["at"][begun], state["mean"][begun] = closed.at[last], closed.mean[last]
    return _binned(closed, readings, heat, hourly)


def _deviation(definition: Deviation, state: State, readings: Readings, runs: Segments) -> Steps:
    closed = _close(state, readings, runs, microseconds(definition.bin))
    columns = {name: state[name] for name in deviation.COLUMNS}
    after, heat, score = deviation.learn(columns, closed, definition.chart)
    for name, column in after.items():
        state[name] = column
    return _binned(closed, readings, heat, score)


def _binned(closed: bins.Bins, readings: Readings, heat: Int8, figure: Float64) -> Steps:
    return Steps(closed.runs, closed.at, closed.at, heat, figure, readings.value[closed.closed_by])


def _close(state: State, readings: Readings, runs: Segments, width: int) -> bins.Bins:
    before = bins.Open(state["bin"], state["n"], state["sum"])
    after, closed = bins.close(before, runs, readings.ts, readings.value, width)
    state["bin"], state["n"], state["sum"] = after.bin, after.n, after.sum
    return closed
