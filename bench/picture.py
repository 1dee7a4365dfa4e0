"""The measured path as a picture: how it stands against the others, and what a reading costs."""

from collections.abc import Sequence

import drawsvg

from bench.measure import Row

WIDTH = 760
LEFT = 190
RIGHT = 90
LINE = 30
PLOT = 110
INK, FAINT, OURS = "#1f2933", "#9aa5b1", "#1769aa"
FONT = "system-ui, DejaVu Sans, sans-serif"


def draw(rows: Sequence[Row], machine: str) -> str:
    """An SVG document. Rows that were not measured leave no trace."""
    paths = [row for row in rows if row.name.startswith("path_")]
    scale = [row for row in rows if row.name.startswith("scale_")]
    height = 70 + LINE * len(paths) + (2 * PLOT + 50 if scale else 0)
    picture = drawsvg.Drawing(WIDTH, height, font_family=FONT)
    picture.append(drawsvg.Rectangle(0, 0, WIDTH, height, fill="white"))
    _say(picture, "Readings a second: ours (blue), and what it is measured against (grey)", (16, 24), 14)
    _say(picture, machine, (16, 42), 11, fill=FAINT)
    top = 62
    for row in paths:
        _bars(picture, row, top, max(max(row.ours, row.theirs) for row in paths))
        top += LINE
    if scale:
        devices = [int(row.name.split("_")[1]) for row in scale]
        _curve(picture, "CPU s / million, by devices", devices, [row.ours_cpu for row in scale], top + 20)
        _curve(picture, "MiB resident, by devices", devices, [row.ours for row in scale], top + 30 + PLOT)
    return str(picture.as_svg())


def _bars(picture: drawsvg.Drawing, row: Row, top: int, most: float) -> None:
    for value, colour, shift in ((row.ours, OURS, 0), (row.theirs, FAINT, 10)):
        length = (WIDTH - LEFT - RIGHT) * value / most
        picture.append(drawsvg.Rectangle(LEFT, top + shift, length, 9, fill=colour))
    name = row.name.removeprefix("path_").replace("_", " ")
    _say(picture, name, (LEFT - 10, top + 13), 12, text_anchor="end")
    _say(picture, f"{row.ratio:.3g} ×", (WIDTH - RIGHT + 12, top + 13), 13)


def _curve(
    picture: drawsvg.Drawing, title: str, devices: Sequence[int], values: Sequence[float], top: int
) -> None:
    bottom = top + PLOT - 30
    step = (WIDTH - LEFT - RIGHT) / max(1, len(values) - 1)
    _say(picture, title, (16, bottom), 12)
    picture.append(drawsvg.Line(LEFT, bottom, WIDTH - RIGHT, bottom, stroke=FAINT))
    points = [
        (LEFT + place * step, bottom - (PLOT - 55) * value / max(values))
        for place, value in enumerate(values)
    ]
    line = drawsvg.Path(stroke=OURS, stroke_width=2, fill="none").M(*points[0])
    for point in points[1:]:
        line.L(*point)
    picture.append(line)
    for (x, y), value, count in zip(points, values, devices, strict=True):
        picture.append(drawsvg.Circle(x, y, 3, fill=OURS))
        _say(picture, f"{value:.3g}", (x, y - 8), 11, text_anchor="middle")
        _say(picture, f"{count:,}", (x, bottom + 16), 11, fill=FAINT, text_anchor="middle")


def _say(picture: drawsvg.Drawing, text: str, at: tuple[float, float], size: int, **more: str) -> None:
    picture.append(drawsvg.Text(text, size, *at, **{"fill": INK, **more}))
