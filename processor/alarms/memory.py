"""What is remembered of each subject under one version of a rule, and how it is packed, device by device.

A subject is a point, or the history of one: history has a state of its own, or a year that is loaded today
would be late for ever behind today's readings.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.definition import Definition
from processor.alarms.detectors import State, fresh, layout
from processor.alarms.silence import soonest
from processor.columns import Bool, Int64

PACKED = np.dtype("<i8")


@dataclass(frozen=True)
class Packed:
    """A row of alarm_state. `due`: when the first of its points becomes silent, in µs; None: none will."""

    device: str
    rule: int
    version: int
    subjects: bytes
    states: bytes
    due: int | None = None


class Memory:
    """Subjects in ascending order, the number of each one's device, and its state.

    It takes 16 bytes a subject, 16 more to find those of a device, and the state.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._subjects: Int64 = np.zeros(0, np.int64)
        self._device: Int64 = np.zeros(0, np.int64)
        self._states = fresh(definition, 0)
        self._by_device: Int64 | None = None  # places in the order of (device, subject), once asked for
        self._sorted: Int64 = np.zeros(0, np.int64)  # the devices in that order

    def __len__(self) -> int:
        return len(self._subjects)

    def places(self, subjects: Int64, device: Int64) -> Int64:
        """Where each is, the new ones with a fresh state. device: of each of them."""
        places, held = self._find(subjects)
        if held.all():
            return places
        self.add(subjects[~held], device[~held], fresh(self._definition, int((~held).sum())))
        return np.searchsorted(self._subjects, subjects)

    def add(self, subjects: Int64, device: Int64, states: State) -> None:
        """And these, but those that are there already."""
        new = ~self._find(subjects)[1]
        joined = np.concatenate([self._subjects, subjects[new]])
        order = np.argsort(joined, kind="stable")
        self._subjects = joined[order]
        self._device = np.concatenate([self._device, device[new]])[order]
        self._states = np.concatenate([self._states, states[new]])[order]
        self._by_device = None

    def of(self, places: Int64) -> State:
        """A copy of their states."""
        return self._states[places]

    def move(self, places: Int64, states: State) -> Int64:
        """Give them these states; the devices of those that were others, in ascending order."""
        whole = np.dtype((np.void, states.dtype.itemsize))  # compared byte by byte: NaN is NaN
        moved = self._states[places].view(whole) != states.view(whole)
        self._states[places] = states
        spoke = np.zeros(int(self._device.max(initial=-1)) + 1, np.bool_)
        spoke[self._device[places[moved]]] = True
        return np.flatnonzero(spoke)

    def packed(self, devices: Int64) -> list[tuple[int, bytes, bytes, int | None]]:
        """Of each of these devices, in ascending order: its number, its subjects, their states, and when the
        first of them is due."""
        if self._by_device is None:
            self._by_device = np.argsort(self._device, kind="stable")
            self._sorted = self._device[self._by_device]
        starts = np.searchsorted(self._sorted, devices)
        lengths = np.searchsorted(self._sorted, devices, side="right") - starts
        ends = np.cumsum(lengths)
        mine = self._by_device[np.repeat(starts - ends + lengths, lengths) + np.arange(lengths.sum())]
        subjects, states = self._subjects[mine].astype(PACKED), self._states[mine]
        due = soonest(self._definition, states, ends - lengths)
        return [
            (device, subjects[start:end].tobytes(), states[start:end].tobytes(), when)
            for device, start, end, when in zip(
                devices.tolist(), (ends - lengths).tolist(), ends.tolist(), due, strict=True
            )
        ]

    def _find(self, subjects: Int64) -> tuple[Int64, Bool]:
        """Where each would be, and whether it is there."""
        if not len(self._subjects):
            return np.zeros(len(subjects), np.int64), np.zeros(len(subjects), np.bool_)
        places = np.minimum(np.searchsorted(self._subjects, subjects), len(self._subjects) - 1)
        held: Bool = self._subjects[places] == subjects
        return places, held


def unpacked(definition: Definition, row: Packed) -> tuple[Int64, State]:
    """Raises ValueError for a state that another release has written in another form."""
    subjects = np.frombuffer(row.subjects, PACKED).astype(np.int64)
    size = layout(definition).itemsize
    if len(row.states) != len(subjects) * size:
        raise ValueError(
            f"the state of {row.device} under version {row.version} of rule {row.rule} has"
            f" {len(row.states)} bytes for {len(subjects)} subjects of {size}: a"
            " release that changes a detector's state must write a new version of its rules"
        )
    return subjects, np.frombuffer(row.states, layout(definition))
