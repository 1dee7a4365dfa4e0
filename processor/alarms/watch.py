"""All rules over a batch: what is judged, what is to be written with it, and what is remembered once it is.

`Watch.judge` changes nothing. Its outcome is written in the batch's transaction, and kept when that has been
committed; after a rollback the same batch is judged again, from the same memory. Who takes a shard begins
with a new `Watch`, whose memory is empty, and which asks the table for each device that it meets.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from processor.alarms.definition import Definition
from processor.alarms.detectors import fresh
from processor.alarms.judge import Judgement, judge
from processor.alarms.memory import Memory, Packed, subjects_of, unpacked
from processor.alarms.order import Readings, usable
from processor.alarms.segments import Segments
from processor.columns import Bool, Int64
from processor.storage.rows import Rows

Asked = Callable[[Sequence[str]], Iterable[Packed]]


@dataclass(frozen=True)
class Watched:
    """A version of a rule that judges readings of [since, until), in µs; `expression`: of the paths."""

    rule: int
    version: int
    expression: str
    definition: Definition
    since: int
    until: int


@dataclass(frozen=True)
class Told:
    """What one version of a rule said of a batch. `history`: of each change."""

    watched: Watched
    judgement: Judgement
    point: Int64
    history: Int64


@dataclass(frozen=True)
class Outcome:
    """Of a batch: changes of alarms, rows of alarm_state to write, and the memory after it."""

    told: list[Told]
    rows: list[Packed]
    memory: dict[tuple[int, int], Memory]


class Watch:
    """Of the shards of one owner. One thread."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self._watched = watched
        self._patterns = [re.compile(one.expression) for one in watched]
        self._memory = {(one.rule, one.version): Memory.empty(one.definition) for one in watched}
        self._devices: list[str] = []
        self._place: dict[str, int] = {}
        self._stored: dict[tuple[int, int, str], Packed] = {}
        self._known = np.full(0, -1, np.int64)  # point → the place of its device
        self._fits = np.zeros((len(watched), 0), np.bool_)  # rule × point

    def judge(self, rows: Rows, arrivals: Int64, path_of: Callable[[int], str], asked: Asked) -> Outcome:
        """arrivals: when each record reached the stream, by the place that the rows name, in µs since 1970.

        path_of: of a point; asked: the rows of alarm_state of some devices. Each once for what is new.
        """
        readings, subject = together(*usable(rows, arrivals))
        self._meet(np.unique(readings.point[changes(subject)]), path_of, asked)
        told: list[Told] = []
        packed: list[Packed] = []
        memory = dict(self._memory)
        for place, one in enumerate(self._watched):
            mine = self._fits[place][readings.point] & (readings.ts >= one.since) & (readings.ts < one.until)
            if not mine.any():
                continue
            theirs, chosen = (subject, readings) if mine.all() else (subject[mine], readings.take(mine))
            new = changes(theirs)
            subjects, runs = theirs[new], np.cumsum(new) - 1
            held = self._remembered(memory[one.rule, one.version], one, subjects)
            judgement = judge(one.definition, held.of(subjects), chosen, Segments.of(runs, len(subjects)))
            held = held.moved(subjects, judgement.states)
            memory[one.rule, one.version] = held
            changed = subjects[judgement.run]
            told.append(Told(one, judgement, changed // 2, changed % 2))
            devices = np.unique(self._known[subjects // 2])
            packed += [
                Packed(self._devices[device], one.rule, one.version, keys, states)
                for device, keys, states in held.packed(devices)
            ]
        return Outcome(told, packed, memory)

    def keep(self, outcome: Outcome) -> None:
        """The outcome is committed."""
        self._memory = outcome.memory

    def _remembered(self, held: Memory, one: Watched, subjects: Int64) -> Memory:
        """With all of these: what the table has of them, the others fresh."""
        new = held.lacks(subjects)
        if not len(new):
            return held
        for device in np.unique(self._known[new // 2]).tolist():
            row = self._stored.get((one.rule, one.version, self._devices[device]))
            if row is not None and len(held.lacks(there := unpacked(one.definition, row)[0])) == len(there):
                states = unpacked(one.definition, row)[1]
                held = held.with_these(there, np.full(len(there), device, np.int64), states)
        new = held.lacks(subjects)
        return held.with_these(new, self._known[new // 2], fresh(one.definition, len(new)))

    def _meet(self, points: Int64, path_of: Callable[[int], str], asked: Asked) -> None:
        """Find the devices of points that were not seen yet, and what is stored of new devices."""
        highest = int(points.max(initial=-1))
        if highest >= len(self._known):
            more = max(highest + 1, 2 * len(self._known)) - len(self._known)
            self._known = np.concatenate([self._known, np.full(more, -1, np.int64)])
            self._fits = np.concatenate([self._fits, np.zeros((len(self._watched), more), np.bool_)], axis=1)
        devices: list[str] = []
        for point in points[self._known[points] < 0].tolist():
            path = path_of(point)
            device = path.rpartition("/")[0]
            if device not in self._place:
                self._place[device] = len(self._devices)
                self._devices.append(device)
                devices.append(device)
            self._known[point] = self._place[device]
            self._fits[:, point] = [bool(pattern.match(path)) for pattern in self._patterns]
        if devices:
            self._stored |= {(row.rule, row.version, row.device): row for row in asked(devices)}


def together(readings: Readings, history: Bool) -> tuple[Readings, Int64]:
    """Each subject's readings together, in the order of the key, and the subject of each."""
    subject = subjects_of(readings.point, history)
    if not history.any():
        return readings, subject
    order = np.argsort(subject, kind="stable")
    return readings.take(order), subject[order]


def changes(subject: Int64) -> Bool:
    """Where another one begins."""
    new = np.ones(len(subject), np.bool_)
    np.not_equal(subject[1:], subject[:-1], out=new[1:])
    return new
