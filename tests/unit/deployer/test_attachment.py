from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer import attachment
from deployer.attachment import Kind, Running
from deployer.errors import DeploymentFailed, MissingStack, NoSuchOperation
from deployer.events import Progress, Silence
from deployer.target import Target
from parameters.settings import load

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BOOTSTRAP = "millrace-dev-bootstrap"


def target(aws: Any) -> Target:
    return Target(load("dev"), aws.session, poll=1.0, clock=aws.clock)


def own(aws: Any, status: str, second: float, begun_with: str = "", **more: Any) -> dict[str, Any]:
    token = begun_with or "theirs"
    return {**aws.about("millrace-dev", status, second), "ClientRequestToken": token, **more}


def test_the_running_operation_is_known_by_token_kind_and_start(aws: Any) -> None:
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells(
        "millrace-dev",
        own(aws, "CREATE_IN_PROGRESS", -90, "first"),
        own(aws, "CREATE_COMPLETE", -50, "first"),
        own(aws, "UPDATE_IN_PROGRESS", 60, OperationId="op-1"),
        aws.event("millrace-dev", "Queue", "UPDATE_COMPLETE", 70),
    )

    found = attachment.running(target(aws))

    assert found == Running(
        token="theirs",
        kind=Kind.UPDATE,
        since=EPOCH + timedelta(seconds=60),
        status="UPDATE_IN_PROGRESS",
        stack_name="millrace-dev",
        stack_id=aws.stack_id("millrace-dev"),
        names=frozenset({"theirs", "op-1"}),
    )
    assert found.who == "theirs, not this deployer's, begun 2026-01-01 00:01 UTC"


def test_a_roll_back_belongs_to_the_update_that_it_takes_back(aws: Any) -> None:
    aws.stack(status="UPDATE_ROLLBACK_IN_PROGRESS")
    aws.tells(
        "millrace-dev",
        own(aws, "UPDATE_IN_PROGRESS", 0, "millrace-deploy-1"),
        own(aws, "UPDATE_ROLLBACK_IN_PROGRESS", 9, "cancels"),
    )

    found = attachment.running(target(aws))

    assert found is not None
    assert (found.kind, found.token, found.status) == (
        Kind.UPDATE,
        "millrace-deploy-1",
        "UPDATE_ROLLBACK_IN_PROGRESS",
    )
    assert found.names == {"millrace-deploy-1", "cancels"}
    assert found.who == "millrace-deploy-1, begun 2026-01-01 00:00 UTC"


def test_a_roll_back_that_somebody_continues_is_an_operation_of_its_own(aws: Any) -> None:
    aws.stack(status="UPDATE_ROLLBACK_IN_PROGRESS")
    aws.tells(
        "millrace-dev",
        own(aws, "UPDATE_IN_PROGRESS", 0),
        own(aws, "UPDATE_ROLLBACK_FAILED", 9),
        own(aws, "UPDATE_ROLLBACK_IN_PROGRESS", 60, "continues"),
    )

    found = attachment.running(target(aws))

    assert found is not None
    assert (found.kind, found.token) == (Kind.ROLLBACK, "continues")


def test_what_has_just_begun_and_told_nothing_yet_runs_all_the_same(aws: Any) -> None:
    aws.stack(status="DELETE_IN_PROGRESS")
    aws.tells("millrace-dev", own(aws, "UPDATE_IN_PROGRESS", -9), own(aws, "UPDATE_COMPLETE", -5))
    aws.stack(status="DELETE_IN_PROGRESS")

    found = attachment.running(target(aws))

    assert found is not None
    assert (found.kind, found.token, found.since) == (Kind.DELETE, "", EPOCH - timedelta(seconds=4.999))


def test_what_ended_while_it_was_asked_about_does_not_run(aws: Any) -> None:
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", own(aws, "UPDATE_IN_PROGRESS", -9), own(aws, "UPDATE_COMPLETE", -5))
    aws.stack(status="UPDATE_COMPLETE")

    assert attachment.running(target(aws)) is None


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"])
def test_what_rests_does_not_run(aws: Any, status: str) -> None:
    aws.stack(status=status)

    assert attachment.running(target(aws)) is None


def test_a_stack_that_is_not_there_does_not_run(aws: Any) -> None:
    aws.no_stack()

    assert attachment.running(target(aws)) is None


def finds(aws: Any, status: str, *events: dict[str, Any], bootstrap: bool = False) -> None:
    aws.account()
    aws.stack(status=status)
    if bootstrap:
        aws.stack(BOOTSTRAP, "UPDATE_IN_PROGRESS")
    else:
        aws.no_stack(BOOTSTRAP)
    if events:
        aws.tells("millrace-dev", *events)


