"""Conditions decided: by the wiring where it decides, else each consistent way."""

from pathlib import Path

import pytest

from topology.conditions import Scenario, scenarios
from topology.resolution import Resolver
from topology.tree import load
from topology.values import Given, Value

ROOT = """\
Parameters:
  Stage: {Type: String, AllowedValues: [dev, test, prod]}
  Size: {Type: String}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  Dev: !Equals [dev, !Ref Stage]
  Lasting: !Not [!Or [Condition: Dev, !Equals [!Ref Stage, test]]]
  Both: !And [Condition: Prod, Condition: Dev]
  Never: !Equals [!Ref Stage, live]
  Given: !Not [!Equals ['', !GetAtt Kept.Value]]  # as a child sees it
  Same: !Equals [!Ref Size, !Ref Size]
  Exported: !Equals [!ImportValue exported, x]
Resources:
  Thing:
    Type: AWS::SSM::Parameter
    Properties:
      Value: VALUE
  Kept: {Type: AWS::SSM::Parameter, Condition: Prod, Properties: {Value: 1}}
  Child:
    Type: AWS::CloudFormation::Stack
    Condition: Prod
    Properties:
      TemplateURL: child.yaml
      Parameters: {Mode: !If [Prod, full, none]}
"""
CHILD = """\
Parameters: {Mode: {Type: String}}
Conditions: {Full: !Equals [!Ref Mode, full]}
Resources:
  Inner: {Type: AWS::SSM::Parameter, Properties: {Value: !If [Full, 3, 4]}}
Outputs:
  Seen: {Condition: Full, Value: x}
"""


@pytest.fixture
def ways(tmp_path: Path) -> "type[Ways]":
    Ways.directory = tmp_path
    return Ways


class Ways:
    directory: Path

    def __init__(self, value: str) -> None:
        (self.directory / "root.yaml").write_text(ROOT.replace("VALUE", value))
        (self.directory / "child.yaml").write_text(CHILD)
        self.scenarios = scenarios(load(self.directory / "root.yaml"))

    def values(self) -> list[str]:
        return sorted({str(value(scenario, "Thing")) for scenario in self.scenarios})


def value(scenario: Scenario, address: str) -> Value:
    return Resolver(scenario.tree).property(scenario.tree.resource(address), "Value")


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("!If [Prod, a, b]", ["a", "b"]),
        ("!If [Prod, !If [Dev, both, a], b]", ["a", "b"]),
        ("!If [Both, a, b]", ["b"]),
        ("!If [Never, a, b]", ["b"]),
        ("!If [Given, a, b]", ["a"]),
        ("!If [Same, a, b]", ["a"]),
        ("!If [Exported, a, b]", ["a", "b"]),
        ("!If [Lasting, !If [Prod, a, c], b]", ["a", "b"]),
        ("[x, !If [Prod, y, !Ref AWS::NoValue], z]", ["['x', 'y', 'z']", "['x', 'z']"]),
        ("{'Fn::If': [Prod, a, b]}", ["a", "b"]),
        ("!If [!Equals [!Ref Stage, prod], a, b]", ["a", "b"]),
        ("!If [{Condition: Dev}, a, b]", ["a", "b"]),
    ],
)
def test_each_consistent_way_is_taken(ways: type[Ways], written: str, values: list[str]) -> None:
    assert ways(written).values() == values


def test_what_has_no_condition_left_is_there_and_nothing_else(ways: type[Ways]) -> None:
    for scenario in ways("x").scenarios:
        prod = scenario.taken["Stage = prod"]
        assert ("Kept" in scenario.tree.root.resources) == prod
        assert ("Child" in scenario.tree.stacks) == prod
        if prod:
            assert value(scenario, "Child/Inner") == 3, "the wiring decides the child's condition"
            assert scenario.tree.stacks["Child"].outputs == {"Seen": "x"}


def test_a_branch_keeps_its_line(ways: type[Ways]) -> None:
    written = "!If\n      - Prod\n      - {a: 1}\n      -\n        b: 2"
    found = {
        stack.nearest("Resources", "Thing", "Properties", "Value", name)
        for scenario in ways(written).scenarios
        for stack in [scenario.tree.root]
        for name in stack.resources["Thing"].properties["Value"]
    }
    assert found == {19, 21}


def test_a_tree_without_conditions_is_its_own_scenario(tmp_path: Path) -> None:
    (tmp_path / "root.yaml").write_text("Resources: {A: {Type: AWS::SQS::Queue}}")
    tree = load(tmp_path / "root.yaml")
    (scenario,) = scenarios(tree)
    assert scenario.tree is tree


def test_many_conditions_are_each_taken_alone(tmp_path: Path) -> None:
    names = [f"P{number}" for number in range(12)]
    lines = ["Parameters:", *(f"  {name}: {{Type: String}}" for name in names), "Conditions:"]
    lines += [f"  {name}: !Equals [!Ref {name}, 'yes']" for name in names]
    lines += [
        "Resources:",
        *(f"  Queue{name}: {{Type: AWS::SQS::Queue, Condition: {name}}}" for name in names),
    ]
    (tmp_path / "root.yaml").write_text("\n".join(lines))

    made = scenarios(load(tmp_path / "root.yaml"))

    sizes = sorted(len(scenario.tree.root.resources) for scenario in made)
    assert sizes == [0, *[1] * 12, *[11] * 12, 12]


GIVEN = """\
Parameters:
  Port: {Type: Number, Default: 5432}
  Stage: {Type: String, Default: prod, AllowedValues: [dev, prod]}
  Empty: {Type: String, Default: ''}
  Image: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /images/latest}
  Asked: {Type: String}
Conditions: {Prod: !Equals [!Ref Stage, prod]}
Resources:
  Thing:
    Type: AWS::SSM::Parameter
    Properties: {Value: [!Ref Port, !Ref Empty, !Ref Image, !Ref Asked], Type: TYPE}
"""


@pytest.mark.parametrize(
    ("written", "stages"), [("!Ref Stage", ["prod"]), ("!If [Prod, x, !Ref Stage]", ["x", "dev"])]
)
def test_a_default_is_taken_where_no_condition_says_otherwise(
    tmp_path: Path, written: str, stages: list[str]
) -> None:
    unconditional = GIVEN.replace("Conditions: {Prod: !Equals [!Ref Stage, prod]}\n", "")
    text = (GIVEN if "If" in written else unconditional).replace("TYPE", written)
    (tmp_path / "root.yaml").write_text(text)
    made = scenarios(load(tmp_path / "root.yaml"))
    things = [Resolver(scenario.tree).properties(scenario.tree.resource("Thing")) for scenario in made]
    assert [thing["Type"] for thing in things] == stages
    for thing in things:
        assert thing["Value"] == [5432, Given("Empty"), Given("Image"), Given("Asked")]
