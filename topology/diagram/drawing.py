"""The placed picture as SVG text: the same bytes on every machine.

It brings its own light ground, so it reads alike on a dark page; letters are those of whichever sans-serif is
there, and every text has room for the widest (measure.py).
"""

from dataclasses import dataclass

import drawsvg

from topology.diagram.content import Content
from topology.diagram.flows import What
from topology.diagram.measure import width
from topology.diagram.placing import HEADER, LEAD, MARGIN, PAD, SMALL, TEXT, TITLE, Placement
from topology.diagram.rect import Rect
from topology.diagram.routing import Line, Point, routed

FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
INK, SOFT, EDGE, GROUND = "#1f2933", "#52606d", "#cbd2d9", "#ffffff"
FRAME, FRAME_NAME = "#f0f4f8", "#334e68"
NETWORK, ZONES = "#829ab1", ("#ecfdf3", "#eff6ff", "#fefce8")
OUTSIDE = "#f5f7fa"
CORNER = 6.0


@dataclass(frozen=True)
class Pen:
    colour: str
    width: float
    dashes: str | None = None


PENS = {
    What.READINGS: Pen("#1d4ed8", 2.0),
    What.STATE: Pen("#52606d", 1.4, "2 3"),
    What.CREDENTIALS: Pen("#b45309", 1.4, "6 3"),
    What.FAILURES: Pen("#b91c1c", 1.4, "6 3"),
    What.ALARMS: Pen("#7e22ce", 1.4),
}


def svg(content: Content, plan: Placement) -> str:
    """The file's text."""
    drawing = drawsvg.Drawing(
        plan.width, plan.height, id_prefix="tip-", font_family=FONTS, font_size=TEXT, fill=INK
    )
    drawing.append_title(f"millrace: how readings travel in {content.environment}, drawn from its templates")
    tips = {what: _tip(pen) for what, pen in PENS.items()}
    _ground(drawing, content, plan)
    _network(drawing, content, plan)
    _frames(drawing, content, plan)
    lines = routed(content.flows, plan)
    for line in sorted(lines, key=lambda line: list(What).index(line.flow.what), reverse=True):
        _line(drawing, line, tips[line.flow.what])
    _boxes(drawing, content, plan)
    _legend(drawing, [what for what in What if any(line.flow.what is what for line in lines)], tips, plan)
    return f"{drawing.as_svg(header='')}\n"


def _text(
    drawing: drawsvg.Drawing, text: str, x: float, y: float, size: float = TEXT, **style: object
) -> None:
    drawing.append(drawsvg.Text(text, size, x, y, **style))


def _rect(drawing: drawsvg.Drawing, rect: Rect, **style: object) -> None:
    drawing.append(drawsvg.Rectangle(rect.x, rect.y, rect.w, rect.h, **style))


def _ground(drawing: drawsvg.Drawing, content: Content, plan: Placement) -> None:
    _rect(drawing, Rect(0.5, 0.5, plan.width - 1, plan.height - 1), rx=8, fill=GROUND, stroke=EDGE)
    _text(drawing, f"millrace, environment {content.environment}", MARGIN, 28, 16, font_weight="bold")
    about = "Each grey frame is a stack, the dashed one the network's."
    _text(drawing, f"{about} Drawn from templates/{content.environment}.", MARGIN, 45, fill=SOFT)


def _network(drawing: drawsvg.Drawing, content: Content, plan: Placement) -> None:
    if plan.network is None:
        return
    _rect(drawing, plan.network, rx=8, fill="none", stroke=NETWORK, stroke_width=1.4, stroke_dasharray="7 4")
    x, y = plan.network.x + PAD, plan.network.y + 17
    _text(drawing, "network", x, y, 12, font_weight="bold", fill=FRAME_NAME)
    for line in plan.network_text:
        y += LEAD
        _text(drawing, line, x, y, fill=SOFT)
    for zone, colour in zip(content.zones, ZONES, strict=False):
        rect = plan.zones[zone.name]
        _rect(drawing, rect, rx=6, fill=colour)
        _text(drawing, f"{zone.name} tier", rect.x + PAD, rect.y + 15, font_weight="bold", fill=SOFT)
        for nth, line in enumerate(plan.zone_texts[zone.name], start=1):
            _text(drawing, line, rect.x + PAD, rect.y + 15 + nth * LEAD, SMALL, fill=SOFT)


