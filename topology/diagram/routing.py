"""The lines: out of a box at its side, along a lane between two columns, and into the other box."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations

from topology.diagram.flows import Flow
from topology.diagram.placing import Placement
from topology.diagram.rect import Rect

PORT = 16.0  # between two lines at one side of a box
EDGE = 8.0  # of a side, at which no line ends
LANE = 8.0  # between two lines in one gutter
FIRST_LANE = 11.0  # from the gutter's left end
MOST_TRIED = 6  # lines of one gutter whose lanes are tried in every order
STRAIGHT = 1.0  # two ends so close are level

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A flow as drawn: its corners, from the source to the target."""

    flow: Flow
    points: tuple[Point, ...]


@dataclass(frozen=True)
class _End:
    box: str
    side: str  # left, right, top, bottom


@dataclass(frozen=True)
class _Course:
    flow: Flow
    start: _End
    end: _End
    gutter: int | None  # the column left of which the lane is; None for a line straight down


def routed(flows: tuple[Flow, ...], plan: Placement) -> list[Line]:
    courses = [_course(flow, plan) for flow in flows]
    ports = _ports(courses, plan)
    lanes = _lanes(courses, ports, plan)
    return [_line(course, ports, lanes) for course in courses]


def _course(flow: Flow, plan: Placement) -> _Course:
    source, target = plan.column[flow.source], plan.column[flow.target]
    if source < target:
        return _Course(flow, _End(flow.source, "right"), _End(flow.target, "left"), target)
    if source > target:
        return _Course(flow, _End(flow.source, "left"), _End(flow.target, "right"), source)
    above, below = sorted((flow.source, flow.target), key=lambda key: plan.boxes[key].y)
    if _adjacent(above, below, plan):
        sides = ("bottom", "top") if above == flow.source else ("top", "bottom")
        return _Course(flow, _End(flow.source, sides[0]), _End(flow.target, sides[1]), None)
    return _Course(flow, _End(flow.source, "left"), _End(flow.target, "left"), source)


def _adjacent(above: str, below: str, plan: Placement) -> bool:
    """Whether no box stands between two of a column."""
    x, _ = plan.boxes[below].middle
    between = Rect(x, plan.boxes[above].bottom, 0.1, plan.boxes[below].y - plan.boxes[above].bottom)
    return not any(rect.overlaps(between) for rect in plan.boxes.values())


def _ports(courses: list[_Course], plan: Placement) -> dict[tuple[Flow, _End], Point]:
    """Where each line meets its boxes. One whose other end is level keeps the middle."""
    at: dict[_End, list[tuple[_Course, _End]]] = {}
    for course in courses:
        at.setdefault(course.start, []).append((course, course.end))
        at.setdefault(course.end, []).append((course, course.start))
    ports: dict[tuple[Flow, _End], Point] = {}
    for end, meeting in at.items():
        rect = plan.boxes[end.box]
        _, y = rect.middle
        if end.side in ("top", "bottom"):  # at the right, since a frame's name stands at the left
            for nth, (course, _) in enumerate(meeting):
                x = rect.right - (nth + 1) * PORT
                ports[course.flow, end] = (x, rect.y if end.side == "top" else rect.bottom)
            continue
        meeting.sort(key=lambda pair: (plan.boxes[pair[1].box].middle[1], pair[1].side == end.side))
        level = [
            nth
            for nth, (_, other) in enumerate(meeting)
            if abs(plan.boxes[other.box].middle[1] - y) < STRAIGHT
        ]
        middle = level[0] if level else (len(meeting) - 1) / 2
        for nth, at_y in enumerate(_within(rect, middle, len(meeting))):
            x = rect.x if end.side == "left" else rect.right
            ports[meeting[nth][0].flow, end] = (x, at_y)
    return ports


def _within(rect: Rect, middle: float, many: int) -> list[float]:
    """The y of so many ports: the one that `middle` counts is the box's, unless others would be off it."""
    apart = min(PORT, (rect.h - 2 * EDGE) / max(many - 1, 1))
    _, y = rect.middle
    first = max(rect.y + EDGE, min(y - middle * apart, rect.bottom - EDGE - (many - 1) * apart))
    return [first + nth * apart for nth in range(many)]


def _lanes(
    courses: list[_Course], ports: Mapping[tuple[Flow, _End], Point], plan: Placement
) -> dict[Flow, float]:
    """The x of each line that is not level. In a gutter, the order that crosses least."""
    by_gutter: dict[int, list[_Course]] = {}
    for course in courses:
        if course.gutter is not None:
            level = abs(ports[course.flow, course.start][1] - ports[course.flow, course.end][1]) < STRAIGHT
            if not level or course.start.side == course.end.side:
                by_gutter.setdefault(course.gutter, []).append(course)
    lanes: dict[Flow, float] = {}
    for gutter, crossing in by_gutter.items():
        left, right = plan.gutters[gutter]
        lane = min(LANE, (right - left - 2 * FIRST_LANE) / max(len(crossing) - 1, 1))
        orders = permutations(crossing) if len(crossing) <= MOST_TRIED else iter([tuple(crossing)])

        def lanes_of(order: tuple[_Course, ...], left: float = left, lane: float = lane) -> dict[Flow, float]:
            return {course.flow: left + FIRST_LANE + nth * lane for nth, course in enumerate(order)}

        def crossed(order: tuple[_Course, ...]) -> int:
            lines = [_line(course, ports, lanes_of(order)) for course in order]
            return sum(crossings(one, other) for at, one in enumerate(lines) for other in lines[:at])

        lanes |= lanes_of(min(orders, key=crossed))
    return lanes


def _line(course: _Course, ports: Mapping[tuple[Flow, _End], Point], lanes: Mapping[Flow, float]) -> Line:
    start, end = ports[course.flow, course.start], ports[course.flow, course.end]
    if course.flow not in lanes:
        return Line(course.flow, (start, end))
    lane = lanes[course.flow]
    return Line(course.flow, (start, (lane, start[1]), (lane, end[1]), end))


def crossings(one: Line, other: Line) -> int:
    return sum(_cross(a, b) for a in pairwise(one.points) for b in pairwise(other.points))


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two level or upright pieces meet."""
    (ax, ay), (bx, by) = one
    (cx, cy), (dx, dy) = other
    return (
        min(ax, bx) <= max(cx, dx)
        and min(cx, dx) <= max(ax, bx)
        and min(ay, by) <= max(cy, dy)
        and min(cy, dy) <= max(ay, by)
    )
