"""What is remembered of each subject under one version of a rule, and how it is packed, device by device.

A subject is a point, or the history of one: history has a state of its own, or a year that is loaded today
would be late for ever behind today's readings.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.definition import Definition
from processor.alarms.detectors import State, fresh, layout
from processor.columns import Bool, Int32, Int64

PACKED = np.dtype("<i8")


@dataclass(frozen=True)
class Packed:
    """A row of alarm_state."""

    device: str
    rule: int
    version: int
    subjects: bytes
    states: bytes


@dataclass(frozen=True)
class Memory:
    """Subjects in ascending order, the place of each one's device, and its state."""

    subjects: Int64
    device: Int64
    states: State

    @classmethod
    def empty(cls, definition: Definition) -> "Memory":
        """Of nobody."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, fresh(definition, 0))

    def with_these(self, subjects: Int64, device: Int64, states: State) -> "Memory":
        """And these, of which none is there yet."""
        joined = np.concatenate([self.subjects, subjects])
        order = np.argsort(joined, kind="stable")
        return Memory(
            joined[order],
            np.concatenate([self.device, device])[order],
            np.concatenate([self.states, states])[order],
        )

    def lacks(self, subjects: Int64) -> Int64:
        """Those that are not there."""
        return subjects[~np.isin(subjects, self.subjects)]

    def of(self, subjects: Int64) -> State:
        """Their states. All are there."""
        return self.states[np.searchsorted(self.subjects, subjects)]

    def moved(self, subjects: Int64, states: State) -> "Memory":
        """With other states of these."""
        after = self.states.copy()
        after[np.searchsorted(self.subjects, subjects)] = states
        return Memory(self.subjects, self.device, after)

    def packed(self, devices: Int64) -> list[tuple[int, bytes, bytes]]:
        """Of each of these devices: its place, its subjects and their states."""
        mine = np.flatnonzero(np.isin(self.device, devices))
        mine = mine[np.argsort(self.device[mine], kind="stable")]
        place, starts = np.unique(self.device[mine], return_index=True)
        subjects, states = self.subjects[mine].astype(PACKED), self.states[mine]
        ends = [*starts[1:].tolist(), len(mine)]
        return [
            (one, subjects[start:end].tobytes(), states[start:end].tobytes())
            for one, start, end in zip(place.tolist(), starts.tolist(), ends, strict=True)
        ]


def subjects_of(point: Int32, history: Bool) -> Int64:
    """Of readings."""
    return point.astype(np.int64) * 2 + history


def unpacked(definition: Definition, row: Packed) -> tuple[Int64, State]:
    """Raises ValueError for a state that another release has written in another form."""
    subjects = np.frombuffer(row.subjects, PACKED).astype(np.int64)
    states = np.frombuffer(row.states, layout(definition))
    if len(subjects) != len(states):
        raise ValueError(
            f"the state of {row.device} under version {row.version} of rule {row.rule} has"
            f" {len(row.states)} bytes for {len(subjects)} subjects of {layout(definition).itemsize}: a"
            " release that changes a detector's state must write a new version of its rules"
        )
    return subjects, states
