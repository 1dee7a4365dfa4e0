from collections.abc import Callable

import pytest

from rules.seam.site import Site
from tests.unit.rules.conftest import Write
from topology.tree import load
from topology.values import Reference, Unknown, known

ROOT = """\
METADATA
Resources:
  Key: {Type: AWS::KMS::Key}
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: child.yaml
      Parameters: {KeyArn: !GetAtt Key.Arn}
"""
CHILD = """\
Parameters:
  KeyArn: {Type: String}
Resources:
  Log:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: /plant/log
      KmsKeyId: !Ref KeyArn
      Tags: [{Key: Environment, Value: STAGE}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: '*', Action: sts:AssumeRole}]}
  Machine: {Type: AWS::StepFunctions::StateMachine}
  May:
    Type: AWS::IAM::Policy
    Properties:
      Roles: [!Ref Role]
      PolicyName: may
      PolicyDocument:
        Statement:
        - {Effect: Allow, Action: states:StartExecution, Resource: !Ref Machine}
        - {Effect: Allow, Action: sqs:SendMessage, Resource: !ImportValue queue}
  Strange:
    Type: AWS::Nobody::Knows
    Properties: {Policy: {Statement: []}, Size: !Select [x, 1]}
"""
Sited = Callable[..., Site]


@pytest.fixture
def site(write: Write) -> Sited:
    def made(stage: str = "x", metadata: str = "") -> Site:
        return Site(load(write(ROOT.replace("METADATA", metadata), child=CHILD.replace("STAGE", stage))))

    return made


def test_a_value_leads_to_its_resource_and_the_resource_to_its_users(site: Sited) -> None:
    here = site()
    log, key = here.tree.resource("Child/Log"), here.tree.resource("Key")

    assert here.target(here.get(log, "KmsKeyId"), "AWS::KMS::Key") == key
    assert here.target(here.get(log, "KmsKeyId"), "AWS::S3::Bucket") is None
    (use,) = here.uses(key)
    assert (use.user, use.property, use.reference) == (log, "KmsKeyId", Reference(key, "Arn"))
    assert here.named("AWS::Logs::LogGroup", "LogGroupName", "/plant/log") == log
    assert here.named("AWS::Logs::LogGroup", "LogGroupName", None) is None


def test_what_cannot_be_followed_is_unknown_and_the_rest_is_known(site: Sited) -> None:
    here = site()
    strange = here.tree.resource("Child/Strange")
    assert isinstance(here.get(strange, "Size"), Unknown)
    assert isinstance(here.get(strange, "Size", "deeper"), Unknown)
    assert here.get(strange, "Missing", 0, "deeper") is None
    assert not known([here.get(strange, "Size")])
    assert here.items(strange, "Missing") == []


def test_policies_are_read_as_far_as_they_can_be(site: Sited) -> None:
    here = site()
    (may,) = [policy for policy in here.policies if policy.resource.name == "May"]
    assert may.about == (here.tree.resource("Child/Role"),)
    assert [statement.document["Resource"] for statement in may.statements] == ["${Child/Machine}", "${?}"]
    assert "unknown place" in here.unread_policies["Child/Strange"]


@pytest.mark.parametrize(
    ("stage", "metadata", "demanded"),
    [
        ("prod", "", True),
        ("Production", "", True),
        ("dev", "", False),
        ("line-4", "", None),
        ("dev", "Metadata: {Durable: true}", True),
        ("prod", "Metadata: {Durable: false}", False),
    ],
)
def test_whether_data_must_last_is_what_the_templates_say(
    site: Sited, stage: str, metadata: str, demanded: bool | None
) -> None:
    here = site(stage, metadata)
    assert here.durable(here.tree.resource("Child/Log")) is demanded
    assert here.durable(here.tree.resource("Key")) is demanded
