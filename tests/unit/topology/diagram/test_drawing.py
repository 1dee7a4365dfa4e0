"""The SVG itself."""

from xml.etree import ElementTree

from tests.unit.topology.diagram.conftest import content, frame, reading
from topology.diagram.drawing import svg
from topology.diagram.placing import placed


def test_a_text_with_signs_of_markup_stays_a_text() -> None:
    given = content([frame("device & <co>"), frame("stream")], reading("device & <co>", "stream"))

    picture = ElementTree.fromstring(svg(given, placed(given)))  # noqa: S314 - our own

    assert "device & <co>" in [element.text for element in picture.iter() if element.tag.endswith("text")]


def test_only_the_lines_that_are_drawn_are_explained() -> None:
    given = content([frame("device"), frame("stream")], reading("device", "stream"))

    picture = svg(given, placed(given))

    assert ">readings</text>" in picture
    assert ">alarms</text>" not in picture
