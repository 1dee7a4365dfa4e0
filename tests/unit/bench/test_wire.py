"""The stream that both readers are given, and ours on it."""

from pathlib import Path

import pytest

from bench import wire
from bench.measure import Options
from bench.wire import BATCH, PeerMissing, Wire, make_stream
from processor.engine.messages import Initialize, ProcessRecords, ProtocolError, read
from processor.engine.records import records_of


def test_the_stream_holds_whole_batches_empty_ones_and_a_line_to_refuse(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    assert make_stream(file, 2 * BATCH + 1) == 2 * BATCH
    first, *batches, last = file.read_bytes().splitlines()
    assert isinstance(read(first), Initialize)
    sizes = [len(one.records) for line in batches if isinstance(one := read(line), ProcessRecords)]
    assert sizes == [BATCH, 0, BATCH, 0]
    whole = read(batches[0])
    assert isinstance(whole, ProcessRecords)
    assert {one.partition_key for one in records_of(whole.records, 0.0)} == set(wire.KEYS)
    with pytest.raises(ProtocolError):
        read(last)


def test_ours_reads_every_record_and_refuses_the_last_line(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    ours = Wire(file, make_stream(file, 3 * BATCH))
    ours.before()
    ours.run()
    assert ours.read == 3 * BATCH
    ours.after()


def test_a_run_that_read_too_little_is_no_run(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    ours = Wire(file, make_stream(file, BATCH) + 1)
    ours.before()
    ours.run()
    with pytest.raises(RuntimeError, match="1000 records were read of 1001"):
        ours.after()


def test_without_its_peer_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "find_spec", lambda name: None)
    with pytest.raises(
        PeerMissing, match=r"KCL_MVN_REPO_SEARCH_URL=data:, .venv/bin/pip install --no-cache-dir"
    ):
        wire.rows(Options(5, 1000))
