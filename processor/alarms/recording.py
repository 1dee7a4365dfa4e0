"""A recording in a file, as series: a time in one column, in each further one a point's values.

Generous in what is read (processor/recordings), and exact in what was made of it: `said`.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from math import isnan
from pathlib import Path

import numpy as np

from processor.alarms.order import Readings
from processor.alarms.phrases import DAY_OR_MONTH, counted, time
from processor.alarms.series import PAGE, Series, Span, moment
from processor.columns import Bool, Int64
from processor.recordings import cells, rows
from processor.recordings.rows import Dialect, RowError

VALUES = "21.5, where ; or a tab divides the columns also 21,5, true or false"


class RecordingError(ValueError):
    """The file cannot be read: the message says where, and what is allowed."""


@dataclass(frozen=True)
class Recording:
    """`span`: of its rows that are taken; `said`: what was made of the file, a line each."""

    series: Sequence[Series]
    span: Span
    said: Sequence[str]


@dataclass
class _Column:
    """`texts`: cells that are no number; `first`: the first of them with its row."""

    name: str
    place: int
    values: "array[float]" = field(default_factory=lambda: array("d"))
    texts: int = 0
    first: tuple[int, str] = (0, "")


def recorded(
    file: Path,
    zone: tzinfo = UTC,
    columns: Sequence[str] = (),
    within: Span | None = None,
    day_first: bool | None = None,
) -> Recording:
    """zone: of times without an offset. day_first: of 02/12/2026; None: such times are refused. columns:
    names; all if there are none. within: all times if None.

    Rows are put in the order of their time, so no reading is late here; an empty cell is no reading, and a
    cell that is no number is none either. Raises RecordingError.
    """
    try:
        dialect = rows.dialect(file)
        found = _columns(file, dialect, columns)
        times, naive = _read(file, dialect, found, cells.Clock(zone, day_first=day_first))
    except RowError as error:
        slashes = f"; {DAY_OR_MONTH}" if error.slashes else ""
        raise RecordingError(f"{error}{slashes}") from None
    except OSError as error:
        raise RecordingError(f"{file} cannot be read: {error.strerror}") from None
    if not len(times):
        raise RecordingError(f"{file}: there is no row of values; each is a time and a value or more")
    numbers = [column for column in found if not np.isnan(column.values).all()]
    if not numbers:
        raise RecordingError(f"{file}: {_no_number(found)}")
    said = [*_of_times(file, times, naive, zone), *_of_texts(found)]
    order = np.argsort(times, kind="stable")
    kept = _kept(file, times[order], within)
    order = order[kept]
    inside = times[order]
    return Recording(
        series=[Series(column.name, "", _pages(column, times, order)) for column in numbers],
        span=Span(int(inside[0]), int(inside[-1]) + 1),
        said=said,
    )


def _columns(file: Path, dialect: Dialect, wanted: Sequence[str]) -> list[_Column]:
    found = []
    for place, header in enumerate(dialect.header):
        name = header.strip() if dialect.headed else ""
        if place == dialect.time or (not name and place < dialect.time):  # a row's number has no name
            continue
        alone = not dialect.headed and len(dialect.header) == 2
        found.append(_Column(name or (file.stem if alone else f"column_{place + 1}"), place))
    often = Counter(column.name for column in found)
    for column in found:
        if often[column.name] > 1:
            column.name += f" (column {column.place + 1})"
    names = [column.name for column in found]
    for name in wanted:
        if name not in names:
            raise RecordingError(f"{file}: no column is called {name!r}; there are {', '.join(names)}")
    return [column for column in found if not wanted or column.name in wanted]


def _read(file: Path, dialect: Dialect, columns: list[_Column], clock: cells.Clock) -> tuple[Int64, bool]:
    """The rows' times, and whether one had no offset; the columns' values are filled in."""
    times = array("q")
    marks = rows.Marks(file, dialect)
    for line, row in rows.rows(file, dialect):
        times.append(rows.time_of(file, line, dialect.time + 1, row[dialect.time], clock))
        marks.check(line, row)
        for column in columns:
            cell = row[column.place]
            number = cells.number(cell, decimal_comma=dialect.decimal_comma)
            if isnan(number) and not cells.absent(cell):
                column.texts += 1
                column.first = column.first if column.first[0] else (line, cell)
            column.values.append(number)
    return np.array(times, np.int64), clock.naive


def _kept(file: Path, times: Int64, within: Span | None) -> Bool:
    if within is None:
        return np.ones(len(times), np.bool_)
    kept: Bool = (times >= within.since) & (times < within.until)
    if not kept.any():
        first, last = (time(moment(int(times[place]))) for place in (0, -1))
        raise RecordingError(
            f"{file}: no row is of the time asked for: choose --from and --to within {first} to {last}"
        )
    return kept


def _pages(column: _Column, times: Int64, order: Int64) -> Iterator[Readings]:
    values = np.array(column.values, np.float64)
    for begin in range(0, len(order), PAGE):
        rows = order[begin : begin + PAGE]
        value = values[rows]
        readings = Readings(
            point=np.zeros(len(rows), np.int32),
            ts=times[rows],
            seq=np.arange(begin, begin + len(rows)),
            value=value,
            record=np.arange(begin, begin + len(rows)),
            arrived=times[rows],
        )
        yield readings.take(np.isfinite(value))


def _of_times(file: Path, times: Int64, naive: bool, zone: tzinfo) -> Iterator[str]:
    yield f"{file.name}: {counted(len(times), 'row')}"
    if naive:
        yield f"times without an offset are taken as {zone}; --timezone names another"
    steps = np.diff(times)
    if same := int((steps == 0).sum()):
        most = "; if date and time stand in two columns, join them" if same > len(steps) / 2 else ""
        yield f"{counted(same, 'row')} of the same time as the row before{most}"
    backwards = int((steps < 0).sum())
    if backwards and backwards < len(steps):  # all: the newest row comes first, which is an order too
        yield f"{counted(backwards, 'row')} earlier than the row before; judged in the order of time"


def _of_texts(columns: list[_Column]) -> Iterator[str]:
    for column in columns:
        line, cell = column.first
        if np.isnan(column.values).all():
            why = f"{cell!r} in row {line} is one" if line else "all are empty"
            yield f"{column.name}: left out, no cell of it is a number ({why})"
        elif line:
            yield (
                f"{column.name}: {counted(column.texts, 'cell')} without a number passed over, "
                f"the first {cell!r} in row {line}"
            )


def _no_number(columns: list[_Column]) -> str:
    for column in columns:
        line, cell = column.first
        if line:
            where = f"row {line}, column {column.place + 1}"
            return f"{where}: {cell!r} is no number, nor is any other cell; allowed: {VALUES}"
    return "every cell beside the times is empty"
