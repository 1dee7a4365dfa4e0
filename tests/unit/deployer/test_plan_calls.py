"""How often a plan asks AWS, and that the work after the last answer grows with the plan and no faster."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from deployer import documents, markdown, noise, plan_document
from deployer.changes import Action, Change, PropertyChange, StackPlan
from deployer.changeset import ChangeSets
from deployer.plan import Kind, Plan


def pages(aws: Any, stack: str, changes: list[dict[str, Any]]) -> None:
    """Two pages in each of both walks."""
    half = len(changes) // 2
    first = aws.described(stack, changes[:half], token="more")
    second = aws.described(stack, changes[half:])
    aws.says("describe_change_set", first)
    for values in (False, True):
        for answer in (first, second):
            token = {"NextToken": "more"} if answer is second else {}
            aws.says(
                "describe_change_set",
                answer,
                ChangeSetName=first["ChangeSetId"],
                IncludePropertyValues=values,
                **token,
            )


def test_a_stack_costs_one_look_and_two_walks_however_many_there_are(aws: Any) -> None:
    children = [f"Child{number}" for number in range(5)]
    pages(aws, "millrace-dev", [aws.nested(name) for name in children])
    for name in children:
        pages(aws, name, [aws.change("A"), aws.change("B")])

    # One call more than was scripted fails, and so does one that was scripted and not made.
    reading = ChangeSets(aws.cloudformation, aws.clock, poll=1.0).read("x")

    assert reading.stacks.counts.add == 10


ROOT = """\
Resources:
  Outer:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: outer-%s}
  Flat:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: flat-%s}
"""
OUTER = "Resources: {Inner: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: inner}}}"


def test_templates_are_asked_for_of_the_root_and_of_what_nests_others(aws: Any) -> None:
    stacks = StackPlan(
        "s",
        children=(
            StackPlan("Outer", children=(StackPlan("Inner"),), stack_id="o", change_set_id="oc"),
            StackPlan("Flat", stack_id="f", change_set_id="fc"),
        ),
        stack_id="s",
        change_set_id="c",
    )
    aws.says("get_template", {"TemplateBody": ROOT % (1, 1)}, StackName="s")
    aws.says("get_template", {"TemplateBody": ROOT % (2, 2)}, StackName="s", ChangeSetName="c")
    aws.says("get_template", {"TemplateBody": OUTER}, StackName="o")
    aws.says("get_template", {"TemplateBody": OUTER}, StackName="o", ChangeSetName="oc")

    comparison = noise.compare(aws.cloudformation, stacks, {}, {})

    assert set(comparison.below) == {"Outer"}


def large(stacks: int, resources: int) -> Plan:
    """Every resource with five properties and a policy; a tenth of them replaced tables."""
    policy = {"Statement": [{"Effect": "Allow", "Action": f"s:{n}", "Resource": "r"} for n in range(3)]}

    def change(number: int) -> Change:
        return Change(
            f"Resource{number}",
            "AWS::DynamoDB::Table" if number % 10 == 0 else "AWS::IAM::ManagedPolicy",
            Action.MODIFY if number % 2 else Action.REMOVE,
            properties=tuple(PropertyChange(f"P{n}", "before", "after") for n in range(5)),
            before={"Properties": {"PolicyDocument": policy}},
            after={"Properties": {"PolicyDocument": {"Statement": policy["Statement"][1:]}}},
        )

    children = tuple(
        StackPlan(f"Stack{n}", tuple(map(change, range(resources))), fed_by=(f"Stack{n - 1}",))
        for n in range(stacks)
    )
    return Plan("dev", "s", Kind.UPDATE, StackPlan("s", children=children), "c")


def operations(render: Callable[[Plan], object], plan: Plan) -> int:
    """Calls of Python functions that rendering makes: the same number on every machine."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    former = sys.getprofile()
    sys.setprofile(profile)
    try:
        render(plan)
    finally:
        sys.setprofile(former)
    return count


def test_every_rendering_grows_with_the_plan_and_no_faster() -> None:
    renderings: tuple[Callable[[Plan], object], ...] = (
        lambda plan: plan.render(80),
        lambda plan: documents.text(plan_document.of(plan)),
        lambda plan: markdown.render(plan, 10**9),
    )
    for render in renderings:
        render(large(1, 2))  # what is made once and kept
        small, five_times = operations(render, large(4, 20)), operations(render, large(20, 20))
        assert five_times < 5.5 * small
