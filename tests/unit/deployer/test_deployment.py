from pathlib import Path
from typing import Any

import msgspec
import pytest

from deployer import artefacts
from deployer.changes import Counts
from deployer.errors import (
    BadImage,
    BadPlan,
    BadTemplate,
    Busy,
    ChangeSetFailed,
    DeploymentFailed,
    Guarded,
    LostSight,
    MissingImage,
    MissingStack,
    NotBootstrapped,
    Protected,
    Stuck,
    WrongAccount,
)
from deployer.events import Progress, Silence
from deployer.plan import Kind, Plan
from deployer.stack import StackTree
from parameters.settings import Environment, load

IMAGE = f"sha256:{'a' * 64}"
NAME = "millrace-deploy-1"
TAGS = [
    {"Key": "Project", "Value": "millrace"},
    {"Key": "Environment", "Value": "dev"},
    {"Key": "ManagedBy", "Value": "cloudformation"},
]


def bundle(templates: Path) -> artefacts.Bundle:
    return artefacts.collect(templates, "artefacts", "eu-west-2", lambda _: b"code of rotation")


def holds_everything(aws: Any, templates: Path) -> None:
    for artefact in bundle(templates).artefacts:
        aws.has(artefact.body, artefact.key)


def asks_for_change_set(aws: Any, templates: Path, kind: Kind, image: dict[str, Any]) -> None:
    """The one request that a plan makes, in full."""
    code = bundle(templates)
    given = {
        "NotificationAddress": "platform-alerts@example.com",
        "ArtefactBucket": "artefacts",
        "RotationCodeKey": code.rotation_code.key,
    }
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev")},
        StackName="millrace-dev",
        ChangeSetName=NAME,
        ClientToken=NAME,
        ChangeSetType=kind.value,
        IncludeNestedStacks=True,
        TemplateURL=f"https://s3.eu-west-2.amazonaws.com/artefacts/{code.root.key}",
        Parameters=[{"ParameterKey": "ImageDigest", **image}, *parameters],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Tags=TAGS,
        **({"OnStackFailure": "ROLLBACK"} if kind is Kind.CREATE else {}),
    )


def test_a_first_plan_uploads_what_is_missing_and_reads_the_change_set(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.bootstrapped()
    code, inner, outer, root = bundle(templates).artefacts
    aws.lacks(code.key)
    aws.has(inner.body, inner.key)
    aws.lacks(outer.key)
    aws.lacks(root.key)
    asks_for_change_set(aws, templates, Kind.CREATE, {"ParameterValue": IMAGE})
    aws.change_set("millrace-dev", [aws.change("Queue")], name=NAME)

    plan = aws.deployment(templates).plan(image_digest=IMAGE)

    assert (plan.kind, plan.token, plan.change_set_id) == (Kind.CREATE, NAME, aws.change_set_id(NAME))
    assert plan.counts == Counts(add=1)


def test_a_later_plan_keeps_the_image_and_an_empty_one_leaves_nothing(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack(parameters={"ImageDigest": IMAGE})
    aws.bootstrapped()
    holds_everything(aws, templates)
    asks_for_change_set(aws, templates, Kind.UPDATE, {"UsePreviousValue": True})
    reason = "No updates are to be performed."
    aws.change_set("millrace-dev", [], name=NAME, status="FAILED", reason=reason)
    aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id(NAME))
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    plan = aws.deployment(templates).plan()

    assert plan.is_empty
    assert plan.render() == "millrace-dev: nothing to do"


@pytest.mark.parametrize(("tags", "empty"), [(TAGS, True), (TAGS[:1], False)])
def test_a_preview_of_nothing_but_noise_is_empty(
    aws: Any, templates: Path, tags: list[dict[str, str]], empty: bool
) -> None:
    aws.account()
    aws.stack(parameters={"ImageDigest": IMAGE}, Tags=tags)
    aws.bootstrapped()
    holds_everything(aws, templates)
    asks_for_change_set(aws, templates, Kind.UPDATE, {"UsePreviousValue": True})
    aws.change_set("millrace-dev", [aws.nested("Outer")], name=NAME)
    later = aws.detail("KmsMasterKeyId", "key", "{{changeSet:KNOWN_AFTER_APPLY}}")
    aws.change_set("Outer", [aws.change("Queue", action="Modify", Replacement="True", Details=[later])])
    root = {"TemplateBody": (templates / "platform.yaml").read_text()}
    aws.says("get_template", root)
    aws.says("get_template", root)
    if empty:
        aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id(NAME))
        aws.refuses("describe_change_set", "ChangeSetNotFound")

    plan = aws.deployment(templates).plan()

    assert plan.is_empty is empty
    assert plan.counts == (Counts() if empty else Counts(unresolved=1))


