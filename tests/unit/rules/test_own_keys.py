import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Goods: {Type: AWS::KMS::Key}
  Spare: {Type: AWS::KMS::Key}
  Words: {Type: AWS::KMS::Key}
  Orders:
    Type: AWS::RDS::DBInstance
    Properties: {StorageEncrypted: true, KmsKeyId: !GetAtt Goods.Arn}
  Clicks:
    Type: AWS::Kinesis::Stream
    Properties: {StreamEncryption: {EncryptionType: KMS, KeyId: !Ref Goods}}
  Login: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref Words}}
  Token: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref Words}}
  Said: {Type: AWS::Logs::LogGroup, Properties: {KmsKeyId: !GetAtt Spare.Arn}}
"""
IDS = ("W9440", "W9441")


def ids(say: Say, template: str) -> set[str]:
    return {line.split()[1] for line in say(IDS, template)}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


def test_each_kind_of_data_under_its_own_key_is_well(say: Say) -> None:
    assert ids(say, WELL) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (", KmsKeyId: !GetAtt Goods.Arn", ""),
        ("KeyId: !Ref Goods", "KeyId: alias/aws/kinesis"),
        ("Properties: {KmsKeyId: !GetAtt Spare.Arn}", "Properties: {}"),
    ],
)
def test_data_under_a_key_of_aws_is_told_where_the_rest_is_not(say: Say, old: str, new: str) -> None:
    assert ids(say, edited(old, new)) == {"W9440"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "Login: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref Words",
            "Login: {Type: AWS::SecretsManager::Secret, Properties: {KmsKeyId: !Ref Spare",
        ),
        ("KeyId: !Ref Goods", "KeyId: !Ref Words"),
    ],
)
def test_data_under_a_key_of_another_kind_is_told(say: Say, old: str, new: str) -> None:
    mixed = edited(old, new).replace(
        "  Said:", "  Heard: {Type: AWS::Logs::LogGroup, Properties: {KmsKeyId: !Ref Spare}}\n  Said:"
    )
    assert ids(say, mixed) == {"W9441"}


def test_one_key_for_all_is_a_choice(say: Say) -> None:
    one = WELL.replace("!Ref Words", "!Ref Goods").replace("!GetAtt Spare.Arn", "!Ref Goods")
    assert (
        ids(say, one.replace("  Spare: {Type: AWS::KMS::Key}\n  Words: {Type: AWS::KMS::Key}\n", "")) == set()
    )


def test_without_a_key_of_its_own_a_tree_is_silent(say: Say) -> None:
    imported = WELL.replace("AWS::KMS::Key", "AWS::KMS::Grant")
    assert ids(say, imported.replace(", KmsKeyId: !GetAtt Goods.Arn", "")) == set()
