from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from processor.alarms import try_command
from processor.alarms.definition import Definition, Limit, Silence
from processor.alarms.order import Readings
from processor.alarms.series import Series, Span, microseconds
from processor.alarms.stored import TABLES, Stored
from processor.alarms.try_request import Shown, Try

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = microseconds(NOON)
ONE = np.zeros(1, np.int64)


def one_reading(*_: object) -> Stored:
    """At noon, and none after it."""
    reading = Readings(np.zeros(1, np.int32), ONE + AT, ONE, np.array([20.0]), ONE, ONE + AT)
    return Stored(1, iter([Series("point", "Cel", iter([reading]))]), Span(AT, AT + 1))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Silence(within=600), "an alarm stood within 1 of 1 that are known; 0 other alarms"),
        (Limit(high=30.0), "1 stretch is outside these readings and not counted"),
    ],
)
def test_what_comes_after_the_readings_is_judged_by_a_silence_alone(
    kind: Definition, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_command, "stored", one_reading)
    file = tmp_path / "known.json"
    file.write_text('[["2026-03-01 13:00", "2026-03-01 14:00"]]')
    nothing: Any = None
    asked = Try(None, "*/*/*/*/*/*/t", kind, NOON, NOON + timedelta(hours=6), Shown(labels=file))
    assert said in list(try_command.of_path(nothing, asked, TABLES))
