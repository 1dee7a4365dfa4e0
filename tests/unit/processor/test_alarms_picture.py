"""Pictures of trials, looked at by their pixels."""

import builtins
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from processor.__main__ import main
from processor.alarms import picture
from processor.alarms.definition import Definition, Deviation, Limit
from processor.alarms.drawing import BOUND, HOT, KNOWN, READINGS, STANDING, USUAL
from processor.alarms.labels import Window
from processor.alarms.order import Readings
from processor.alarms.outline import Sketch
from processor.alarms.picture import COLUMNS, MOST_PANELS, Frame, PictureError, draw, most_alarms
from processor.alarms.series import Series, Span, moment
from processor.alarms.trial import Alarm, Course, Tried, tried
from processor.columns import Float64

HOUR = 3_600_000_000
SPAN = Span(0, 120 * HOUR)


def trial(definition: Definition, value: Float64, name: str = "a/b/c/d/e/m17/spindle_temp") -> Tried:
    count = len(value)
    ts = np.linspace(0, SPAN.until - 1, count).astype(np.int64)
    readings = Readings(
        np.zeros(count, np.int32), ts, np.arange(count), value, np.arange(count), np.array(ts)
    )
    series = Series(name, "Cel", iter([readings]))
    (alone,) = tried([series], definition, [Sketch(definition, SPAN, COLUMNS)])
    return alone


def drawn(directory: Path, definition: Definition, *panels: Tried, windows: tuple[Window, ...] = ()) -> Any:
    file = directory / "trial.png"
    frame = Frame(definition, moment(SPAN.since), moment(SPAN.until), len(panels), windows)
    draw(panels, frame, file)
    return imread(file)


def share(image: Any, colour: str, alpha: float = 1.0, behind: float = 1.0) -> float:
    """How many of the pixels have a colour, laid with `alpha` over white."""
    wanted = [int(colour[place : place + 2], 16) / 255 * alpha + behind * (1 - alpha) for place in (1, 3, 5)]
    return float((np.abs(image[..., :3] - wanted) < 0.02).all(axis=-1).mean())


HOT_HALF = np.where(np.arange(2400) % 1200 < 1000, 70.0, 90.0)
LIMIT = Limit(high=80.0, deadband=2.0, on_delay=3 * 3600)
FAR = Limit(high=1e308, low=-1e308, deadband=1e300)


def test_it_shows_readings_limits_and_when_an_alarm_stood(tmp_path: Path) -> None:
    image = drawn(tmp_path, LIMIT, trial(LIMIT, HOT_HALF))
    assert share(image, READINGS) > 0.0003
    assert share(image, BOUND) > 0.001
    assert share(image, STANDING, 0.25) > 0.02
    assert share(image, HOT, 0.4) > 0.02


def test_without_an_alarm_nothing_is_shaded_but_the_key(tmp_path: Path) -> None:
    image = drawn(tmp_path, LIMIT, trial(LIMIT, np.full(2400, 70.0)))
    assert share(image, STANDING, 0.25) < 0.0005
    assert share(image, USUAL) == 0


def test_a_deviation_has_its_band_and_what_is_known_stands_below(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    window = Window(moment(24 * HOUR), moment(48 * HOUR))
    kind = Deviation()
    image = drawn(tmp_path, kind, trial(kind, chance.normal(70, 2, 2400)), windows=(window,))
    assert share(image, USUAL) > 0.05
    assert share(image, KNOWN) > 0.002


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "value",
    [np.zeros(0), np.array([5.0]), np.array([1e308, -1e308, 3.0]), np.full(50, 7.0)],
    ids=["none", "one", "wild", "flat"],
)
@pytest.mark.parametrize("kind", [LIMIT, FAR, Deviation()], ids=["limit", "far", "deviation"])
def test_odd_readings_are_drawn_without_complaint(tmp_path: Path, kind: Definition, value: Float64) -> None:
    assert drawn(tmp_path, kind, trial(kind, value)).shape[1] == 1800


def test_the_same_trial_is_the_same_file_and_its_ground_is_white(tmp_path: Path) -> None:
    first = drawn(tmp_path, LIMIT, trial(LIMIT, HOT_HALF))
    content = (tmp_path / "trial.png").read_bytes()
    drawn(tmp_path, LIMIT, trial(LIMIT, HOT_HALF))
    assert (tmp_path / "trial.png").read_bytes() == content
    assert first[0, 0].tolist() == [1, 1, 1, 1]


def test_of_many_points_those_with_the_most_alarms_are_drawn() -> None:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    points = [
        Tried(str(place), "", [Alarm(when, when, None, 1.0, 1.0)] * (place % 10), Course(), None)
        for place in range(20)
    ]
    assert [one.name for one in most_alarms(points)] == ["6", "7", "8", "9", "16", "17", "18", "19"]
    assert [one.name for one in most_alarms(points[:1] * 9)] == ["0"] * MOST_PANELS


def test_a_trial_is_drawn_by_a_command_that_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, png = tmp_path / "spindle.csv", tmp_path / "trial.png"
    file.write_text("time,temp\n2026-03-01 00:00:00Z,90\n2026-03-01 00:01:00Z,70\n")
    asked = ["rules", "try", "--file", str(file), "--definition", '{"kind": "limit", "high": 80}']
    assert main([*asked, "--plot", str(png)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"drawn: {png}"
    assert imread(png).shape[1] == 1800


def test_without_the_library_it_says_what_to_install_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "processor.alarms.drawing")
    asked = ["rules", "try", "--file", "/nowhere.csv", "--definition", '{"kind": "limit", "high": 80}']
    assert main([*asked, "--plot", str(tmp_path / "x.png")]) == 1
    said = capsys.readouterr().err
    assert "in a clone of the repository pip install '.[processor,plot]', or leave --plot out" in said


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    frame = Frame(LIMIT, moment(0), moment(1), 1)
    with pytest.raises(PictureError, match=r"trial\.png cannot be written: .*; name another file"):
        draw([trial(LIMIT, HOT_HALF)], frame, tmp_path / "gone" / "trial.png")
    picture.check()
