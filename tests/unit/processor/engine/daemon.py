"""The MultiLangDaemon's side of one child: constructed from its source, with none of its code.

https://github.com/awslabs/amazon-kinesis-client/blob/master/amazon-kinesis-client-multilang/src/main/java/software/amazon/kinesis/multilang/MultiLangProtocol.java
"""

import base64
import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from processor.source.records import Record


def as_json(record: Record, **changes: object) -> dict[str, object]:
    """A record as the daemon writes it."""
    return {
        "action": "record",
        "data": base64.b64encode(record.data).decode(),
        "partitionKey": record.partition_key,
        "sequenceNumber": record.sequence_number,
        "approximateArrivalTimestamp": round(record.arrived * 1000),
        "subSequenceNumber": record.sub_sequence,
        **changes,
    }


class ChildGone(Exception):
    """The child has closed its output before it answered."""


class FakeDaemon:
    """Asks one thing at a time and waits for its status, answering checkpoints meanwhile.

    errors: what the next checkpoints are refused with. checkpoints: those that were stored, as
    (sequence number, sub-sequence number), SHARD_END as (None, None). noise: lines that are no message, which
    the real one passes over.
    """

    def __init__(self, to_child: BinaryIO, from_child: BinaryIO) -> None:
        self._to_child = to_child
        self._from_child = from_child
        self.errors: list[str] = []
        self.checkpoints: list[tuple[str | None, int | None]] = []
        self.noise: list[bytes] = []

    def initialize(self, shard: str, checkpoint: str | None = "TRIM_HORIZON") -> None:
        """The first message."""
        self.tell("initialize", shardId=shard, sequenceNumber=checkpoint, subSequenceNumber=0)

    def hand_over(self, records: Iterable[Record], lag_ms: int | None = 0) -> None:
        """One processRecords."""
        given = [as_json(record) for record in records]
        self.tell("processRecords", records=given, millisBehindLatest=lag_ms)

    def tell(self, action: str, **fields: object) -> None:
        """One message, until its status. Raises ChildGone."""
        self.send({"action": action, **fields})
        while (answer := self._answer())["action"] != "status":
            assert answer["action"] == "checkpoint"
            number, part = answer["sequenceNumber"], answer["subSequenceNumber"]
            error = self.errors.pop(0) if self.errors else None
            if error is None:
                self.checkpoints.append((number, part))
            self.send(
                {"action": "checkpoint", "sequenceNumber": number, "subSequenceNumber": part, "error": error}
            )
        assert answer == {"action": "status", "responseFor": action}

    def send(self, message: dict[str, object]) -> None:
        """A line. Raises ChildGone."""
        try:
            self._to_child.write(json.dumps(message).encode() + b"\n")
            self._to_child.flush()
        except BrokenPipeError:
            raise ChildGone from None

    def leave(self) -> None:
        """Close the child's input, as after a shutdown."""
        self._to_child.close()

    def _answer(self) -> dict[str, Any]:
        while line := self._from_child.readline():
            try:
                answer: dict[str, Any] = json.loads(line)
            except ValueError:
                self.noise.append(line)
                continue
            return answer
        raise ChildGone
