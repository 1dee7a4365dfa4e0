"""Lines between boxes: lanes that cross as little as can be, ends that stay on the box."""

from itertools import combinations

import pytest

from topology.diagram.flows import Flow, What
from topology.diagram.placing import Placement
from topology.diagram.rect import Rect
from topology.diagram.routing import EDGE, Line, crossings, routed

HIGH = 50.0
GUTTERS = {1: (100.0, 160.0)}


def plan(left: dict[str, float], right: dict[str, float]) -> Placement:
    """Boxes of two columns, each at its y."""
    boxes = {
        **{name: Rect(0, y, 100, HIGH) for name, y in left.items()},
        **{name: Rect(160, y, 100, HIGH) for name, y in right.items()},
    }
    return Placement(
        boxes=boxes, column={**dict.fromkeys(left, 0), **dict.fromkeys(right, 1)}, gutters=GUTTERS
    )


def flow(source: str, target: str) -> Flow:
    return Flow(source, target, What.READINGS)


def crossed(lines: list[Line]) -> int:
    return sum(crossings(one, other) for one, other in combinations(lines, 2))


@pytest.mark.parametrize("reverse", [False, True])
def test_lanes_are_taken_in_the_order_that_crosses_nothing(reverse: bool) -> None:
    # given three lines down, which cross unless the uppermost has the lane to the right
    made = plan({"a": 0, "b": 60, "c": 120}, {"x": 200, "y": 260, "z": 320})
    flows = [flow("a", "x"), flow("b", "y"), flow("c", "z")]

    assert crossed(routed(tuple(flows[::-1] if reverse else flows), made)) == 0


def test_level_boxes_are_joined_by_one_straight_line_whatever_else_meets_there() -> None:
    made = plan({"a": 0, "b": 100}, {"x": 100})

    lines = routed((flow("a", "x"), flow("b", "x")), made)

    assert [len(line.points) for line in lines] == [4, 2]


def test_however_many_lines_meet_they_end_on_the_side_of_the_box() -> None:
    made = plan({name: 60.0 * nth for nth, name in enumerate("abcde")}, {"x": 0})

    ends = [line.points[-1][1] for line in routed(tuple(flow(name, "x") for name in "abcde"), made)]

    assert ends == sorted(set(ends))
    assert min(ends) >= EDGE
    assert max(ends) <= HIGH - EDGE


def test_neighbours_in_a_column_are_joined_straight_and_others_around_what_is_between() -> None:
    made = plan({}, {"x": 0, "y": 100, "z": 200})

    straight, around = routed((flow("x", "y"), flow("x", "z")), made)

    assert len(straight.points) == 2
    assert around.points[0][0] == around.points[-1][0] == 160
    assert 100 < around.points[1][0] < 160
