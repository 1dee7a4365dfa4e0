"""What is stored before the engine's own records, against a fake stream."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from processor.engine import past as module
from processor.engine.past import Past
from processor.source.position import Known, Loss
from processor.source.reader import ShardReader
from processor.source.stream import Stream
from processor.storage.database import Stopping
from processor.storage.store import Lease, ShardLost
from tests.unit.processor.test_poll import (
    DAY,
    NOW,
    Expired,
    FakeKinesis,
    FakePipeline,
    Throttled,
    client_error,
)


class FakeDatabase:
    """Grants the lock on a shard's past, after it was refused so many times."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuse = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def run(self, work: Callable[[Any], bool]) -> bool:
        outer = self

        class Session:
            @property
            def connection(self) -> Any:
                return self

            def execute(self, statement: bytes, given: dict[str, str]) -> Any:
                taking = b"pg_try_advisory_lock" in statement
                outer.asked.append(f"{'take' if taking else 'free'} {given['shard']}")
                granted = not (taking and outer.refuse)
                outer.refuse -= not granted
                if not granted:
                    outer.meanwhile()

                class Answer:
                    @staticmethod
                    def fetchone() -> tuple[bool]:
                        return (granted,)

                return Answer

        return work(Session())


class World:
    """A past of a stream and what came of it."""

    def __init__(self, shards: dict[str, dict[str, Any]], expired: str = "oldest", **known: Known) -> None:
        self.stopping = threading.Event()
        self.kinesis = FakeKinesis(shards, expired)
        self.pipeline = FakePipeline(10_000, self.stopping)
        self.pipeline.shards = dict(known)
        self.database = FakeDatabase()
        client: Any = self.kinesis
        pipeline: Any = self.pipeline
        database: Any = self.database
        self.past = Past(Stream(client, "readings"), pipeline, database, self.stopping)

    def begin(self, shard: str, checkpoint: str | None = "TRIM_HORIZON") -> ShardReader:
        return self.past.begin(shard, checkpoint)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REST_SECONDS", "THROTTLED_SECONDS", "LOOK_SECONDS", "FIRST_PAUSE"):
        monkeypatch.setattr(module, name, 0.0)


def numbered(*numbers: int) -> dict[str, Any]:
    return {"numbers": list(numbers)}


def test_a_shard_that_nobody_has_read_is_left_to_the_engine() -> None:
    world = World({"a": numbered(1, 2, 3)})
    assert world.begin("a").position is None
    assert world.pipeline.taken == []
    assert world.kinesis.asked_for == []


@pytest.mark.parametrize("checkpoint", ["TRIM_HORIZON", "LATEST", None, "00001", "00002"])
def test_a_checkpoint_at_or_behind_the_position_costs_one_look(checkpoint: str | None) -> None:
    world = World({"a": numbered(1, 2, 3, 4, 5)}, a=Known("00002", NOW))
    assert world.begin("a", checkpoint).position == "00002"
    assert (world.pipeline.taken, world.pipeline.gaps) == ([], [])
    assert world.kinesis.asked_for == [("a", "AT_SEQUENCE_NUMBER", "00002")]


def test_what_lies_between_the_position_and_the_checkpoint_is_read_first() -> None:
    world = World({"a": numbered(*range(1, 12))}, a=Known("00002", NOW))
    reader = world.begin("a", "00008")
    taken = [number for _, number in world.pipeline.taken]
    assert taken[:6] == [3, 4, 5, 6, 7, 8]  # and what came in the same answer as the last
    assert reader.position == f"{taken[-1]:05d}"
    assert world.pipeline.gaps == []


def test_a_database_that_knows_nothing_has_all_read_until_the_checkpoint() -> None:
    world = World({"a": numbered(1, 2, 3, 4)})
    world.begin("a", "00004")
    assert world.pipeline.taken == [("a", number) for number in (1, 2, 3, 4)]


def test_a_checkpoint_of_another_stream_is_passed_over() -> None:
    shards = {"a": {"numbers": [100, 101], "first": 100}}
    world = World(shards)
    world.begin("a", "00007")
    assert world.pipeline.taken == []


