from pathlib import Path

import pytest

from topology.tree import load
from topology.yaml_template import BadTemplate

PARENT = """\
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: inner/child.yaml
      Parameters:
        TopicArn: !Ref Topic
  Again:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: inner/child.yaml
      Parameters:
        TopicArn: arn:aws:sns:eu-west-2:111122223333:other
  Uploaded:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.eu-west-2.amazonaws.com/bucket/child.yaml
  Topic:
    Type: AWS::SNS::Topic
"""
CHILD = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  TopicArn:
    Type: String
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmActions:
      - !Ref TopicArn
      Endpoint: !GetAtt Cache.PrimaryEndPoint.Address
Outputs:
  Name:
    Value: !Sub ${Alarm}-x
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "root.yaml").write_text(PARENT)
    (tmp_path / "inner" / "child.yaml").write_text(CHILD)
    return tmp_path


def test_each_nesting_of_a_file_is_a_stack_of_its_own(directory: Path) -> None:
    tree = load(directory / "root.yaml")
    assert list(tree.stacks) == ["", "Inner", "Again"]
    assert tree.stacks["Inner"].parent == ""
    assert tree.stacks["Inner"].arguments == {"TopicArn": {"Ref": "Topic"}}
    assert [str(resource) for resource in tree.resources("AWS::CloudWatch::Alarm")] == [
        "Inner/Alarm",
        "Again/Alarm",
    ]


def test_a_template_that_was_uploaded_is_not_followed(directory: Path) -> None:
    assert "Uploaded" not in load(directory / "root.yaml").stacks


def test_a_root_that_stands_apart_has_an_address(directory: Path) -> None:
    tree = load(directory / "root.yaml", "Plant")
    assert tree.root.address == "Plant"
    assert tree.resource("Plant/Inner/Alarm").stack == "Plant/Inner"
    assert tree.resource("Plant/Inner/Alarm").name == "Alarm"


def test_short_functions_are_read_long_and_dates_as_text(directory: Path) -> None:
    child = load(directory / "root.yaml").stacks["Inner"]
    assert child.body["AWSTemplateFormatVersion"] == "2010-09-09"
    assert child.resources["Alarm"].properties["Endpoint"] == {
        "Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]
    }
    assert child.outputs == {"Name": {"Fn::Sub": "${Alarm}-x"}}


def test_every_value_knows_its_line(directory: Path) -> None:
    child = load(directory / "root.yaml").stacks["Inner"]
    assert child.resources["Alarm"].line == 6
    assert child.line("Resources", "Alarm", "Properties", "AlarmActions", 0) == 10


def test_an_unknown_address_is_answered_with_those_there_are(directory: Path) -> None:
    with pytest.raises(KeyError, match=r"Inner/Alarms: no such resource; Inner has Alarm"):
        load(directory / "root.yaml").resource("Inner/Alarms")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no Resources"),
        ("Resources: []", "has no Resources"),
        ("Resources:\n  Topic: {}", r":2: Topic has no Type"),
        ("Resources: {", "is not YAML"),
    ],
)
def test_what_is_no_template_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "root.yaml"
    file.write_text(text)
    with pytest.raises(BadTemplate, match=f"root.yaml:? ?.*{why}"):
        load(file)


def test_a_missing_child_and_a_circle_are_refused(directory: Path) -> None:
    nested = (
        "Resources:\n  S:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: {}\n"
    )
    (directory / "root.yaml").write_text(nested.format("nowhere.yaml"))
    with pytest.raises(BadTemplate, match=r"nowhere\.yaml: cannot be read"):
        load(directory / "root.yaml")
    (directory / "root.yaml").write_text(nested.format("root.yaml"))
    with pytest.raises(BadTemplate, match="nests itself"):
        load(directory / "root.yaml")
