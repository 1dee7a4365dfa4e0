"""Columns from left to right, as readings go."""

import pytest

from tests.unit.topology.diagram.conftest import content, frame, reading
from topology.diagram.columns import columns, steps_of
from topology.diagram.flows import Flow, What


def test_a_frame_stands_behind_all_that_its_readings_come_through() -> None:
    # given readings that reach the store by a short and by a long way
    given = content(
        [frame("store"), frame("door"), frame("stream"), frame("gateway")],
        reading("gateway", "stream"),
        reading("gateway", "door"),
        reading("door", "stream"),
        reading("stream", "store"),
    )

    plan = columns(given)

    assert {frame.name: column for column, frames in plan.main.items() for frame in frames} == {
        "gateway": 0,
        "door": 1,
        "stream": 2,
        "store": 3,
    }


def test_what_skips_a_column_stands_above_what_does_not() -> None:
    given = content(
        [frame("device"), frame("gateway"), frame("door"), frame("stream")],
        reading("device", "door"),
        reading("door", "stream"),
        reading("gateway", "stream"),
    )

    assert [frame.name for frame in columns(given).main[0]] == ["gateway", "device"]


def test_what_stands_in_the_same_tier_stands_in_the_same_column() -> None:
    given = content(
        [frame("stream"), frame("worker", zone="app"), frame("rotation", zone="app")],
        reading("stream", "worker"),
    )

    assert [frame.name for frame in columns(given).main[1]] == ["worker", "rotation"]


def test_what_works_with_readings_stands_beneath_and_the_rest_in_the_bottom_row() -> None:
    given = content(
        [frame(name) for name in ("stream", "worker", "leases", "login", "topic", "alarms", "keys")],
        reading("stream", "worker"),
        Flow("worker", "leases", What.STATE),
        Flow("login", "worker", What.CREDENTIALS),
        Flow("alarms", "topic", What.ALARMS),
    )

    plan = columns(given)

    assert {column: frame.name for column, frame in plan.beneath.items()} == {1: "leases", 0: "login"}
    assert [frame.name for frame in plan.bottom] == ["keys", "alarms", "topic"]


def test_readings_that_go_in_a_circle_are_refused() -> None:
    given = content([frame("a"), frame("b")], reading("a", "b"), reading("b", "a"))

    with pytest.raises(RuntimeError, match="readings go in a circle"):
        steps_of(given, What.READINGS)
