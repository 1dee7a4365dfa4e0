"""What a stack's policy denies before, during and after an apply, and after one that was killed."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from deployer.acceptance import accept
from deployer.changes import Action
from deployer.errors import DataLossNotAccepted, DeploymentFailed
from deployer.events import Silence
from tests.integration.deployments import BROKEN, FIRST_CAUSE, INNER, OUTER, Deploys, Killed, deployed, dies


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
