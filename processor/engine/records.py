"""From the daemon's records to the stream's, as the processor would have read them itself.

Where the daemon has taken an aggregated record apart, its parts come as records with one sequence number. A
position stands between records, never within one, so they are put together again: they are then numbered,
bounded, judged and stored together as those of a record that was never taken apart.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import md5
from itertools import groupby
from operator import itemgetter

from processor.engine import messages
from processor.source.records import Record
from processor.wire.aggregated import MAGIC

DECODED_AT_ONCE = 512 * 1024  # bytes

_number = itemgetter(Record._fields.index("sequence_number"))
_place = itemgetter(Record._fields.index("sub_sequence"))
_record: Callable[[tuple[object, ...]], Record] = partial(tuple.__new__, Record)  # quicker than Record(…)


def records_of(given: Sequence[messages.Record], now: float) -> list[Record]:
    """The records in their order. now: seconds since 1970, for one that does not say when it arrived."""
    records = [
        _record(
            (
                one.data,
                one.sequence_number,
                now if (at := one.approximate_arrival_timestamp) is None else at / 1000,
                one.sub_sequence_number or 0,
                one.partition_key,
            )
        )
        for one in given
    ]
    if not any(map(_place, records)):  # of parts the first alone has none, and it is whole by itself
        return records
    return [_whole(list(parts)) for _, parts in groupby(records, _number)]


def behind(records: Sequence[Record], position: str | None) -> Sequence[Record]:
    """Those that come after a position: what the engine hands over again is stored already."""
    if position is None or not records or int(records[0].sequence_number) > int(position):
        return records
    return [record for record in records if int(record.sequence_number) > int(position)]


def slices(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in runs of at most half a MiB (a larger one alone).

    Decoded, a run takes many times its size, and all of it is there until its last record is judged.
    """
    start, size = 0, 0
    for place, record in enumerate(records):
        if size + len(record.data) > DECODED_AT_ONCE and place > start:
            yield records[start:place]
            start, size = place, 0
        size += len(record.data)
    yield records[start:]


def _whole(parts: list[Record]) -> Record:
    """One record of one sequence number. Its own key is not known, so each part is bound by the part's."""
    if len(parts) == 1:
        return parts[0]
    places = {key: place for place, key in enumerate(dict.fromkeys(part.partition_key for part in parts))}
    fields = [_field(1, key.encode()) for key in places]
    for part in parts:
        key = _varint(1 << 3) + _varint(places[part.partition_key])
        fields.append(_field(3, key + _field(3, part.data)))
    message = b"".join(fields)
    data = MAGIC + message + md5(message, usedforsecurity=False).digest()
    return parts[0]._replace(data=data, sub_sequence=0, partition_key="")


def _field(number: int, content: bytes) -> bytes:
    """One field of bytes: https://protobuf.dev/programming-guides/encoding/#length-types."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
