"""All rules over a batch: what changes by it, what is to be written with it, and what is remembered.

Batches are judged one after another, in the order of the stream. What was judged is taken for committed: when
it is not, the watch is left with all that it remembers (processor/alarms/watches.py), and a new one, whose
memory is empty, asks the table for each device that it meets.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processor.alarms.definition import Definition, by_arrival
from processor.alarms.detectors import State
from processor.alarms.judge import Judgement, judge
from processor.alarms.memory import Memory, Packed, unpacked
from processor.alarms.order import Batch, batch_of, changes
from processor.alarms.pattern import matcher
from processor.columns import Bool, Int8, Int32, Int64
from processor.storage.rows import Rows

logger = logging.getLogger(__name__)

Asked = Callable[[Sequence[str]], Iterable[Packed]]
Key = tuple[int, int]  # rule and version
LATEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Watched:
    """A version of a rule, which judges what reaches the stream in [since, until), in µs since 1970.

    By the stream's clock: a device's may be wrong, and history is older than any rule. `expression`: of the
    paths.
    """

    rule: int
    version: int
    expression: str
    definition: Definition
    since: int
    until: int

    @property
    def key(self) -> Key:
        """What it is known by; the same key is the same rule, whenever it is asked for."""
        return self.rule, self.version


@dataclass(frozen=True)
class Told:
    """What one version of a rule said of a batch. `history`: of each change."""

    watched: Watched
    judgement: Judgement
    point: Int64
    history: Bool


@dataclass(frozen=True)
class Outcome:
    """Of a batch: changes of alarms, and rows of alarm_state to write."""

    told: list[Told] = field(default_factory=list)
    rows: list[Packed] = field(default_factory=list)

    @property
    def raised(self) -> int:
        """How many alarms, history's not counted."""
        return sum(int((one.judgement.raised & ~one.history).sum()) for one in self.told)

    @property
    def cleared(self) -> int:
        """How many alarms, history's not counted."""
        return sum(int((~one.judgement.raised & ~one.history).sum()) for one in self.told)


