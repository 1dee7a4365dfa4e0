import json

import pytest

from deployer.changes import PropertyChange
from deployer.difference import lines


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (PropertyChange("Size", "1", "2"), ["Size: 1 → 2"]),
        (PropertyChange("Size", None, "2"), ["Size: (none) → 2"]),
        (PropertyChange("Size", "1", None), ["Size: 1 → (none)"]),
        (PropertyChange("Size", "1", None, dynamic=True), ["Size: 1 → unresolved"]),
        (PropertyChange("Size"), ["Size: changes"]),
        (PropertyChange("Size", cause="ImageDigest"), ["Size: changes, by ImageDigest"]),
        (PropertyChange("Text", "a\n  b", "c"), ["Text: a b → c"]),
    ],
)
def test_one_line_for_plain_values(change: PropertyChange, expected: list[str]) -> None:
    assert list(lines(change)) == expected


def test_of_documents_only_the_leaves_that_differ() -> None:
    before = [{"Name": "processor", "Image": "one", "Cpu": 1}, {"Name": "gone"}]
    after = [{"Name": "processor", "Image": "two", "Cpu": 1, "New": True}]

    assert list(lines(PropertyChange("Containers", json.dumps(before), json.dumps(after)))) == [
        "Containers/0/Image: one → two",
        "Containers/0/New: (none) → true",
        'Containers/1: {"Name": "gone"} → (none)',
    ]


def test_of_long_texts_the_part_that_differs() -> None:
    common = "arn:aws:ecs:eu-west-2:111122223333:task-definition/millrace-dev-Processor-Task:"

    (line,) = lines(PropertyChange("TaskDefinition", f"{common}1", f"{common}2"))

    assert line == "TaskDefinition: …cessor-Task:1 → …cessor-Task:2"


def test_values_and_path_are_shortened_to_the_width() -> None:
    before, after = ({"alpha": {"beta": {"c": letter * 50}}} for letter in "xy")

    (line,) = lines(PropertyChange("Property", json.dumps(before), json.dumps(after)), 60)

    assert line == f"Property/…/beta/c: {'x' * 18}… → {'y' * 18}…"
    assert len(line) <= 60


def test_a_value_that_was_cut_is_text() -> None:
    (line,) = lines(PropertyChange("Policy", '{"Statement": [', "x" * 100))

    assert line == 'Policy: {"Statement": [ → ' + "x" * 59 + "…"
