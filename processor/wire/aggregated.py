"""Taking apart what the Kinesis Producer Library has put together: several user records in one record.

Four magic bytes, a protobuf message AggregatedRecord, its MD5:
https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md. What is damaged is
handed on as it is, as the KCL does (AggregatorUtil.java in https://github.com/awslabs/amazon-kinesis-client);
it is no document then, and is refused with its reason. Unlike in the KCL nothing is left out
(docs/decisions/wire.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5
from operator import itemgetter

from processor.binding import binds
from processor.source.records import Record, TooMuch
from processor.wire.payload import LARGEST_DOCUMENT, PayloadError, TooLarge, is_packed, open_payload
from processor.wire.protobuf import ProtobufError, fields

MAGIC = b"\xf3\x89\x9a\xc2"
DIGEST_SIZE = 16
# A record's user records are stored together or not at all, so they are bounded together.
MOST_USER_RECORDS = 100_000
LARGEST_OPENED = 8 * 1024 * 1024  # bytes of all of them, once opened

_data = itemgetter(Record._fields.index("data"))


@dataclass(frozen=True)
class UserRecord:
    """What one producer handed to its library."""

    partition_key: str
    data: bytes


def user_records(records: Sequence[Record]) -> Sequence[Record]:
    """The records with each aggregated one in its parts, numbered by sub_sequence from 0.

    The very same sequence when none is aggregated. All parts of one record carry its sequence number: a
    position stands between records and never within one. Raises TooMuch.
    """
    # Documents, gzip and zstd all begin with lesser bytes than the magic: one call finds out.
    if max(map(_data, records), default=b"") < MAGIC:
        return records
    parts: list[Record] = []
    opened = 0
    for place, record in enumerate(records):
        found = _parts(record)
        parts += found
        opened += sum(len(part.data) for part in found) if record.data.startswith(MAGIC) else 0
        if place and opened > LARGEST_OPENED:
            raise TooMuch(place)
    return parts


def _parts(record: Record) -> Sequence[Record]:
    if not record.data.startswith(MAGIC):
        return [record]
    try:
        return deaggregated(record)
    except PayloadError:
        return [record]


def deaggregated(record: Record) -> list[Record]:
    """The parts of one record that has the magic. Raises PayloadError, which says why it has none.

    A part has its own partition key, but where the record's is a device's path: a device that could send an
    aggregated record would else name itself whatever it likes (processor/binding.py).
    """
    budget = _Budget()
    bound = binds(record.partition_key)
    return [
        record._replace(
            data=budget.opened(user.data),
            sub_sequence=place,
            partition_key=record.partition_key if bound else user.partition_key,
        )
        for place, user in enumerate(_read(record.data))
    ]


class _Budget:
    """What one record may still open to. Compressed parts are opened here, where it is known what is one."""

    def __init__(self) -> None:
        self._left = LARGEST_OPENED

    def opened(self, data: bytes) -> bytes:
        """The part's document, or the part itself where it is none: then it is refused alone.

        A document is opened once more by whoever reads it. So what is packed twice stays as it is: it would
        open to any size behind this budget's back.
        """
        try:
            document = open_payload(data)
            cost = len(document)
        except TooLarge:
            document, cost = data, LARGEST_DOCUMENT  # that much was opened until it showed
        except PayloadError:
            document, cost = data, len(data)
        if is_packed(document):
            document = data
        self._left -= cost
        if self._left < 0:
            raise TooLarge(f"the aggregated record opens to more than {LARGEST_OPENED} bytes")
        return document


def _read(data: bytes) -> Iterator[UserRecord]:
    message, digest = data[len(MAGIC) : -DIGEST_SIZE], data[-DIGEST_SIZE:]
    if len(data) <= len(MAGIC) + DIGEST_SIZE:
        raise PayloadError("the aggregated record is cut off")
    if md5(message, usedforsecurity=False).digest() != digest:
        raise PayloadError("the aggregated record's checksum does not match: it was damaged on its way")
    try:
        keys, users = _tables(message)
        for user in users:
            key, content = _user(user)
            if key >= len(keys):
                raise ProtobufError(f"a user record names the partition key {key} of {len(keys)}")
            if content.startswith(MAGIC):
                raise ProtobufError("an aggregated record holds another one")
            yield UserRecord(keys[key], content)
    except ProtobufError as error:
        raise PayloadError(f"the aggregated record is no AggregatedRecord: {error}") from None


def _tables(message: bytes) -> tuple[list[str], list[bytes]]:
    """The partition keys, and the user records as messages. Explicit hash keys have done their work."""
    keys: list[str] = []
    users: list[bytes] = []
    for number, value in fields(message):
        if number == 1:
            keys.append(_bytes(value).decode("utf-8", "replace"))
        elif number == 3:
            users.append(_bytes(value))
    if not users:
        raise ProtobufError("it holds no user record")
    if len(users) > MOST_USER_RECORDS:
        raise ProtobufError(f"it holds more than {MOST_USER_RECORDS} user records")
    return keys, users


def _user(message: bytes) -> tuple[int, bytes]:
    """(place of the partition key in its table, data); of a field that comes twice the last one counts."""
    key: int | None = None
    data: bytes | None = None
    for number, value in fields(message):
        if number == 1:
            if isinstance(value, bytes):
                raise ProtobufError("a partition key's place is no number")
            key = value
        elif number == 3:
            data = _bytes(value)
    if key is None or data is None:
        raise ProtobufError("a user record lacks its data, or its partition key's place")
    return key, data


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a number stands where bytes should")
    return value