def test_a_checkpoint_behind_which_nothing_comes_is_no_reason_to_wait() -> None:
    world = World({"a": numbered(1, 2)}, a=Known("00001", NOW))
    assert world.begin("a", "00009").position == "00002"


@pytest.mark.parametrize("expired", ["oldest", "refused", "nothing"])
def test_what_has_expired_behind_the_position_is_told_with_the_first_record(
    expired: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World({"a": numbered(7, 8)}, expired, a=Known("00002", NOW - 2 * DAY))
    reader = world.begin("a")
    ((shard, gap),) = world.pipeline.gaps
    assert (shard, gap.after, gap.before, gap.reason) == ("a", "00002", "00007", Loss.EXPIRED)
    assert gap.from_at == NOW - 2 * DAY
    assert world.pipeline.counts.gaps == 1
    assert reader.position == "00008"
    assert [line.levelno for line in caplog.records].count(logging.ERROR) == 1


def test_a_gap_before_an_empty_shard_is_told_alone() -> None:
    world = World({"a": numbered()}, a=Known("00002", NOW - 2 * DAY))
    reader = world.begin("a")
    ((_, gap),) = world.pipeline.gaps
    assert (gap.after, gap.before) == ("00002", None)
    assert reader.known.arrived_at is None
    assert world.pipeline.taken == []


def test_a_parent_that_was_not_stored_to_its_end_is_finished_first() -> None:
    shards: dict[str, dict[str, Any]] = {
        "old": {"numbers": [1, 2, 3], "closed": True},
        "parent": {"numbers": [4, 5, 6], "closed": True, "parent": "old"},
        "child": {"numbers": [7, 8], "parent": "parent"},
    }
    world = World(shards, old=Known("00002", NOW), parent=Known())
    world.begin("child", "00007")
    assert world.pipeline.taken == [
        *(("old", number) for number in (3,)),
        *(("parent", number) for number in (4, 5, 6)),
        *(("child", number) for number in (7, 8)),
    ]
    assert world.pipeline.ended == ["old", "parent"]
    assert world.database.asked == ["take old", "free old", "take parent", "free parent"]


def test_a_parent_that_is_stored_is_not_read_again() -> None:
    shards: dict[str, dict[str, Any]] = {
        "parent": {"numbers": [4, 5, 6], "closed": True},
        "child": {"numbers": [7, 8], "parent": "parent"},
    }
    world = World(shards, parent=Known("00006", NOW, ended=True))
    world.begin("child")
    assert world.pipeline.taken == []
    assert world.database.asked == []


def test_a_parent_that_another_process_finishes_is_waited_for() -> None:
    shards: dict[str, dict[str, Any]] = {
        "parent": {"numbers": [4, 5, 6], "closed": True},
        "child": {"numbers": [7, 8], "parent": "parent"},
    }
    world = World(shards, parent=Known("00004", NOW))
    world.database.refuse = 2
    world.database.meanwhile = lambda: world.pipeline.shards.update(parent=Known("00006", NOW, ended=True))
    world.begin("child")
    assert world.pipeline.taken == []
    assert world.database.asked == ["take parent"] * 3 + ["free parent"]


def test_the_lock_is_given_back_whatever_happens() -> None:
    shards: dict[str, dict[str, Any]] = {
        "parent": {"numbers": [4, 5, 6], "closed": True},
        "child": {"numbers": [7, 8], "parent": "parent"},
    }
    world = World(shards, parent=Known("00004", NOW))
    world.pipeline.fault = ShardLost("a later epoch")
    with pytest.raises(ShardLost):
        world.begin("child")
    assert world.database.asked == ["take parent", "free parent"]


def test_the_first_record_of_a_child_is_measured_by_its_parents() -> None:
    shards: dict[str, dict[str, Any]] = {"child": {"numbers": [7, 8], "parent": "gone long ago"}}
    read_to = NOW - 2 * DAY
    world = World(shards)
    world.pipeline.shards["gone long ago"] = Known("00006", read_to, ended=True)
    world.begin("child")
    ((shard, gap),) = world.pipeline.gaps
    assert (shard, gap.from_at, gap.before) == ("child", read_to, "00007")


def test_a_shard_that_went_unread_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World({"a": numbered(1)}, gone=Known("00002", NOW - 2 * DAY))
    world.begin("a")
    ((shard, gap),) = world.pipeline.gaps
    assert (shard, gap.after, gap.before) == ("gone", "00002", None)
    assert world.pipeline.ended == ["gone"]
    world.begin("a")
    assert len(world.pipeline.gaps) == 1


def test_a_shard_that_is_told_by_another_process_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"a": numbered(1)}, gone=Known("00002", NOW - 2 * DAY))

    def note(lease: Lease, **given: object) -> None:
        raise ShardLost("a later epoch")

    monkeypatch.setattr(world.pipeline, "note", note)
    world.begin("a")
    assert world.pipeline.counts.gaps == 0