def test_with_nothing_running_the_last_operation_is_found(aws: Any) -> None:
    finds(
        aws,
        "UPDATE_ROLLBACK_COMPLETE",
        own(aws, "UPDATE_IN_PROGRESS", 0),
        own(aws, "UPDATE_ROLLBACK_IN_PROGRESS", 5),
        own(aws, "UPDATE_ROLLBACK_COMPLETE", 9),
    )

    found = attachment.find(target(aws))

    assert (found.status, found.ended) == ("UPDATE_ROLLBACK_COMPLETE", EPOCH + timedelta(seconds=9))


def test_what_runs_on_bootstrap_is_found_too(aws: Any) -> None:
    finds(aws, "UPDATE_COMPLETE", bootstrap=True)
    aws.stack(BOOTSTRAP, "UPDATE_IN_PROGRESS")
    aws.tells(BOOTSTRAP, {**aws.about(BOOTSTRAP, "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "boots"})

    assert attachment.find(target(aws)).token == "boots"


@pytest.mark.parametrize("name", ["mine", "op-7"])
def test_watching_again_by_token_or_operation_id_also_after_another_began(aws: Any, name: str) -> None:
    finds(
        aws,
        "UPDATE_IN_PROGRESS",
        own(aws, "UPDATE_IN_PROGRESS", 0, "mine", OperationId="op-7"),
        own(aws, "UPDATE_COMPLETE", 9, "mine", OperationId="op-7"),
        own(aws, "UPDATE_IN_PROGRESS", 60, "theirs"),
    )

    found = attachment.find(target(aws), name)

    assert (found.token, found.status) == ("mine", "UPDATE_COMPLETE")


def test_an_operation_that_the_stack_does_not_know_is_refused(aws: Any) -> None:
    finds(aws, "CREATE_COMPLETE", own(aws, "CREATE_IN_PROGRESS", 0), own(aws, "CREATE_COMPLETE", 9))

    with pytest.raises(NoSuchOperation, match=r"millrace-dev tells of no operation mine, .* attach dev`"):
        attachment.find(target(aws), "mine")


def test_without_a_stack_the_next_command_is_named(aws: Any) -> None:
    aws.account()
    aws.stack(status="REVIEW_IN_PROGRESS")
    aws.no_stack(BOOTSTRAP)

    with pytest.raises(MissingStack, match=r"`python deploy\.py apply dev`"):
        attachment.find(target(aws))


def begun(aws: Any, status: str, ended: float | None = None) -> Running:
    return Running(
        "theirs",
        Kind.UPDATE,
        EPOCH,
        status,
        "millrace-dev",
        aws.stack_id("millrace-dev"),
        None if ended is None else EPOCH + timedelta(seconds=ended),
    )


def test_cannot_watch_again_is_past_what_happened_is_told_and_then_what_happens(aws: Any) -> None:
    aws.clock.sleep(60)
    past = [
        own(aws, "UPDATE_COMPLETE", -9, "earlier"),
        own(aws, "UPDATE_IN_PROGRESS", 0),
        aws.event("millrace-dev", "Queue", "UPDATE_IN_PROGRESS", 3),
    ]
    now = [aws.event("millrace-dev", "Queue", "UPDATE_COMPLETE", 62), own(aws, "UPDATE_COMPLETE", 63)]
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", *past)
    aws.stack(status="UPDATE_COMPLETE")
    aws.tells("millrace-dev", *past, *now)
    aws.tells("millrace-dev", *past, *now)
    seen: list[Progress] = []

    status = attachment.follow(target(aws), begun(aws, "UPDATE_IN_PROGRESS"), seen.append)

    assert status == "UPDATE_COMPLETE"
    assert [(event.path, event.status, event.elapsed) for event in seen] == [
        ("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        ("Queue", "UPDATE_IN_PROGRESS", 3),
        ("Queue", "UPDATE_COMPLETE", 62),
        ("millrace-dev", "UPDATE_COMPLETE", 63),
    ]


def test_an_operation_that_ended_badly_is_told_with_its_own_first_cause(aws: Any) -> None:
    aws.tells(
        "millrace-dev",
        own(aws, "UPDATE_IN_PROGRESS", 0),
        aws.event("millrace-dev", "Queue", "UPDATE_FAILED", 3, reason="Name taken"),
        own(aws, "UPDATE_ROLLBACK_COMPLETE", 9),
        own(aws, "UPDATE_IN_PROGRESS", 60, "another"),
        aws.event("millrace-dev", "Table", "UPDATE_FAILED", 63, reason="not ours"),
    )

    with pytest.raises(DeploymentFailed) as failed:
        attachment.follow(target(aws), begun(aws, "UPDATE_ROLLBACK_COMPLETE", 9), Silence())

    assert str(failed.value) == (
        "millrace-dev ended as UPDATE_ROLLBACK_COMPLETE; first cause: "
        "Queue (AWS::SQS::Queue) UPDATE_FAILED: Name taken"
    )
