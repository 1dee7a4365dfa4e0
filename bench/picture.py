"""The measured path as a picture: how it stands against the others, and what a reading costs."""

from collections.abc import Sequence
from math import log10

import drawsvg

from bench.measure import Row

WIDTH = 760
LEFT = 190
RIGHT = 90
LINE = 30
PLOT = 150
INK, FAINT, OURS = "#1f2933", "#9aa5b1", "#1769aa"
FONT = "system-ui, sans-serif"


def draw(rows: Sequence[Row], machine: str) -> str:
    """An SVG document. Rows that were not measured leave no trace."""
    paths = [row for row in rows if row.name.startswith("path_")]
    scale = [row for row in rows if row.name.startswith("scale_")]
    height = 70 + LINE * len(paths) + (PLOT + 90 if scale else 0)
    picture = drawsvg.Drawing(WIDTH, height, font_family=FONT)
    picture.append(drawsvg.Rectangle(0, 0, WIDTH, height, fill="white"))
    _say(
        picture,
        "Readings a second on a logarithmic scale: ours, and what it is measured against",
        (16, 24),
        14,
    )
    _say(picture, machine, (16, 42), 11, fill=FAINT)
    top = 62
    for row in paths:
        _bars(picture, row, top, max(max(row.ours, row.theirs) for row in paths))
        top += LINE
    if scale:
        _curve(picture, scale, top + 34)
    return str(picture.as_svg())


def _bars(picture: drawsvg.Drawing, row: Row, top: int, most: float) -> None:
    for value, colour, shift in ((row.ours, OURS, 0), (row.theirs, FAINT, 10)):
        length = (WIDTH - LEFT - RIGHT) * log10(max(value / 100, 1)) / log10(most / 100)
        picture.append(drawsvg.Rectangle(LEFT, top + shift, length, 9, fill=colour))
    _say(picture, row.against, (LEFT - 10, top + 13), 12, text_anchor="end")
    _say(picture, f"{row.ratio:.3g} ×", (WIDTH - RIGHT + 12, top + 13), 13)


def _curve(picture: drawsvg.Drawing, rows: Sequence[Row], top: int) -> None:
    _say(
        picture,
        "Processor seconds a million readings (blue) and MiB resident (grey), by devices",
        (16, top),
        14,
    )
    bottom = top + PLOT
    step = (WIDTH - LEFT - RIGHT) / max(1, len(rows) - 1)
    picture.append(drawsvg.Line(LEFT, bottom, WIDTH - RIGHT, bottom, stroke=FAINT))
    for colour, values, above in (
        (OURS, [row.ours_cpu for row in rows], -9),
        (FAINT, [row.ours for row in rows], 16),
    ):
        most = max(values) * 1.25
        points = [
            (LEFT + place * step, bottom - (PLOT - 30) * value / most) for place, value in enumerate(values)
        ]
        line = drawsvg.Path(stroke=colour, stroke_width=2, fill="none").M(*points[0])
        for point in points[1:]:
            line.L(*point)
        picture.append(line)
        for (x, y), value in zip(points, values, strict=True):
            picture.append(drawsvg.Circle(x, y, 3, fill=colour))
            _say(picture, f"{value:.3g}", (x, y + above), 11, fill=colour, text_anchor="middle")
    for place, row in enumerate(rows):
        devices = int(row.name.split("_")[1])
        _say(picture, f"{devices:,}", (LEFT + place * step, bottom + 18), 11, text_anchor="middle")


def _say(picture: drawsvg.Drawing, text: str, at: tuple[float, float], size: int, **more: str) -> None:
    picture.append(drawsvg.Text(text, size, *at, **{"fill": INK, **more}))