class Watch:
    """Of one shard, by one owner. `paths`: by the slot that rows name; it grows.

    It remembers what the shard's points need and no more: of each point that it met 8 bytes and one for each
    version of a rule that has judged, of each device its path, and of each subject that a version judges what
    processor/alarms/memory.py says.
    """

    def __init__(self, watched: Sequence[Watched], paths: list[str]) -> None:
        self._paths = paths
        self._devices: list[str] = []
        self._place: dict[str, int] = {}
        self._device: Int32 = np.full(0, -1, np.int32)  # point → the number of its device
        self._slot: Int32 = np.full(0, -1, np.int32)  # point → its slot
        self._memory: dict[Key, Memory] = {}
        self._watched: Sequence[Watched] = []
        self._fits: dict[Key, Int8] = {}  # by point: 1 is the version's, 0 is not, -1 not known yet
        self._next: Sequence[Watched] | None = watched

    def renew(self, watched: Sequence[Watched]) -> None:
        """From the next batch on it is these that judge. From any thread."""
        self._next = watched

    @property
    def keys(self) -> list[Key]:
        """The versions of rules that judge now: what is stored of others is of no use."""
        return [one.key for one in self._watched]

    def knows(self, rows: Rows) -> bool:
        """Whether it can judge these without asking the table."""
        self._adopt()
        if not self._watched:
            return True
        points = rows.point[changes(rows.point)]
        highest = int(points[-1]) if len(points) else -1
        return highest < len(self._device) and bool((self._device[points] >= 0).all())

    def judge(self, rows: Rows, arrivals: Int64, asked: Asked) -> Outcome:
        """rows: in the order of the key, with those that have the key of another one.

        arrivals: when each record reached the stream, by the place that the rows name, in µs since 1970.
        asked: the rows of alarm_state of some devices, each asked for once.
        """
        self._adopt()
        if not self._watched or not len(rows):
            return Outcome()
        self._meet(rows, asked)
        batch = batch_of(rows, arrivals)
        outcome = Outcome()
        for one in self._watched:
            self._judge(one, self._its(one, batch), outcome)
        return outcome

    def recall(self, rows: Iterable[Packed]) -> None:
        """What was written of some devices by another hand than this watch's; those that it knows."""
        definitions = {one.key: one.definition for one in self._watched}
        for row in rows:
            key = row.rule, row.version
            if key in definitions and row.device in self._place:
                subjects, states = unpacked(definitions[key], row)
                device = np.full(len(subjects), self._place[row.device])
                self._memory[key].move(self._memory[key].places(subjects, device), states)

    def _judge(self, one: Watched, batch: Batch, outcome: Outcome) -> None:
        if not len(batch.subjects):
            return
        memory, device = self._memory[one.key], self._device[batch.subjects // 2]
        places = memory.places(batch.subjects, device.astype(np.int64))
        judgement = judge(one.definition, memory.of(places), batch.readings, batch.runs)
        if len(judgement):
            changed = batch.subjects[judgement.run]
            outcome.told.append(Told(one, judgement, changed // 2, changed % 2 == 1))
        outcome.rows.extend(
            Packed(self._devices[number], one.rule, one.version, subjects, states, due)
            for number, subjects, states, due in memory.packed(memory.move(places, judgement.states))
        )

    def _adopt(self) -> None:
        """Take the rules that are to judge from now on; a version that stays keeps its memory."""
        if (watched := self._next) is None:
            return
        self._next = None
        if list(watched) == list(self._watched):
            return
        keys = {one.key for one in watched}
        self._fits = {key: fits for key, fits in self._fits.items() if key in keys}
        self._memory = {one.key: self._memory.get(one.key) or Memory(one.definition) for one in watched}
        self._watched = list(watched)

    def _meet(self, rows: Rows, asked: Asked) -> None:
        """Find the devices of points that were not seen yet, and what is stored of new devices."""
        first = np.flatnonzero(changes(rows.point))
        points, slots = rows.point[first], rows.columns.slot[first]
        self._grow(int(points[-1]) + 1)
        new = self._device[points] < 0
        devices: list[str] = []
        for point, slot in zip(points[new].tolist(), slots[new].tolist(), strict=True):
            path = self._paths[slot]
            device = path.rpartition("/")[0]
            if device not in self._place:
                self._place[device] = len(self._devices)
                self._devices.append(device)
                devices.append(device)
            self._slot[point] = slot
            self._device[point] = self._place[device]
        if devices:
            self._remember(asked(devices))

    def _grow(self, points: int) -> None:
        if points > len(self._device):
            count = max(points, 2 * len(self._device))
            self._device, self._slot = _grown(self._device, count), _grown(self._slot, count)

    def _remember(self, rows: Iterable[Packed]) -> None:
        """What the table has of devices that are new here."""
        found: dict[Key, list[tuple[Int64, Int64, State]]] = defaultdict(list)
        definitions = {one.key: one.definition for one in self._watched}
        for row in rows:
            key = row.rule, row.version
            if key not in definitions:
                continue
            try:
                subjects, states = unpacked(definitions[key], row)
            except ValueError as error:  # the others must go on, and so must this one
                logger.error("a state is begun anew", extra={"device": row.device, "cause": str(error)})
                continue
            found[key].append((subjects, np.full(len(subjects), self._place[row.device]), states))
        for key, parts in found.items():
            subjects, device, states = map(np.concatenate, zip(*parts, strict=True))
            self._memory[key].add(subjects, device, states)

    def _its(self, one: Watched, batch: Batch) -> Batch:
        """What of a batch a version of a rule judges: of its points, and what arrived in its time."""
        arrived = batch.readings.arrived
        first, last = int(arrived.min(initial=LATEST)), int(arrived.max(initial=-LATEST))
        if last < one.since or first >= one.until:  # that of a rule which is over, nearly always
            return batch.take(np.zeros(len(arrived), np.bool_))
        mine = self._fitting(one, batch.subjects // 2)
        if by_arrival(one.definition):
            mine = mine & (batch.subjects % 2 == 0)
        if mine.all() and one.since <= first and last < one.until:
            return batch
        return batch.take(mine[batch.runs.run] & (arrived >= one.since) & (arrived < one.until))

    def _fitting(self, one: Watched, points: Int64) -> Bool:
        """Which of these points, all of them met, a version of a rule is for. Each is looked at once."""
        fits = self._fits.get(one.key)
        if fits is None or len(fits) < len(self._device):
            fits = _grown(np.zeros(0, np.int8) if fits is None else fits, len(self._device))
            self._fits[one.key] = fits
        new = points[fits[points] < 0]
        if len(new):
            pattern = matcher(one.expression)
            paths = [self._paths[slot] for slot in self._slot[new].tolist()]
            fits[new] = [pattern.match(path) is not None for path in paths]
        mine: Bool = fits[points] > 0
        return mine


def _grown(column: NDArray[Any], count: int) -> NDArray[Any]:
    """So long, what is new being -1."""
    return np.concatenate([column, np.full(count - len(column), -1, column.dtype)])
