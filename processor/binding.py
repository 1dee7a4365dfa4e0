"""Whose readings a record may hold.

IoT's rule makes the partition key of the topic, which a device's certificate binds to its place and name:
`enterprise/site/area/line/cell/device`. What a payload says of its paths is free, so the two are compared. A
key of another shape binds nothing: a gateway that puts with credentials of its own chooses any, and may speak
for several devices (docs/decisions/binding.md).
"""

from collections.abc import Callable

import numpy as np

from processor.columns import Bool, Int32, Int64

STRANGER = "path is another device's than the record's partition key; a device speaks for itself"
MOST_KEYS = 500_000  # remembered; a producer may make a new one for each record
_SLASHES = 5  # in the path of a device
_FREE = -1


def binds(key: str) -> bool:
    """Whether a partition key is a device's path."""
    return key.count("/") == _SLASHES


class Binding:
    """Compares partition keys with the paths of one Names: both as small numbers, one for each device."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths  # by slot; it grows
        self._numbers = _Numbers()
        self._of_slot: Int64 = np.zeros(0, np.int64)

    def strangers(self, keys: list[str], each: Callable[[Int64], Int64], slot: Int32) -> Bool | None:
        """Which readings are of another device than their record's key names; None when none is bound.

        `keys` is one a record, `each` makes a column of the readings of one of the records. A reading whose
        path was refused has a negative slot, and no device.
        """
        if len(self._numbers) > MOST_KEYS:
            self._numbers = _Numbers()
            self._of_slot = np.zeros(0, np.int64)
        number = np.fromiter(map(self._numbers.__getitem__, keys), np.int64, len(keys))
        if not len(number) or number.max() == _FREE or not self._paths:
            return None
        if len(self._of_slot) < len(self._paths):
            new = [self._numbers[path.rpartition("/")[0]] for path in self._paths[len(self._of_slot) :]]
            self._of_slot = np.append(self._of_slot, np.array(new, np.int64))
        named = each(number)
        stranger: Bool = (named != _FREE) & (named != self._of_slot[slot]) & (slot >= 0)
        return stranger


class _Numbers(dict[str, int]):
    """A number for each device's path, and _FREE for what is none."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self) if binds(key) else _FREE
        return number
