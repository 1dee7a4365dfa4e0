"""A recording: a CSV file whose first column is a time and whose further columns are metrics.

It is read twice: once to see that every row can be sent, before anything is started, and once to send it.
So a file of any length takes the memory of one envelope, and a wrong row changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from local import cells, headers, rows
from local.errors import LocalError
from local.reading import MOST_READINGS, Envelope, Reading
from local.rows import Dialect, RecordingMalformed

MOST_CHARACTERS = (
    128 * 1024
)  # of cells in an envelope: a record holds 1 MiB, a character up to 6 bytes of JSON
DEFAULT_PLACE = "recordings/local/replay/line1/cell1"
GATEWAY = "replay"


class RecordingMissing(LocalError):
    """{file}: {why}; --replay takes a CSV file"""


@dataclass(frozen=True)
class Recording:
    """A file that was checked; `open_recording` makes it."""

    file: Path
    device: str
    zone: tzinfo
    dialect: Dialect
    metrics: Sequence[str]  # of the columns beside the time
    rows: int
    readings: int
    falling: bool  # the newest row comes first

    def mapping(self) -> list[tuple[str, str]]:
        """Each header beside the time's, with the metric it becomes."""
        return list(zip(self.dialect.header[1:], self.metrics, strict=True))

    def envelopes(self) -> Iterator[Envelope]:
        """Every reading in the file's order, up to 500 an envelope, marked as history."""
        paths = [f"{self.device}/{metric}" for metric in self.metrics]
        comma = self.dialect.delimiter != ","
        batch: list[Reading] = []
        size = 0
        for _, micros, found in _timed(self.file, self.dialect, self.zone, falling=self.falling):
            for path, cell in zip(paths, found, strict=True):
                if not cell or cell.isspace():
                    continue
                if len(batch) == MOST_READINGS or (batch and size + len(cell) > MOST_CHARACTERS):
                    yield Envelope(self.device, GATEWAY, batch)
                    batch, size = [], 0
                batch.append(Reading(path, micros, cells.value(cell, decimal_comma=comma), hist=True))
                size += len(cell)
        if batch:
            yield Envelope(self.device, GATEWAY, batch)


def default_device(file: Path) -> str:
    """The path that a recording gets without --path."""
    return f"{DEFAULT_PLACE}/{headers.metrics([file.stem])[0]}"


def open_recording(file: Path, device: str, zone: tzinfo = UTC) -> Recording:
    """Read the whole file once and check every row.

    Raises RecordingMissing, or RecordingMalformed with the first row and column that cannot be sent.
    """
    if not file.is_file():
        why = "this is no ordinary file" if file.exists() else "there is no such file"
        raise RecordingMissing(file=file, why=why)
    try:
        return _checked(file, device, zone)
    except OSError as error:
        raise RecordingMissing(file=file, why=f"cannot be read: {error.strerror}") from error


def _checked(file: Path, device: str, zone: tzinfo) -> Recording:
    dialect = rows.dialect(file)
    count = readings = 0
    first = last = None
    marks = _Marks(file, dialect)
    for line, micros, found in _timed(file, dialect, zone, falling=False):
        count += 1
        marks.check(line, found)
        readings += sum(1 for cell in found if cell and not cell.isspace())
        last = micros
        first = micros if first is None else first
    if first is None or last is None:
        raise RecordingMalformed(file=file, row=2, column=1, why="there are no rows below the header")
    if not readings:
        raise RecordingMalformed(file=file, row=2, column=2, why="every cell beside the times is empty")
    names = headers.metrics(dialect.header[1:])
    return Recording(file, device, zone, dialect, names, count, readings, falling=last < first)


class _Marks:
    """Each column writes its decimals in one way.

    With both in a column, 1.234 may be a thousand times what it seems. With commas between the columns there
    is no question: decimals have a point.
    """

    def __init__(self, file: Path, dialect: Dialect) -> None:
        self._file = file
        self._in_question = dialect.delimiter != ","
        self._first: dict[int, tuple[str, int]] = {}  # column → the mark and the line that has shown it

    def check(self, line: int, found: list[str]) -> None:
        """Raises RecordingMalformed at the cell that contradicts an earlier row."""
        if not self._in_question:
            return
        for place, cell in enumerate(found):
            mark = cells.decimal_mark(cell) if "." in cell or "," in cell else None
            if mark is None:
                continue
            former, where = self._first.setdefault(place, (mark, line))
            if former != mark:
                why = f"{cell.strip()!r} has its decimals after {mark!r}, row {where} after {former!r}"
                why += "; write a column in one way"
                raise RecordingMalformed(file=self._file, row=line, column=place + 2, why=why)


def _timed(
    file: Path, dialect: Dialect, zone: tzinfo, *, falling: bool
) -> Iterator[tuple[int, int, list[str]]]:
    """Each row's line, its time in microseconds since 1970 and its cells beside the time."""
    clock = cells.Clock(zone, falling=falling)
    for line, row in rows.rows(file, dialect):
        try:
            micros = clock.read(row[0])
        except (ValueError, OverflowError):
            shown = repr(row[0] if len(row[0]) <= 40 else f"{row[0][:40]}…")
            why = f"{shown} is no time; allowed: {cells.TIMES}"
            raise RecordingMalformed(file=file, row=line, column=1, why=why) from None
        yield line, micros, row[1:]
