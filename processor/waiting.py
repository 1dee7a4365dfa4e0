"""Latest values that are to be shown: one a point, the newest, in bounded memory."""

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

    def take(self) -> list[tuple[str, Value]]:
        """All that wait; none do any more."""
        values = list(self._values.items())
        self._values.clear()
        self._size = 0
        return values

    def shed(self) -> int:
        """Drop the largest, where all are too much; how many."""
        if self._size <= MOST_BYTES_WAITING:
            return 0
        surplus = self._size - ROOM * MOST_BYTES_WAITING
        gone = 0
        for path, value in sorted(self._values.items(), key=_by_size, reverse=True):
            if surplus <= 0:
                break
            size = len(path) + len(value.document) + BESIDE
            del self._values[path]
            self._size -= size
            surplus -= size
            gone += 1
        self.dropped += gone
        return gone


def _by_size(entry: tuple[str, Value]) -> int:
    return len(entry[1].document)
