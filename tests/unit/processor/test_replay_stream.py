"""The past of a shard, up to a position, against a fake stream."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from processor.replay.stream import PAUSE_SECONDS, PastReader
from processor.storage.database import Stopping

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


class Expired(ClientError):
    pass


class Throttled(ClientError):
    pass


def fault(kind: type[ClientError]) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": "…"}}, "GetRecords")


class FakeKinesis:
    """One shard with a record a second; three a call."""

    exceptions = SimpleNamespace(
        ExpiredIteratorException=Expired, ProvisionedThroughputExceededException=Throttled
    )

    def __init__(self, records: int, *, closed: bool = False) -> None:
        self.records = records
        self.closed = closed
        self.faults: dict[int, Exception] = {}
        self.calls = 0
        self.asked_for: list[dict[str, Any]] = []

    def list_shards(self, *, StreamName: str = "", NextToken: str = "") -> dict[str, Any]:
        assert bool(StreamName) != bool(NextToken)  # Kinesis takes one or the other
        if NextToken:
            return {"Shards": [{"ShardId": "shard-1"}]}
        return {"Shards": [{"ShardId": "shard-0"}], "NextToken": "1"}

    def get_shard_iterator(self, **given: Any) -> dict[str, str]:
        self.asked_for.append(given)
        if given["ShardIteratorType"] == "AT_TIMESTAMP":
            start = max(0, int((given["Timestamp"] - BEGAN).total_seconds()))
        else:
            start = int(given["StartingSequenceNumber"]) + 1
        return {"ShardIterator": str(start)}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:
        self.calls += 1
        if error := self.faults.pop(self.calls, None):
            raise error
        start = int(ShardIterator)
        end = min(start + 3, self.records)
        answer: dict[str, Any] = {
            "Records": [
                {
                    "Data": b"{}",
                    "SequenceNumber": str(number),
                    "PartitionKey": "m17",
                    "ApproximateArrivalTimestamp": BEGAN + timedelta(seconds=number),
                }
                for number in range(start, end)
            ],
            "MillisBehindLatest": 1000 if end < self.records else 0,
        }
        if not (self.closed and end == self.records):
            answer["NextShardIterator"] = str(end)
        return answer


def numbers(records: Iterator[Any]) -> list[int]:
    return [int(record.sequence_number) for run in records for record in run]


def read(kinesis: Any, since: int, position: int) -> list[int]:
    reader = PastReader(kinesis, "readings", lambda seconds: False)
    return numbers(reader.records("shard-0", BEGAN + timedelta(seconds=since), str(position)))


def test_records_are_read_from_the_time_to_the_position_and_no_further() -> None:
    kinesis = FakeKinesis(records=20)
    assert read(kinesis, since=2, position=9) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert kinesis.calls == 3
    assert kinesis.asked_for[0]["Timestamp"] == BEGAN + timedelta(seconds=2)


@pytest.mark.parametrize("closed", [True, False])
def test_a_shard_that_ends_before_the_position_ends_the_reading(closed: bool) -> None:
    # The position may be of a record that is no longer held, or the shard closed.
    assert read(FakeKinesis(records=5, closed=closed), since=0, position=99) == [0, 1, 2, 3, 4]


def test_a_time_after_the_position_reads_nothing() -> None:
    assert read(FakeKinesis(records=9), since=7, position=3) == []


def test_an_expired_iterator_and_throttling_lose_nothing_and_repeat_nothing() -> None:
    kinesis = FakeKinesis(records=9)
    kinesis.faults = {1: fault(Expired), 3: fault(Throttled), 4: fault(Expired)}
    assert read(kinesis, since=0, position=8) == list(range(9))
    assert [given["ShardIteratorType"] for given in kinesis.asked_for] == [
        "AT_TIMESTAMP",
        "AT_TIMESTAMP",
        "AFTER_SEQUENCE_NUMBER",
    ]


def test_the_shard_is_left_to_the_service_between_calls_and_a_stop_is_heard() -> None:
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) == 2

    client: Any = FakeKinesis(records=99)
    reader = PastReader(client, "readings", wait)
    assert reader.shards() == ["shard-0", "shard-1"]
    with pytest.raises(Stopping):
        numbers(reader.records("shard-0", BEGAN, "50"))
    assert waited == [PAUSE_SECONDS] * 2
