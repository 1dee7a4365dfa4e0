"""The deployer against the embedded AWS: the platform's own templates, through real nested change sets."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from deployer import diagnosis, recovering, recovery
from deployer.acceptance import accept
from deployer.changes import Action, Counts
from deployer.deployment import Deployment
from deployer.errors import (
    ArtefactReplaced,
    ChangeSetFailed,
    DataLossNotAccepted,
    DeploymentFailed,
    MissingStack,
    NotBootstrapped,
    PlanOutdated,
    Stuck,
)
from deployer.events import Progress, Silence
from deployer.lossy import Danger
from deployer.plan import Plan
from deployer.seal import SealBroken, Unsealed
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


def deny(name: str, *actions: str) -> tuple[str, ...]:
    return (name, *actions)


DENY_OUTER = deny("Outer", "Update:Delete")


def policies() -> dict[str, list[tuple[str, ...]]]:
    """Stack → what its policy denies, resource by resource; nested stacks by their logical ids."""
    client = boto3.client("cloudformation")
    found = {}
    for stack in client.describe_stacks()["Stacks"]:
        name = stack["StackName"]
        if name.startswith("millrace-dev-bootstrap") or stack["StackStatus"] == "DELETE_COMPLETE":
            continue
        body = client.get_stack_policy(StackName=name).get("StackPolicyBody")
        statements = json.loads(body)["Statement"] if body else []
        short = next((part for part in ("Inner", "Outer") if part in name), name)
        found[short] = [
            deny(resource.removeprefix("LogicalResourceId/"), *statement["Action"])
            for statement in statements
            if statement["Effect"] == "Deny"
            for resource in statement["Resource"]
        ]
    return found


def wait_until(settled: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not settled():
        assert time.monotonic() < end


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
    with pytest.raises(DataLossNotAccepted, match="--accept-data-loss Outer/Inner/Queue"):
        deployment.apply(plan, Silence())
    assert policies() == {
        "millrace-dev": [DENY_OUTER],
        "Outer": [deny("Before", "Update:Replace", "Update:Delete"), deny("Inner", "Update:Delete")],
        "Inner": [deny("Queue", "Update:Replace", "Update:Delete")],
    }
    during: list[object] = []
    deployment.apply(plan, lambda _: during.append(policies()["Outer"]), accepted=accept(plan, ["Queue"]))
    free = [deny("Before", "Update:Replace", "Update:Delete")]
    assert during
    assert all(now == free for now in during)
    assert policies() == {"millrace-dev": [DENY_OUTER], "Outer": free}
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


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


def dies(*_: object, **__: object) -> None:
    raise Killed


OPEN = [deny("Inner", "Update:Delete")]
CLOSED = [deny("After", "Update:Replace", "Update:Delete"), *OPEN]


def test_killed_while_it_runs_the_next_apply_closes_what_was_open(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "outer.yaml").write_text(OUTER.replace("Before", "After"))
    plan = deployment.plan()

    with pytest.raises(Killed):
        deployment.apply(plan, dies, accepted=accept(plan, ["Before"]))
    wait_until(lambda: deployment.status().status == "UPDATE_COMPLETE")
    assert policies()["Outer"] == CLOSED  # what is new was protected from the beginning

    boto3.client("cloudformation").set_stack_policy(
        StackName="millrace-dev", StackPolicyBody='{"Statement": []}'
    )
    nothing = deployment.plan()
    assert nothing.is_empty
    deployment.apply(nothing, Silence())
    assert policies()["Outer"] == CLOSED
    assert policies()["millrace-dev"] == [DENY_OUTER]


def test_killed_before_it_executes_the_same_plan_goes_on(
    deploys: Deploys, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "outer.yaml").write_text(OUTER.replace("Before", "After"))
    plan = deployment.plan()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("deployer.changeset.ChangeSets.execute", dies)
        deployment.apply(plan, Silence(), accepted=accept(plan, ["Before"]))
    assert policies()["Outer"] == CLOSED

    again = deploys(small)
    found = again.read_plan(plan.token)
    with pytest.raises(DataLossNotAccepted):  # it is accepted for one operation, and that never began
        again.apply(found, Silence())
    again.apply(found, Silence(), accepted=accept(found, ["Before"]))

    assert again.plan().is_empty


def test_review_in_progress_leftovers_of_a_killed_plan_are_a_plan_like_any_other(
    deploys: Deploys, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploys(small)
    deployment.bootstrap(Silence())
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("deployer.changeset.ChangeSets.read", dies)
        deployment.plan()
    client = boto3.client("cloudformation")
    (left,) = client.list_change_sets(StackName="millrace-dev")["Summaries"]

    plan = deployment.plan()
    assert deployment.read_plan(left["ChangeSetName"]).stack_id == plan.stack_id
    deployment.apply(plan, Silence())

    with pytest.raises(PlanOutdated):
        deployment.read_plan(left["ChangeSetName"])


def test_of_two_first_plans_one_is_declined_and_the_other_stays(deploys: Deploys, small: Path) -> None:
    one, another = deploys(small), deploys(small)
    one.bootstrap(Silence())
    declined, kept = one.plan(), another.plan()

    one.discard(declined)

    another.apply(another.read_plan(kept.token), Silence())
    assert another.status().status == "CREATE_COMPLETE"


def test_a_stack_that_is_nothing_but_a_killed_plan_is_destroyed(
    deploys: Deploys, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploys(small)
    deployment.bootstrap(Silence())
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("deployer.changeset.ChangeSets.read", dies)
        deployment.plan()

    deployment.destroy(Silence())

    with pytest.raises(MissingStack):
        deployment.status()


@pytest.mark.parametrize(
    ("moves", "clause"),
    [
        (
            lambda small: (small / "inner.yaml").write_text(INNER.replace("1", "3")),
            "template Outer/Inner was #",
        ),
        (
            lambda _: boto3.client("ssm").put_parameter(Name="/size", Value="2", Overwrite=True),
            "ssm /size was ",
        ),
    ],
)
def test_a_plan_is_refused_when_what_it_was_made_of_moved(
    deploys: Deploys, small: Path, moves: Callable[[Path], object], clause: str
) -> None:
    deployment = deploys(small)
    boto3.client("ssm").put_parameter(Name="/size", Value="1", Type="String")
    deployed(deployment)
    sized = OUTER.replace("DeletionPolicy: Delete", "Properties: {DelaySeconds: '{{resolve:ssm:/size}}'}")
    (small / "outer.yaml").write_text(sized)
    plan = deployment.plan()
    assert deployment.read_plan(plan.token).token == plan.token

    moves(small)

    with pytest.raises(SealBroken, match=clause):
        deployment.read_plan(plan.token)
    with pytest.raises(SealBroken, match=clause):
        deployment.apply(plan, Silence())
    assert deployment.status().status == "CREATE_COMPLETE"


def test_a_change_set_of_ours_without_a_seal_is_refused(deploys: Deploys, small: Path) -> None:
    deployment = deploys(small)
    deployed(deployment)
    boto3.client("cloudformation").create_change_set(
        StackName="millrace-dev",
        ChangeSetName="millrace-deploy-mine",
        TemplateBody="Resources: {Queue: {Type: 'AWS::SQS::Queue'}}",
    )

    with pytest.raises(Unsealed, match="it has no seal"):
        deployment.read_plan("millrace-deploy-mine")


def test_plans_whose_stack_has_moved_go_with_the_next_one_and_others_stay(
    deploys: Deploys, small: Path
) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 2"))
    first, second = deployment.plan(), deployment.plan()
    client = boto3.client("cloudformation")

    def names() -> set[str]:
        listed = client.list_change_sets(StackName="millrace-dev")["Summaries"]
        return {one["ChangeSetName"] for one in listed if one["ExecutionStatus"] == "AVAILABLE"}

    assert names() == {first.token, second.token}
    deployment.apply(second, Silence())
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 3"))
    third = deployment.plan()
    assert names() == {third.token}


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

    plan = deployment.plan()
    with pytest.raises(DeploymentFailed, match=f"UPDATE_ROLLBACK_COMPLETE; {FIRST_CAUSE}"):
        deployment.apply(plan, Silence(), accepted=accept(plan, ["Queue"]))
    assert policies()["Inner"] == [deny("Queue", "Update:Replace", "Update:Delete")]

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
