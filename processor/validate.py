"""Judging readings: each becomes a row of the columns or of the quarantine. Pure: no clock, no database.

What is too old or too far ahead is measured from the record's arrival in the stream, not from now: the
verdict is the same when a batch comes again, and an outage makes nothing too old.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from processor.binding import STRANGER
from processor.columns import Bool, Columns, Float64, Int8, Int16, Int32, Int64, Kind, Objects
from processor.days import SURPLUS, surplus
from processor.decode import Decoded
from processor.identity import identity_hash, without_counter
from processor.moment import EPOCH, MICROSECOND, MomentError, read_moment
from processor.names import Names, path_fault, unit_fault
from processor.quality import BAD, Quality, read_quality
from processor.quarantine import Reason
from processor.wire.document import Digits

LONGEST_TEXT = 4096  # bytes of UTF-8
LARGEST_SEQ = 2**63 - 1
EXACT_INTEGERS = 2.0**53  # from here on a double may be a neighbour, so what was sent is kept beside it
# History is exempt from the age bound, but not without end: each day is a partition, and controllers whose
# clock battery is empty send 1970 or 1980.
OLDEST_HISTORY = (EPOCH.replace(year=1990) - EPOCH) // MICROSECOND
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_FAR = 2**52  # milliseconds: a hundred thousand years, safe to multiply by 1000


@dataclass(frozen=True)
class Rules:
    """What differs from site to site."""

    oldest_days: int
    newest_minutes: int
    zone: ZoneInfo | None = None
    bind_devices: bool = True  # a record whose partition key is a device's path holds that device's readings


class Verdicts:
    """The first fault of each row."""

    def __init__(self, rows: int) -> None:
        self.bad: Bool = np.zeros(rows, np.bool_)
        self.faults: dict[int, tuple[Reason, str]] = {}

    def add(self, row: int, reason: Reason, detail: str) -> None:
        """A later fault of the same row is not heard."""
        self.bad[row] = True
        self.faults.setdefault(int(row), (reason, detail))

    def add_all(self, rows: Bool, reason: Reason, detail: str) -> None:
        """The same fault for every row of a mask."""
        for row in np.flatnonzero(rows):
            self.add(int(row), reason, detail)


class _Values:
    """The value columns while they are made."""

    def __init__(self, rows: int) -> None:
        self.kind: Int8 = np.zeros(rows, np.int8)
        self.number: Float64 = np.full(rows, np.nan)
        self.text: Objects | None = None
        self.originals: dict[int, str] = {}  # row → what was sent, where it could not be stored as it was
        self.not_finite: list[int] = []

    def texts(self) -> dict[int, str]:
        """Row → text, where the value is one."""
        if self.text is None:
            return {}
        return {int(row): self.text[row] for row in np.flatnonzero(self.kind == Kind.TEXT)}


def validate(decoded: Decoded, names: Names, rules: Rules) -> Columns:
    """The good rows, in their order; the others are added to `decoded.refused`. `names` learns new points."""
    readings = decoded.readings
    rows = len(readings)
    verdicts = Verdicts(rows)
    paths, units = [reading.path for reading in readings], [reading.unit for reading in readings]
    slot = _slots(paths, units, names, verdicts)
    if rules.bind_devices:
        strangers = names.binding.strangers(decoded.keys, decoded.each_reading, slot)
        if strangers is not None and strangers.any():
            verdicts.add_all(strangers, Reason.DEVICE, STRANGER)
    hist = _flags([reading.hist for reading in readings])
    ts = _moments([reading.ts for reading in readings], rules.zone, verdicts)
    _check_age(ts, hist, decoded.arrived, rules, verdicts)
    given_quality = [reading.q for reading in readings]
    quality, status = _qualities(given_quality, verdicts)
    values = _values([reading.value for reading in readings], verdicts)
    for row in values.not_finite:
        raw = given_quality[row]
        quality[row] = BAD
        status[row] = raw if isinstance(raw, int) and raw != BAD and not verdicts.bad[row] else status[row]
    seq = _seqs([reading.seq for reading in readings], verdicts)
    unnumbered = seq < 0
    if unnumbered.any():
        told_apart = {**values.originals, **values.texts()}
        hashed = identity_hash(values.kind, values.number, told_apart, quality, status)
        seq = np.where(unnumbered, hashed, seq)
    for row in surplus(ts, verdicts.bad, decoded.numbers):
        verdicts.add(row, Reason.TOO_MANY_DAYS, SURPLUS)
    extra = _extras(decoded, values.originals, rows)
    columns = Columns(
        slot=slot,
        record=decoded.numbers(),
        ts=ts,
        seq=seq,
        quality=quality,
        status=status,
        kind=values.kind,
        number=values.number,
        hist=hist,
        text=values.text,
        extra=extra,
    )
    if not verdicts.faults:
        return columns
    for row, (reason, detail) in sorted(verdicts.faults.items()):
        decoded.refuse(row, reason, detail)
    return columns.take(~verdicts.bad)


def _slots(paths: list[str], units: list[str | None], names: Names, verdicts: Verdicts) -> Int32:
    # Nearly all have the unit that they came with first, and a look-up by a tuple costs two by a string.
    with suppress(KeyError):
        known = list(map(names.first.__getitem__, paths))
        if list(map(names.units.__getitem__, known)) == units:
            return np.fromiter(known, np.int32, len(known))
    pairs = list(zip(paths, units, strict=True))
    found = list(map(names.slots.get, pairs))
    for row, slot in enumerate(found):
        if slot is not None:
            continue
        path, unit = pairs[row]
        if (why := path_fault(path)) is not None:
            verdicts.add(row, Reason.PATH, why)
        elif (why := unit_fault(unit)) is not None:
            verdicts.add(row, Reason.UNIT, why)
        else:
            found[row] = names.add(path, unit)
    return np.array([-1 if slot is None else slot for slot in found], np.int32)


def _flags(raws: list[bool]) -> Bool:
    if raws.count(False) == len(raws):
        return np.zeros(len(raws), np.bool_)
    return np.array(raws, np.bool_)


def _moments(raws: list[int | str], zone: ZoneInfo | None, verdicts: Verdicts) -> Int64:
    if set(map(type, raws)) <= {int}:
        try:
            milliseconds = np.fromiter(raws, np.int64, len(raws))
        except OverflowError:
            milliseconds = np.array([max(-_FAR, min(_FAR, int(raw))) for raw in raws], np.int64)
        return np.clip(milliseconds, -_FAR, _FAR) * 1000
    ts = np.zeros(len(raws), np.int64)
    for row, raw in enumerate(raws):
        try:
            ts[row] = max(-_FAR * 1000, min(_FAR * 1000, read_moment(raw, zone)))
        except MomentError as error:
            verdicts.add(row, Reason.TIMESTAMP, str(error))
    return ts


def _check_age(ts: Int64, hist: Bool, arrived: Float64, rules: Rules, verdicts: Verdicts) -> None:
    arrived_us = (arrived * 1_000_000).astype(np.int64)
    too_new = ts > arrived_us + rules.newest_minutes * 60_000_000
    bound = arrived_us - rules.oldest_days * 86_400_000_000
    oldest = np.where(hist, OLDEST_HISTORY, np.maximum(bound, OLDEST_HISTORY))  # no partition before
    too_old = ts < oldest
    if too_new.any():
        allowed = f"ts is more than {rules.newest_minutes} min ahead of the record's arrival"
        verdicts.add_all(too_new, Reason.TOO_NEW, allowed)
    if too_old.any():
        allowed = (
            f"ts is more than {rules.oldest_days} d older than the record's arrival; mark history as hist"
        )
        verdicts.add_all(too_old & ~hist, Reason.TOO_OLD, allowed)
        verdicts.add_all(too_old & hist, Reason.TOO_OLD, "ts of history is before 1990")


def _qualities(raws: list[int | str | None], verdicts: Verdicts) -> tuple[Int16, Int64]:
    rows = len(raws)
    read = {raw: read_quality(raw) for raw in set(raws)}
    if None in read.values():
        allowed = "q must be 192, 64, 0, GOOD, UNCERTAIN, BAD, or a status code of 32 bits"
        for row, raw in enumerate(raws):
            if read[raw] is None:
                verdicts.add(row, Reason.QUALITY, allowed)
    qualities = {raw: quality or Quality(BAD, -1) for raw, quality in read.items()}
    if len(qualities) == 1:
        (only,) = qualities.values()
        return np.full(rows, only.category, np.int16), np.full(rows, only.status, np.int64)
    return (
        np.fromiter((qualities[raw].category for raw in raws), np.int16, rows),
        np.fromiter((qualities[raw].status for raw in raws), np.int64, rows),
    )


def _values(raws: list[int | float | bool | str | None], verdicts: Verdicts) -> _Values:
    values = _Values(len(raws))
    kinds = set(map(type, raws))
    if kinds <= {int, float}:
        try:
            values.number = np.fromiter(raws, np.float64, len(raws))
        except OverflowError:
            _each_value(raws, values, verdicts)
    else:
        _each_value(raws, values, verdicts)
    if int in kinds:
        for row in np.flatnonzero(np.abs(values.number) >= EXACT_INTEGERS):
            raw = raws[row]
            if isinstance(raw, int) and int(values.number[row]) != raw:
                values.originals[int(row)] = str(raw)
    return values


def _each_value(raws: list[int | float | bool | str | None], values: _Values, verdicts: Verdicts) -> None:
    for row, raw in enumerate(raws):
        if raw is None:
            values.kind[row] = Kind.NOTHING
        elif isinstance(raw, str):
            _text_value(row, raw, values, verdicts)
        elif isinstance(raw, bool):
            values.kind[row] = Kind.FLAG
            values.number[row] = raw
        else:
            try:
                values.number[row] = raw
            except OverflowError:
                _not_finite(row, str(raw), values)


def _text_value(row: int, raw: str, values: _Values, verdicts: Verdicts) -> None:
    if isinstance(raw, Digits) or (raw[:1] in "nNiI+-" and _NOT_FINITE.fullmatch(raw)):
        _not_finite(row, raw, values)
        return
    try:
        size = len(raw.encode())
    except UnicodeEncodeError:
        verdicts.add(row, Reason.VALUE, "value is no UTF-8, or holds half of a surrogate pair")
        return
    if "\0" in raw:
        verdicts.add(row, Reason.VALUE, "value holds the character U+0000, which PostgreSQL cannot store")
    elif size > LONGEST_TEXT:
        verdicts.add(row, Reason.VALUE, f"value is {size} bytes of text; at most {LONGEST_TEXT} are allowed")
    if values.text is None:
        values.text = np.full(len(values.kind), None, np.object_)
    values.kind[row] = Kind.TEXT
    values.text[row] = raw


def _not_finite(row: int, original: str, values: _Values) -> None:
    values.kind[row] = Kind.NOTHING
    values.originals[row] = str(original)
    values.not_finite.append(row)


def _seqs(raws: list[int | None], verdicts: Verdicts) -> Int64:
    """The counters, and -1 where there is none."""
    with suppress(TypeError, OverflowError):  # of None, and of what has more than 64 bits
        seq = np.fromiter(raws, np.int64, len(raws))
        if not len(seq) or seq.min() >= 0:
            return seq
    missing = without_counter(raws)
    for row, raw in enumerate(raws):
        if raw is not None and not 0 <= raw <= LARGEST_SEQ:
            verdicts.add(row, Reason.SEQ, f"seq must be from 0 to {LARGEST_SEQ}")
    counters = [0 if raw is None else max(0, min(LARGEST_SEQ, raw)) for raw in raws]
    return np.where(missing, -1, np.array(counters, np.int64))


def _extras(decoded: Decoded, originals: dict[int, str], rows: int) -> Objects | None:
    unknown, envelopes = decoded.unknown, decoded.envelopes
    if not unknown and not envelopes and not originals:
        return None
    extra = np.full(rows, None, np.object_)
    for row in unknown.keys() | envelopes.keys() | originals.keys():
        fields = dict(unknown.get(row, {}))
        if row in envelopes:
            fields["envelope"] = envelopes[row]
        if row in originals:
            fields["value"] = originals[row]
        extra[row] = json.dumps(_cleaned(fields)).encode()
    return extra


def _cleaned(item: Any) -> Any:
    """Without what jsonb refuses: U+0000 and halves of surrogate pairs."""
    if isinstance(item, str):
        return item.replace("\0", "␀").encode("utf-8", "replace").decode()
    if isinstance(item, list):
        return [_cleaned(each) for each in item]
    if isinstance(item, dict):
        return {_cleaned(name): _cleaned(value) for name, value in item.items()}
    return item
