from collections.abc import Callable

import pytest

from topology import principals
from topology.policies import policies
from topology.rendering import Renderer
from topology.tree import Tree

Plant = Callable[..., Tree]

ROOT = """\
Resources:
  Topic: {Type: 'AWS::SNS::Topic'}
  Policy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Statement:
        - {Effect: EFFECT, WHO, Action: 'sns:Publish', Resource: '*', Condition: CONDITION}
"""
BOUND = "{StringEquals: {'aws:SourceAccount': !Ref 'AWS::AccountId'}}"


def problems(plant: Plant, who: str, condition: str, effect: str = "Allow") -> list[str]:
    text = ROOT.replace("EFFECT", effect).replace("WHO", who).replace("CONDITION", condition)
    tree = plant(root=text)
    return list(principals.problems(policies(tree, Renderer(tree))))


@pytest.mark.parametrize(
    "who",
    ["Principal: '*'", "Principal: {AWS: '*'}", "Principal: {Service: '*'}", "NotPrincipal: {AWS: 'arn:a'}"],
)
@pytest.mark.parametrize(
    "condition",
    [
        "{}",
        "{Bool: {'aws:SecureTransport': true}}",
        "{StringEqualsIfExists: {'aws:SourceAccount': '1'}}",
        "{StringNotEquals: {'aws:SourceAccount': '1'}}",
        "{StringLike: {'aws:SourceAccount': '*'}}",
        "{ArnLike: {'aws:SourceArn': 'arn:aws:*:*:*:*'}}",
        "{ArnLike: {'aws:SourceArn': ['arn:aws:sns:eu-west-2:1:a', '*']}}",
    ],
)
def test_everybody_without_a_condition_on_who_it_is_is_a_problem(
    plant: Plant, who: str, condition: str
) -> None:
    (problem,) = problems(plant, who, condition)
    assert problem.startswith("Policy.PolicyDocument.Statement.0: allows sns:Publish to everybody; name the")


def test_a_condition_on_who_it_is_binds_everybody(plant: Plant) -> None:
    assert problems(plant, "Principal: '*'", BOUND) == []
    assert problems(plant, "Principal: {AWS: '*'}", "{ArnLike: {'AWS:SourceArn': 'arn:aws:s3:::mine'}}") == []


def test_somebody_needs_none_and_a_refusal_is_for_everybody(plant: Plant) -> None:
    assert problems(plant, "Principal: {Service: a.amazonaws.com}", "{}") == []
    assert problems(plant, "Principal: '*'", "{}", effect="Deny") == []
