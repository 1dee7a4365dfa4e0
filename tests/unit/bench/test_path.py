"""The whole path's ways over few readings: what they store is checked, how long it takes is not."""

import tempfile
from pathlib import Path

import pytest

from bench import path
from bench.feed import PATHS, UNIT, make_feed
from bench.floor import Floor
from bench.measure import Options, once
from bench.servers import servers
from processor.storage.binary import Dates

READINGS = 1_000  # every point twice, and a tail


def test_each_way_stores_all_its_readings_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    rows = path.rows(Options(runs=1, readings=READINGS))

    assert [(row.name, row.against) for row in rows] == [
        ("path_single_vs_copy", "binary COPY"),
        ("path_batch_vs_copy", "binary COPY"),
        ("path_vs_commit_each", "execute + commit each"),
        ("path_vs_executemany", "executemany + pipeline"),
    ]
    assert {row.unit for row in rows} == {"readings/s"}
    assert all(row.ratio == pytest.approx(row.ours / row.theirs) for row in rows)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_stored_too_little_gives_no_figure() -> None:
    feed = make_feed(READINGS)
    with servers() as running:
        ids = running.make_tables(PATHS, UNIT, Dates(path._days(feed)))
        way = Floor(running, feed, ids).way()
        running.renew()

        with pytest.raises(RuntimeError, match=r"1000 expected, found \(0,\); this run measured something"):
            running.check("SELECT count(*) FROM millrace.reading", READINGS)
        once(way)  # which checks as well, and is content
