from typing import Any

from deployer import noise
from deployer.changes import Action, Change, Counts, PropertyChange, StackPlan
from deployer.noise import Comparison
from deployer.templates import parse

DEPLOYED = """\
Resources:
  Keys:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: keys-1}
  Stream:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: stream-1, Parameters: {Key: !GetAtt Keys.Outputs.Arn}}
  Processor:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: processor-1
      Parameters: {Image: !Sub 'r/${ImageDigest}', Key: !GetAtt Keys.Outputs.Arn}
"""
PLANNED = DEPLOYED.replace("keys-1", "keys-2")


def test_a_stack_that_is_declared_as_it_is_deployed_is_only_wired() -> None:
    deployed, planned = parse(DEPLOYED, "a"), parse(PLANNED, "b")

    def only_wired(before: Any, *changed: str) -> frozenset[str]:
        return Comparison(before, planned, frozenset(changed)).only_wired

    assert only_wired(deployed) == {"Stream", "Processor"}
    assert only_wired(deployed, "ImageDigest") == {"Stream"}
    assert only_wired({"Resources": {}}) == set()


def test_identical_is_template_and_parameters() -> None:
    deployed, planned = parse(DEPLOYED, "a"), parse(PLANNED, "b")

    assert Comparison(deployed, deployed, frozenset()).identical
    assert not Comparison(deployed, planned, frozenset()).identical
    assert not Comparison(deployed, deployed, frozenset({"ImageDigest"})).identical


def modified(*properties: PropertyChange) -> Change:
    return Change("Queue", "AWS::SQS::Queue", Action.MODIFY, properties=properties)


def test_untold_changes_of_such_a_stack_are_not_certain(aws: Any) -> None:
    aws.says("get_template", {"TemplateBody": DEPLOYED}, StackName="s")
    aws.says("get_template", {"TemplateBody": PLANNED}, StackName="s", ChangeSetName="c")
    untold = modified(PropertyChange("KmsMasterKeyId"))
    told = modified(PropertyChange("DelaySeconds", "1", "2"))
    inner = StackPlan("Inner", (untold,))
    stacks = StackPlan(
        "millrace-dev",
        children=(
            StackPlan("Keys", (untold,)),
            StackPlan("Stream", (untold, told), (inner,)),
            StackPlan("Processor", (untold,)),
        ),
        stack_id="s",
        change_set_id="c",
    )

    comparison = noise.compare(aws.cloudformation, stacks, {"ImageDigest": "a"}, {"ImageDigest": "b"})

    keys, stream, processor = comparison.label(stacks).children
    assert keys.counts == Counts(modify=1)
    assert stream.counts == Counts(modify=1, unresolved=2)
    assert processor.counts == Counts(modify=1)


def same(before: str, after: str, *changed: str) -> frozenset[str]:
    return Comparison(parse(before, "a"), parse(after, "b"), frozenset(changed)).only_wired


def test_a_stack_that_was_renamed_or_added_is_certain() -> None:
    renamed = DEPLOYED.replace("  Stream:", "  Readings:")

    assert same(DEPLOYED, renamed) == {"Keys", "Processor"}
    assert same(renamed, DEPLOYED) == {"Keys", "Processor"}


def test_a_parameter_that_means_something_else_is_certain() -> None:
    head = """\
Parameters: {{Size: {{Type: String, Default: {size}}}}}
Mappings: {{Zones: {{a: {{b: {zone}}}}}}}
Conditions: {{Large: !Equals [!Ref Size, {large}]}}
Resources:
  By{kind}:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: u, Parameters: {{P: {value}}}}}
"""
    values = {"default": "!Ref Size", "mapping": "!FindInMap [Zones, a, b]", "condition": "!If [Large, 1, 2]"}
    for kind, value in values.items():
        before = head.format(size=1, zone=1, large=1, kind=kind, value=value)
        assert same(before, before) == {f"By{kind}"}
        for other in ({"size": 2}, {"zone": 2}, {"large": 2}):
            after = head.format(**{"size": 1, "zone": 1, "large": 1, "kind": kind, "value": value, **other})
            touched = {"default": "size", "mapping": "zone", "condition": "large"}[kind] in other
            touched = touched or (kind == "condition" and "size" in other)
            assert same(before, after) == (frozenset() if touched else {f"By{kind}"})


GRANDPARENT = """\
Parameters: {Image: {Type: String}}
Resources:
  Outer:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: outer-%s, Parameters: {Image: !Ref Image, Key: !GetAtt Keys.Outputs.Arn}}
  Keys:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: keys}
"""
PARENT = """\
Parameters: {Image: {Type: String}, Key: {Type: String}}
Resources:
  Wired:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: wired, Parameters: {Key: !Ref Key}}
  Literal:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: literal, Parameters: {Image: !Ref Image}}
  Own:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: own-%s}
"""


def test_grandchildren_are_asked_in_the_same_way(aws: Any) -> None:
    untold = modified(PropertyChange("KmsMasterKeyId"))
    grandchildren = tuple(StackPlan(name, (untold,)) for name in ("Wired", "Literal", "Own"))
    outer = StackPlan("Outer", (untold,), grandchildren, stack_id="o", change_set_id="oc")
    stacks = StackPlan("s", children=(outer, StackPlan("Keys")), stack_id="s", change_set_id="c")
    aws.says("get_template", {"TemplateBody": GRANDPARENT % 1}, StackName="s")
    aws.says("get_template", {"TemplateBody": GRANDPARENT % 2}, StackName="s", ChangeSetName="c")
    aws.says("get_template", {"TemplateBody": PARENT % 1}, StackName="o")
    aws.says("get_template", {"TemplateBody": PARENT % 2}, StackName="o", ChangeSetName="oc")

    comparison = noise.compare(aws.cloudformation, stacks, {"Image": "a"}, {"Image": "b"})

    labelled, keys = comparison.label(stacks).children
    wired, literal, own = labelled.children
    assert labelled.counts == Counts(modify=3, unresolved=1)
    assert wired.counts == Counts(unresolved=1)
    assert literal.counts == own.counts == Counts(modify=1)
    assert (labelled.fed_by, keys.fed_by) == (("Keys",), ())


def test_a_stack_that_is_added_or_removed_has_no_template_to_compare(aws: Any) -> None:
    def container(action: Action) -> Change:
        return Change("Outer", "AWS::CloudFormation::Stack", action)

    inner = StackPlan("Inner", (modified(PropertyChange("A")),))
    added = StackPlan("Outer", (), (inner,), container(Action.ADD), "o", "oc")
    removed = StackPlan("Outer", (), (inner,), container(Action.REMOVE))
    for child in (added, removed):
        aws.says("get_template", {"TemplateBody": GRANDPARENT % 1}, StackName="s")
        aws.says("get_template", {"TemplateBody": GRANDPARENT % 2}, StackName="s", ChangeSetName="c")
        stacks = StackPlan("s", children=(child,), stack_id="s", change_set_id="c")

        comparison = noise.compare(aws.cloudformation, stacks, {}, {})

        assert comparison.below == {}
        assert comparison.label(stacks).counts == Counts(modify=1)
