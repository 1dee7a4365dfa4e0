from pathlib import Path

import pytest
import yaml

from local.rehearsal import NothingToEdit, Rehearsal, Templates

ROOT = "Resources:\n  Flow: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: flow.yaml}}\n"
FLOW = """\
Resources:
  Held: {Type: AWS::Kinesis::Stream}
  Reader: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Held.Arn}}
  Letters: {Type: AWS::SQS::Queue}
  Bell: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmDescription: first}}
Outputs:
  Name: {Value: !GetAtt Letters.QueueName}
  Other: {Value: as it is}
"""


@pytest.fixture
def emitted(tmp_path: Path) -> Path:
    directory = tmp_path / "emitted"
    directory.mkdir()
    (directory / "platform.yaml").write_text(ROOT)
    (directory / "flow.yaml").write_text(FLOW)
    return directory


def test_what_holds_data_is_removed_where_only_outputs_speak_of_it(emitted: Path, tmp_path: Path) -> None:
    copied = Templates(emitted, tmp_path / "scratch")

    edit = copied.remove(lambda title: {"Name": f"the name in {title}"})

    tree = yaml.safe_load((tmp_path / "scratch" / "flow.yaml").read_text())
    assert str(edit) == "remove flow/Letters"
    assert list(tree["Resources"]) == ["Held", "Reader", "Bell"]
    assert tree["Outputs"] == {"Name": {"Value": "the name in Flow"}, "Other": {"Value": "as it is"}}
    assert (emitted / "flow.yaml").read_text() == FLOW


def test_a_property_is_changed_by_type(emitted: Path, tmp_path: Path) -> None:
    copied = Templates(emitted, tmp_path / "scratch")

    edit = copied.change(("AWS::CloudWatch::Alarm", "AlarmDescription"), "update", "second")

    tree = yaml.safe_load((tmp_path / "scratch" / "flow.yaml").read_text())
    assert str(edit) == "update flow/Bell"
    assert tree["Resources"]["Bell"]["Properties"] == {"AlarmDescription": "second"}


def test_a_type_that_no_template_has_is_told_with_the_way_out(emitted: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingToEdit, match=r"AWS::IAM::ManagedPolicy.*--no-rehearsal"):
        Templates(emitted, tmp_path / "scratch").change(
            ("AWS::IAM::ManagedPolicy", "Description"), "replace", ""
        )


def test_it_is_told_without_what_is_unresolved_and_in_forty_lines() -> None:
    plan = ("root", "├─ ? Topic  AWS::SNS::Topic", "│    (may stay as it is: x)", *["└─ ~ Bell"] * 50)
    told = list(
        Rehearsal(("update a/B",), plan, 3, "refused", "B failed", "UPDATE_ROLLBACK_COMPLETE", True).lines()
    )

    assert told[:3] == ["rehearsal    edited: update a/B", "  root", "  └─ ~ Bell"]
    assert len(told) <= 40
    assert told[-3:] == [
        "plan exits with 3; apply: refused",
        "a change that fails: B failed",
        "the platform is UPDATE_ROLLBACK_COMPLETE, and a further plan says that there is nothing to do",
    ]
