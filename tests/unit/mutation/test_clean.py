"""What a break makes of a tree: an edit that measures nothing is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mutation.breaking import Break, Edit
from mutation.clean import Clean, clean
from mutation.draft import DoesNotApply, Draft
from topology.tree import load
from topology.yaml_template import read

BUCKET, TOPIC = "AWS::S3::Bucket", "AWS::SNS::Topic"
Made = Callable[..., Break]


def suspend(draft: Draft) -> None:
    draft.the(BUCKET).properties["VersioningConfiguration"]["Status"] = "Suspended"


def nothing(_draft: Draft) -> None:
    pass


def same(draft: Draft) -> None:
    draft.the(BUCKET).properties["VersioningConfiguration"]["Status"] = "Enabled"


def missing_key(draft: Draft) -> None:
    del draft.the(BUCKET).properties["Tags"]


def missing_item(draft: Draft) -> None:
    draft.the(BUCKET).body["DependsOn"].index("Bucket")


def orphan_dependency(draft: Draft) -> None:
    draft.remove(draft.the(TOPIC))


def orphan_output(draft: Draft) -> None:
    del draft.files["storage.yaml"]["Outputs"]["Bucket"]


def orphan_parameter(draft: Draft) -> None:
    draft.nesting(draft.the(BUCKET)).properties["Parameters"]["Size"] = "1"


def orphan_sub(draft: Draft) -> None:
    draft.the(TOPIC).properties["DisplayName"] = {"Fn::Sub": "${Title}-${!Literal}-${AWS::Region}"}


def rename_output(draft: Draft) -> None:
    outputs = draft.files["storage.yaml"]["Outputs"]
    outputs["Store"] = outputs.pop("Bucket")
    draft.the("AWS::SSM::Parameter").properties["Value"] = {"Fn::GetAtt": ["Storage", "Outputs.Store"]}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (nothing, "changes nothing"),
        (same, "changes nothing"),
        (missing_key, "KeyError: 'Tags'"),
        (missing_item, "ValueError: substring not found"),
        (orphan_dependency, "a reference to Topic, which is not there"),
        (orphan_output, "Storage has no output Bucket"),
        (orphan_parameter, "Storage is not given what it asks for: Size"),
        (orphan_sub, "a reference to Title, which is not there"),
    ],
)
def test_an_edit_that_measures_nothing_is_refused(tree: Clean, made: Made, edit: Edit, said: str) -> None:
    with pytest.raises(DoesNotApply, match=r"^reach: something is broken \(dev\): ") as refused:
        tree.broken_by(made(edit))
    assert said in str(refused.value)


def test_only_what_changed_is_written_anew(tree: Clean, made: Made, tmp_path: Path) -> None:
    changed = tree.broken_by(made(suspend))
    assert list(changed) == ["storage.yaml"]

    tree.write(tmp_path / "out", changed)

    written = load(tmp_path / "out" / "root.yaml")
    bucket = written.resource("Storage/Bucket").properties
    assert bucket["VersioningConfiguration"] == {"Status": "Suspended"}
    assert tree.bodies["storage.yaml"] != read(tmp_path / "out" / "storage.yaml")[0]


def test_what_is_written_reads_as_what_was_read(tree: Clean, tmp_path: Path) -> None:
    tree.write(tmp_path / "out")
    assert clean(tmp_path / "out").bodies == tree.bodies


def test_one_break_leaves_nothing_to_the_next(tree: Clean, made: Made) -> None:
    assert tree.broken_by(made(suspend)) == tree.broken_by(made(suspend))


def test_the_root_is_what_nothing_nests(tree: Clean) -> None:
    assert tree.roots == ("root.yaml",)


def test_the_root_is_linted_too_where_what_it_sees_has_changed(tree: Clean, made: Made) -> None:
    assert tree.concerned(tree.broken_by(made(suspend))) == ["storage.yaml"]
    assert set(tree.concerned(tree.broken_by(made(rename_output)))) == {"root.yaml", "storage.yaml"}


def test_no_templates_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(DoesNotApply, match="run `make build`"):
        clean(tmp_path)
