import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.changes import StackPlan
from deployer.plan import Kind, Plan
from local.audit import Audit, Latency
from local.platform import Size
from local.report import Report, report, write
from local.watching import Alarm, Watched

AUDIT = Audit(10, 7, 1, 2, 0, 0, 0, Latency(12.5, 80.0))
PLAN = Plan("dev", "millrace-dev", Kind.CREATE, StackPlan("millrace-dev"))

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STANDS = Alarm("hot", "m001/spindle_temp", NOON, NOON, None, 57.0, "Cel")
WATCHED = Watched([STANDS, replace(STANDS, cleared=NOON)], told=3)


def made(audit: Audit = AUDIT, *, rotated: bool = True) -> Report:
    return report(audit, PLAN, Size(12, 112), 37.234, WATCHED, rotated=rotated)


def test_it_is_written_whole_under_the_names_that_programs_know(tmp_path: Path) -> None:
    file = tmp_path / "audit.json"

    write(made(), file)

    assert json.loads(file.read_text()) == {
        "sent": 10,
        "stored": 7,
        "quarantined": 1,
        "lost": 0,
        "duplicated": 0,
        "absorbed": 2,
        "latency_ms": {"p50": 12.5, "p99": 80.0},
        "seconds": 37.2,
        "stacks": 12,
        "resources": 112,
        "plan": {"add": 0, "modify": 0, "remove": 0},
        "rotation": {"rotated": True},
        "alarms": {"raised": 2, "cleared": 1, "told": 3},
        "rehearsal": None,
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.json"]


def test_what_cannot_be_written_leaves_the_former_report_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.json"
    file.write_text("the former")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(made(), file)

    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.json"]
    assert file.read_text() == "the former"


def test_what_stored_nothing_has_no_latency(tmp_path: Path) -> None:
    write(made(Audit(10, 0, 0, 10, 0, 0, 0, None)), tmp_path / "audit.json")

    written = json.loads((tmp_path / "audit.json").read_text())
    assert written["latency_ms"] == {"p50": None, "p99": None}


@pytest.mark.parametrize(
    ("audit", "rotated", "clean"),
    [
        (AUDIT, True, True),
        (AUDIT, False, False),
        (Audit(10, 9, 0, 0, 1, 0, 0, None), True, False),
        (Audit(10, 10, 0, 0, 0, 1, 0, None), True, False),
    ],
)
def test_clean_means_nothing_lost_nothing_doubled_and_rotated(
    audit: Audit, rotated: bool, clean: bool
) -> None:
    assert made(audit, rotated=rotated).clean is clean
