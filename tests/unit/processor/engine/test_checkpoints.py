"""When a checkpoint is stored, and what is done when it is refused."""

from typing import Any

import pytest

from processor.engine.checkpoints import ATTEMPTS, CheckpointRefused, Checkpoints, LeaseGone
from processor.engine.messages import Checkpoint
from processor.source.records import Record


class Daemon:
    """Refuses with `errors`, the first first."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.asked: list[Checkpoint] = []

    def checkpoint(self, where: Checkpoint) -> str | None:
        self.asked.append(where)
        return self.errors.pop(0) if self.errors else None


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0
        self.paused: list[float] = []

    def __call__(self) -> float:
        return self.now


def record(number: int, part: int = 0) -> Record:
    return Record(b"", str(number), 1.0, part)


@pytest.fixture
def made() -> tuple[Any, Daemon, Clock]:
    daemon, clock = Daemon(), Clock()
    fake: Any = daemon
    return Checkpoints(fake, 10.0, clock, clock.paused.append), daemon, clock


def test_one_is_due_when_something_came_and_the_time_is_over(made: tuple[Any, Daemon, Clock]) -> None:
    checkpoints, daemon, clock = made
    clock.now += 11
    assert not checkpoints.due  # nothing came
    checkpoints.reached(record(7))
    assert checkpoints.due
    checkpoints.store()
    assert not checkpoints.due
    checkpoints.reached(record(8, part=3))
    clock.now += 9.9
    assert not checkpoints.due
    clock.now += 0.1
    assert checkpoints.due
    checkpoints.store()
    checkpoints.store()  # there is nothing more to store
    assert daemon.asked == [Checkpoint("7", 0), Checkpoint("8", 3)]


@pytest.mark.parametrize("error", ["ThrottlingException", "KinesisClientLibDependencyException"])
def test_what_passes_is_left_to_the_next_one(made: tuple[Any, Daemon, Clock], error: str) -> None:
    checkpoints, daemon, clock = made
    checkpoints.reached(record(7))
    daemon.errors = [error]
    checkpoints.store()
    assert not checkpoints.due  # not at once again: it was throttled
    clock.now += 10
    assert checkpoints.due
    checkpoints.store()
    assert daemon.asked == [Checkpoint("7", 0)] * 2


def test_a_lease_that_is_gone_is_told(made: tuple[Any, Daemon, Clock]) -> None:
    checkpoints, daemon, _ = made
    checkpoints.reached(record(7))
    daemon.errors = ["ShutdownException"]
    with pytest.raises(LeaseGone):
        checkpoints.store()


@pytest.mark.parametrize(
    "error", ["InvalidStateException", "IllegalArgumentException", "NullPointerException"]
)
def test_what_does_not_pass_is_an_error(made: tuple[Any, Daemon, Clock], error: str) -> None:
    checkpoints, daemon, _ = made
    checkpoints.reached(record(7))
    daemon.errors = [error]
    with pytest.raises(CheckpointRefused, match=f"refuses the checkpoint 7 with {error}"):
        checkpoints.store()
    daemon.errors = [error]
    with pytest.raises(CheckpointRefused, match="at the end of the shard"):
        checkpoints.end()


def test_the_end_is_tried_until_it_is_stored(made: tuple[Any, Daemon, Clock]) -> None:
    checkpoints, daemon, clock = made
    daemon.errors = ["ThrottlingException"] * (ATTEMPTS - 1)
    checkpoints.end()
    assert daemon.asked == [Checkpoint()] * ATTEMPTS
    assert clock.paused[:3] == [0.5, 1.0, 2.0]
    assert 50 < sum(clock.paused) < 70


def test_an_end_that_cannot_be_stored_is_an_error(made: tuple[Any, Daemon, Clock]) -> None:
    checkpoints, daemon, _ = made
    daemon.errors = ["ThrottlingException"] * ATTEMPTS
    with pytest.raises(CheckpointRefused, match="could not be checkpointed 10 times"):
        checkpoints.end()
