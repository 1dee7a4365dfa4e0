from collections.abc import Callable
from pathlib import Path

import pytest

from topology import needs, pairing
from topology.pairing import covers
from topology.policies import policies, written_elsewhere
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
    return list(pairing.problems(wanted, pairing.allowed(policies(tree, renderer), renderer)))


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
        - {Effect: Deny, Principal: '*', Action: 'kms:*', Resource: '*'}
"""
    needed = (
        "Key:\n- {by: SERVICE.amazonaws.com, actions: [kms:Decrypt], resources: [Key], source: 'https://x'}\n"
    )
    assert problems(plant, tmp_path, needed.replace("SERVICE", "a"), root=root) == []
    lacking, needless = problems(plant, tmp_path, needed.replace("SERVICE", "b"), root=root)
    assert "b.amazonaws.com needs kms:Decrypt" in lacking
    assert "allows to a.amazonaws.com kms:Decrypt" in needless


def test_a_principal_that_is_no_service_needs_a_reason_too(plant: Plant, tmp_path: Path) -> None:
    root = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
        - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::111122223333:root'}, Action: 'kms:*', Resource: '*'}
"""
    needed = """\
Key:
- by: arn:aws:iam::111122223333:root
  actions: [kms:*]
  resources: [Key]
  source: https://x
"""
    assert problems(plant, tmp_path, needed, root=root) == []
    (needless,) = problems(plant, tmp_path, "{}", root=root)
    assert "allows to arn:aws:iam::111122223333:root kms:*" in needless
    stranger = root.replace("111122223333", "444455556666")
    assert len(problems(plant, tmp_path, needed, root=stranger)) == 2
    everybody = root.replace("{AWS: 'arn:aws:iam::111122223333:root'}", "'*'")
    assert len(problems(plant, tmp_path, needed, root=everybody)) == 2


def test_what_a_device_may_do_needs_a_reason(plant: Plant, tmp_path: Path) -> None:
    root = """\
Resources:
  Device:
    Type: AWS::IoT::Policy
    Properties:
      PolicyDocument:
        Statement: [{Effect: Allow, Action: 'iot:Connect', Resource: 'arn:aws:iot:x:1:client/a'}]
"""
    needed = "Device:\n- {by: p, actions: [iot:Connect], resources: ['arn:aws:iot:x:1:client/a']}\n"
    assert problems(plant, tmp_path, needed, root=root) == []
    (needless,) = problems(plant, tmp_path, "{}", root=root)
    assert "allows iot:Connect on arn:aws:iot:x:1:client/a, which nobody needs" in needless


TAKING = """\
Resources:
  Own: {Type: 'AWS::IAM::ManagedPolicy', Properties: {PolicyDocument: {Statement: []}}}
  Holder:
    Type: AWS::IAM::KIND
    Properties:
      ManagedPolicyArns:
      - !Ref Own
      - !Sub arn:${AWS::Partition}:iam::aws:policy/service-role/Theirs
      - arn:aws:iam::444455556666:policy/strangers
"""
WANTING = """\
Holder:
- {by: A service, policies: [service-role/Theirs, 'arn:aws:iam::444455556666:policy/strangers'], source: 'https://x'}
"""


@pytest.mark.parametrize("kind", ["Group", "Role", "User"])
@pytest.mark.parametrize(
    ("needed", "found"),
    [
        (WANTING, []),
        (
            "{}",
            ["takes arn:aws:iam::444455556666:policy/strangers, which", "takes service-role/Theirs, which"],
        ),
        (
            WANTING.replace("Theirs", "Others"),
            ["takes service-role/Theirs", "needs the policy service-role/Others"],
        ),
    ],
)
def test_a_policy_that_no_template_writes_is_paired_with_its_need(
    plant: Plant, tmp_path: Path, kind: str, needed: str, found: list[str]
) -> None:
    (tmp_path / "needs.yaml").write_text(needed)
    tree = plant(root=TAKING.replace("KIND", kind))
    taken = written_elsewhere(tree, Renderer(tree))
    told = list(pairing.managed_problems(needs.load(tmp_path / "needs.yaml"), taken))
    assert len(told) == len(found)
    assert all(part in problem for part, problem in zip(found, told, strict=True))


