"""How an edit finds what it edits: what is not there, or not alone, is refused."""

import json

import pytest

from mutation.clean import Clean
from mutation.draft import DoesNotApply, Draft, Part, att, drop_statement, is_there, ref, statement

BUCKET = "AWS::S3::Bucket"


@pytest.fixture
def draft(tree: Clean) -> Draft:
    return Draft("dev", json.loads(json.dumps(tree.bodies)))


def role() -> Part:
    document = {
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]},
            {"Effect": "Deny", "Sid": "No", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["*"]},
        ]
    }
    return Part("a.yaml", "Role", {"Properties": {"Policies": [{"PolicyDocument": document}]}})


def test_a_resource_is_found_by_type_and_by_what_it_has(draft: Draft) -> None:
    assert draft.the(BUCKET).name == "Bucket"
    assert draft.the(BUCKET, BucketName=ref("Name")).file == "storage.yaml"
    assert draft.the("AWS::SNS::Topic", KmsMasterKeyId=is_there).name == "Topic"


@pytest.mark.parametrize("having", [{"BucketName": "else"}, {"Tags": is_there}])
def test_what_is_not_there_is_refused_and_what_there_is_is_named(
    draft: Draft, having: dict[str, object]
) -> None:
    with pytest.raises(DoesNotApply, match=r"AWS::S3::Bucket \w+=.*: there is Bucket"):
        draft.the(BUCKET, **having)  # type: ignore[arg-type]


def test_one_of_several_is_not_the_one(draft: Draft) -> None:
    draft.add(draft.the(BUCKET), "Other", BUCKET)
    with pytest.raises(DoesNotApply, match=r"is not one, but storage\.yaml:Bucket, storage\.yaml:Other"):
        draft.the(BUCKET)
    assert draft.first(BUCKET).name == "Bucket"


def test_a_second_resource_of_one_name_is_refused(draft: Draft) -> None:
    with pytest.raises(DoesNotApply, match=r"Topic: is in storage\.yaml already"):
        draft.add(draft.the(BUCKET), "Topic", BUCKET)


def test_a_resource_is_followed_to_the_root(draft: Draft) -> None:
    assert draft.nesting(draft.the(BUCKET)).name == "Storage"
    assert draft.output(draft.the(BUCKET)) == att("Storage", "Outputs.Bucket")
    with pytest.raises(DoesNotApply, match=r"no output of storage\.yaml"):
        draft.output(draft.the(BUCKET), "Arn")


def test_a_statement_is_found_by_action_effect_and_sid() -> None:
    assert statement(role(), "s3:GetObject")["Effect"] == "Allow"
    assert statement(role(), "s3:GetObject", "Deny", "No")["Sid"] == "No"
    with pytest.raises(DoesNotApply, match="Role Allows no s3:PutObject: there is s3:GetObject"):
        statement(role(), "s3:PutObject")


def test_a_policy_does_not_lose_its_only_statement() -> None:
    part = role()
    drop_statement(part, "s3:PutObject", "Deny")
    with pytest.raises(DoesNotApply, match="has no statement but"):
        drop_statement(part, "s3:GetObject")
