"""What the cells of a recording in a file mean: times and values."""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo

Value = float | int | bool | str

TIMES = (
    "YYYY-MM-DD[ HH:MM[:SS[.f]]][Z|±HH:MM], the same with YYYY/MM/DD or DD.MM.YYYY, or epoch s (9-10 "
    "digits), ms (12-13), µs (15-16), ns (18-19)"
)

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}"
    r"|\d{4}-?\d{2}-?\d{2}[T ]\d{2}:?\d{2}(:?\d{2}([.,]\d+)?)?( ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?))?",
    re.ASCII,
)
# Of these two it is sure which is the day; of 02/12/2013 it is not.
_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)", re.ASCII)
# Of this one only who wrote it knows.
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)", re.ASCII)
_EPOCH = re.compile(r"(\d{9,10})(\.\d+)?|\d{12,13}|\d{15,16}|\d{18,19}", re.ASCII)
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What a datetime holds in any zone; beyond, it is no recording.
_YEARS = tuple((datetime(year, 1, 1, tzinfo=UTC) - _START) // _MICROSECOND for year in (2, 9999))

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+),[0-9]+([eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})")  # 1,234.5 and 1,234,567
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_ABSENT = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "-"})
_WHOLE = re.compile(r"[+-]?[0-9]+")
_EXACT = 2**53  # a whole number up to here is the same as a double


class Clock:
    """Turns a timestamp cell into epoch microseconds; naive times are in `zone`.

    Where a zone's clock is set back, an hour happens twice and a naive time there has two meanings: the one
    is taken that keeps the rows in order (`falling`: the recording's newest row comes first). Where it is set
    forward, an hour does not exist: its times are read with the offset from before (PEP 495), so they keep
    their distances. Either way no row is dropped.
    """

    def __init__(self, zone: tzinfo = UTC, *, falling: bool = False, day_first: bool | None = None) -> None:
        """day_first: of 02/12/2026; None: nobody knows, and it is no time."""
        self._day_first = day_first
        self._zone = zone
        self._falling = falling
        self._previous: int | None = None
        self.naive = False  # whether a time had no offset

    def read(self, cell: str) -> int:
        """Raises ValueError for what is no time."""
        micros = self._read(cell.strip())
        if not _YEARS[0] <= micros < _YEARS[1]:
            raise ValueError(cell)
        self._previous = micros
        return micros

    def _read(self, cell: str) -> int:
        if epoch := _EPOCH.fullmatch(cell):
            return _epoch(cell, epoch)
        written = _with_dashes(cell, self._day_first)
        if not _ISO.fullmatch(written):
            raise ValueError(cell)
        time = datetime.fromisoformat(_normal(written))
        if time.tzinfo is not None:
            return (time - _START) // _MICROSECOND
        return self._place(time)

    def _place(self, naive: datetime) -> int:
        self.naive = True
        if self._zone is UTC:
            return (naive.replace(tzinfo=UTC) - _START) // _MICROSECOND
        offsets = [self._zone.utcoffset(naive.replace(fold=fold)) or timedelta() for fold in (0, 1)]
        earlier, later = ((naive.replace(tzinfo=UTC) - offset - _START) // _MICROSECOND for offset in offsets)
        if later <= earlier or self._previous is None:  # no such hour, or an ordinary one
            return earlier
        if self._falling:
            return later if later <= self._previous else earlier
        return earlier if earlier >= self._previous else later if later >= self._previous else earlier


def _epoch(cell: str, match: re.Match[str]) -> int:
    if match[1]:
        fraction = (match[2] or ".")[1:7].ljust(6, "0")
        return int(match[1]) * 1_000_000 + int(fraction)
    digits = len(cell)
    if digits <= 13:
        return int(cell) * 1000
    return int(cell) if digits <= 16 else int(cell) // 1000


def is_time(cell: str) -> bool:
    """Whether it is one for some clock."""
    for day_first in (True, False):
        try:
            Clock(day_first=day_first).read(cell)
        except (ValueError, OverflowError):
            continue
        return True
    return False


def _with_dashes(cell: str, day_first: bool | None) -> str:
    if (found := _YEAR_FIRST.match(cell)) is not None:
        year, month, day = found.groups()
    elif (found := _DAY_FIRST.match(cell)) is not None:
        day, month, year = found.groups()
    elif day_first is not None and (found := _SLASHES.match(cell)) is not None:
        first, second, year = found.groups()
        day, month = (first, second) if day_first else (second, first)
    else:
        return cell
    return f"{year}-{month:0>2}-{day:0>2}{cell[found.end() :]}"


def _normal(cell: str) -> str:
    cell = cell.replace(",", ".").upper().replace("UTC", "Z")
    return cell.replace(" Z", "Z").replace(" +", "+").replace(" -", "-")


def value(cell: str, *, decimal_comma: bool) -> Value:
    """A cell that is not empty: a number that a double holds, NaN or ±Inf, true/false, or else its text."""
    cell = cell.strip()
    if decimal_comma and _DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(".", "").replace(",", ".")
    if _NUMBER.fullmatch(cell):
        return _number(cell)
    if _NOT_FINITE.fullmatch(cell):
        return float(cell)
    lowered = cell.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    return cell


def number(cell: str, *, decimal_comma: bool) -> float:
    """The same as a number: a flag is 0 or 1, NaN whatever is none or is not finite."""
    found = value(cell, decimal_comma=decimal_comma)
    if isinstance(found, str):
        return math.nan
    return float(found) if math.isfinite(found) else math.nan


def absent(cell: str) -> bool:
    """Whether it says that there is no value, in one of the usual ways."""
    return cell.strip().lower() in _ABSENT


def decimal_mark(cell: str) -> str | None:
    """The sign before a number's decimals where it is a comma for sure or a point for sure, else None."""
    cell = cell.strip()
    if _DECIMAL_COMMA.fullmatch(cell):
        return ","
    if _GROUPED.fullmatch(cell) or ("." in cell and _NUMBER.fullmatch(cell)):
        return "."
    return None


def _number(cell: str) -> Value:
    number = float(cell)
    if math.isinf(number):
        return cell  # 1234e567 is rather a part's number; as text it is kept in any case
    if number == 0 or not number.is_integer():
        return number
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return int(number) if abs(number) <= _EXACT else number
