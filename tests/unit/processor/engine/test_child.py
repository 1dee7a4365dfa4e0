"""What is done with each message, and what is never done: with fakes on all sides."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from processor.engine import child as module
from processor.engine.checkpoints import Checkpoints
from processor.engine.child import Child, State, TakenOver
from processor.engine.daemon import DaemonGone
from processor.engine.messages import (
    Checkpoint,
    Initialize,
    LeaseLost,
    ProcessRecords,
    ProtocolError,
    Record,
    ShardEnded,
    ShutdownRequested,
    Told,
)
from processor.pipeline import Counts
from processor.source.position import Known, Range
from processor.source.reader import ShardReader
from processor.source.records import Batch
from processor.storage.store import Lease, ShardLost

NOW = 1_763_897_519.0
BEGIN = Initialize("shard-0", "TRIM_HORIZON")
EMPTY = ProcessRecords([], 0)


@dataclass
class World:
    """All that a child sees; `did` is what it did, in order. `met` is what the writer met."""

    script: list[Told | Callable[[], object]]
    did: list[Any] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    met: Exception | None = None
    refusals: list[str] = field(default_factory=list)
    position: str | None = None
    horizon: float = 0.0
    now: float = NOW

    def next(self, seconds: float) -> Told | None:
        while self.script:
            step = self.script.pop(0)
            if isinstance(step, Told):
                return step
            if step() == "tick":
                return None
        raise DaemonGone

    def done(self, message: Told) -> None:
        self.did.append(("done", type(message).__name__))

    def checkpoint(self, where: Checkpoint) -> str | None:
        self.did.append(("checkpoint", where.sequence_number))
        return self.refusals.pop(0) if self.refusals else None

    def begin(self, shard: str, checkpoint: str | None) -> ShardReader:
        self.did.append(("begin", shard, checkpoint))
        self.drain()
        known = Known(self.position, NOW if self.position else None)
        return ShardReader(Lease(shard, 1, self.position), known, Range("0"))

    def look(self, reader: ShardReader) -> ShardReader:
        self.did.append(("look", reader.position))
        return ShardReader(reader.lease, replace(reader.known, position="20"), reader.range)

    def take(self, lease: Lease, batch: Batch) -> None:
        self.drain()
        self.did.append(("take", [record.sequence_number for record in batch.records], batch.lag_ms))

    def drain(self) -> None:
        if self.met is not None:
            raise self.met

    def note(self, lease: Lease, *, seen_at: float | None = None, ended: bool = False) -> None:
        self.drain()
        self.did.append(("ended",) if ended else ("seen", seen_at))

    def listed(self) -> list[str]:
        return ["shard-0"]

    def tick(self, lease: Lease, seen_at: float, listed: Callable[[], object]) -> None:
        self.drain()
        self.ticks.append(seen_at)
        listed()

    def fail(self, error: Exception) -> Callable[[], None]:
        def meet() -> None:
            self.met = error

        return meet


def records(*numbers: int, lag_ms: int = 0) -> ProcessRecords:
    given = [Record(b"{}", str(number), "m17", int(NOW * 1000), 0) for number in numbers]
    return ProcessRecords(given, lag_ms)


def serve(world: World, every: float = 3600.0) -> Child:
    fake: Any = world
    ticks = itertools.count()
    child = Child(fake, fake, fake, Checkpoints(fake, every, lambda: next(ticks)), alive=world.drain)
    child.run()
    return child


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that moves when it is told to."""
    now = [NOW]
    clock = SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0])
    monkeypatch.setattr(module, "time", clock)

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def test_a_shard_is_begun_taken_handed_over_and_left() -> None:
    world = World([BEGIN, records(1, 2, lag_ms=7), EMPTY, ShutdownRequested(), LeaseLost()])
    assert serve(world).state is State.LEFT
    assert world.did == [
        ("begin", "shard-0", "TRIM_HORIZON"),
        ("done", "Initialize"),
        ("take", ["1", "2"], 7),
        ("done", "ProcessRecords"),
        ("done", "ProcessRecords"),
        ("checkpoint", "2"),
        ("done", "ShutdownRequested"),
        ("done", "LeaseLost"),
    ]


