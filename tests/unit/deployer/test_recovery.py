"""The way out of each state. Answers are constructed from the model."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from deployer import documents, recovering, recovery
from deployer.errors import Busy, DeploymentFailed, MissingStack
from deployer.events import Silence
from deployer.recovering import ProtectedRemains, Unrecoverable
from deployer.recovery import Choice, DataAtStake, NotBlocking, Recovery, Way, WrongOption
from deployer.target import Target
from parameters.settings import load

NESTED = "AWS::CloudFormation::Stack"
TOPIC = "AWS::SNS::Topic"
NAME = "millrace-dev"


def target(aws: Any) -> Target:
    tokens = iter(f"millrace-deploy-{number}" for number in range(1, 9))
    return Target(load("dev"), aws.session, 1.0, aws.clock, lambda: next(tokens))


def resource(aws: Any, logical_id: str, status: str, reason: str = "", kind: str = TOPIC) -> dict[str, Any]:
    physical = aws.stack_id(f"{NAME}-{logical_id}-1A") if kind == NESTED else f"id-of-{logical_id}"
    told = {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": 0,
    }
    return {**told, "ResourceStatusReason": reason} if reason else told


def holds(aws: Any, stack: str, *resources: dict[str, Any]) -> None:
    aws.says("list_stack_resources", {"StackResourceSummaries": resources}, StackName=aws.stack_id(stack))


def nests(
    aws: Any, status: str, nested_status: str, inside: Sequence[dict[str, Any]], *own: dict[str, Any]
) -> None:
    """The root with a nested stack Outer in these states, and what each of them holds."""
    aws.account()
    aws.stack(status=status)
    holds(aws, NAME, resource(aws, "Outer", status_of_container(status), "Embedded stack", NESTED), *own)
    aws.stack(f"{NAME}-Outer-1A", nested_status)
    holds(aws, f"{NAME}-Outer-1A", *inside)


def status_of_container(status: str) -> str:
    return {"UPDATE_ROLLBACK_FAILED": "UPDATE_FAILED", "ROLLBACK_COMPLETE": "DELETE_COMPLETE"}.get(
        status, status
    )


def runs(aws: Any, stack: str, call: str, status: str, **expected: Any) -> None:
    """One operation from its call to the status in which it ends."""
    aws.tells(stack)
    aws.says(call, {}, **expected)
    ended = [aws.about(stack, status, 1)]
    aws.stack(stack, status)
    aws.tells(stack, *ended)
    aws.tells(stack, *ended)


def look(aws: Any) -> Recovery:
    return recovery.look(target(aws), NAME)


def blocked_roll_back(aws: Any) -> Recovery:
    inside = [
        resource(aws, "Table", "UPDATE_FAILED", "it is gone"),
        resource(aws, "Other", "UPDATE_FAILED", "Resource update cancelled"),
        resource(aws, "Fine", "UPDATE_COMPLETE"),
    ]
    own = resource(aws, "Queue", "UPDATE_FAILED", "it is gone too")
    nests(aws, "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", inside, own)
    return look(aws)


def test_update_rollback_failed_shows_what_blocks_and_what_skipping_means(aws: Any) -> None:
    assert blocked_roll_back(aws).render(80).splitlines() == [
        "millrace-dev is UPDATE_ROLLBACK_FAILED: its roll-back met a resource that it",
        "  cannot put back",
        "what blocks:",
        "  Outer/Table  AWS::SNS::Topic  id-of-Table  UPDATE_FAILED: it is gone",
        "  Queue  AWS::SNS::Topic  id-of-Queue  UPDATE_FAILED: it is gone too",
        "recovering continues the roll-back: mend what blocks first; or skip it, which",
        "  leaves it as it is, out of step with its template until",
        "  `python deploy.py drift dev` is clean:",
        "  python deploy.py recover dev --skip Outer/Table --skip Queue",
    ]


def test_update_rollback_failed_is_continued_skipping_only_what_is_named_by_its_stacks_name(aws: Any) -> None:
    found = blocked_roll_back(aws)
    choice = recovery.choose(found, ["Outer/Table", "Queue"], [], force=False)
    aws.account()
    runs(
        aws,
        NAME,
        "continue_update_rollback",
        "UPDATE_ROLLBACK_COMPLETE",
        StackName=aws.stack_id(NAME),
        ResourcesToSkip=["millrace-dev-Outer-1A.Table", "Queue"],
        ClientRequestToken="millrace-deploy-1",
    )

    assert recovering.perform(target(aws), found, choice, Silence()) == ()


def test_a_roll_back_that_fails_again_says_why(aws: Any) -> None:
    found = blocked_roll_back(aws)
    aws.account()
    aws.tells(NAME)
    aws.says(
        "continue_update_rollback", {}, StackName=aws.any, ResourcesToSkip=[], ClientRequestToken=aws.any
    )
    ended = [
        aws.about(NAME, "UPDATE_ROLLBACK_IN_PROGRESS", 0),
        aws.event(NAME, "Queue", "UPDATE_FAILED", 1, reason="it is gone too"),
        aws.about(NAME, "UPDATE_ROLLBACK_FAILED", 2),
    ]
    aws.stack(NAME, "UPDATE_ROLLBACK_FAILED")
    aws.tells(NAME, *ended)
    aws.tells(NAME, *ended)

    with pytest.raises(DeploymentFailed, match=r"first cause: Queue .* it is gone too"):
        recovering.perform(target(aws), found, Choice(), Silence())


@pytest.mark.parametrize("path", ["Outer/Other", "Outer/Fine", "Outer", "Nowhere"])
def test_what_does_not_block_cannot_be_skipped(aws: Any, path: str) -> None:
    with pytest.raises(
        NotBlocking, match="which blocks nothing in millrace-dev; what does: Outer/Table, Queue"
    ):
        recovery.choose(blocked_roll_back(aws), [path], [], force=False)


def test_a_nested_stack_that_could_not_be_deleted_can_be_skipped_whole(aws: Any) -> None:
    nests(aws, "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", [])

    (container,) = look(aws).blocking

    assert (container.path, container.skip_as) == ("Outer", "Outer")


def test_update_rollback_failed_tells_reasons_by_the_events_where_the_resources_have_none(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_ROLLBACK_FAILED")
    holds(aws, NAME, resource(aws, "Queue", "UPDATE_FAILED"))
    aws.tells(
        NAME,
        aws.about(NAME, "UPDATE_IN_PROGRESS", 0),
        aws.about(NAME, "UPDATE_ROLLBACK_IN_PROGRESS", 1),
        aws.event(NAME, "Queue", "UPDATE_FAILED", 2, reason="it is gone"),
        aws.about(NAME, "UPDATE_ROLLBACK_FAILED", 3),
    )

    assert (
        "  Queue  AWS::SNS::Topic  id-of-Queue  UPDATE_FAILED: it is gone" in look(aws).render().splitlines()
    )


def failed_deletion(aws: Any) -> Recovery:
    inside = [resource(aws, "Bucket", "DELETE_FAILED", "not empty"), resource(aws, "Gone", "DELETE_COMPLETE")]
    nests(aws, "DELETE_FAILED", "DELETE_FAILED", inside, resource(aws, "Queue", "CREATE_COMPLETE"))
    return look(aws)


def test_delete_failed_lists_what_could_not_be_deleted_and_why(aws: Any) -> None:
    assert failed_deletion(aws).render(80).splitlines() == [
        "millrace-dev is DELETE_FAILED: something in it could not be deleted",
        "what blocks:",
        "  Outer/Bucket  AWS::SNS::Topic  id-of-Bucket  DELETE_FAILED: not empty",
        "  Outer  AWS::CloudFormation::Stack",
        "      arn:aws:cloudformation:eu-west-2:111122223333:stack/millrace-dev-Outer-1A/1",
        "      DELETE_FAILED: Embedded stack",
        "what is left, and would be deleted or kept by its DeletionPolicy:",
        "  Queue  AWS::SNS::Topic  id-of-Queue  CREATE_COMPLETE",
        "recovering deletes it again: mend what blocks first, or keep it, or keep, as the",
        "  last resort, whatever cannot be deleted:",
        "  python deploy.py recover dev --retain Outer/Bucket",
        "  python deploy.py recover dev --force",
    ]


def test_delete_failed_retains_by_name_in_the_stack_that_has_it_and_the_root_goes_last(aws: Any) -> None:
    found = failed_deletion(aws)
    choice = recovery.choose(found, [], ["Outer/Bucket"], force=False)
    nested = f"{NAME}-Outer-1A"
    aws.account()
    aws.stack(status="DELETE_FAILED")
    runs(
        aws,
        nested,
        "delete_stack",
        "DELETE_COMPLETE",
        StackName=aws.stack_id(nested),
        RetainResources=["Bucket"],
        ClientRequestToken="millrace-deploy-1",
    )
    runs(
        aws,
        NAME,
        "delete_stack",
        "DELETE_COMPLETE",
        StackName=aws.stack_id(NAME),
        ClientRequestToken="millrace-deploy-2",
    )
    holds(aws, NAME, resource(aws, "Outer", "DELETE_COMPLETE", kind=NESTED))
    aws.stack(nested, "DELETE_COMPLETE")
    holds(aws, nested, resource(aws, "Bucket", "DELETE_SKIPPED"))

    kept = recovering.perform(target(aws), found, choice, Silence())

    assert [str(remnant) for remnant in kept] == [
        "Outer/Bucket  AWS::SNS::Topic  id-of-Bucket  DELETE_SKIPPED"
    ]


def test_delete_failed_keeps_a_nested_stack_whole_in_its_parent(aws: Any) -> None:
    found = failed_deletion(aws)
    aws.account()
    aws.stack(status="DELETE_FAILED")
    runs(
        aws,
        NAME,
        "delete_stack",
        "DELETE_COMPLETE",
        StackName=aws.stack_id(NAME),
        RetainResources=["Outer"],
        ClientRequestToken=aws.any,
    )
    holds(aws, NAME)

    recovering.perform(target(aws), found, recovery.choose(found, [], ["Outer"], force=False), Silence())


def test_delete_failed_is_forced_last(aws: Any) -> None:
    found = failed_deletion(aws)
    aws.account()
    aws.stack(status="DELETE_FAILED")
    runs(
        aws,
        NAME,
        "delete_stack",
        "DELETE_COMPLETE",
        StackName=aws.stack_id(NAME),
        DeletionMode="FORCE_DELETE_STACK",
        ClientRequestToken=aws.any,
    )
    holds(aws, NAME)
    holds(aws, f"{NAME}-Outer-1A", resource(aws, "Bucket", "DELETE_FAILED"))
    holds(aws, NAME)

    kept = recovering.perform(target(aws), found, recovery.choose(found, [], [], force=True), Silence())

    assert [remnant.path for remnant in kept] == ["Outer/Bucket"]


def stateful_remains(aws: Any) -> Recovery:
    template = "Resources: {Lost: {Type: 'AWS::DynamoDB::Table'}, Kept: {Type: T, DeletionPolicy: Retain}}"
    resources = [
        resource(aws, title, "CREATE_COMPLETE", kind="AWS::DynamoDB::Table") for title in ("Lost", "Kept")
    ]
    aws.account()
    aws.stack(status="DELETE_FAILED")
    holds(
        aws, NAME, *resources, resource(aws, "Stuck", "DELETE_FAILED", "in use", kind="AWS::DynamoDB::Table")
    )
    holds(
        aws, NAME, *resources, resource(aws, "Stuck", "DELETE_FAILED", "in use", kind="AWS::DynamoDB::Table")
    )
    aws.says("get_template", {"TemplateBody": template})
    return look(aws)


def test_what_loses_data_is_told_and_must_be_named(aws: Any) -> None:
    found = stateful_remains(aws)

    assert found.losing == ("Lost", "Stuck")
    assert "\ndata would be lost:\n  Lost\n  Stuck\n" in found.render()
    with pytest.raises(DataAtStake, match=r"\(Lost\).*--accept-data-loss PATH; nothing was changed"):
        recovery.refuse_losses(found, recovery.choose(found, [], ["Stuck"], force=False), [])
    recovery.refuse_losses(found, Choice(), ["Lost", "Stuck"])


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
def test_rollback_complete_is_no_dead_end_but_deleted_and_made_again(aws: Any, status: str) -> None:
    own = [resource(aws, "Kept", "DELETE_SKIPPED"), resource(aws, "Left", "CREATE_COMPLETE")]
    nests(aws, status, "DELETE_COMPLETE", [resource(aws, "Orphan", "DELETE_SKIPPED")], *own)
    found = look(aws)
    aws.account()
    aws.stack(status=status)
    runs(
        aws, NAME, "delete_stack", "DELETE_COMPLETE", StackName=aws.stack_id(NAME), ClientRequestToken=aws.any
    )
    holds(aws, NAME)

    recovering.perform(target(aws), found, Choice(), Silence())

    assert [remnant.path for remnant in found.left] == ["Left"]
    assert [remnant.path for remnant in found.orphans] == ["Outer/Orphan", "Kept"]
    assert found.render().splitlines()[-1] == (
        "recovering deletes the stack; then create it with `python deploy.py plan dev`"
    )
    assert "  Kept  AWS::SNS::Topic  id-of-Kept  DELETE_SKIPPED" in found.render()


def test_what_somebody_protected_is_not_deleted(aws: Any) -> None:
    aws.account()
    aws.stack(status="ROLLBACK_COMPLETE")
    holds(aws, NAME)
    found = look(aws)
    aws.account()
    aws.stack(status="ROLLBACK_COMPLETE", EnableTerminationProtection=True)

    with pytest.raises(ProtectedRemains, match="--no-enable-termination-protection --region eu-west-2"):
        recovering.perform(target(aws), found, Choice(), Silence())


def test_update_failed_is_rolled_back_to_where_it_was_complete(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_FAILED")
    holds(aws, NAME, resource(aws, "Queue", "UPDATE_FAILED", "no such key"))
    found = look(aws)
    aws.account()
    runs(
        aws,
        NAME,
        "rollback_stack",
        "UPDATE_ROLLBACK_COMPLETE",
        StackName=aws.stack_id(NAME),
        ClientRequestToken="millrace-deploy-1",
        RetainExceptOnCreate=True,
    )

    recovering.perform(target(aws), found, Choice(), Silence())

    assert "Queue" in found.render()


def test_import_rollback_failed_has_no_call_and_says_so(aws: Any) -> None:
    aws.account()
    aws.stack(status="IMPORT_ROLLBACK_FAILED", StackStatusReason="Queue could not be let go")
    holds(aws, NAME, resource(aws, "Queue", "IMPORT_ROLLBACK_FAILED", "it is in use"))
    found = look(aws)
    aws.account()

    assert [remnant.path for remnant in found.blocking] == ["Queue"]
    assert "  Queue could not be let go" in found.render().splitlines()
    with pytest.raises(Unrecoverable, match="no call that goes on from it"):
        recovering.perform(target(aws), found, Choice(), Silence())


@pytest.mark.parametrize(
    "status",
    ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"],
)
def test_a_healthy_stack_needs_nothing(aws: Any, status: str) -> None:
    aws.account()
    aws.stack(status=status)

    assert look(aws).way is Way.NOTHING


def test_a_stack_that_moves_is_not_touched(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_IN_PROGRESS")

    with pytest.raises(Busy, match=r"python deploy\.py attach dev"):
        look(aws)


def test_a_stack_that_is_not_there_is_refused(aws: Any) -> None:
    aws.account()
    aws.no_stack()

    with pytest.raises(MissingStack):
        look(aws)


@pytest.mark.parametrize(
    ("status", "skip", "retain", "force", "said"),
    [
        ("DELETE_FAILED", ["A"], [], False, "--skip is for a stack that is UPDATE_ROLLBACK_FAILED"),
        ("UPDATE_ROLLBACK_FAILED", [], ["A"], False, "--retain is for a stack that is DELETE_FAILED"),
        ("ROLLBACK_FAILED", [], [], True, "--force is for a stack that is DELETE_FAILED"),
    ],
)
def test_an_option_of_another_state_is_refused(
    status: str, skip: list[str], retain: list[str], force: bool, said: str
) -> None:
    found = Recovery("dev", NAME, "id", status, "", Way.DELETE)

    with pytest.raises(WrongOption, match=f"^{said}; millrace-dev is {status}"):
        recovery.choose(found, skip, retain, force=force)


def test_a_deleted_stack_that_tells_nothing_any_more_kept_nothing(aws: Any) -> None:
    aws.account()
    aws.stack(status="ROLLBACK_COMPLETE")
    aws.refuses("list_stack_resources", "ValidationError", "Stack with id 1 does not exist")

    assert look(aws).orphans == ()


def test_the_listing_can_be_read_back(aws: Any) -> None:
    found = blocked_roll_back(aws)

    assert msgspec.json.decode(documents.text(found), type=Recovery) == found
