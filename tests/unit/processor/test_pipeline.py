import gzip
import json
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from processor import decode, pipeline, writer
from processor.committed import Committed
from processor.pipeline import Pipeline, by_size
from processor.quarantine import Reason
from processor.source.records import Batch, Record
from processor.storage.store import Judged, Lease, ShardLost, Stored
from processor.validate import Rules

NOW_MS = 1_763_897_519_000
NOW = NOW_MS / 1000
PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
Make = Callable[..., Record]


class FakeStore:
    def __init__(self) -> None:
        self.stored: list[Judged] = []

    def take_shard(self, shard: str) -> Lease:
        return Lease(shard, 1, None)

    def make_ready(self, lease: Lease, judged: Judged) -> None:
        return None

    def store(self, lease: Lease, judged: Judged, ready: None) -> Stored:
        self.stored.append(judged)
        return Stored(len(judged.columns), 0, len(judged.refused))


class FakeLatest:
    def show(self, newest: object, names: object, *, more: bool) -> None:
        pass


@pytest.fixture(autouse=True)
def unmerged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_ROWS", 0)  # so that each part's transaction is seen


def taken(records: list[Record]) -> tuple[FakeStore, Pipeline]:
    store: Any = FakeStore()
    latest: Any = FakeLatest()
    line = Pipeline(store, latest, Rules(7, 10))
    line.take(line.own("shard-0"), Batch("shard-0", records, 5))
    line.drain()
    line.close()
    return store, line


def test_a_batch_of_old_history_is_divided_so_that_a_transaction_touches_few_days(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MOST_DAYS", 3)
    records = [
        record({"path": PATH, "ts": NOW_MS - day * 86_400_000, "value": day, "hist": True}, number=day + 1)
        for day in range(10)
    ]
    store, line = taken(records)
    assert max(len(judged.columns.days()) for judged in store.stored) <= 3
    assert [judged.position for judged in store.stored] == sorted(
        (judged.position for judged in store.stored), key=int
    )
    assert store.stored[-1].position == "10"
    assert (line.counts.inserted, line.counts.records, line.counts.lag_ms) == (10, 10, {"shard-0": 5})


@pytest.mark.parametrize(
    ("bound", "size", "ends"),
    [("MOST_OPENED", 3000, ["3", "6", "8"]), ("MOST_READINGS", 5, ["2", "4", "6", "8"])],
)
def test_packed_records_are_divided_by_what_they_open_to(
    record: Make, monkeypatch: pytest.MonkeyPatch, bound: str, size: int, ends: list[str]
) -> None:
    monkeypatch.setattr(decode, bound, size)
    readings = [{"path": PATH, "ts": NOW_MS + n, "value": "x" * 400} for n in range(2)]
    data = gzip.compress(json.dumps({"readings": readings}).encode())
    store, line = taken([record(data, number) for number in range(1, 9)])
    assert (line.counts.inserted, line.counts.records) == (16, 8)
    assert [judged.position for judged in store.stored] == ends


def test_what_envelopes_add_counts_with_each_reading(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MOST_OPENED", 5000)
    readings = [{"path": PATH, "ts": NOW_MS + n, "value": n} for n in range(20)]
    store, line = taken([record({"site": "x" * 200, "readings": readings}, n) for n in (1, 2, 3)])
    assert line.counts.inserted == 60
    assert len(store.stored) == 3


def test_what_is_refused_is_counted(record: Make) -> None:
    _, line = taken([record(b"?"), record({"path": PATH, "ts": NOW_MS, "value": 1}, 2)])
    assert (line.counts.refused, line.counts.inserted) == (1, 1)


def test_records_are_run_together_up_to_a_size_and_a_large_one_stands_alone(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MOST_BYTES", 10)
    records = [record(b"x" * size) for size in (4, 4, 4, 30, 1, 9, 1)]
    assert [[len(one.data) for one in run] for run in by_size(records)] == [[4, 4], [4], [30], [1, 9], [1]]


def test_what_is_refused_is_told_before_it_is_committed() -> None:
    told: list[Committed] = []
    wrong: list[tuple[str, int]] = []
    line = Pipeline(
        cast("Any", FakeStore()),
        cast("Any", FakeLatest()),
        Rules(7, 10),
        committed=told.append,
        refused=lambda shard, records, refused: wrong.append((shard, len(refused))),
    )
    good = json.dumps({"path": PATH, "ts": NOW_MS, "value": 1}).encode()
    records = [Record(good, "1", NOW + 20), Record(b"?", "2", NOW + 10), Record(b"!", "3", NOW + 30)]

    line.take(line.own("shard-0"), Batch("shard-0", records, 5))
    line.drain()
    line.close()

    assert [dict(one.refused) for one in told] == [{Reason.UNDECODABLE: 2}]
    assert wrong == [("shard-0", 2)]


def test_each_commit_is_told_with_what_became_of_its_records(record: Make) -> None:
    # Given two batches, of which the later one has a record that cannot be read, and one that came early
    told: list[Committed] = []
    store: Any = FakeStore()
    latest: Any = FakeLatest()
    line = Pipeline(store, latest, Rules(7, 10), committed=told.append)
    lease = line.own("shard-0")
    good = {"path": PATH, "ts": NOW_MS, "value": 1}
    line.take(lease, Batch("shard-0", [record(good, 1)], 7))
    line.drain()  # so that each has a transaction of its own
    early = record(good, 2)._replace(arrived=NOW_MS / 1000 - 60)
    line.take(lease, Batch("shard-0", [early, record(b"?", 3), record({**good, "path": "x"}, 4)], 5))

    # When all is committed
    line.drain()
    line.close()

    # Then each was told once, after it was stored
    assert [(one.shard, one.records, one.inserted, one.absorbed, one.lag_ms) for one in told] == [
        ("shard-0", 1, 1, 0, 7),
        ("shard-0", 3, 1, 0, 5),
    ]
    assert [dict(one.refused) for one in told] == [{}, {Reason.UNDECODABLE: 1, Reason.PATH: 1}]
    assert [one.oldest_arrived for one in told] == [NOW_MS / 1000, NOW_MS / 1000 - 60]
    assert all(one.decode_seconds > 0 and one.write_seconds > 0 for one in told)


def test_what_was_stored_before_counts_as_records_and_nothing_else(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeStore, "store", lambda self, lease, judged, ready: Stored(0, 0, 0))
    told: list[Committed] = []
    store: Any = FakeStore()
    latest: Any = FakeLatest()
    line = Pipeline(store, latest, Rules(7, 10), committed=told.append)
    line.take(line.own("shard-0"), Batch("shard-0", [record(b"?")], 0))
    line.drain()
    line.close()
    assert [(one.records, one.inserted, dict(one.refused)) for one in told] == [(1, 0, {})]


def test_who_waits_for_the_stream_is_called_when_the_writer_has_failed(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: FakeStore, lease: Lease, judged: Judged, ready: None) -> Stored:
        raise ShardLost("owned by epoch 2")

    monkeypatch.setattr(FakeStore, "store", lost)
    stopping = threading.Event()
    told: list[Committed] = []
    store: Any = FakeStore()
    latest: Any = FakeLatest()
    line = Pipeline(store, latest, Rules(7, 10), committed=told.append, stopping=stopping)
    lease = line.own("shard-0")
    line.take(lease, Batch("shard-0", [record(b"?", 1)], 0))
    assert stopping.wait(10)
    for hand_over in (line.drain, lambda: line.take(lease, Batch("shard-0", [record(b"?", 2)], 0))):
        with pytest.raises(ShardLost, match="epoch 2"):
            hand_over()
    assert told == []
    assert line.counts.records == 0