def test_a_grant_bound_to_a_service_is_for_who_comes_through_it(plant: Plant, tmp_path: Path) -> None:
    policy = """\
          - Effect: Allow
            Action: kms:Decrypt
            Resource: !GetAtt Key.Arn
            Condition: {StringEquals: {'kms:ViaService': !Sub 'SERVICE.${AWS::Region}.amazonaws.com'}}
"""
    root = """\
Resources:
  Key: {Type: 'AWS::KMS::Key'}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyName: use
        PolicyDocument:
          Statement:
"""
    needed = "Role:\n- {by: p, actions: [kms:Decrypt], resources: [Key], through: kinesis}\n"
    bound = policy.replace("SERVICE", "kinesis")
    other = policy.replace("SERVICE", "sqs")
    free = policy[: policy.index("            Condition")]
    assert problems(plant, tmp_path, needed, root=root + bound) == []
    assert problems(plant, tmp_path, needed, root=root + free) == []
    lacking, needless = problems(plant, tmp_path, needed, root=root + other)
    assert "allowed by no statement" in lacking
    assert "nobody needs" in needless
    # The one for any service is then nobody's.
    (needless,) = problems(plant, tmp_path, needed, root=root + bound + free)
    assert needless.startswith("Role.Policies.0.PolicyDocument.Statement.1: allows kms:Decrypt")


@pytest.mark.parametrize(
    ("named", "excepted", "shown"),
    [
        ("Action: [kinesis:GetRecords]", "NotAction: ['iam:*']", "allows all but iam:* on arn:"),
        (
            "Resource: [!Ref StreamArn]",
            "NotResource: ['arn:b']",
            "allows kinesis:GetRecords on all but arn:b",
        ),
    ],
)
def test_what_allows_all_but_something_meets_no_need(
    plant: Plant, tmp_path: Path, named: str, excepted: str, shown: str
) -> None:
    plant()
    service = (tmp_path / "service.yaml").read_text().replace(named, excepted)
    lacking, needless = problems(plant, tmp_path, NEEDED, service=service)
    assert "allowed by no statement" in lacking
    assert shown in needless


def test_a_resource_policy_for_all_but_somebody_meets_no_need(plant: Plant, tmp_path: Path) -> None:
    root = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
        - {Effect: Allow, NotPrincipal: {AWS: 'arn:a'}, Action: 'kms:Decrypt', Resource: '*'}
"""
    (needless,) = problems(plant, tmp_path, "{}", root=root)
    assert 'allows to all but {"AWS": "arn:a"} kms:Decrypt' in needless


def test_actions_on_different_kinds_of_resources_may_share_a_statement(plant: Plant, tmp_path: Path) -> None:
    root = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyName: provision
        PolicyDocument:
          Statement:
            Effect: Allow
            Action: [iot:CreateThing, iot:UpdateCertificate]
            Resource: ['arn:aws:iot:x:1:thing/*', 'arn:aws:iot:x:1:cert/*', 'arn:aws:iot:x:1:cert/a']
"""
    needed = """\
Role:
- {by: p, actions: [iot:CreateThing], resources: ['arn:aws:iot:x:1:thing/*']}
- {by: p, actions: [iot:UpdateCertificate], resources: ['arn:aws:iot:x:1:cert/*']}
"""
    found = problems(plant, tmp_path, needed, root=root)
    assert [problem.partition(", which")[0].partition(": ")[2] for problem in found] == [
        "allows iot:CreateThing on arn:aws:iot:x:1:cert/a",
        "allows iot:UpdateCertificate on arn:aws:iot:x:1:cert/a",
    ]


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
