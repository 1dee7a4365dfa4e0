"""The poller against a fake stream: order over reshards, expired iterators, throttling, outages."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from processor.pipeline import Counts
from processor.source import poll
from processor.source.poll import Poller
from processor.source.records import Batch
from processor.storage.store import Lease, ShardLost
from processor.turn import TurnLost


class Expired(ClientError):
    pass


class Throttled(ClientError):
    pass


def client_error(kind: type[ClientError]) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": "…"}}, "GetRecords")


class FakeKinesis:
    """Shards with numbered records; a closed one ends. Two shards a page, two records a read."""

    exceptions = SimpleNamespace(
        ExpiredIteratorException=Expired, ProvisionedThroughputExceededException=Throttled
    )

    def __init__(self, shards: dict[str, dict[str, Any]]) -> None:
        self.shards = shards
        self.faults: list[Exception] = []
        self.asked_for: list[tuple[str, str, str | None]] = []

    def list_shards(self, *, StreamName: str = "", NextToken: str = "") -> dict[str, Any]:
        assert bool(StreamName) != bool(NextToken)  # Kinesis takes one or the other
        start = int(NextToken or 0)
        names = list(self.shards)[start : start + 2]
        parents = [{"ParentShardId": self.shards[name].get("parent")} for name in names]
        page: dict[str, Any] = {
            "Shards": [
                {"ShardId": name, **{key: value for key, value in parent.items() if value}}
                for name, parent in zip(names, parents, strict=True)
            ]
        }
        if start + 2 < len(self.shards):
            page["NextToken"] = str(start + 2)
        return page

    def get_shard_iterator(
        self,
        *,
        StreamName: str,
        ShardId: str,
        ShardIteratorType: str,
        StartingSequenceNumber: str | None = None,
    ) -> dict[str, str]:
        self.asked_for.append((ShardId, ShardIteratorType, StartingSequenceNumber))
        numbers = self.shards[ShardId]["numbers"]
        start = 0
        if StartingSequenceNumber is not None:
            start = sum(number <= int(StartingSequenceNumber) for number in numbers)
        return {"ShardIterator": f"{ShardId}:{start}"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:
        if self.faults:
            raise self.faults.pop(0)
        name, start = ShardIterator.split(":")
        shard = self.shards[name]
        numbers = shard["numbers"][int(start) : int(start) + 2]
        end = int(start) + len(numbers)
        over = shard.get("closed") and end == len(shard["numbers"])
        arrived = datetime(2025, 11, 23, tzinfo=UTC)
        return {
            "Records": [
                {
                    "Data": b"{}",
                    "SequenceNumber": f"{number:05d}",
                    "ApproximateArrivalTimestamp": arrived,
                    "PartitionKey": "m17",
                }
                for number in numbers
            ],
            "NextShardIterator": None if over else f"{name}:{end}",
            "MillisBehindLatest": 0 if end == len(shard["numbers"]) else 1000,
        }


class FakePipeline:
    """Remembers what it took; stops the poller when it has enough."""

    def __init__(self, enough: int, stopping: threading.Event) -> None:
        self.counts = Counts()
        self.taken: list[tuple[str, int]] = []
        self.positions: dict[str, str] = {}
        self.fault: Exception | None = None
        self._enough = enough
        self._stopping = stopping

    def own(self, shard: str) -> Lease:
        return Lease(shard, 1, self.positions.get(shard))

    def take(self, lease: Lease, batch: Batch) -> None:
        if self.fault:
            raise self.fault
        self.taken += [(batch.shard, int(record.sequence_number)) for record in batch.records]
        if len(self.taken) >= self._enough:
            self._stopping.set()


def read(kinesis: FakeKinesis, enough: int, **positions: str) -> FakePipeline:
    stopping = threading.Event()
    pipeline = FakePipeline(enough, stopping)
    pipeline.positions = positions
    run(kinesis, pipeline, stopping)
    return pipeline


def run(
    kinesis: Any, pipeline: Any, stopping: threading.Event, beat: Callable[[], None] = lambda: None
) -> None:
    poller = Poller(
        kinesis,
        "readings",
        pipeline,
        poll_seconds=0.001,
        batch_records=10_000,
        stopping=stopping,
        beat=beat,
    )
    watchdog = threading.Timer(10, stopping.set)
    watchdog.start()
    try:
        poller.run()
    finally:
        watchdog.cancel()


def test_all_shards_of_all_pages_are_read_from_the_oldest_record() -> None:
    kinesis = FakeKinesis({name: {"numbers": [1, 2, 3]} for name in "abc"})
    pipeline = read(kinesis, 9)
    assert sorted(pipeline.taken) == [(name, number) for name in "abc" for number in (1, 2, 3)]
    assert {how for _, how, _ in kinesis.asked_for} == {"TRIM_HORIZON"}


def test_a_shard_goes_on_after_its_position_as_the_stream_wrote_it() -> None:
    kinesis = FakeKinesis({"a": {"numbers": [1, 2, 3]}})
    assert read(kinesis, 1, a="00002").taken == [("a", 3)]
    assert kinesis.asked_for == [("a", "AFTER_SEQUENCE_NUMBER", "00002")]


def test_children_are_begun_when_their_parents_are_read_to_the_end() -> None:
    shards: dict[str, dict[str, Any]] = {
        "child": {"numbers": [7, 8], "parent": "closed"},
        "closed": {"numbers": [1, 2, 3, 4, 5], "closed": True, "parent": "expired long ago"},
        "grandchild": {"numbers": [9], "parent": "child"},
    }
    kinesis = FakeKinesis(shards)
    pipeline = read(kinesis, 7)
    assert pipeline.taken == [("closed", n) for n in (1, 2, 3, 4, 5)] + [("child", 7), ("child", 8)]


@pytest.mark.parametrize("fault", [client_error(Expired), client_error(Throttled)])
def test_an_expired_iterator_and_throttling_lose_nothing(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "THROTTLED_SECONDS", 0.001)
    kinesis = FakeKinesis({"a": {"numbers": [1, 2, 3]}})
    kinesis.faults = [fault]
    assert read(kinesis, 3).taken == [("a", 1), ("a", 2), ("a", 3)]


def test_an_outage_of_the_stream_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "FIRST_PAUSE", 0.001)
    kinesis = FakeKinesis({"a": {"numbers": [1]}})
    kinesis.faults = [EndpointConnectionError(endpoint_url="https://kinesis"), client_error(ClientError)]
    assert read(kinesis, 1).taken == [("a", 1)]


def test_a_shard_that_cannot_be_read_does_not_keep_the_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll, "FIRST_PAUSE", 30.0)
    kinesis = FakeKinesis({name: {"numbers": [1, 2, 3]} for name in "abc"})
    kinesis.faults = [client_error(ClientError)]  # the first call is for shard a
    pipeline = read(kinesis, 6)
    assert sorted(pipeline.taken) == [(name, number) for name in "bc" for number in (1, 2, 3)]


def test_a_lost_shard_ends_the_poller() -> None:
    stopping = threading.Event()
    pipeline = FakePipeline(1, stopping)
    pipeline.fault = ShardLost("owned by epoch 2")
    with pytest.raises(ShardLost):
        run(FakeKinesis({"a": {"numbers": [1]}}), pipeline, stopping)


def test_a_sign_of_life_is_given_before_each_shard_is_asked() -> None:
    stopping = threading.Event()
    kinesis = FakeKinesis({name: {"numbers": [1, 2]} for name in "abc"})
    beats = []
    run(kinesis, FakePipeline(6, stopping), stopping, lambda: beats.append(len(kinesis.asked_for)))
    assert {0, 1, 2} <= set(beats)


def test_a_lost_turn_ends_the_poller_though_the_stream_is_quiet() -> None:
    def lost() -> None:
        raise TurnLost("another processor has begun")

    stopping = threading.Event()
    with pytest.raises(TurnLost):
        run(FakeKinesis({"a": {"numbers": []}}), FakePipeline(1, stopping), stopping, lost)
