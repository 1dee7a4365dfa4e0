"""An AWS of the test's own, and a small deployment of three levels to make in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import boto3
import pytest

from deployer.deployment import Deployment
from deployer.events import Silence
from deployer.plan import Plan
from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from parameters.settings import Environment, load

TEMPLATES = Path(__file__).parents[2] / "templates" / "dev"
TAGS = "".join(f"      - {{Key: {key}, Value: {value}}}\n" for key, value in load("dev").tags.items())
ROOT = f"""\
Parameters:
  NotificationAddress:
    Type: String
Resources:
  Outer:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: outer.yaml
      Tags:
{TAGS}Outputs:
  VpcId:
    Value: !GetAtt Outer.Outputs.QueueName
"""
OUTER = f"""\
Resources:
  Before:
    Type: AWS::SQS::Queue
    DeletionPolicy: Delete
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: inner.yaml
      Tags:
{TAGS}Outputs:
  QueueName:
    Value: !GetAtt Before.QueueName
"""
INNER = """\
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: 1
"""
# Refused by IAM itself, not by the template.
BROKEN = """\
Resources:
  Grant:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: grant
      Roles: [nobody]
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Action: 'sqs:SendMessage', Resource: '*'}]
"""
FIRST_CAUSE = (
    r"first cause: Outer/Inner/Grant \(AWS::IAM::Policy\) \w+_FAILED: .*role with name nobody cannot be found"
)


class Deploys(Protocol):
    """What the fixture `deploys` gives."""

    def __call__(self, templates: Path, environment: Environment | None = None) -> Deployment: ...


def alone(account: str, ca_file: Path, log: Path) -> EmbeddedAws:
    """Its database and its cache are nowhere: for what does not connect to them."""
    return EmbeddedAws(
        account=account,
        database=DatabaseServer("localhost", 1, "unused"),
        cache=CacheServer("localhost", 2),
        ca_file=ca_file,
        log=log,
    )


@pytest.fixture
def own_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """Empty, and where the shell's environment leads to."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    with alone(load("dev").account, bundle, tmp_path / "aws.log") as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        yield aws


@pytest.fixture
def deploys(own_aws: EmbeddedAws) -> Deploys:
    """Makes a deployer of a directory's templates, each as on a machine of its own."""

    def deploy(templates: Path, environment: Environment | None = None) -> Deployment:
        return Deployment(environment or load("dev"), boto3.Session(), templates=templates, poll=0.05)

    return deploy


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three levels and the real bootstrap: quick to deploy, deep enough to break."""
    directory = tmp_path / "templates"
    directory.mkdir()
    shutil.copy(TEMPLATES / "bootstrap.yaml", directory)
    for name, text in (("platform", ROOT), ("outer", OUTER), ("inner", INNER)):
        (directory / f"{name}.yaml").write_text(text)
    return directory


def deployed(deployment: Deployment) -> Plan:
    deployment.bootstrap(Silence())
    plan = deployment.plan()
    deployment.apply(plan, Silence())
    return plan


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


def dies(*_: object, **__: object) -> None:
    raise Killed
