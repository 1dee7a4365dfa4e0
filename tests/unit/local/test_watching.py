"""The rule that watches the simulated plant, and how its alarms are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from local import once
from local.machine import Ailment, Machine
from local.watching import DEFINITION, NAME, PATH, SHOWN, Alarm, RuleNotAdded, Watched, add_rule
from processor.alarms.definition import read
from processor.alarms.order import Readings
from processor.alarms.pattern import expression
from processor.alarms.series import Series
from processor.alarms.trial import tried

FAKE = """
import sys
print(sys.argv[1:], flush=True)
sys.exit("no such path" if "refused" in sys.path[0] else 0)
"""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("index", range(10))
def test_the_rule_finds_each_worn_bearing_once_and_nothing_else(index: int) -> None:
    machine = Machine(index, seed=1)
    found = [
        reading
        for place in range(300)
        for reading in machine.scan(place / 10, round(NOON.timestamp() * 1000))
        if reading.path.endswith("/spindle_temp") and isinstance(reading.value, float)
    ]
    assert machine.device.startswith("example/site1/")
    ts, value = np.array([one.micros for one in found]), np.array([one.value for one in found], np.float64)
    count = len(ts)
    readings = Readings(np.zeros(count, np.int32), ts, np.arange(count), value, np.arange(count), ts)
    usable = readings.take(np.isfinite(value))
    (found_out,) = tried([Series("spindle_temp", "Cel", iter([usable]))], read(DEFINITION))
    assert len(found_out.alarms) == (machine.ailment is Ailment.WEAR)
    assert expression(PATH)


@pytest.mark.parametrize("place", ["taken", "refused"])
def test_it_is_added_as_a_person_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    package = tmp_path / place / "processor"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE)
    monkeypatch.setattr(once, "ROOT", package.parent)
    log = tmp_path / "processor.log"
    if place == "taken":
        add_rule({}, log)
        assert f"['rules', 'add', '{NAME}', '--path', '{PATH}'" in log.read_text()
    else:
        with pytest.raises(RuleNotAdded, match=r"(?s)exit code 1.*no such path"):
            add_rule({}, log)


def test_alarms_are_told_a_line_each_and_the_rest_is_counted() -> None:
    stands = Alarm("hot", "m001/spindle_temp", NOON, NOON + timedelta(seconds=1.2), None, 57.25, "Cel")
    cleared = replace(stands, cleared=NOON + timedelta(seconds=9))
    found = Watched([stands, *[cleared] * SHOWN], told=2)
    first, second, *_, last = found.lines()
    assert first == (
        "  alarm        hot  m001/spindle_temp  since 12:00:00.0  raised 12:00:01.2  57.25 Cel  stands"
    )
    assert second.endswith("57.25 Cel  cleared 12:00:09.0")
    assert last == "  alarms       and 1 more"
    assert found.cleared == SHOWN
