"""The MultiLang protocol's messages: one JSON object a line, named by its `action`.

The daemon says initialize, processRecords, leaseLost, shardEnded, shutdownRequested, and answers checkpoints;
the child says status, once for each, and checkpoint. The fields are those of
https://github.com/awslabs/amazon-kinesis-client/tree/master/amazon-kinesis-client-multilang/src/main/java/software/amazon/kinesis/multilang/messages
"""

import msgspec

SHOWN = 200  # characters of a line that is no message


class ProtocolError(Exception):
    """The daemon and this process do not understand each other: nothing that comes now can be trusted."""


class Record(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One record, its data in base64. `sub_sequence_number`: its place, where the daemon took one apart."""

    data: bytes
    sequence_number: str
    partition_key: str = ""
    approximate_arrival_timestamp: int | None = None  # milliseconds since 1970
    sub_sequence_number: int | None = None


class Initialize(msgspec.Struct, frozen=True, rename="camel", tag_field="action", tag="initialize"):
    """The first message. `sequence_number`: the checkpoint, a number or TRIM_HORIZON and its like."""

    shard_id: str
    sequence_number: str | None = None
    sub_sequence_number: int | None = None


class ProcessRecords(msgspec.Struct, frozen=True, rename="camel", tag_field="action", tag="processRecords"):
    """The next records of the shard, often none: then it asks whether anybody is there."""

    records: list[Record]
    millis_behind_latest: int | None = None


class LeaseLost(msgspec.Struct, frozen=True, tag_field="action", tag="leaseLost"):
    """Another worker has the shard, or will have it; nothing may be checkpointed."""


class ShardEnded(msgspec.Struct, frozen=True, tag_field="action", tag="shardEnded"):
    """The shard is closed and all of it was handed over; its children begin once this is checkpointed."""


class ShutdownRequested(msgspec.Struct, frozen=True, tag_field="action", tag="shutdownRequested"):
    """The worker ends or hands the shard over: the last chance of a checkpoint."""


class Checkpointed(msgspec.Struct, frozen=True, rename="camel", tag_field="action", tag="checkpoint"):
    """What came of a checkpoint. `error`: the name of a Java exception; None: it is stored."""

    sequence_number: str | None = None
    sub_sequence_number: int | None = None
    error: str | None = None


Told = Initialize | ProcessRecords | LeaseLost | ShardEnded | ShutdownRequested
Message = Told | Checkpointed


class Status(msgspec.Struct, frozen=True, rename="camel", tag_field="action", tag="status"):
    """Done with a message, and ready for the next."""

    response_for: str


class Checkpoint(msgspec.Struct, frozen=True, rename="camel", tag_field="action", tag="checkpoint"):
    """Store that the shard was worked off until there; None: all that it ever had, to its end."""

    sequence_number: str | None = None
    sub_sequence_number: int | None = None


_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


def read(line: bytes | bytearray) -> Message:
    """What one line says. Raises ProtocolError, which says what is wrong with it and where."""
    try:
        message: Message = _decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        begins = line[:SHOWN].decode("utf-8", "replace")
        raise ProtocolError(
            f"a line of {len(line)} bytes is no message of the daemon: {error}; it begins {begins!r}. "
            "The versions of daemon and child must fit (docs/engine.md)"
        ) from None
    return message


def written(message: Status | Checkpoint) -> bytes:
    """A message as its line."""
    return _encode(message) + b"\n"


def action_of(message: Message) -> str:
    """The name that a status answers to."""
    name = type(message).__struct_config__.tag
    return str(name)