def _frames(drawing: drawsvg.Drawing, content: Content, plan: Placement) -> None:
    for frame in content.frames:
        if frame.name:
            rect = plan.frames[frame.key]
            _rect(drawing, rect, rx=6, fill=FRAME, stroke=EDGE)
            _text(
                drawing,
                frame.name,
                rect.x + PAD,
                rect.y + HEADER - 8,
                12,
                font_weight="bold",
                fill=FRAME_NAME,
            )


def _boxes(drawing: drawsvg.Drawing, content: Content, plan: Placement) -> None:
    for frame in content.frames:
        for box in frame.boxes:
            rect = plan.boxes[box.key]
            inside = bool(frame.name)
            _rect(
                drawing, rect, rx=5 if inside else rect.h / 2, fill=GROUND if inside else OUTSIDE, stroke=SOFT
            )
            x = rect.middle[0]
            lines = plan.texts[box.key]
            y = rect.middle[1] - LEAD * len(lines) / 2 + 4.5
            _text(drawing, box.face.title, x, y, TITLE, font_weight="bold", text_anchor="middle")
            for nth, line in enumerate(lines, start=1):
                _text(drawing, line, x, y + nth * LEAD, fill=SOFT, text_anchor="middle")


def _line(drawing: drawsvg.Drawing, line: Line, tip: drawsvg.Marker) -> None:
    pen = PENS[line.flow.what]
    path = drawsvg.Path(fill="none", marker_end=tip, **_stroke(pen))
    path.M(*line.points[0])
    for before, corner, after in zip(line.points, line.points[1:], line.points[2:], strict=False):
        radius = min(CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        path.L(*_towards(corner, before, radius)).Q(*corner, *_towards(corner, after, radius))
    path.L(*line.points[-1])
    drawing.append(path)
    if line.flow.port:
        (_, _), (x, y) = line.points[-2:]
        _text(drawing, line.flow.port, x - 9, y - 4, 10, fill=pen.colour, text_anchor="end")


def _stroke(pen: Pen) -> dict[str, object]:
    dashes = {"stroke_dasharray": pen.dashes} if pen.dashes else {}
    return {"stroke": pen.colour, "stroke_width": pen.width, **dashes}


def _length(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(corner: Point, other: Point, far: float) -> Point:
    """The point so far from a corner on the level or upright way to another."""
    whole = _length(corner, other)
    part = far / whole if whole else 0
    return (
        round(corner[0] + (other[0] - corner[0]) * part, 2),
        round(corner[1] + (other[1] - corner[1]) * part, 2),
    )


def _tip(pen: Pen) -> drawsvg.Marker:
    tip = drawsvg.Marker(0, -4, 8, 4, scale=1, orient="auto", refX=7, markerUnits="userSpaceOnUse")
    tip.append(drawsvg.Lines(0, -4, 8, 0, 0, 4, close=True, fill=pen.colour))
    return tip


def _legend(
    drawing: drawsvg.Drawing, whats: list[What], tips: dict[What, drawsvg.Marker], plan: Placement
) -> None:
    x = MARGIN
    for what in whats:
        path = drawsvg.Path(fill="none", marker_end=tips[what], **_stroke(PENS[what]))
        drawing.append(path.M(x, plan.legend_y).L(x + 34, plan.legend_y))
        _text(drawing, str(what), x + 42, plan.legend_y + 4, fill=SOFT)
        x += 42 + width(str(what), TEXT) + 24
