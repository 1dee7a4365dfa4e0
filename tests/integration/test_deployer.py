"""The deployer against the embedded AWS: the platform's own templates, through real nested change sets."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from deployer import diagnosis, recovering, recovery
from deployer.changes import Action, Counts
from deployer.deployment import Deployment
from deployer.errors import (
    ArtefactReplaced,
    ChangeSetFailed,
    DeploymentFailed,
    MissingStack,
    NotBootstrapped,
    PlanOutdated,
    Stuck,
)
from deployer.events import Progress, Silence
from deployer.lossy import Danger
from deployer.plan import Plan
from local.aws import EmbeddedAws
from local.aws.embedded import CacheServer, DatabaseServer
from parameters.settings import load

TEMPLATES = Path(__file__).parents[2] / "templates" / "dev"
FIRST, SECOND = (f"sha256:{digit * 64}" for digit in "ab")
Deploys = Callable[[Path], Deployment]

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


@pytest.fixture
def deploys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploys]:
    """Makes a deployment of a directory's templates into an AWS of this test's own."""
    account = load("dev").account
    bundle = tmp_path / "ca.pem"
    bundle.touch()  # nothing connects to the database here
    aws = EmbeddedAws(
        account=account,
        database=DatabaseServer("localhost", 1, "unused"),
        cache=CacheServer("localhost", 2),
        ca_file=bundle,
        log=tmp_path / "aws.log",
    )
    with aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)

        def deploy(templates: Path) -> Deployment:
            return Deployment(load("dev"), boto3.Session(), templates=templates, poll=0.05)

        yield deploy


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three levels and the real bootstrap: quick to deploy, deep enough to break."""
    directory = tmp_path / "templates"
    directory.mkdir()
    shutil.copy(TEMPLATES / "bootstrap.yaml", directory)
    for name, text in (("platform", ROOT), ("outer", OUTER), ("inner", INNER)):
        (directory / f"{name}.yaml").write_text(text)
    return directory


def test_the_platform_is_deployed_changed_and_destroyed(deploys: Deploys) -> None:
    deployment = deploys(TEMPLATES)
    with pytest.raises(NotBootstrapped):
        deployment.plan(image_digest=FIRST)

    deployment.bootstrap(Silence())
    assert deployment.plan_bootstrap().is_empty

    first = deployment.plan(image_digest=FIRST)
    assert len(first.stacks.children) == 10
    assert first.counts == Counts(add=first.counts.add)
    seen: list[Progress] = []
    deployment.apply(first, seen.append)

    completed = {event.path for event in seen if event.status == "CREATE_COMPLETE" and not event.is_container}
    assert completed == {"/".join((*path, change.logical_id)) for path, change in first.stacks.walk()}
    assert seen[-1].path == "millrace-dev"
    assert deployment.status().status == "CREATE_COMPLETE"
    assert {"VpcId", "KinesisStreamName", "DbSecretArn"} <= set(deployment.outputs())

    assert deployment.plan().is_empty

    second = deployment.plan(image_digest=SECOND)
    certain = {change.logical_id for _, change in second.stacks.walk() if not change.unresolved}
    assert "Task" in certain
    assert not second.at_risk
    deployment.apply(second, Silence())
    assert deployment.plan().is_empty

    removal = deployment.removal()
    assert removal is not None
    assert {leaving.path for leaving in removal.named} >= {"Stream/Readings", "Database/Database"}
    deployment.destroy(Silence())
    with pytest.raises(MissingStack):
        deployment.status()
    assert deployment.plan_bootstrap().is_empty


def deployed(deployment: Deployment) -> Plan:
    deployment.bootstrap(Silence())
    plan = deployment.plan()
    deployment.apply(plan, Silence())
    return plan


def test_a_template_that_was_replaced_in_the_bucket_stops_the_next_plan(
    deploys: Deploys, small: Path
) -> None:
    deployment = deploys(small)
    deployed(deployment)
    s3 = boto3.client("s3")
    (bucket,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if "artefacts" in one["Name"].lower()]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="templates/")["Contents"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key=listed[0]["Key"], Body=b"another", IfNoneMatch="*")
    s3.delete_object(Bucket=bucket, Key=listed[0]["Key"])
    s3.put_object(Bucket=bucket, Key=listed[0]["Key"], Body=b"another", IfNoneMatch="*")

    with pytest.raises(ArtefactReplaced, match=listed[0]["Key"]):
        deployment.plan()


