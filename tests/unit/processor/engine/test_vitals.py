"""A child's file: whole at any moment, gone when the child has left in good order."""

import threading
from pathlib import Path

import msgspec
import pytest

from processor.engine import vitals as module
from processor.engine.vitals import Told, Vitals, VitalsError, read
from processor.readiness import LastCommit

VITALS = Vitals(
    shard="shardId-000000000001",
    pid=12,
    parent=1,
    state="owner",
    beat=100.0,
    heard=101.0,
    lacks=None,
    database=None,
    cache="TimeoutError",
    lag_ms={"shardId-000000000001": 5},
    last={"shardId-000000000001": LastCommit(99.0, 0.5)},
    abreast=90.0,
)


def test_what_is_written_is_read_until_the_child_has_left(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "here"
    told = Told(directory, lambda: VITALS)
    told.start()
    told.write()
    assert read(directory) == [VITALS]
    told.end()
    told.write()
    assert read(directory) == []
    assert list(directory.iterdir()) == []


def test_it_is_written_by_itself_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.001)
    enough = threading.Event()
    asked: list[int] = []

    def state() -> Vitals:
        asked.append(1)
        if len(asked) == 3:
            enough.set()
        return VITALS

    told = Told(tmp_path, state)
    told.start()
    assert enough.wait(10)
    told.end()


def test_a_child_without_a_shard_says_nothing(tmp_path: Path) -> None:
    told = Told(tmp_path, lambda: None)
    told.write()
    told.end()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VitalsError, match=r"CHILDREN_DIRECTORY=.*/file/children: .*mount a volume"):
        Told(tmp_path / "file" / "children", lambda: VITALS).start()


def test_half_a_file_is_left_out(tmp_path: Path) -> None:
    whole = msgspec.json.encode(VITALS)
    (tmp_path / "a.child.json").write_bytes(whole[:40])
    (tmp_path / "b.child.json").write_bytes(whole)
    (tmp_path / "notes.txt").write_bytes(b"of somebody else")
    assert read(tmp_path) == [VITALS]


def test_no_directory_is_no_children(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere") == []
