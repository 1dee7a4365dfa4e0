"""The rows of a CSV file as text, read as a stream, with the place of what cannot be read."""

import csv
import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from processor.recordings import cells

DELIMITERS = (",", ";", "\t")
# A bare number elsewhere than in the first column is a time only if its name says so.
TIME_NAMES = frozenset({"time", "timestamp", "ts", "date", "datetime", "epoch"})
# What the csv module says of quotes and cells, by its beginning, for whoever has only the file.
FAULTS = {
    "unexpected end of data": "a quote is not closed",
    "field larger than": f"the cell is longer than {csv.field_size_limit():,} characters: shorten it, or "
    "close a quote that is open before it",
}
BOM = b"\xef\xbb\xbf"


class RowError(ValueError):
    """The file cannot be read: the message says at which row and column, and what is allowed."""

    def __init__(self, file: Path, row: int, column: int, why: str, *, slashes: bool = False) -> None:
        """slashes: a day and a month that nobody can tell apart are why."""
        super().__init__(f"{file}: row {row}, column {column}: {why}")
        self.slashes = slashes


@dataclass(frozen=True)
class Dialect:
    """What the first rows tell of the file."""

    delimiter: str
    header: Sequence[str]  # of all columns: the first row
    time: int = 0  # the column that holds the time
    headed: bool = True  # False: the first row is a row of values already

    @property
    def decimal_comma(self) -> bool:
        """Whether decimals may stand after a comma: not where commas divide the columns."""
        return self.delimiter != ","


def dialect(file: Path) -> Dialect:
    """The delimiter under which the first two rows fit each other best, and the header under it.

    A header may hold the other delimiters, quoted or not; the row below it, which must hold a time, tells
    which one counts. Raises RowError where there are no two columns, or no text at all, and OSError where
    the file cannot be read more than once, as a pipe cannot.
    """
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise OSError(errno.ESPIPE, "it is no file that can be read twice: save it first")
    best, most = Dialect(",", []), (False, False, False, 0)
    for delimiter in DELIMITERS:
        header, row = _first_two(file, delimiter)
        found = _time_column(header, row or header)
        fit = (found == 0, found is not None, len(row) == len(header) > 1, len(header))
        if fit > most:
            time = found or 0
            best, most = Dialect(delimiter, header, time, not cells.is_time(header[time])), fit
    if not best.header:
        next(rows(file, best), None)  # says where its quotes are wrong, if that is why
        raise RowError(file, 1, 1, "the file is empty; a header is expected")
    if len(best.header) < 2:
        why = "there is no metric beside the time; columns are separated by a comma, a semicolon or a tab"
        raise RowError(file, 1, 2, why)
    return best


def rows(file: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of values, each with the line of the file on which it begins (1 = the first).

    Blank lines are passed over. Raises RowError where the text is not UTF-8, holds NUL or has
    quotes that do not match, and where a row has more or fewer columns than the header.
    """
    lines = _Lines(file, dialect.delimiter)
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    begun = not dialect.headed
    while True:
        begin = lines.begin_row()
        try:
            row = next(reader, None)
        except csv.Error as error:
            column = _fault(lines.text, dialect.delimiter)
            raise RowError(file, begin, column, _why(error)) from error
        if row is None:
            return
        if row and begun:
            if len(row) != len(dialect.header):
                raise RowError(file, begin, min(len(row), len(dialect.header)) + 1, _uneven(row, dialect))
            yield begin, row
        begun = begun or bool(row)


def time_of(file: Path, line: int, column: int, cell: str, clock: cells.Clock) -> int:
    """In microseconds since 1970. Raises RowError."""
    try:
        return clock.read(cell)
    except (ValueError, OverflowError):
        shown = repr(cell if len(cell) <= 40 else f"{cell[:40]}…")
        why = f"{shown} is no time; allowed: {cells.TIMES}"
        raise RowError(file, line, column, why, slashes=cells.is_time(cell)) from None


class Marks:
    """Each column writes its decimals in one way.

    With both in a column, 1.234 may be a thousand times what it seems. With commas between the columns there
    is no question: decimals have a point.
    """

    def __init__(self, file: Path, dialect: Dialect) -> None:
        self._file = file
        self._in_question = dialect.decimal_comma
        self._first: dict[int, tuple[str, int]] = {}  # column → the mark and the line that has shown it

    def check(self, line: int, row: Sequence[str]) -> None:
        """row: all cells. Raises RowError at the cell that contradicts an earlier row."""
        if not self._in_question:
            return
        for place, cell in enumerate(row):
            mark = cells.decimal_mark(cell) if "." in cell or "," in cell else None
            if mark is None:
                continue
            former, where = self._first.setdefault(place, (mark, line))
            if former != mark:
                why = f"{cell.strip()!r} has its decimals after {mark!r}, row {where} after {former!r}"
                why += "; write a column in one way"
                raise RowError(self._file, line, place + 1, why)


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


def _time_column(header: Sequence[str], row: Sequence[str]) -> int | None:
    """The first column if it is a time; else the first that is written as a date, or is called a time."""
    found = [place for place, cell in enumerate(row) if cells.is_time(cell)]
    if 0 in found:
        return 0
    named = [place for place in found if place < len(header) and header[place].strip().lower() in TIME_NAMES]
    dated = [place for place in found if not row[place].strip().replace(".", "").isdigit()]
    return next(iter([*dated, *named]), None)


def _uneven(row: Sequence[str], dialect: Dialect) -> str:
    columns = f"{len(row)} column" + ("" if len(row) == 1 else "s")
    why = f"the row has {columns}, {'the header' if dialect.headed else 'the first'} {len(dialect.header)}"
    if len(row) > len(dialect.header) and not dialect.decimal_comma:
        why += "; numbers with a decimal comma need ; or a tab between the columns"
    return why


def _why(error: csv.Error) -> str:
    said = str(error)
    return next((why for begin, why in FAULTS.items() if said.startswith(begin)), said)


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

    def _refused(self, before: str, why: str) -> RowError:
        return RowError(self._file, self._count, _columns(before, self._delimiter), why)
