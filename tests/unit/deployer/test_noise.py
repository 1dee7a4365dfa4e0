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