def test_what_is_stored_already_is_skipped_and_checkpointed() -> None:
    world = World([BEGIN, records(8, 9), records(10, 11), ShutdownRequested()], position="10")
    serve(world)
    assert [step for step in world.did if step[0] == "take"] == [("take", ["11"], 0)]
    assert ("checkpoint", "11") in world.did


def test_a_checkpoint_that_is_due_comes_after_the_drain_and_before_the_answer() -> None:
    world = World([BEGIN, records(1), LeaseLost()])
    serve(world, every=0.0)
    assert world.did[-4:-1] == [("take", ["1"], 0), ("checkpoint", "1"), ("done", "ProcessRecords")]


def test_a_lost_lease_is_left_without_a_checkpoint() -> None:
    world = World([BEGIN, records(1), LeaseLost()])
    serve(world)
    assert not [step for step in world.did if step[0] == "checkpoint"]


def test_the_end_is_noted_before_it_is_checkpointed_and_that_before_it_is_answered() -> None:
    world = World([BEGIN, records(1), ShardEnded()])
    serve(world)
    assert world.did[-3:] == [("ended",), ("checkpoint", None), ("done", "ShardEnded")]


def test_a_daemon_that_goes_without_a_word_is_an_error() -> None:
    with pytest.raises(DaemonGone):
        serve(World([BEGIN, records(1)]))


@pytest.mark.parametrize("step", [records(1), EMPTY, ShutdownRequested(), ShardEnded()])
def test_what_the_writer_met_is_never_answered(step: Told) -> None:
    world = World([BEGIN])
    world.script += [world.fail(ValueError("not foreseen")), step]
    with pytest.raises(ValueError, match="not foreseen"):
        serve(world)
    assert world.did[-1] == ("done", "Initialize")


def test_what_the_writer_met_is_found_without_a_message() -> None:
    world = World([BEGIN])
    world.script += [world.fail(ValueError("not foreseen")), lambda: "tick"]
    with pytest.raises(ValueError, match="not foreseen"):
        serve(world)


@pytest.mark.parametrize("where", [0, 1])
def test_a_zombie_answers_writes_nothing_and_checkpoints_nothing(where: int) -> None:
    world = World([BEGIN, records(1), records(2), ShutdownRequested(), LeaseLost()])
    world.script.insert(where, world.fail(ShardLost("a later epoch")))
    assert serve(world, every=0.0).state is State.LEFT
    assert [step for step in world.did if step[0] != "done"] == [("begin", "shard-0", "TRIM_HORIZON")]
    assert len([step for step in world.did if step[0] == "done"]) == 5


def test_a_lease_that_the_daemon_no_longer_holds_makes_a_zombie() -> None:
    world = World([BEGIN, records(1), records(2), LeaseLost()], refusals=["ShutdownException"])
    serve(world, every=0.0)
    assert [step for step in world.did if step[0] == "take"] == [("take", ["1"], 0)]


@pytest.mark.parametrize("step", [EMPTY, "tick"])
def test_a_zombie_whose_daemon_keeps_the_lease_ends(
    step: Any, standing_clock: Callable[[float], None]
) -> None:
    last = step if step == EMPTY else (lambda: "tick")
    world = World([BEGIN])
    world.script += [
        world.fail(ShardLost("a later epoch")),
        EMPTY,
        lambda: standing_clock(39),
        EMPTY,
        lambda: standing_clock(2),
        last,
    ]
    with pytest.raises(TakenOver, match="shard-0 was taken by another process 41 s ago"):
        serve(world)
    assert len([step for step in world.did if step == ("done", "ProcessRecords")]) == 2


def test_a_zombie_never_answers_the_end_of_its_shard() -> None:
    world = World([BEGIN])
    world.script += [world.fail(ShardLost("a later epoch")), EMPTY, ShardEnded()]
    with pytest.raises(TakenOver):
        serve(world)
    assert world.did[-1] == ("done", "ProcessRecords")


