"""One process's backlog, small: it stores what it should, and the figures are drawn."""

import numpy as np
import pytest

from bench import latency, picture, scale
from bench.feed import PATHS, UNIT
from bench.measure import Options, Row
from bench.servers import servers
from processor.storage.binary import Dates


def test_a_backlog_is_stored_and_each_part_of_it_says_what_it_took() -> None:
    with servers() as running:
        running.make_tables(PATHS, UNIT, Dates(np.zeros(0, np.int64)))
        steps = scale._steps(running, devices=10, readings=1_000, steps=4)
    assert [step.readings for step in steps] == [250, 500, 750, 1_000]
    assert all(step.resident > 1 for step in steps)
    assert sorted(step.cpu for step in steps) == [step.cpu for step in steps]


def test_memory_is_measured_with_the_image_s_allocator() -> None:
    assert scale.image_allocator() == {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}


def test_every_record_of_the_shard_is_waited_for_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "POLL_SECONDS", 0.02)
    middle, slowest = latency.rows(Options(runs=1, readings=10_000))
    assert (middle.name, slowest.name) == ("put_to_committed_p50", "put_to_committed_p99")
    assert 0 < middle.ours <= slowest.ours


def row(name: str, ours: float) -> Row:
    return Row(name, ours, "<another>", 1_000.0, "readings/s", ours / 1_000, None, 5, 1.0, 2.0, "s")


def test_the_picture_holds_a_bar_for_each_path_and_a_point_for_each_size() -> None:
    made = [row("path_vs_x", 5_000.0), row("scale_10_devices", 80.0), row("scale_1000_devices", 90.0)]
    drawn = picture.draw(made, "2 cores & more")
    for words in ("vs x", "2 cores &amp; more", "5 ×", "10", "1,000"):
        assert f">{words}</text>" in drawn
    assert drawn.count("<circle") == 4


def test_what_was_not_measured_is_not_drawn() -> None:
    assert "circle" not in picture.draw([row("path_vs_x", 5_000.0)], "2 cores")
