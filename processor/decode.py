"""From records to decoded readings, each with its origin."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from processor.columns import Float64, Int64
from processor.quarantine import Reason, Refused
from processor.source.records import Record
from processor.wire.document import Reading, decode_envelope, decode_reading
from processor.wire.payload import GZIP_MAGIC, open_payload
from processor.wire.tolerant import take_apart

_NOT_FAST = (msgspec.MsgspecError, ValueError, RecursionError)


class Decoded:
    """The readings of a batch in their order, what was refused so far, and where each reading came from."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.readings: list[Reading] = []
        self.refused: list[Refused] = []
        self.unknown: dict[int, dict[str, Any]] = {}  # row → fields that the contract does not know
        self._records = records
        self._counts: list[int] = []
        self._places: dict[int, int] = {}  # row → place in its record, where it is not plain counting
        for record in records:
            before = len(self.readings)
            try:
                self._fast(record.data)
            except _NOT_FAST:
                self._tolerant(record)
            self._counts.append(len(self.readings) - before)
        self._starts: Int64 = np.concatenate(([0], np.cumsum(self._counts, dtype=np.int64)))

    def _fast(self, data: bytes) -> None:
        if data[:2] == GZIP_MAGIC:
            data = open_payload(data)
        if b'"readings"' in data:
            self.readings += decode_envelope(data).readings
        else:
            self.readings.append(decode_reading(data))

    def _tolerant(self, record: Record) -> None:
        kept, refused = take_apart(record)
        self.refused += refused
        for place, reading, unknown in kept:
            row = len(self.readings)
            self._places[row] = place
            if unknown:
                self.unknown[row] = unknown
            self.readings.append(reading)

    def arrived(self) -> Float64:
        """When each reading's record reached the stream, in seconds since 1970."""
        arrivals = np.fromiter((record.arrived for record in self._records), np.float64, len(self._records))
        return np.repeat(arrivals, self._counts)

    def refuse(self, row: int, reason: Reason, detail: str) -> None:
        """Send one reading to the quarantine, with its unknown fields."""
        source = int(np.searchsorted(self._starts, row, side="right")) - 1
        record = self._records[source]
        place = self._places.get(row, row - int(self._starts[source]))
        unknown = dict(self.unknown.get(row, {}))
        unknown.pop("envelope", None)
        sent = {**msgspec.to_builtins(self.readings[row]), **unknown}
        payload = json.dumps(sent).encode()  # ASCII, so even half a surrogate pair is kept
        self.refused.append(
            Refused(record.sequence_number, record.sub_sequence, place, reason, detail, payload)
        )
