"""The poller against a fake stream: order over reshards, expired iterators, throttling, outages."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from processor.pipeline import Counts
from processor.source import poll, reader
from processor.source.poll import Poller
from processor.source.position import Gap, Known, Loss
from processor.source.records import Batch
from processor.storage.database import Stopping
from processor.storage.store import Lease, ShardLost
from processor.turn import TurnLost

NOW = float(int(time.time()))  # whole, as a datetime holds it
DAY = 86_400.0
HOUR = 3_600  # what the run of all tests may take since NOW was noted


class Expired(ClientError):
    pass


class Throttled(ClientError):
    pass


class Refused(ClientError):
    pass


class Missing(ClientError):
    pass


def client_error(kind: type[ClientError]) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": "…"}}, "GetRecords")


class FakeKinesis:
    """Shards with numbered records, for a day; a closed one ends. Two shards a page, two records a read.

    `arrived`: when a record reached the stream, by its number; now, where it says nothing. `expired`: how a
    position that is no more is answered: by the oldest record, refused, or by nothing for ever.
    """

    exceptions = SimpleNamespace(
        ExpiredIteratorException=Expired,
        ProvisionedThroughputExceededException=Throttled,
        InvalidArgumentException=Refused,
        ResourceNotFoundException=Missing,
    )

    def __init__(self, shards: dict[str, dict[str, Any]], expired: str = "oldest") -> None:
        self.shards = shards
        self.expired = expired
        self.faults: list[Exception] = []
        self.asked_for: list[tuple[str, str, str | None]] = []

    def describe_stream_summary(self, *, StreamName: str) -> dict[str, Any]:
        return {"StreamDescriptionSummary": {"StreamName": StreamName, "RetentionPeriodHours": 24}}

    def list_shards(self, *, StreamName: str = "", NextToken: str = "") -> dict[str, Any]:
        assert bool(StreamName) != bool(NextToken)  # Kinesis takes one or the other
        start = int(NextToken or 0)
        listed = list(self.shards)[start : start + 2]
        page: dict[str, Any] = {"Shards": [self._listed(name, self.shards[name]) for name in listed]}
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
        if ShardId not in self.shards:
            raise client_error(Missing)
        numbers = self.shards[ShardId]["numbers"]
        start = 0
        if StartingSequenceNumber is not None:
            wanted = int(StartingSequenceNumber)
            start = sum(number < wanted for number in numbers)
            if wanted not in numbers and self.expired == "refused":
                raise client_error(Refused)
            if wanted not in numbers and self.expired == "nothing":
                return {"ShardIterator": f"{ShardId}:nothing"}
        return {"ShardIterator": f"{ShardId}:{start}"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:
        if self.faults:
            raise self.faults.pop(0)
        name, start = ShardIterator.split(":")
        if name not in self.shards:
            raise client_error(Missing)
        if start == "nothing":
            return {"Records": [], "NextShardIterator": ShardIterator, "MillisBehindLatest": 86_400_000}
        shard = self.shards[name]
        numbers = shard["numbers"][int(start) : int(start) + 2]
        end = int(start) + len(numbers)
        over = shard.get("closed") and end == len(shard["numbers"])
        return {
            "Records": [self._record(shard, number) for number in numbers],
            "NextShardIterator": None if over else f"{name}:{end}",
            "MillisBehindLatest": 0 if end == len(shard["numbers"]) else 1000,
        }

    @staticmethod
    def _listed(name: str, shard: dict[str, Any]) -> dict[str, Any]:
        numbers = {"StartingSequenceNumber": str(shard.get("first", 0))}
        if shard.get("closed"):
            numbers["EndingSequenceNumber"] = "99999"
        listed = {"ShardId": name, "SequenceNumberRange": numbers, "ParentShardId": shard.get("parent")}
        return {key: value for key, value in listed.items() if value}

    @staticmethod
    def _record(shard: dict[str, Any], number: int) -> dict[str, Any]:
        arrived = datetime.fromtimestamp(shard.get("arrived", {}).get(number, NOW), UTC)
        return {
            "Data": b"{}",
            "SequenceNumber": f"{number:05d}",
            "ApproximateArrivalTimestamp": arrived,
            "PartitionKey": "m17",
        }


class FakePipeline:
    """Remembers what it took, with the gaps before it; stops the poller when it has enough."""

    def __init__(self, enough: int, stopping: threading.Event) -> None:
        self.counts = Counts()
        self.taken: list[tuple[str, int]] = []
        self.gaps: list[tuple[str, Gap]] = []
        self.ended: list[str] = []
        self.seen: dict[str, float] = {}
        self.ticks: list[tuple[str, float]] = []
        self.shards: dict[str, Known] = {}
        self.fault: Exception | None = None
        self.met: Exception | None = None  # by the writer
        self._enough = enough
        self._stopping = stopping

    def own(self, shard: str) -> Lease:
        return Lease(shard, 1, self.shards.get(shard, Known()).position)

    def known(self) -> dict[str, Known]:
        return dict(self.shards)

    def drain(self) -> None:
        if self.met:
            raise self.met

    def take(self, lease: Lease, batch: Batch) -> None:
        if self.fault:
            raise self.fault
        if lease.gap is not None:
            self.gaps.append((lease.shard, lease.gap))
        self.taken += [(batch.shard, int(record.sequence_number)) for record in batch.records]
        last = batch.records[-1]
        self.shards[batch.shard] = replace(
            self.shards.get(batch.shard, Known()), position=last.sequence_number, arrived_at=last.arrived
        )
        self._look()

    def note(self, lease: Lease, *, seen_at: float | None = None, ended: bool = False) -> None:
        if lease.gap is not None:
            self.gaps.append((lease.shard, lease.gap))
        if seen_at is not None:
            self.seen[lease.shard] = seen_at
        if ended:
            self.ended.append(lease.shard)
            self.shards[lease.shard] = replace(self.shards.get(lease.shard, Known()), ended=True)
        self._look()

    def tick(self, lease: Lease, seen_at: float, listed: Callable[[], Any]) -> None:
        self.ticks.append((lease.shard, seen_at))
        assert listed()

    def _look(self) -> None:
        if len(self.taken) + len(self.gaps) + len(self.seen) >= self._enough:
            self._stopping.set()


def read(kinesis: FakeKinesis, enough: int, **shards: Known) -> FakePipeline:
    stopping = threading.Event()
    pipeline = FakePipeline(enough, stopping)
    pipeline.shards = dict(shards)
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
    pipeline = read(kinesis, 1, a=Known("00002", NOW - 5 * DAY))
    assert pipeline.taken == [("a", 3)]
    assert pipeline.gaps == []
    assert kinesis.asked_for == [("a", "AT_SEQUENCE_NUMBER", "00002")]


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
    monkeypatch.setattr(reader, "FIRST_PAUSE", 0.001)
    kinesis = FakeKinesis({"a": {"numbers": [1]}})
    kinesis.faults = [EndpointConnectionError(endpoint_url="https://kinesis"), client_error(ClientError)]
    assert read(kinesis, 1).taken == [("a", 1)]


def test_a_shard_that_cannot_be_read_does_not_keep_the_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "FIRST_PAUSE", 30.0)
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


def test_what_the_writer_met_is_told_though_the_database_is_away_by_then() -> None:
    stopping = threading.Event()
    pipeline = FakePipeline(1, stopping)

    def beat() -> None:
        pipeline.met = ValueError("not foreseen")
        raise Stopping

    with pytest.raises(ValueError, match="not foreseen"):
        run(FakeKinesis({}), pipeline, stopping, beat)


def test_a_shard_that_is_read_to_its_end_lags_no_more() -> None:
    kinesis = FakeKinesis({"a": {"numbers": [1], "closed": True}, "b": {"numbers": [2], "parent": "a"}})
    stopping = threading.Event()
    pipeline = FakePipeline(2, stopping)
    pipeline.counts.lag_ms = {"a": 5_000}
    run(kinesis, pipeline, stopping)
    assert "a" not in pipeline.counts.lag_ms


def test_a_sign_of_life_is_given_between_any_two_calls() -> None:
    # Given a stream of several pages, with a shard that is gone
    class Called(FakeKinesis):
        def __getattribute__(self, name: str) -> Any:
            if name in ("list_shards", "describe_stream_summary", "get_shard_iterator", "get_records"):
                events.append(name)
            return super().__getattribute__(name)

    events: list[str] = []
    stopping = threading.Event()
    pipeline = FakePipeline(7, stopping)  # six records, a gap
    pipeline.shards = {"gone": Known("00002", NOW - 3 * DAY)}
    kinesis = Called({name: {"numbers": [1, 2]} for name in "abc"})
    run(kinesis, pipeline, stopping, lambda: events.append("beat"))

    # Then whichever call may hang, there was a word before it
    assert [name for name in events if name != "beat"][:4] == [
        "list_shards",
        "list_shards",
        "describe_stream_summary",
        "get_shard_iterator",  # whether the shard is there
    ]
    assert ("gone", "TRIM_HORIZON", None) in kinesis.asked_for
    pairs = zip(["call", *events], events, strict=False)
    assert [(one, other) for one, other in pairs if "beat" not in (one, other)] == []


def test_a_lost_turn_ends_the_poller_though_the_stream_is_quiet() -> None:
    def lost() -> None:
        raise TurnLost("another processor has begun")

    stopping = threading.Event()
    with pytest.raises(TurnLost):
        run(FakeKinesis({"a": {"numbers": []}}), FakePipeline(1, stopping), stopping, lost)


@pytest.mark.parametrize("expired", ["oldest", "refused", "nothing"])
def test_an_expired_position_is_a_gap_that_comes_with_the_first_record_behind_it(
    expired: str, caplog: pytest.LogCaptureFixture
) -> None:
    kinesis = FakeKinesis({"a": {"numbers": [7, 8], "arrived": {7: NOW - DAY / 2}}}, expired)
    pipeline = read(kinesis, 3, a=Known("00002", NOW - 3 * DAY, NOW - 2 * DAY))
    assert pipeline.taken == [("a", 7), ("a", 8)]
    assert pipeline.gaps == [("a", Gap("00002", NOW - 2 * DAY, "00007", NOW - DAY / 2, Loss.EXPIRED))]
    assert pipeline.counts.gaps == 1
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (vars(line)["shard"], vars(line)["before"]) == ("a", "00007")


def test_a_gap_before_which_nothing_has_come_since_is_told_at_the_tip() -> None:
    pipeline = read(FakeKinesis({"a": {"numbers": []}}), 2, a=Known("00002", NOW - 3 * DAY))
    ((shard, gap),) = pipeline.gaps
    assert (shard, gap.after, gap.from_at, gap.before) == ("a", "00002", NOW - 3 * DAY, None)
    assert gap.to_at == pytest.approx(NOW - DAY, abs=HOUR)
    assert pipeline.seen["a"] == pytest.approx(NOW, abs=HOUR)


def test_a_quiet_shard_whose_last_record_has_expired_has_no_gap() -> None:
    kinesis = FakeKinesis({"a": {"numbers": [7]}})
    pipeline = read(kinesis, 1, a=Known("00002", NOW - 9 * DAY, NOW - 60))
    assert (pipeline.taken, pipeline.gaps, pipeline.counts.gaps) == ([("a", 7)], [], 0)


def test_the_tip_of_a_quiet_shard_is_noted_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "NOTE_SECONDS", 0.0)
    pipeline = read(FakeKinesis({"a": {"numbers": [1]}}), 2)
    assert pipeline.taken == [("a", 1)]
    assert pipeline.seen["a"] == pytest.approx(NOW, abs=HOUR)


def test_what_expires_while_the_reader_is_away_is_a_gap_though_its_iterator_lives() -> None:
    # Given a reader whose last record came long ago, and was trimmed with what came after it
    shard = {"numbers": [1, 2, 3, 4], "arrived": dict.fromkeys([1, 2], NOW - 1.5 * DAY)}
    kinesis = FakeKinesis({"a": shard})

    class Slow(FakePipeline):
        def take(self, lease: Lease, batch: Batch) -> None:
            super().take(lease, batch)
            shard["numbers"] = [number for number in [4, 5] if ("a", 5) not in self.taken]

    stopping = threading.Event()
    pipeline = Slow(5, stopping)
    run(kinesis, pipeline, stopping)
    assert pipeline.taken == [("a", 1), ("a", 2), ("a", 4), ("a", 5)]
    assert [(gap.after, gap.from_at, gap.before) for _, gap in pipeline.gaps] == [
        ("00002", NOW - 1.5 * DAY, "00004")
    ]


def test_a_stream_that_was_made_again_is_read_from_its_oldest_record_after_a_gap() -> None:
    kinesis = FakeKinesis({"a": {"numbers": [70, 80], "first": 60}})
    pipeline = read(kinesis, 3, a=Known("00050", NOW - 100))
    assert pipeline.taken == [("a", 70), ("a", 80)]
    assert pipeline.gaps == [("a", Gap("00050", NOW - 100, "00070", NOW, Loss.REMADE))]


def test_a_shard_that_went_unread_is_a_gap_and_its_child_is_read() -> None:
    kinesis = FakeKinesis({"child": {"numbers": [7], "parent": "gone"}})
    pipeline = read(kinesis, 3, gone=Known("00002", NOW - 3 * DAY))
    assert pipeline.taken == [("child", 7)]
    # The child's first records may have expired too: nobody knows when its parent was closed
    assert [(shard, gap.after, gap.from_at, gap.before) for shard, gap in pipeline.gaps] == [
        ("gone", "00002", NOW - 3 * DAY, None),
        ("child", None, NOW - 3 * DAY, "00007"),
    ]
    assert pipeline.ended == ["gone"]


def test_a_shard_that_goes_while_it_is_read_is_left_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "FIRST_PAUSE", 0.001)
    kinesis = FakeKinesis({"a": {"numbers": [1], "arrived": {1: NOW - 3 * DAY}}, "b": {"numbers": []}})

    class Away(FakePipeline):
        def take(self, lease: Lease, batch: Batch) -> None:
            super().take(lease, batch)
            kinesis.shards = {"b": {"numbers": [5]}}

    stopping = threading.Event()
    pipeline = Away(4, stopping)  # two records, a gap, the tip of the other shard
    run(kinesis, pipeline, stopping)
    assert pipeline.taken == [("a", 1), ("b", 5)]
    assert [shard for shard, _ in pipeline.gaps] == ["a"]


def test_after_a_restore_a_parent_is_read_again_before_its_children() -> None:
    # Given children unknown to the restored database, and a parent of which it knows the first half
    shards: dict[str, dict[str, Any]] = {
        "left": {"numbers": [7], "parent": "parent"},
        "right": {"numbers": [8], "parent": "parent"},
        "parent": {"numbers": [1, 2, 3, 4], "closed": True},
    }
    pipeline = read(FakeKinesis(shards), 4, parent=Known("00002", NOW))
    assert pipeline.taken[:2] == [("parent", 3), ("parent", 4)]
    assert sorted(pipeline.taken[2:]) == [("left", 7), ("right", 8)]
    assert (pipeline.gaps, pipeline.ended) == ([], ["parent"])


def test_the_oldest_record_of_an_unread_child_comes_after_a_gap_where_its_parents_are_long_read() -> None:
    kinesis = FakeKinesis({"child": {"numbers": [7], "parent": "parent"}})
    pipeline = read(kinesis, 2, parent=Known("00002", NOW - 4 * DAY, NOW - 3 * DAY, ended=True))
    assert pipeline.gaps == [("child", Gap(None, NOW - 3 * DAY, "00007", NOW, Loss.EXPIRED))]
    assert pipeline.taken == [("child", 7)]


def test_a_shard_that_was_read_to_its_end_is_not_asked_again() -> None:
    shards: dict[str, dict[str, Any]] = {
        "parent": {"numbers": [], "closed": True},
        "child": {"numbers": [6, 7], "parent": "parent"},
    }
    kinesis = FakeKinesis(shards)
    pipeline = read(kinesis, 1, parent=Known("00002", NOW - 9 * DAY, ended=True), child=Known("00006", NOW))
    assert pipeline.taken == [("child", 7)]
    assert {shard for shard, _, _ in kinesis.asked_for} == {"child"}
    assert pipeline.gaps == []


def test_a_shard_is_abreast_when_it_is_begun_and_whenever_nothing_is_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a parent, a child that begins when its end was read, and a shard that lags and gives nothing
    monkeypatch.setattr(reader, "LOOKS", 10**9)
    shards: dict[str, dict[str, Any]] = {
        "parent": {"numbers": [1, 2, 3], "closed": True},
        "child": {"numbers": [], "parent": "parent"},
        "slow": {"numbers": [9]},
    }
    kinesis: Any = FakeKinesis(shards, "nothing")
    stopping = threading.Event()
    pipeline: Any = FakePipeline(99, stopping)
    pipeline.shards = {"slow": Known("00002", NOW - 60)}
    times: dict[str, set[float]] = {name: set() for name in shards}

    def beat() -> None:
        for name, at in poller.abreast().items():
            times[name].add(at)
        if len(times["child"]) > 3:
            stopping.set()

    poller = Poller(
        kinesis, "readings", pipeline, poll_seconds=0.001, batch_records=10, stopping=stopping, beat=beat
    )
    poller.run()

    # Then the child's time is later than its parent's, and goes on; the slow one's is when it was begun
    assert (len(times["parent"]), len(times["slow"])) == (1, 1)
    assert min(times["child"]) > max(times["parent"])
    assert poller.abreast().keys() == {"child", "slow"}


def test_at_the_tip_of_an_open_shard_it_is_looked_who_is_silent_and_not_at_each_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll, "NOTE_SECONDS", 0.0)
    began = time.time()
    kinesis = FakeKinesis({"a": {"numbers": [1, 2, 3]}, "b": {"numbers": []}})
    pipeline = read(kinesis, 5)
    assert sorted(shard for shard, _ in pipeline.ticks) == ["a", "b"]
    assert all(began <= seen_at <= time.time() for _, seen_at in pipeline.ticks)


def test_of_a_shard_that_is_closed_it_is_not_known_who_is_silent() -> None:
    kinesis = FakeKinesis(
        {"old": {"numbers": [1, 2], "closed": True}, "new": {"numbers": [3], "parent": "old"}}
    )
    pipeline = read(kinesis, 4)
    assert "old" not in {shard for shard, _ in pipeline.ticks}
