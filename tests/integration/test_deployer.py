"""The deployer against the embedded AWS: the platform's own templates, through real nested change sets."""

from pathlib import Path

import pytest

from deployer import diagnosis, recovering, recovery
from deployer.changes import Action, Counts
from deployer.errors import (
    DeploymentFailed,
    MissingStack,
    NotBootstrapped,
    Stuck,
)
from deployer.events import Progress, Silence
from deployer.lossy import Danger
from tests.integration.deployments import BROKEN, FIRST_CAUSE, INNER, TEMPLATES, Deploys, deployed

FIRST, SECOND = (f"sha256:{digit * 64}" for digit in "ab")


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
