"""How much of CloudFormation's quotas a template may use."""

from typing import Any

import pytest

from stacks.quotas import overfull, overfull_together

SMALL: dict[str, Any] = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


def many(count: int, what: object) -> dict[str, object]:
    return {f"Name{number}": what for number in range(count)}


def test_a_small_template_has_room() -> None:
    assert list(overfull(SMALL, "text")) == []


@pytest.mark.parametrize(
    ("section", "room", "what"),
    [("Resources", 400, {}), ("Parameters", 160, {}), ("Outputs", 160, {}), ("Mappings", 160, {})],
)
def test_each_section_has_four_fifths_of_its_quota(section: str, room: int, what: object) -> None:
    assert list(overfull({**SMALL, section: many(room, what)}, "")) == []
    (line,) = overfull({**SMALL, section: many(room + 1, what)}, "")
    assert line.startswith(f"{room + 1} {section.lower()} are more than 80%")
    assert line.endswith("split the stack")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Mappings": {"Map": many(161, {})}}, "161 attributes of mapping Map"),
        ({"Mappings": {"Map": {"dev": many(161, "")}}}, "161 attributes of mapping Map.dev"),
        ({"Mappings": {"Map": {"dev": {"x" * 205: 1}}}}, "205 characters in the name xxx"),
        ({"Outputs": {"x" * 205: {}}}, "205 characters in the name xxx"),
        ({"Description": "é" * 410}, "820 bytes of description"),
        ({"Parameters": {"Given": {"Default": "x" * 3_277}}}, "3277 bytes in the default of parameter Given"),
    ],
)
def test_so_has_all_else(change: dict[str, Any], says: str) -> None:
    (line,) = overfull({**SMALL, **change}, "")
    assert line.startswith(says)


def test_dynamic_references_are_counted() -> None:
    reference = "{{resolve:ssm:/a}}"
    assert list(overfull(SMALL, reference * 48)) == []
    (line,) = overfull(SMALL, reference * 49)
    assert line.startswith("49 dynamic references are more than 80% of CloudFormation's 60 (48)")


def test_a_root_counts_with_all_that_it_nests() -> None:
    stacks = {f"{number}.yaml": {"Resources": many(400, {})} for number in range(5)}
    assert list(overfull_together(stacks)) == []
    (line,) = overfull_together({**stacks, "root.yaml": SMALL})
    assert line.startswith("2001 resources in all nested stacks")
