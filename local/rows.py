"""The rows of a CSV file as text, read as a stream, with the place of what cannot be read."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import cells
from local.errors import LocalError

DELIMITERS = (",", ";", "\t")
BOM = b"\xef\xbb\xbf"


class RecordingMalformed(LocalError):
    """{file}: row {row}, column {column}: {why}"""


@dataclass(frozen=True)
class Dialect:
    """What the first rows tell of the file."""

    delimiter: str
    header: Sequence[str]  # of all columns


def dialect(file: Path) -> Dialect:
    """The delimiter under which the first two rows fit each other best, and the header under it.

    A header may hold the other delimiters, quoted or not; the row below it, whose first cell must be a time,
    tells which one counts. Raises RecordingMalformed where there is no header with a time and a metric.
    """
    best, most = Dialect(",", []), (False, False, 0)
    for delimiter in DELIMITERS:
        header, row = _first_two(file, delimiter)
        fit = (_is_time(row[:1]), len(row) == len(header) > 1, len(header))
        if fit > most:
            best, most = Dialect(delimiter, header), fit
    if not best.header:
        next(rows(file, best), None)  # says where its quotes are wrong, if that is why
        raise RecordingMalformed(file=file, row=1, column=1, why="the file is empty; a header is expected")
    if _is_time(best.header[:1]):
        why = f"{best.header[0]!r} is a time, so this is no header; give each column a name in the first row"
        raise RecordingMalformed(file=file, row=1, column=1, why=why)
    if len(best.header) < 2:
        why = "there is no metric beside the time; columns are separated by a comma, a semicolon or a tab"
        raise RecordingMalformed(file=file, row=1, column=2, why=why)
    return best


def rows(file: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, each with the line of the file on which it begins (1 = the header).

    Blank lines are passed over. Raises RecordingMalformed where the text is not UTF-8, holds NUL or has
    quotes that do not match, and where a row has more or fewer columns than the header.
    """
    lines = _Lines(file, dialect.delimiter)
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    headed = False
    while True:
        begin = lines.begin_row()
        try:
            row = next(reader, None)
        except csv.Error as error:
            column = _fault(lines.text, dialect.delimiter)
            raise RecordingMalformed(file=file, row=begin, column=column, why=str(error)) from error
        if row is None:
            return
        if row and headed:
            if len(row) != len(dialect.header):
                column = min(len(row), len(dialect.header)) + 1
                why = f"the row has {len(row)} columns, the header {len(dialect.header)}"
                raise RecordingMalformed(file=file, row=begin, column=column, why=why)
            yield begin, row
        headed = headed or bool(row)


def _first_two(file: Path, delimiter: str) -> tuple[list[str], list[str]]:
    """The first two rows that are not blank; empty ones where the file cannot be parsed so."""
    found: list[list[str]] = []
    try:
        for row in csv.reader(_Lines(file, delimiter), delimiter=delimiter, strict=True):
            if row:
                found.append(row)
            if len(found) == 2:
                break
    except csv.Error:
        pass  # another delimiter may do
    header, row = (*found, [], [])[:2]
    return header, row


def _is_time(cell: Sequence[str]) -> bool:
    try:
        cells.Clock().read(cell[0])
    except (ValueError, IndexError, OverflowError):
        return False
    return True


def _fault(text: str, delimiter: str) -> int:
    """The column in which the quotes go wrong: that of the shortest beginning that can no longer be right."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        if _wrong(text[:middle], delimiter):
            high = middle
        else:
            low = middle + 1
    return _columns(text[:low], delimiter)


def _wrong(text: str, delimiter: str) -> bool:
    try:
        next(csv.reader([text], delimiter=delimiter, strict=True), None)
    except csv.Error as error:
        return "unexpected end" not in str(error)
    return False


def _columns(text: str, delimiter: str) -> int:
    try:
        return max(1, len(next(csv.reader([text], delimiter=delimiter), [])))
    except csv.Error:  # as wrong as the row is: then without regard to quotes
        return text.count(delimiter) + 1


class _Lines:
    """The lines of the file, counted, and refused where they are no text."""

    def __init__(self, file: Path, delimiter: str) -> None:
        self._file = file
        self._delimiter = delimiter
        self._lines = self._read()
        self._count = 0
        self.text = ""  # of the row that is being read

    def begin_row(self) -> int:
        self.text = ""
        return self._count + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.text += line
        return line

    def _read(self) -> Iterator[str]:
        with self._file.open("rb") as file:
            for raw in file:
                self._count += 1
                yield self._decoded(raw.removeprefix(BOM) if self._count == 1 else raw)

    def _decoded(self, raw: bytes) -> str:
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            why = "the text is not UTF-8; save the file as UTF-8"
            raise self._refused(raw[: error.start].decode(), why) from error
        if "\0" in line:
            raise self._refused(line[: line.index("\0")], "a NUL character, which is no text")
        return line

    def _refused(self, before: str, why: str) -> RecordingMalformed:
        column = _columns(before, self._delimiter)
        return RecordingMalformed(file=self._file, row=self._count, column=column, why=why)
