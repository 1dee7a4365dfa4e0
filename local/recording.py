"""A recording: a CSV file whose first column is a time and whose further columns are metrics.

It is read twice: once to see that every row can be sent, before anything is started, and once to send it.
So a file of any length takes the memory of one envelope, and a wrong row changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from local import headers
from local.errors import LocalError
from local.reading import MOST_READINGS, Envelope, Reading
from processor.recordings import cells, rows
from processor.recordings.rows import Dialect, RowError

MOST_CHARACTERS = (
    128 * 1024
)  # of cells in an envelope: a record holds 1 MiB, a character up to 6 bytes of JSON
DEFAULT_PLACE = "recordings/local/replay/line1/cell1"
GATEWAY = "replay"


class RecordingMissing(LocalError):
    """{file}: {why}; --replay takes a CSV file"""


class RecordingMalformed(LocalError):
    """{error}"""


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
        comma = self.dialect.decimal_comma
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
    except RowError as error:
        raise RecordingMalformed(error=error) from error
    except OSError as error:
        raise RecordingMissing(file=file, why=f"cannot be read: {error.strerror}") from error


def _checked(file: Path, device: str, zone: tzinfo) -> Recording:
    dialect = rows.dialect(file)
    if not dialect.headed:
        why = (
            f"{dialect.header[0]!r} is a time, so this is no header; give each column a name in the first row"
        )
        raise RowError(file, 1, 1, why)
    count = readings = 0
    first = last = None
    marks = rows.Marks(file, dialect)
    for line, micros, found in _timed(file, dialect, zone, falling=False):
        count += 1
        marks.check(line, ["", *found])
        readings += sum(1 for cell in found if cell and not cell.isspace())
        last = micros
        first = micros if first is None else first
    if first is None or last is None:
        raise RowError(file, 2, 1, "there are no rows below the header")
    if not readings:
        raise RowError(file, 2, 2, "every cell beside the times is empty")
    names = headers.metrics(dialect.header[1:])
    return Recording(file, device, zone, dialect, names, count, readings, falling=last < first)


def _timed(
    file: Path, dialect: Dialect, zone: tzinfo, *, falling: bool
) -> Iterator[tuple[int, int, list[str]]]:
    """Each row's line, its time in microseconds since 1970 and its cells beside the time."""
    clock = cells.Clock(zone, falling=falling)
    for line, row in rows.rows(file, dialect):
        yield line, rows.time_of(file, line, 1, row[0], clock), row[1:]