def test_a_failed_first_plan_leaves_neither_change_set_nor_stack(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.bootstrapped()
    holds_everything(aws, templates)
    asks_for_change_set(aws, templates, Kind.CREATE, {"ParameterValue": IMAGE})
    aws.change_set("millrace-dev", [], name=NAME, status="FAILED", reason="Template error")
    aws.says("describe_events", {"OperationEvents": []})
    aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id(NAME))
    aws.refuses("describe_change_set", "ChangeSetNotFound")
    aws.stack(status="REVIEW_IN_PROGRESS")
    aws.says("list_change_sets", {"Summaries": []})
    aws.says("delete_stack", {}, StackName=aws.stack_id("millrace-dev"), ClientRequestToken=aws.any)

    with pytest.raises(ChangeSetFailed, match="Template error"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_what_cannot_be_removed_does_not_hide_why_the_change_set_failed(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack("millrace-dev-bootstrap")
    aws.says("create_change_set", {"Id": aws.change_set_id(NAME), "StackId": "s"})
    aws.change_set("millrace-dev-bootstrap", [], name=NAME, status="FAILED", reason="Template error")
    aws.says("describe_events", {"OperationEvents": []})
    aws.refuses("delete_change_set", "AccessDenied", "not you")

    with pytest.raises(ChangeSetFailed, match="Template error"):
        aws.deployment(templates).plan_bootstrap()


def test_our_leftovers_of_an_earlier_review_are_removed_first(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack(status="REVIEW_IN_PROGRESS")
    aws.bootstrapped()
    holds_everything(aws, templates)
    left = {"ChangeSetName": "millrace-deploy-old", "ChangeSetId": aws.change_set_id("old")}
    aws.says("list_change_sets", {"Summaries": [left]})
    aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id("old"))
    aws.refuses("describe_change_set", "ChangeSetNotFound")
    asks_for_change_set(aws, templates, Kind.CREATE, {"ParameterValue": IMAGE})
    aws.change_set("millrace-dev", [aws.change("Queue")], name=NAME)

    assert aws.deployment(templates).plan(image_digest=IMAGE).counts.add == 1


# Each of these is refused before anything is uploaded: S3 has no answer scripted.


def test_another_account_is_refused(aws: Any, templates: Path) -> None:
    aws.account("444455556666")

    with pytest.raises(WrongAccount):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_a_digest_that_is_none_is_refused(aws: Any, templates: Path) -> None:
    with pytest.raises(BadImage, match="'latest'; it must be a digest"):
        aws.deployment(templates).plan(image_digest="latest")


def test_a_first_plan_needs_an_image(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.bootstrapped()

    with pytest.raises(MissingImage, match="name one with --image sha256:<digest>"):
        aws.deployment(templates).plan()


def test_without_bootstrap_the_next_command_is_named(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.no_stack("millrace-dev-bootstrap")

    with pytest.raises(NotBootstrapped, match=r"run `python deploy\.py bootstrap dev` first"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_a_stuck_stack_is_refused(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack(status="ROLLBACK_COMPLETE")

    with pytest.raises(Stuck, match=r"python deploy\.py recover dev"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_a_parameter_that_nobody_gives_is_refused(aws: Any, templates: Path) -> None:
    root = templates / "platform.yaml"
    root.write_text(root.read_text().replace("Resources:", "  Colour:\n    Type: String\nResources:"))
    aws.account()
    aws.no_stack()
    aws.bootstrapped()

    with pytest.raises(BadTemplate, match="asks for a parameter Colour"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def planned(aws: Any) -> Plan:
    """A plan as `read_plan` makes it."""
    aws.account()
    aws.stack()
    aws.change_set("millrace-dev", [aws.change("Queue")], name=NAME)
    plan: Plan = aws.deployment(Path("nowhere")).read_plan(NAME)
    return plan


def test_apply_executes_that_very_change_set_and_follows_it_to_its_end(aws: Any) -> None:
    plan = planned(aws)
    seen: list[Progress] = []
    aws.account()
    aws.tells("millrace-dev", aws.about("millrace-dev", "CREATE_COMPLETE", -100))
    aws.says(
        "execute_change_set",
        {},
        ChangeSetName=aws.change_set_id(NAME),
        ClientRequestToken=NAME,
        RetainExceptOnCreate=True,
        DisableRollback=False,
    )
    aws.stack(status="CREATE_COMPLETE")  # it has not begun to move yet
    aws.tells("millrace-dev")
    begun = [aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0)]
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", *begun)
    done = [*begun, aws.event("millrace-dev", "Queue", "CREATE_COMPLETE", 3)]
    ended = [*done, aws.about("millrace-dev", "UPDATE_COMPLETE", 4)]
    aws.stack(status="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    aws.tells("millrace-dev", *done)
    aws.stack(status="UPDATE_COMPLETE")
    aws.tells("millrace-dev", *ended)
    aws.tells("millrace-dev", *ended)
    aws.stack(status="UPDATE_COMPLETE")

    aws.deployment(Path("nowhere")).apply(plan, seen.append)

    assert [event.status for event in seen] == ["UPDATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE"]
    assert aws.clock.now() == 3.0


def test_a_failure_ends_with_its_first_cause(aws: Any) -> None:
    plan = planned(aws)
    aws.account()
    aws.tells("millrace-dev")
    aws.says("execute_change_set", {})
    root = [
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.about(
            "Outer", "UPDATE_FAILED", 5, parent="millrace-dev", reason="Embedded stack was not updated"
        ),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_COMPLETE", 9),
    ]
    aws.stack(status="UPDATE_ROLLBACK_COMPLETE")
    aws.tells("millrace-dev", *root)
    outer = [aws.event("Outer", "Queue", "UPDATE_FAILED", 3, reason="no such key")]
    aws.tells("Outer", *outer)
    aws.tells("millrace-dev", *root)
    aws.tells("Outer", *outer)

    with pytest.raises(DeploymentFailed) as failure:
        aws.deployment(Path("nowhere")).apply(plan, Silence())

    assert str(failure.value) == (
        "millrace-dev ended as UPDATE_ROLLBACK_COMPLETE; first cause: "
        "Outer/Queue (AWS::SQS::Queue) UPDATE_FAILED: no such key"
    )


def test_who_loses_sight_of_a_deployment_learns_that_it_goes_on(aws: Any) -> None:
    plan = planned(aws)
    aws.account()
    aws.tells("millrace-dev")
    aws.says("execute_change_set", {})
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.refuses("describe_stack_events", "AccessDenied", "too late")

    with pytest.raises(
        LostSight, match=r"^AWS refused Descr.*goes on in AWS.*`python deploy\.py attach dev`"
    ) as lost:
        aws.deployment(Path("nowhere")).apply(plan, Silence())

    assert lost.value.exit_code == 1


@pytest.mark.parametrize("name", ["", "x", "somebody-elses", "millrace-deploy-", "millrace-deploy-a b"])
def test_a_plan_of_another_name_is_refused_before_anything_is_asked(aws: Any, name: str) -> None:
    with pytest.raises(BadPlan, match=r"it must be a name that .* printed: millrace-deploy-"):
        aws.deployment(Path("nowhere")).read_plan(name)


def test_what_guards_itself_is_not_destroyed_while_the_stack_takes_a_change(aws: Any) -> None:
    body = "Resources: {Db: {Type: 'AWS::RDS::DBInstance', Properties: {DeletionProtection: true}}}"
    database = {
        "LogicalResourceId": "Db",
        "PhysicalResourceId": "db",
        "ResourceType": "AWS::RDS::DBInstance",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": 0,
    }
    aws.account()
    for status in ("CREATE_COMPLETE", "DELETE_FAILED"):
        aws.stack(status=status)
        aws.says("list_stack_resources", {"StackResourceSummaries": [database]})
        aws.says("get_template", {"TemplateBody": body})
    deployment = aws.deployment(Path("nowhere"))

    with pytest.raises(Guarded, match=r"\(Db\): set `deletion_protection: false` in parameters/dev\.yaml"):
        deployment.removal()
    stuck = deployment.removal()
    assert stuck is not None  # no change set reaches it any more, so by hand
    assert stuck.render(40).endswith(
        "protected against deletion; unless done already, run in eu-west-2 first:\n"
        "  aws rds modify-db-instance --apply-immediately --no-deletion-protection"
        " --db-instance-identifier db"
    )


def test_bootstrap_has_a_status_too(aws: Any) -> None:
    aws.account()
    aws.stack("millrace-dev-bootstrap", "ROLLBACK_COMPLETE")
    aws.says("list_stack_resources", {"StackResourceSummaries": []})
    aws.no_stack("millrace-dev-bootstrap")
    deployment = aws.deployment(Path("nowhere"))

    assert deployment.bootstrap_status() == StackTree("millrace-dev-bootstrap", "ROLLBACK_COMPLETE", "", 0)
    assert deployment.bootstrap_status() is None


def protecting() -> Environment:
    return msgspec.structs.replace(load("dev"), termination_protection=True)


def test_an_empty_plan_still_sets_the_protection(aws: Any) -> None:
    reason = "didn't contain changes"
    aws.account()
    aws.stack()
    aws.change_set("millrace-dev", [], name=NAME, status="FAILED", reason=reason)
    deployment = aws.deployment(Path("nowhere"), protecting())
    plan = deployment.read_plan(NAME)
    aws.stack()
    aws.says("update_termination_protection", {}, StackName="millrace-dev", EnableTerminationProtection=True)

    deployment.apply(plan, Silence())


def test_bootstrap_goes_through_a_change_set_and_is_a_no_op_when_unchanged(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack("millrace-dev-bootstrap")
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev-bootstrap")},
        StackName="millrace-dev-bootstrap",
        ChangeSetName=NAME,
        ClientToken=NAME,
        ChangeSetType="UPDATE",
        IncludeNestedStacks=True,
        TemplateBody=(templates / "bootstrap.yaml").read_text(),
        Parameters=[],
        Capabilities=[],
        Tags=TAGS,
    )
    reason = "didn't contain changes"
    aws.change_set("millrace-dev-bootstrap", [], name=NAME, status="FAILED", reason=reason)
    aws.says("delete_change_set", {})
    aws.refuses("describe_change_set", "ChangeSetNotFound")
    aws.stack("millrace-dev-bootstrap")

    aws.deployment(templates).bootstrap(Silence())


def test_outputs_of_what_is_not_there_name_the_next_command(aws: Any) -> None:
    aws.account()
    aws.no_stack()

    with pytest.raises(MissingStack, match=r"no stack millrace-dev in eu-west-2.*deploy\.py apply dev"):
        aws.deployment(Path("nowhere")).outputs()


def test_destroy_deletes_by_id_with_a_token_and_follows(aws: Any) -> None:
    seen: list[Progress] = []
    aws.account()
    aws.stack()
    aws.tells("millrace-dev")
    aws.says("delete_stack", {}, StackName=aws.stack_id("millrace-dev"), ClientRequestToken=NAME)
    gone = [
        aws.about("millrace-dev", "DELETE_IN_PROGRESS", 0),
        aws.about("millrace-dev", "DELETE_COMPLETE", 5),
    ]
    aws.stack(status="DELETE_COMPLETE")
    aws.tells("millrace-dev", *gone)
    aws.tells("millrace-dev", *gone)

    aws.deployment(Path("nowhere")).destroy(seen.append)

    assert [event.status for event in seen] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_deletion_that_fails_tells_what_stands_in_its_way(aws: Any) -> None:
    aws.account()
    aws.stack()
    aws.tells("millrace-dev")
    aws.says("delete_stack", {})
    failed = [
        aws.event("millrace-dev", "Bucket", "DELETE_FAILED", 1, reason="The bucket is not empty"),
        aws.about("millrace-dev", "DELETE_FAILED", 2),
    ]
    aws.stack(status="DELETE_FAILED")
    aws.tells("millrace-dev", *failed)
    aws.tells("millrace-dev", *failed)

    with pytest.raises(DeploymentFailed, match=r"Bucket .* DELETE_FAILED: The bucket is not empty"):
        aws.deployment(Path("nowhere")).destroy(Silence())


def test_destroy_of_nothing_is_done(aws: Any) -> None:
    aws.account()
    aws.no_stack()

    aws.deployment(Path("nowhere")).destroy(Silence())


def test_what_is_protected_is_not_destroyed(aws: Any) -> None:
    aws.account()
    aws.stack(EnableTerminationProtection=True)

    with pytest.raises(Protected, match="termination_protection: false"):
        aws.deployment(Path("nowhere")).destroy(Silence())


def test_what_moves_is_not_destroyed(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_IN_PROGRESS")

    with pytest.raises(Busy):
        aws.deployment(Path("nowhere")).destroy(Silence())
