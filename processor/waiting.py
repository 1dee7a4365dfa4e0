"""Latest values that are to be shown: one a point, the newest, in bounded memory."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

# What waits while the cache is away: some 200,000 numbers, or 16,000 texts of the greatest length.
MOST_BYTES_WAITING = 64 * 1024 * 1024
ROOM = 0.75  # of it are left when values are dropped, so that it is not done with each batch
BESIDE = 220  # bytes that an entry takes besides its path and its document, as tracemalloc counts them


class Value(NamedTuple):
    """A point's value and its time in microseconds since 1970."""

    ts: int
    document: bytes


class Waiting:
    """By path, in the order in which points came to wait. `dropped` counts the values that had to go."""

    def __init__(self) -> None:
        self.dropped = 0
        self._values: dict[str, Value] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._values)

    def put(self, path: str, value: Value) -> None:
        """To be shown, unless a newer one of the point waits already."""
        held = self._values.get(path)
        if held is None:
            self._size += len(path) + len(value.document) + BESIDE
        elif value.ts < held.ts:
            return
        else:
            self._size += len(value.document) - len(held.document)
        self._values[path] = value

    def parts(self, count: int) -> Iterator[dict[str, Value]]:
        """All that wait now, so many at a time; they may be removed meanwhile."""
        entries = list(self._values.items())
        for start in range(0, len(entries), count):
            yield dict(entries[start : start + count])

    def remove(self, paths: Iterable[str]) -> None:
        """They are shown, or dropped."""
        for path in paths:
            self._size -= len(path) + len(self._values.pop(path).document) + BESIDE

    def shed(self) -> int:
        """Drop the largest, where all are too much; how many."""
        if self._size <= MOST_BYTES_WAITING:
            return 0
        surplus = self._size - ROOM * MOST_BYTES_WAITING
        going: list[str] = []
        for path, value in sorted(self._values.items(), key=_by_size, reverse=True):
            if surplus <= 0:
                break
            going.append(path)
            surplus -= len(path) + len(value.document) + BESIDE
        self.remove(going)
        self.dropped += len(going)
        return len(going)


def _by_size(entry: tuple[str, Value]) -> int:
    return len(entry[1].document)
