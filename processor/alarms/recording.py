"""A recording in a file, as readings: the time in the first column, in each further one a point's values."""

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from processor.alarms.order import Readings


class RecordingError(ValueError):
    """The file cannot be read: the message says which line, and what is allowed."""


def recorded(file: Path) -> Iterator[tuple[str, Readings]]:
    """Each column's name and readings, in order: where the clock steps back, no reading is late here.

    A time without an offset is taken as UTC; an empty cell is no reading. Raises RecordingError.
    """
    names, times, cells = _read(file)
    ts = np.array(times, np.int64)
    order = np.argsort(ts, kind="stable")
    for place, name in enumerate(names):
        value = np.array([row[place] for row in cells], np.float64)[order]
        readings = Readings(
            point=np.full(len(ts), place, np.int32),
            ts=ts[order],
            seq=np.arange(len(ts)),
            value=value,
            record=np.arange(len(ts)),
            arrived=ts[order],
        )
        yield name, readings.take(np.isfinite(value))


def _read(file: Path) -> tuple[list[str], list[int], list[list[float]]]:
    try:
        lines = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{file} cannot be read: {error}") from None
    if len(lines) < 2 or len(lines[0]) < 2:
        raise RecordingError(
            f"{file} must have a line of names, the time's and a point's, and lines of values"
        )
    names = lines[0][1:]
    times: list[int] = []
    cells: list[list[float]] = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(names) + 1:
            raise RecordingError(
                f"{file}, line {number}: has {len(line)} cells and must have {len(names) + 1}"
            )
        times.append(_time(file, number, line[0]))
        cells.append([_value(file, number, cell) for cell in line[1:]])
    return names, times, cells


def _time(file: Path, number: int, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RecordingError(
            f"{file}, line {number}: the time {text!r} must be as 2026-03-01 06:00:00 or 2026-03-01T06:00:00Z"
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return round(moment.timestamp() * 1_000_000)


def _value(file: Path, number: int, text: str) -> float:
    if not text.strip():
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise RecordingError(f"{file}, line {number}: {text!r} must be a number, or nothing") from None
