import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Shop:
    Type: AWS::ECR::Repository
    Properties:
      ImageTagMutability: IMMUTABLE
      ImageScanningConfiguration: {ScanOnPush: true}
      EncryptionConfiguration: {EncryptionType: KMS, KmsKey: alias/shop}
      Tags: [{Key: Environment, Value: prod}]
      LifecyclePolicy:
        LifecyclePolicyText: |
          {"rules": [
            {"rulePriority": 1, "action": {"type": "expire"}, "selection":
              {"tagStatus": "untagged", "countNumber": 3,
               "countType": "sinceImagePushed", "countUnit": "days"}},
            {"rulePriority": 2, "action": {"type": "expire"}, "selection":
              {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 30}}]}
"""
IDS = ("W948", "E9485", "E9486")


def ids(say: Say, template: str) -> set[str]:
    return {line.split()[1] for line in say(IDS, template)}


def test_a_repository_that_keeps_what_runs_is_well(say: Say) -> None:
    assert ids(say, WELL) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("      ImageTagMutability: IMMUTABLE\n", "", {"W9480"}),
        ("IMMUTABLE", "MUTABLE", {"W9480"}),
        ("ScanOnPush: true", "ScanOnPush: false", {"W9481"}),
        (WELL[WELL.index("      LifecyclePolicy:") :], "", {"W9482"}),
        (
            '"any", "countType": "imageCountMoreThan"',
            '"any", "countUnit": "days", "countType": "sinceImagePushed"',
            {"W9483"},
        ),
        ('"countNumber": 30', '"countNumber": 1', {"W9484"}),
        ('"rulePriority": 2', '"rulePriority": 1', {"E9485"}),
        ('"untagged"', '"any"', {"E9485", "W9483"}),
        ("}}]}", "}}]", {"E9485"}),
        ("EncryptionType: KMS", "EncryptionType: AES256", {"E9486"}),
    ],
)
def test_each_way_to_lose_an_image_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert old in WELL
    assert ids(say, WELL.replace(old, new, 1)) == raised
