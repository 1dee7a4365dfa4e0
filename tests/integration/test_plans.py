"""Plans against the embedded AWS: which hold, which are refused, and what they leave behind."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from deployer.errors import ArtefactReplaced, ChangeSetFailed, MissingStack, PlanOutdated
from deployer.events import Silence
from deployer.seal import SealBroken, Unsealed
from tests.integration.deployments import INNER, OUTER, Deploys, Killed, deployed, dies


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
    for one in listed:  # bootstrap's own lies there too
        s3.delete_object(Bucket=bucket, Key=one["Key"])
        s3.put_object(Bucket=bucket, Key=one["Key"], Body=b"another", IfNoneMatch="*")

    with pytest.raises(ArtefactReplaced, match="|".join(one["Key"] for one in listed)):
        deployment.plan()


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