def test_a_shard_that_is_not_listed_is_begun_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    world = World({"a": numbered(1)}, b=Known("00002", NOW, ended=True))
    assert world.begin("b").lease.shard == "b"
    assert "does not list" in caplog.text


@pytest.mark.parametrize(
    "fault",
    [client_error(Expired), client_error(Throttled), EndpointConnectionError(endpoint_url="https://kinesis")],
)
def test_an_answer_that_fails_is_asked_for_again(fault: Exception) -> None:
    world = World({"a": numbered(1, 2, 3)})
    world.kinesis.faults = [fault]
    world.begin("a", "00003")
    assert world.pipeline.taken == [("a", number) for number in (1, 2, 3)]


def test_who_is_told_to_stop_stops() -> None:
    world = World({"a": numbered(1, 2, 3, 4, 5)})
    world.stopping.set()
    with pytest.raises(Stopping):
        world.begin("a", "00005")


def test_a_look_finds_a_gap_or_none() -> None:
    world = World({"a": numbered(1, 2, 3)})
    lease = Lease("a", 1, "00002")
    known = Known("00002", NOW - 2 * DAY)
    held = world.past.look(ShardReader(lease, known, world.begin("a").range))
    assert (held.position, world.pipeline.gaps) == ("00002", [])

    world.kinesis.shards["a"]["numbers"] = [3]
    moved = world.past.look(ShardReader(lease, known, held.range))
    assert moved.position == "00003"
    assert [gap.after for _, gap in world.pipeline.gaps] == ["00002"]


def test_the_retention_is_asked_for_now_and_then_and_an_outage_keeps_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({"a": numbered(1)})
    before = world.past.horizon
    asked: list[str] = []

    def fail(*, StreamName: str) -> Any:
        asked.append(StreamName)
        raise EndpointConnectionError(endpoint_url="https://kinesis")

    monkeypatch.setattr(world.kinesis, "describe_stream_summary", fail)
    assert abs(world.past.horizon - before) < 60
    assert asked == []
    monkeypatch.setattr(module, "RETENTION_SECONDS", 0.0)
    world.past._retention_due = 0.0
    assert abs(world.past.horizon - before) < 60
    assert asked == ["readings"]


def test_a_parent_with_a_gap_goes_on_to_its_end() -> None:
    shards: dict[str, dict[str, Any]] = {
        "parent": {"numbers": [5, 6], "closed": True},
        "child": {"numbers": [7], "parent": "parent"},
    }
    world = World(shards, parent=Known("00002", NOW - 2 * DAY))
    world.begin("child")
    assert world.pipeline.taken[:2] == [("parent", 5), ("parent", 6)]
    assert world.pipeline.ended == ["parent"]
    assert [gap.before for _, gap in world.pipeline.gaps] == ["00005"]
    assert world.pipeline.shards["parent"].position == "00006"


def test_a_parent_whose_end_is_not_listed_yet_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parent: dict[str, Any] = {"numbers": [4, 5, 6]}
    world = World(
        {"parent": parent, "child": {"numbers": [7], "parent": "parent"}}, parent=Known("00004", NOW)
    )
    rest = world.past._rest

    def later(seconds: float) -> None:
        assert world.pipeline.taken == [] or parent["closed"]
        parent["closed"] = True
        rest(seconds)

    monkeypatch.setattr(world.past, "_rest", later)
    world.begin("child")
    assert world.pipeline.taken == [("parent", 5), ("parent", 6)]
