from collections.abc import Callable

import pytest

from topology.resolution import Resolver, Unresolvable
from topology.tree import Tree
from topology.values import Given, Reference, Text, Unknown, Value, joined, known, references

Plant = Callable[..., Tree]


def value(tree: Tree) -> Value:
    return Resolver(tree).property(tree.resource("Service/Thing"), "Value")


def test_a_parameter_leads_to_what_the_parent_gives(plant: Plant) -> None:
    tree = plant("!Ref StreamArn")
    assert value(tree) == Reference(tree.resource("Stream"), "Arn")


def test_a_sibling_s_output_leads_to_the_sibling_s_resource(plant: Plant) -> None:
    tree = plant("!Ref Group")
    assert value(tree) == Reference(tree.resource("Network/Caller"), "GroupId")


def test_references_are_followed_through_any_depth(plant: Plant) -> None:
    tree = plant()
    described = Resolver(tree).property(tree.resource("Service/Inner/Alarm"), "AlarmDescription")
    assert described == Text(("on ", Reference(tree.resource("Stream"), "Arn")))
    assert str(described) == "on ${Stream.Arn}"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("text", "text"),
        ("!Ref Image", Given("Image")),
        ("!Ref AWS::Region", Given("AWS::Region")),
        ("!Ref Unset", "fallback"),
        ("!Ref Zones", ["a", "b"]),
        ("!Sub 'arn:${AWS::Partition}:x'", Text(("arn:", Given("AWS::Partition"), ":x"))),
        ("!Sub '${!iot:ClientId}/x'", "${iot:ClientId}/x"),
        ("!Sub ['${Name}-${Unset}', {Name: local}]", "local-fallback"),
        ("!Join ['-', [a, !Ref Unset, b]]", "a-fallback-b"),
        ("!Join [',', !Ref Zones]", "a,b"),
        ("!Select [1, !Ref Zones]", "b"),
        ("!Select [1, !Split [/, a/b/c]]", "b"),
        ("!FindInMap [Sizes, small, memory]", "512"),
        ("!Select [0, !GetAZs '']", Given("AvailabilityZone1")),
        ("{'Fn::Base64': !Sub 'user ${Unset}'}", "user fallback"),
        ("[a, !Ref AWS::NoValue, b]", ["a", "b"]),
        ("{a: !Ref AWS::NoValue, b: 1}", {"b": 1}),
    ],
)
def test_each_function_is_followed(plant: Plant, written: str, found: Value) -> None:
    assert value(plant(written)) == found


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("!Ref Nothing", "Service/Thing.Value: Nothing is neither a resource nor a parameter of Service"),
        ("!GetAtt Nothing.Arn", "Service has no resource Nothing"),
        ("{'Fn::GetAtt': [Thing, !Ref Image]}", "Thing is asked for an attribute that a deployment names"),
        ("!GetAtt Inner.Outputs.Nothing", "Service/Inner has no output Nothing; it has none"),
        ("!Select [2, !Ref Zones]", "wants item 2 of 2"),
        ("!Select [0, !Ref Image]", r"\$\{Image\} is no list"),
        ("!Split [/, !Ref Image]", r"Fn::Split of \$\{Image\}, which only a deployment knows"),
        ("!FindInMap [Sizes, large, memory]", "finds no large"),
        ("!Join ['', [a, [b]]]", "is no text, and stands within one"),
        ("!Cidr [10.0.0.0/16, 2, 8]", "Fn::Cidr cannot be followed"),
        ("{a: [!Ref Nothing]}", r"Service/Thing.Value.a.0: Nothing"),
    ],
)
def test_what_cannot_be_followed_says_where_and_why(plant: Plant, written: str, why: str) -> None:
    with pytest.raises(Unresolvable, match=why):
        value(plant(written))


def test_an_attribute_may_be_written_with_a_parameter(plant: Plant) -> None:
    tree = plant("{'Fn::GetAtt': [Thing, !Ref Unset]}")
    assert value(tree) == Reference(tree.resource("Service/Thing"), "fallback")


def test_a_parameter_without_value_is_an_error_where_it_is_used(plant: Plant) -> None:
    root = """\
Resources:
  Service:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: service.yaml}
"""
    tree = plant(root=root)
    role = tree.resource("Service/Role")
    assert Resolver(tree).property(role, "Policies", 0, "PolicyName") == "read"
    with pytest.raises(Unresolvable, match="Service is given no StreamArn, and the parameter has no default"):
        Resolver(tree).properties(role)


def test_outputs_that_go_in_a_circle_are_an_error(plant: Plant) -> None:
    root = """\
Resources:
  Service:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: service.yaml
      Parameters: {Image: !GetAtt Service.Outputs.Loop}
"""
    service = """\
Parameters:
  Image: {Type: String}
Resources:
  Thing: {Type: AWS::SSM::Parameter, Properties: {Value: !Ref Image}}
Outputs:
  Loop: {Value: !Ref Image}
"""
    tree = plant(root=root, service=service)
    with pytest.raises(Unresolvable, match=r"goes in a circle: Service/Image → Service\.Outputs\.Loop"):
        value(tree)


def test_a_property_that_is_not_there_is_none(plant: Plant) -> None:
    tree = plant()
    assert Resolver(tree).property(tree.resource("Service/Role"), "Policies", 7, "PolicyName") is None


def test_text_without_references_is_plain_text() -> None:
    assert joined(["a", 1, True, "", "b"]) == "a1trueb"
    assert joined([]) == ""
    assert joined([Text(("a", Given("B"))), "c"]) == Text(("a", Given("B"), "c"))


def test_references_are_found_anywhere(plant: Plant) -> None:
    tree = plant("{a: [!Ref StreamArn, !Sub 'x${Group}']}")
    assert [str(reference) for reference in references(value(tree))] == [
        "${Stream.Arn}",
        "${Network/Caller.GroupId}",
    ]


def test_patience_leaves_what_cannot_be_followed_where_it_stands(plant: Plant) -> None:
    tree = plant("{a: !ImportValue x, b: !Sub 'arn:${Nothing}', c: !Ref Unset, d: !Select [x, 1]}")
    found = Resolver(tree, patient=True).property(tree.resource("Service/Thing"), "Value")
    nothing = Unknown("Service/Thing.Value.b: Nothing is neither a resource nor a parameter of Service")
    assert found == {
        "a": Unknown("Service/Thing.Value.a: Fn::ImportValue cannot be followed"),
        "b": nothing,
        "c": "fallback",
        "d": Unknown("Service/Thing.Value.d: bad Fn::Select"),
    }


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("text", True),
        ("!Ref StreamArn", True),
        ("!Sub '${AWS::Region}-x'", True),
        ("!Ref Image", False),
        ("!Sub 'x-${Image}'", False),
        ("[a, {b: !ImportValue x}]", False),
    ],
)
def test_known_is_what_no_parameter_of_the_root_decides(plant: Plant, written: str, answer: bool) -> None:
    tree = plant(written)
    assert known(Resolver(tree, patient=True).property(tree.resource("Service/Thing"), "Value")) is answer
