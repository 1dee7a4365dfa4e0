"""The writer's threads: order, company, back-pressure, and what they meet."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from processor import writer
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.storage.store import Lease, ShardLost
from processor.taken import Taken
from processor.validate import Rules
from processor.writer import Writer

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
NOW_MS = 1_763_897_519_000
RULES = Rules(7, 10)
WAIT = 10.0
Make = Callable[..., Record]
A, B = Lease("a", 1, None), Lease("b", 1, None)


class Desk:
    """Writes nothing; holds what it is given until it is let go."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, int]] = []
        self.prepared = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.free = threading.Event()
        self.fault: Exception | None = None
        self.unprepared: Exception | None = None
        self.ended = threading.Event()

    def prepare(self, taken: Taken) -> Callable[[], None]:
        if self.unprepared:
            raise self.unprepared
        self.prepared.release()
        return partial(self.write, taken)

    def write(self, taken: Taken) -> None:
        self.begun.release()
        assert self.free.wait(WAIT)
        if self.fault:
            raise self.fault
        self.written.append((taken.lease.shard, taken.judged.position, len(taken.judged.columns)))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def line(desk: Desk) -> Iterator[Writer]:
    made = Writer(desk.prepare, desk.ended.set)
    yield made
    desk.free.set()
    made.close(WAIT)


@pytest.fixture
def part(record: Make) -> Callable[..., Taken]:
    names = Names()

    def make(number: int, lease: Lease = A, rows: int = 1) -> Taken:
        items = [{"path": PATH, "ts": NOW_MS + row, "value": number} for row in range(rows)]
        judged = judge([record({"readings": items}, number)], names, RULES, number)
        return Taken(lease, judged, 1, 0.5)

    return make


def busy(line: Writer, desk: Desk, first: Taken, second: Taken) -> None:
    """From now on one thread holds `first`, and the other has prepared `second`."""
    line.put(first)
    assert desk.begun.acquire(timeout=WAIT)
    assert desk.prepared.acquire(timeout=WAIT)
    line.put(second)
    assert desk.prepared.acquire(timeout=WAIT)


def test_what_waits_for_one_shard_is_written_together_and_each_shard_keeps_its_order(
    line: Writer, desk: Desk, part: Callable[..., Taken]
) -> None:
    busy(line, desk, part(1), part(2))
    for number, lease in ((3, A), (4, B), (5, A), (6, B), (7, A)):
        line.put(part(number, lease))
    desk.free.set()
    line.drain()
    assert desk.written == [("a", "1", 1), ("a", "2", 1), ("a", "7", 3), ("b", "6", 2)]


def test_a_shard_taken_anew_shares_no_transaction_with_its_earlier_owner(
    line: Writer, desk: Desk, part: Callable[..., Taken]
) -> None:
    busy(line, desk, part(1), part(2))
    for number, lease in ((3, A), (4, Lease("a", 2, "1")), (5, A)):
        line.put(part(number, lease))
    desk.free.set()
    line.drain()
    assert [position for _, position, _ in desk.written] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("bound", ["MOST_ROWS", "MOST_PARTS", "MOST_BYTES", "MOST_DAYS"])
def test_what_does_not_fit_waits_at_the_door(
    line: Writer, desk: Desk, part: Callable[..., Taken], monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    # Given threads that are busy, and as much behind them as one transaction may hold
    size = part(1).judged.size
    monkeypatch.setattr(writer, bound, {"MOST_BYTES": 2 * size, "MOST_DAYS": 0}.get(bound, 2))
    busy(line, desk, part(1), part(2))
    for number in (3, 4) if bound != "MOST_DAYS" else (3,):
        line.put(part(number))

    # When one more comes, then it waits until there is room
    came = threading.Event()

    def put() -> None:
        line.put(part(5))
        came.set()

    putting = threading.Thread(target=put)
    putting.start()
    assert not came.wait(0.05)
    desk.free.set()
    assert came.wait(WAIT)
    putting.join(WAIT)
    line.drain()
    assert desk.written[-1][1] == "5"
    assert sum(rows for _, _, rows in desk.written) == (5 if bound != "MOST_DAYS" else 4)
    assert max(rows for _, _, rows in desk.written) <= 2


def test_what_the_thread_meets_is_raised_where_more_is_handed_over_and_nothing_more_is_written(
    line: Writer, desk: Desk, part: Callable[..., Taken]
) -> None:
    busy(line, desk, part(1), part(2))
    line.put(part(3))
    desk.fault = ShardLost("owned by epoch 2")
    desk.free.set()
    with pytest.raises(ShardLost, match="epoch 2"):
        line.drain()
    with pytest.raises(ShardLost, match="epoch 2"):
        line.put(part(4))
    assert desk.ended.wait(WAIT)
    line.close(WAIT)
    assert desk.written == []


def test_what_cannot_be_prepared_is_raised_too_and_what_was_being_written_is_finished(
    line: Writer, desk: Desk, part: Callable[..., Taken]
) -> None:
    line.put(part(1))
    assert desk.begun.acquire(timeout=WAIT)
    desk.unprepared = ValueError("not expected")
    line.put(part(2))
    assert desk.ended.wait(WAIT)
    with pytest.raises(ValueError, match="not expected"):
        line.drain()
    desk.free.set()
    line.close(WAIT)
    assert desk.written == [("a", "1", 1)]


def test_who_waits_at_the_door_hears_of_the_failure(
    line: Writer, desk: Desk, part: Callable[..., Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_ROWS", 0)
    busy(line, desk, part(1), part(2))
    line.put(part(3))
    heard: list[BaseException] = []

    def put() -> None:
        try:
            line.put(part(4))
        except ValueError as error:
            heard.append(error)

    putting = threading.Thread(target=put)
    putting.start()
    desk.fault = ValueError("not expected")
    desk.free.set()
    putting.join(WAIT)
    assert [str(error) for error in heard] == ["not expected"]


def test_a_closed_writer_finishes_what_it_has_begun_and_leaves_the_rest(
    line: Writer, desk: Desk, part: Callable[..., Taken]
) -> None:
    busy(line, desk, part(1), part(2))
    line.put(part(3, B))
    line.close(0.0)
    desk.free.set()
    line.close(WAIT)
    assert desk.written == [("a", "1", 1)]