def test_a_change_in_a_grandchild_is_shown_and_made(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 2"))

    plan = deployment.plan()

    ((path, change),) = plan.stacks.walk()
    assert (path, change.logical_id, change.action) == (("Outer", "Inner"), "Queue", Action.MODIFY)
    assert "DelaySeconds: 1 → 2" in plan.render()
    deployment.apply(deployment.read_plan(plan.token), Silence())
    assert deployment.plan().is_empty


def test_what_goes_with_a_nested_stack_is_shown_and_judged(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "outer.yaml").write_text(
        "Resources:\n  Before:\n    Type: AWS::SQS::Queue\n    DeletionPolicy: Delete\n"
        "Outputs:\n  QueueName:\n    Value: !GetAtt Before.QueueName\n"
    )

    plan = deployment.plan()

    ((path, change),) = plan.at_risk
    assert (path, change.logical_id, change.action) == (("Outer", "Inner"), "Queue", Action.REMOVE)
    deployment.apply(plan, Silence())
    assert deployment.plan().is_empty


GUARDED = """\
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: 1
      MessageRetentionPeriod: %d
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: ecs-tasks.amazonaws.com}}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Statement: [{Effect: Allow, Action: '%s', Resource: '*'}]
"""


def test_data_and_access_of_a_grandchild_are_judged_by_what_the_change_set_tells(
    deploys: Deploys, small: Path
) -> None:
    deployment = deploys(small)
    (small / "inner.yaml").write_text(GUARDED % (600, "sqs:ReceiveMessage"))
    deployed(deployment)
    (small / "inner.yaml").write_text(GUARDED % (60, "sqs:*"))

    plan = deployment.plan()

    assert plan.verdict == 3
    assert [(verdict.name, verdict.danger) for verdict in plan.verdicts] == [
        ("Outer/Inner/Queue", Danger.SHORTENED)
    ]
    assert [(change.name, change.sign, change.text, change.broadens) for change in plan.access] == [
        ("Outer/Inner/Reader", "-", "Allow sqs:ReceiveMessage on * [policy read]", None),
        ("Outer/Inner/Reader", "+", "Allow sqs:* on * [policy read]", "every action, sqs:*"),
    ]


def test_an_executed_plan_is_refused_under_its_own_name(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    plan = deployed(deployment)

    with pytest.raises(PlanOutdated, match="plan again"):
        deployment.read_plan(plan.token)


def test_a_failure_in_a_grandchild_is_the_first_cause_and_names_the_way_out(
    deploys: Deploys, small: Path
) -> None:
    deployment = deploys(small)
    deployment.bootstrap(Silence())
    (small / "inner.yaml").write_text(BROKEN)
    plan = deployment.plan()

    with pytest.raises(DeploymentFailed, match=FIRST_CAUSE):
        deployment.apply(plan, Silence())
    with pytest.raises(Stuck, match=r"python deploy\.py recover dev"):
        deployment.plan()

    deployment.destroy(Silence())
    (small / "inner.yaml").write_text(INNER)
    deployment.apply(deployment.plan(), Silence())
    assert deployment.status().status == "CREATE_COMPLETE"


def test_a_failed_update_rolls_back_and_the_next_one_goes(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "inner.yaml").write_text(BROKEN)

    with pytest.raises(DeploymentFailed, match=f"UPDATE_ROLLBACK_COMPLETE; {FIRST_CAUSE}"):
        deployment.apply(deployment.plan(), Silence())

    (small / "inner.yaml").write_text(INNER)
    assert deployment.plan().is_empty


def test_a_plan_that_was_declined_or_failed_leaves_nothing(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployment.bootstrap(Silence())
    deployment.discard(deployment.plan())
    with pytest.raises(MissingStack):
        deployment.status()

    (small / "inner.yaml").write_text(INNER.replace("AWS::SQS::Queue", "AWS::No::Such"))
    with pytest.raises(ChangeSetFailed):
        deployment.plan()
    with pytest.raises(MissingStack):
        deployment.status()


def test_a_plan_of_before_the_stack_moved_is_refused(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 2"))
    old = deployment.plan()
    deployment.apply(deployment.plan(), Silence())

    with pytest.raises(PlanOutdated, match="plan again"):
        deployment.apply(replace(old, token="millrace-deploy-again"), Silence())


def test_a_grandchilds_failure_is_diagnosed_and_recovered_from(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployment.bootstrap(Silence())
    (small / "inner.yaml").write_text(BROKEN)
    with pytest.raises(DeploymentFailed):
        deployment.apply(deployment.plan(), Silence())

    found = diagnosis.diagnose(deployment.target, small)

    assert found.cause is not None
    assert found.cause.path == "Outer/Inner/Grant"
    assert found.cause.template == f"{small}/inner.yaml:2"
    assert (found.also, found.going_back) == ((), ())
    assert found.next == "`python deploy.py recover dev`"

    stuck = recovery.look(deployment.target, deployment.stack_name)
    assert recovering.perform(deployment.target, stuck, recovery.Choice(), Silence()) == ()
    (small / "inner.yaml").write_text(INNER)
    deployment.apply(deployment.plan(), Silence())
    assert recovery.look(deployment.target, deployment.stack_name).way is recovery.Way.NOTHING
    assert diagnosis.diagnose(deployment.target, small).cause is None, "the stack that failed is gone"
