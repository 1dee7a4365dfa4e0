"""From records to decoded readings, each with its origin."""

from collections.abc import Sequence
from contextlib import suppress
from operator import itemgetter, ne
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from processor.columns import Bool, Float64, Int64
from processor.quarantine import WHOLE_RECORD, Reason, Refused, refusal, written
from processor.source.records import Record, TooMuch
from processor.wire.aggregated import user_records
from processor.wire.document import Reading, decode_envelope, decode_reading
from processor.wire.payload import open_payload
from processor.wire.tolerant import take_apart

Number = TypeVar("Number", np.float64, np.int64)

_key = itemgetter(Record._fields.index("partition_key"))
_NOT_FAST = (msgspec.MsgspecError, ValueError, RecursionError)

# Bounds of what is decoded at once. Packed records and the fields that envelopes add grow when they are
# opened, a few MiB of them to more than the memory there is.
MOST_OPENED = 8 * 1024 * 1024  # bytes beyond the records' own
MOST_READINGS = 100_000
TOO_LARGE = (
    f"what the record's parts hold packed opens to more than {MOST_OPENED} bytes, without this part; replay "
    "takes it alone"
)


class Decoded:
    """The readings of a batch in their order, what was refused so far, and where each reading came from.

    Raises TooMuch.
    """

    def __init__(self, given: Sequence[Record]) -> None:
        records = user_records(given)
        self._whole = records is given  # none of them is a part of one
        self.readings: list[Reading] = []
        self.refused: list[Refused] = []
        self.unknown: dict[int, dict[str, Any]] = {}  # row → fields that the contract does not know
        self.envelopes: dict[int, dict[str, Any]] = {}  # row → those of its envelope
        self._arrivals = np.array([record.arrived for record in records], np.float64)
        self._opened = 0
        self._records = records
        self._counts = [1] * len(records)  # readings kept of each record
        self._places: dict[int, int] = {}  # row → place in its record, where it is not plain counting
        readings = self.readings
        packed = False  # whether the last record was an envelope: the next one is likely to be one too
        for source, record in enumerate(records):  # a loop without calls of ours: it is most of the work
            try:
                if packed:
                    inside = decode_envelope(record.data).readings
                    readings += inside
                    self._counts[source] = len(inside)
                else:
                    readings.append(decode_reading(record.data))
            except _NOT_FAST:
                before = len(readings)
                packed = self._otherwise(record, packed)
                self._counts[source] = len(readings) - before
                too_much = self._opened > MOST_OPENED or len(readings) > MOST_READINGS
                if too_much and (fits := _whole(given, record)):
                    raise TooMuch(fits) from None
        self._starts: Int64 = np.concatenate(([0], np.cumsum(self._counts, dtype=np.int64)))

    def _otherwise(self, record: Record, packed: bool) -> bool:
        """A record that is not what the last one was: whether it is an envelope."""
        with suppress(*_NOT_FAST):
            data = open_payload(record.data)
            self._opened += len(data) if data is not record.data else 0
            if b'"readings"' in data:
                self.readings += decode_envelope(data).readings
                return True
            self.readings.append(decode_reading(data))
            return False
        self._tolerant(record)
        return packed

    def _tolerant(self, record: Record) -> None:
        # A part of the first record; of a later one TooMuch tells that it is to be the first.
        if self._opened > MOST_OPENED and record.sequence_number == self._records[0].sequence_number:
            self.refused.append(refusal(record, WHOLE_RECORD, Reason.UNDECODABLE, TOO_LARGE, record.data))
            return
        kept, refused, opened = take_apart(record)
        self.refused += refused
        self._opened += opened
        for place, reading, unknown, envelope in kept:
            row = len(self.readings)
            self._places[row] = place
            if unknown:
                self.unknown[row] = unknown
            if envelope:
                self.envelopes[row] = envelope
            self.readings.append(reading)
        if kept and kept[0].envelope:
            self._opened += len(kept) * len(str(kept[0].envelope))

    @property
    def size(self) -> int:
        """Bytes of the documents, once opened."""
        return self._opened + sum([len(record.data) for record in self._records])

    @property
    def arrived(self) -> Float64:
        """When each reading's record reached the stream, in seconds since 1970."""
        return self.each_reading(self._arrivals)

    @property
    def oldest_arrived(self) -> float:
        """When the first of the records reached the stream, in seconds since 1970."""
        return float(self._arrivals.min())

    @property
    def keys(self) -> list[str]:
        """Each record's partition key."""
        return list(map(_key, self._records))

    def numbers(self) -> Int64:
        """Each reading's record, by a number from 0 on: the parts of an aggregated one are one record's."""
        if self._whole:
            return self.each_reading(np.arange(len(self._records)))
        return self.each_reading(np.cumsum(self._begins()) - 1)

    @property
    def arrivals(self) -> Int64:
        """When each record reached the stream, in microseconds since 1970, by that number."""
        arrived = self._arrivals if self._whole else self._arrivals[self._begins()]
        return (arrived * 1_000_000).astype(np.int64)

    def _begins(self) -> Bool:
        """Which of them are the first part of another record."""
        names = [record.sequence_number for record in self._records]
        begins = np.ones(len(names), np.bool_)
        begins[1:] = np.fromiter(map(ne, names[1:], names), np.bool_, max(0, len(names) - 1))
        return begins

    def each_reading(self, column: NDArray[Number]) -> NDArray[Number]:
        """A column of the records as one of the readings."""
        if self._counts.count(1) == len(self._records):
            return column
        return np.repeat(column, self._counts)

    def refuse(self, row: int, reason: Reason, detail: str) -> None:
        """Send one reading to the quarantine, with the fields that the contract does not know."""
        source = int(np.searchsorted(self._starts, row, side="right")) - 1
        record = self._records[source]
        place = self._places.get(row, row - int(self._starts[source]))
        sent = {**msgspec.structs.asdict(self.readings[row]), **self.unknown.get(row, {})}
        payload = written(sent, self.envelopes.get(row, {}))
        self.refused.append(refusal(record, place, reason, detail, payload))


def _whole(given: Sequence[Record], part: Record) -> int:
    """How many records stand before the one that this is, or is a part of."""
    return next(place for place, record in enumerate(given) if record.sequence_number == part.sequence_number)
