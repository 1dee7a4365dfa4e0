"""The results as text and as JSON."""

import json
from pathlib import Path

import pytest

from bench import table
from bench.measure import Row
from bench.table import Results

RATE = Row(
    name="path_single_vs_copy",
    ours=189_680.4,
    against="binary COPY",
    theirs=560_186.0,
    unit="readings/s",
    ratio=0.33860,
    goal=0.85,
    runs=5,
    ours_cpu=2.0912,
    theirs_cpu=0.05621,
    cpu_unit="s/million readings",
)
TIME = Row(
    name="emit",
    ours=0.29012,
    against="nothing cached",
    theirs=3.6,
    unit="s",
    ratio=12.41,
    goal=None,
    runs=5,
    ours_cpu=0.3,
    theirs_cpu=3.3,
    cpu_unit="s",
)


def test_the_table_has_one_aligned_line_a_row() -> None:
    assert table.text([RATE, TIME]).splitlines() == [
        "name                    ours  against          theirs  unit        ratio  goal   cpu  theirs  unit",
        "path_single_vs_copy  189,680  binary COPY     560,186  readings/s  0.339  0.85  2.09  0.0562"
        "  s/million readings",
        "emit                    0.29  nothing cached      3.6  s            12.4     -   0.3     3.3  s",
    ]


def test_the_json_has_the_machine_and_every_row(tmp_path: Path) -> None:
    table.save(Results("2 cores", [RATE, TIME]), tmp_path / "results.json")

    text = (tmp_path / "results.json").read_text()
    written = json.loads(text)
    assert list(written) == ["machine", "rows"]
    assert written["machine"] == "2 cores"
    published = ["name", "ours", "against", "theirs", "unit", "ratio", "goal", "runs"]
    assert [list(row)[:8] for row in written["rows"]] == [published, published]
    assert written["rows"][0] == {field: getattr(RATE, field) for field in RATE.__struct_fields__}
    assert written["rows"][1]["goal"] is None
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 20  # one field a line, so that a diff shows what changed


def test_the_machine_is_named_by_its_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Millstone 9000\nprocessor\t: 1\nmodel name\t: other\n")
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (0.42, 9.0, 9.0))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    named = table.machine(cpuinfo)

    assert named.startswith("2 cores of Millstone 9000 (x86_64), ")
    assert named.endswith(", load 0.4 at the start")
    assert table.machine(tmp_path / "none").startswith("2 cores of x86_64, ")
