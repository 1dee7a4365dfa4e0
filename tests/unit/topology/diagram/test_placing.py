"""Places: level where readings go on, out of the way where they pass by."""

from tests.unit.topology.diagram.conftest import content, frame, reading
from topology.diagram.flows import Flow, What
from topology.diagram.placing import ROOMY, placed


def test_what_readings_go_to_next_stands_level() -> None:
    plan = placed(
        content([frame("device"), frame("door"), frame("stream", "stream", "dead letters", "more")],
                reading("device", "door"), reading("door", "stream"))
    )  # fmt: skip

    heights = {plan.boxes[key].middle[1] for key in ("device", "door", "stream")}
    assert len(heights) == 1


def test_who_skips_a_column_stands_above_all_that_stands_in_it() -> None:
    # given a door whose upper box is not the one that readings go through
    given = content(
        [frame("", "device"), frame("", "gateway"), frame("door", "other", "more", "rule"), frame("stream")],
        reading("device", "rule"),
        reading("rule", "stream"),
        reading("gateway", "stream"),
    )

    plan = placed(given)

    assert plan.boxes["gateway"].middle[1] < plan.frames["door@"].y


def test_the_bottom_row_stays_within_a_column_of_text_while_boxes_can_stand_beneath_each_other() -> None:
    names = ("one", "two", "three", "four", "five")
    fours = [frame(name, *(f"{name}{nth}" for nth in range(4))) for name in names]

    plan = placed(content([frame("device"), frame("stream"), *fours], reading("device", "stream")))

    assert plan.width <= ROOMY
    beside = [plan.boxes[f"{name}0"].y == plan.boxes[f"{name}1"].y for name in names]
    assert beside == [True, True, True, False, False]


def test_people_stand_level_with_what_tells_them() -> None:
    given = content(
        [frame("device"), frame("stream"), frame("alerts", "budget", "topic"), frame("", "people")],
        reading("device", "stream"),
        Flow("topic", "people", What.ALARMS),
    )

    plan = placed(given)

    assert plan.boxes["people"].middle[1] == plan.boxes["topic"].middle[1]
