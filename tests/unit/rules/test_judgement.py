from tests.unit.rules.conftest import Say

CHILD = """\
Parameters:
  Name: {Type: String}
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref Name, KmsKeyId: !ImportValue key}}
"""
ROOT = """\
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml, Parameters: {Name: log}}
"""


def test_what_cannot_be_followed_is_said_with_its_reason(say: Say) -> None:
    assert [line.partition(",")[0] for line in say("W9000", CHILD)] == [
        "root.yaml:4: W9000 Log.LogGroupName: only a deployment knows Name",
        "root.yaml:4: W9000 Log.KmsKeyId: Fn::ImportValue cannot be followed",
    ]


def test_what_the_root_gives_is_known(say: Say) -> None:
    (finding,) = say("W9000", ROOT, child=CHILD)
    assert "Child/Log.KmsKeyId: Fn::ImportValue cannot be followed" in finding
