from collections.abc import Callable
from pathlib import Path

import pytest

from topology import needs
from topology.needs import BadNeeds, covers
from topology.policies import policies
from topology.rendering import Renderer
from topology.tree import Tree

Plant = Callable[..., Tree]

NEEDED = """\
Service/Role:
- by: processor
  actions: [kinesis:GetRecords]
  resources: [Stream]
"""


def problems(plant: Plant, tmp_path: Path, text: str, **templates: str) -> list[str]:
    (tmp_path / "needs.yaml").write_text(text)
    tree = plant(**templates)
    renderer = Renderer(tree)
    wanted = needs.wanted(needs.load(tmp_path / "needs.yaml"), tree, renderer, "dev")
    return list(needs.problems(wanted, needs.allowed(policies(tree, renderer), renderer)))


def test_a_need_that_one_statement_meets_is_no_problem(plant: Plant, tmp_path: Path) -> None:
    assert problems(plant, tmp_path, NEEDED) == []


def test_a_need_that_nothing_meets_is_one(plant: Plant, tmp_path: Path) -> None:
    (problem,) = problems(
        plant, tmp_path, NEEDED.replace("[kinesis:GetRecords]", "[kinesis:GetRecords, kinesis:ListShards]")
    )
    assert problem == (
        "Service/Role: processor needs kinesis:ListShards on "
        "arn:aws:kinesis:eu-west-2:111122223333:stream/readings; allowed by no statement"
    )


def test_an_action_that_nobody_needs_is_one(plant: Plant, tmp_path: Path) -> None:
    (problem,) = problems(plant, tmp_path, "{}")
    assert problem.startswith(
        "Service/Role.Policies.0.PolicyDocument.Statement.0: allows kinesis:GetRecords on arn:"
    )
    assert "which nobody needs; remove it, or give the need and its source" in problem


def test_a_need_that_two_statements_meet_is_one(plant: Plant, tmp_path: Path) -> None:
    plant()
    service = (
        (tmp_path / "service.yaml")
        .read_text()
        .replace(
            "          - Sid: Read\n",
            "          - {Effect: Allow, Action: 'kinesis:Get*', Resource: '*'}\n          - Sid: Read\n",
        )
    )
    (problem,) = problems(plant, tmp_path, NEEDED, service=service)
    assert "allowed by 2 statements: Service/Role.Policies.0.PolicyDocument.Statement.0, " in problem


def test_a_principal_of_a_resource_policy_must_be_the_one_that_needs_it(plant: Plant, tmp_path: Path) -> None:
    root = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
        - {Effect: Allow, Principal: {Service: a.amazonaws.com}, Action: 'kms:Decrypt', Resource: '*'}
        - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::111122223333:root'}, Action: 'kms:*', Resource: '*'}
        - {Effect: Deny, Principal: '*', Action: 'kms:*', Resource: '*'}
"""
    needed = (
        "Key:\n- {by: SERVICE.amazonaws.com, actions: [kms:Decrypt], resources: [Key], source: 'https://x'}\n"
    )
    assert problems(plant, tmp_path, needed.replace("SERVICE", "a"), root=root) == []
    lacking, needless = problems(plant, tmp_path, needed.replace("SERVICE", "b"), root=root)
    assert "b.amazonaws.com needs kms:Decrypt" in lacking
    assert "allows to a.amazonaws.com kms:Decrypt" in needless


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "Service/Role:\n- {by: Lambda, actions: [a:B], resources: ['*']}",
            "Lambda is no package here; name the source",
        ),
        ("Service/Role:\n- {by: processor, actions: [a:B]}", "missing required field `resources`"),
        ("Service/Role:\n- {by: p, actions: [a:B], resources: ['*'], note: x}", "unknown field `note`"),
        ("Service/Role:\n- {by: p, actions: [a:B], resources: [Nothing]}", "Nothing: no such resource"),
        ("[", "needs.yaml"),
    ],
)
def test_wrong_needs_are_refused_in_words(plant: Plant, tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadNeeds, match=why):
        problems(plant, tmp_path, text)


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ("Stream", "arn:aws:kinesis:eu-west-2:111122223333:stream/readings"),
        ("Stream + /consumer/*", "arn:aws:kinesis:eu-west-2:111122223333:stream/readings/consumer/*"),
        ("Network/Caller.GroupId", "sg-"),
        ("'arn:aws:s3:::plant-{environment}/*'", "arn:aws:s3:::plant-dev/*"),
        ("'*'", "*"),
    ],
)
def test_resources_are_named_by_address(plant: Plant, tmp_path: Path, named: str, target: str) -> None:
    (tmp_path / "needs.yaml").write_text(f"R:\n- {{by: p, actions: [a:B], resources: [{named}]}}\n")
    tree = plant()
    (want,) = needs.wanted(needs.load(tmp_path / "needs.yaml"), tree, Renderer(tree), "dev")
    assert want.resource.startswith(target)


@pytest.mark.parametrize(
    ("pattern", "text", "covered"),
    [
        ("arn:a:*", "arn:a:b/c", True),
        ("kms:Generate*", "kms:GenerateDataKey", True),
        ("a?c", "abc", True),
        ("a.c", "abc", False),
        ("a[b]c", "abc", False),
        ("arn:a", "arn:a:b", False),
    ],
)
def test_wildcards_are_iam_s(pattern: str, text: str, covered: bool) -> None:
    assert covers(pattern, text) is covered
