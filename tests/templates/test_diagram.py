"""docs/architecture.svg: what the emitted templates say, drawn so that it can be read."""

from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from topology.diagram import PICTURE, documents, drawn
from topology.diagram.content import Content, content
from topology.diagram.drawing import svg
from topology.diagram.flows import OUTSIDE, What
from topology.diagram.measure import width
from topology.diagram.placing import PAD, SMALL, TEXT, TITLE, Placement, placed
from topology.diagram.rect import Rect
from topology.diagram.routing import Line, crossings, routed
from topology.tree import Tree, load_directory

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["dev", "prod"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tree(environment: str) -> Tree:
    return load_directory(ROOT / "templates" / environment)


@pytest.fixture(scope="module")
def held(tree: Tree, environment: str) -> Content:
    return content(tree, environment)


@pytest.fixture(scope="module")
def plan(held: Content) -> Placement:
    return placed(held)


@pytest.fixture(scope="module")
def lines(held: Content, plan: Placement) -> list[Line]:
    return routed(held.flows, plan)


def pieces(line: Line) -> list[Rect]:
    """The line as thin rectangles, its very ends left out: they touch the boxes that it joins."""
    made = []
    for (ax, ay), (bx, by) in pairwise(line.points):
        x, y, w, h = min(ax, bx), min(ay, by), abs(ax - bx), abs(ay - by)
        made.append(Rect(x + 0.5, y, w - 1, 0.1) if w > h else Rect(x, y + 0.5, 0.1, h - 1))
    return made


def test_the_committed_picture_is_what_the_templates_say() -> None:
    trees = {"prod": load_directory(ROOT / "templates" / "prod")}

    assert documents(trees) == {PICTURE: (ROOT / PICTURE).read_text(encoding="utf-8")}, (
        "python -m topology diagram"
    )


def test_it_is_the_same_every_time_and_whole(tree: Tree, environment: str) -> None:
    picture = drawn(tree, environment)

    assert picture == drawn(load_directory(ROOT / "templates" / environment), environment)
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own


def test_readings_go_from_the_shop_floor_to_both_stores(held: Content) -> None:
    ways = {(flow.source, flow.target) for flow in held.flows if flow.what is What.READINGS}

    assert ways == {
        (f"{OUTSIDE}Ingest/Device", "Ingest/Readings"),
        (f"{OUTSIDE}Ingest/Gateway", "Stream/Readings"),
        ("Ingest/Readings", "Stream/Readings"),
        ("Stream/Readings", "Processor/Service"),
        ("Processor/Service", "Database/Database"),
        ("Processor/Service", "Cache/Latest"),
    }


def test_logins_failures_and_alarms_go_where_they_should(held: Content) -> None:
    ways = {(flow.source, flow.target, flow.what) for flow in held.flows}

    assert {
        ("Rotation/Function", "Rotation/Application", What.CREDENTIALS),
        ("Rotation/Function", "Database/Database", What.CREDENTIALS),
        ("Rotation/Application", "Processor/Service", What.CREDENTIALS),
        ("Ingest/Readings", "Stream/DeadLetters", What.FAILURES),
        ("Alerts/Notifications", f"{OUTSIDE}Alerts/Mail", What.ALARMS),
    } <= ways


def test_every_stack_that_holds_something_to_show_has_a_frame(held: Content, tree: Tree) -> None:
    names = {frame.name for frame in held.frames} - {""}
    stems = {stack.file.stem for stack in tree.stacks.values()}

    assert names == stems - {"platform", "network"}  # the root nests, and the network is the dashed frame
    assert held.network


def test_tiers_hold_what_stands_in_their_subnets(held: Content, plan: Placement) -> None:
    tiers = {box.key: frame.zone for frame in held.frames for box in frame.boxes if frame.zone}

    assert tiers == {
        "Processor/Service": "app",
        "Rotation/Function": "app",
        "Database/Database": "data",
        "Cache/Latest": "data",
    }
    for key, tier in tiers.items():
        assert plan.zones[tier].holds(plan.boxes[key])
        assert plan.network is not None
        assert plan.network.holds(plan.zones[tier])


def test_nothing_overlaps(held: Content, plan: Placement) -> None:
    whole = Rect(0, 0, plan.width, plan.height)
    for rects in (plan.boxes, plan.frames, plan.zones):
        for one, other in combinations(rects, 2):
            assert not rects[one].overlaps(rects[other]), (one, other)
    for frame in held.frames:
        assert whole.holds(plan.frames[frame.key])
        for box in frame.boxes:
            assert plan.frames[frame.key].holds(plan.boxes[box.key])


def test_every_text_fits_where_it_stands(held: Content, plan: Placement) -> None:
    for frame in held.frames:
        assert width(frame.name, 12, bold=True) + 2 * PAD <= plan.frames[frame.key].w
        for box in frame.boxes:
            room = plan.boxes[box.key].w - PAD
            assert width(box.face.title, TITLE, bold=True) <= room, box
            assert all(width(line, TEXT) <= room for line in plan.texts[box.key]), box
    for zone, texts in plan.zone_texts.items():
        assert all(width(line, SMALL) + 2 * PAD <= plan.zones[zone].w for line in texts)
    assert plan.network is not None
    assert all(width(line, TEXT) + PAD <= plan.network.w for line in plan.network_text)


def test_no_line_runs_through_a_box_or_over_the_name_of_a_frame(
    held: Content, plan: Placement, lines: list[Line]
) -> None:
    names = {
        frame.key: Rect(plan.frames[frame.key].x, plan.frames[frame.key].y, width(frame.name, 12, bold=True), 20)
        for frame in held.frames
        if frame.name
    }  # fmt: skip
    for line in lines:
        for piece in pieces(line):
            for key, rect in {**plan.boxes, **names}.items():
                assert not rect.overlaps(piece), f"{line.flow} runs through {key}"


def test_lines_of_readings_cross_nothing(lines: list[Line]) -> None:
    for one, other in combinations(lines, 2):
        if What.READINGS in (one.flow.what, other.flow.what):
            assert not crossings(one, other), (one.flow, other.flow)


def test_each_line_ends_at_the_side_of_its_boxes(plan: Placement, lines: list[Line]) -> None:
    for line in lines:
        for (x, y), key in ((line.points[0], line.flow.source), (line.points[-1], line.flow.target)):
            rect = plan.boxes[key]
            assert x in (rect.x, rect.right) or y in (rect.y, rect.bottom)
            assert rect.x <= x <= rect.right
            assert rect.y <= y <= rect.bottom


def test_it_is_read_in_a_column_of_text_and_says_what_each_line_is(held: Content, plan: Placement) -> None:
    picture = svg(held, plan)

    assert plan.width <= 1040
    for what in {flow.what for flow in held.flows}:
        assert f">{what}</text>" in picture


def test_a_key_names_whose_data_it_encrypts_and_not_who_watches_it(held: Content) -> None:
    said = {
        box.key: " ".join(box.face.lines)
        for frame in held.frames
        for box in frame.boxes
        if box.key.startswith("Keys/")
    }

    assert "stream" in said["Keys/Data"]
    assert not [key for key, text in said.items() if "observability" in text]