@pytest.mark.parametrize(
    ("script", "said"),
    [([EMPTY], "before 'initialize'"), ([LeaseLost()], "before"), ([BEGIN, BEGIN], "'initialize' twice")],
)
def test_the_order_of_messages_is_the_protocols(script: list[Any], said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        serve(World(script))


def test_a_tip_is_noted_as_of_the_time_at_which_it_was_surely_asked_for(
    standing_clock: Callable[[float], None],
) -> None:
    world = World([BEGIN])
    for _ in range(module.WAITING_ANSWERS + 70):
        world.script += [lambda: standing_clock(1), EMPTY]
    world.script.append(LeaseLost())
    serve(world)
    seen = [step[1] for step in world.did if step[0] == "seen"]
    assert seen == [NOW + 1, NOW + 61]  # of messages 22 ago, a minute apart


@pytest.mark.parametrize("lag_ms", [1, None])
def test_no_tip_is_noted_while_anything_may_be_behind(
    lag_ms: int | None, standing_clock: Callable[[float], None]
) -> None:
    world = World([BEGIN])
    world.script += [ProcessRecords([], lag_ms)] * (module.WAITING_ANSWERS + 5) + [LeaseLost()]
    serve(world)
    assert not [step for step in world.did if step[0] == "seen"]


def test_who_is_as_slow_as_the_retention_looks_whether_anything_has_expired() -> None:
    world = World([BEGIN, records(11, 21), LeaseLost()], position="10", horizon=NOW + 1)
    serve(world)
    assert world.did[2:4] == [("look", "10"), ("take", ["21"], 0)]  # the look has stored up to 20


def test_a_lag_is_told_though_nothing_came() -> None:
    world = World([BEGIN, ProcessRecords([], 1234), LeaseLost()])
    serve(world)
    assert world.counts.lag_ms == {"shard-0": 1234}


def test_a_child_is_heard_while_it_has_the_word(standing_clock: Callable[[float], None]) -> None:
    heard: list[float] = []
    world = World([BEGIN, EMPTY, LeaseLost()])
    fake: Any = world

    def alive() -> None:
        standing_clock(100)  # a long commit
        heard.append(child.heard)

    child = Child(fake, fake, fake, Checkpoints(fake, 3600.0, lambda: 0.0), alive=alive)
    child.run()
    assert heard == [NOW + 100, NOW + 200]


def test_who_is_silent_is_looked_for_once_the_tip_was_seen_for_as_long_as_answers_wait(
    standing_clock: Callable[[float], None],
) -> None:
    world = World([BEGIN])
    for _ in range(module.WAITING_ANSWERS):
        world.script += [lambda: standing_clock(1), EMPTY]
    world.script += [LeaseLost()]
    serve(world)
    assert world.ticks == [NOW + 1]  # when nothing of the last answer had been asked for


def test_a_busy_shard_at_its_tip_is_looked_at_and_one_that_was_behind_is_not() -> None:
    busy = [records(number) for number in range(1, module.WAITING_ANSWERS + 1)]
    at_tip = World([BEGIN, *busy, LeaseLost()])
    serve(at_tip)
    assert at_tip.ticks == [NOW]
    behind = World([BEGIN, *busy[:5], records(6, lag_ms=9), *busy[6:], LeaseLost()])
    serve(behind)
    assert behind.ticks == []


def test_a_stream_that_is_away_keeps_nobody_from_reading(caplog: pytest.LogCaptureFixture) -> None:
    away = ClientError({"Error": {"Code": "LimitExceededException", "Message": "slow"}}, "ListShards")

    class Away(World):
        def tick(self, lease: Lease, seen_at: float, listed: Callable[[], object]) -> None:
            raise away

    world = Away([BEGIN, *[EMPTY] * module.WAITING_ANSWERS, records(1), LeaseLost()])
    assert serve(world).state is State.LEFT
    assert ("take", ["1"], 0) in world.did
    assert "who is silent is not known now" in caplog.text
