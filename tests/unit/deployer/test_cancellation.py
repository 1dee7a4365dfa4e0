from datetime import UTC, datetime
from typing import Any

import pytest

from deployer import cancellation
from deployer.attachment import Kind, Running
from deployer.cancellation import CannotCancel
from deployer.errors import MissingStack
from deployer.events import Silence
from deployer.refusal import refusal
from deployer.target import Target
from parameters.settings import load

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def target(aws: Any) -> Target:
    return Target(load("dev"), aws.session, 1.0, aws.clock, lambda: "millrace-deploy-2")


def update(aws: Any) -> Running:
    stack_id = aws.stack_id("millrace-dev")
    return Running("theirs", Kind.UPDATE, EPOCH, "UPDATE_IN_PROGRESS", "millrace-dev", stack_id)


def test_an_update_of_somebody_else_is_found_with_its_token_and_start(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells(
        "millrace-dev", {**aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "theirs"}
    )

    assert (
        cancellation.cancellable(target(aws)).who == "theirs, not this deployer's, begun 2026-01-01 00:00 UTC"
    )


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (
            "CREATE_IN_PROGRESS",
            "a first creation has nothing to go back to; follow it with `python deploy.py attach dev`, then "
            "remove "
            "what it made with `python deploy.py destroy dev`",
        ),
        ("DELETE_IN_PROGRESS", "a deletion goes on to its end; follow it with `python deploy.py attach dev`"),
        ("ROLLBACK_IN_PROGRESS", "it rolls back already; follow it with `python deploy.py attach dev`"),
        (
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "it rolls back already; follow it with `python deploy.py attach dev`",
        ),
        (
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "it rolls back already; follow it with `python deploy.py attach dev`",
        ),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "the update is done, and only what it replaced is being removed; follow it with `python "
            "deploy.py "
            "attach dev`, then plan the way back with `python deploy.py plan dev`",
        ),
        ("IMPORT_IN_PROGRESS", "AWS cancels updates only; follow it with `python deploy.py attach dev`"),
        ("UPDATE_COMPLETE", "nothing runs; see how it stands with `python deploy.py status dev`"),
        ("UPDATE_ROLLBACK_FAILED", "nothing runs; see how it stands with `python deploy.py status dev`"),
        ("UPDATE_IN_PROGRESS", ""),
    ],
)
def test_what_cannot_be_cancelled_is_refused_with_the_next_command(status: str, why: str) -> None:
    assert refusal(status, "dev", "millrace-dev") == why


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("CREATE_IN_PROGRESS", "python deploy.py destroy dev --bootstrap"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "python deploy.py bootstrap dev"),
    ],
)
def test_what_cannot_be_cancelled_of_bootstrap_names_bootstraps_own_command(
    status: str, command: str
) -> None:
    assert refusal(status, "dev", "millrace-dev-bootstrap").endswith(f"`{command}`")


def test_cannot_cancel_a_clean_up(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    aws.tells("millrace-dev", aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0))

    with pytest.raises(CannotCancel, match=r"^millrace-dev is UPDATE_COMPLETE_CLEANUP.* cannot be cancelled"):
        cancellation.cancellable(target(aws))


def test_cannot_cancel_where_nothing_runs(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_COMPLETE")
    aws.stack(status="UPDATE_COMPLETE")

    with pytest.raises(CannotCancel, match=r"nothing runs; .*`python deploy\.py status dev`"):
        cancellation.cancellable(target(aws))


def test_cannot_cancel_what_is_not_there(aws: Any) -> None:
    aws.account()
    aws.no_stack()
    aws.no_stack()

    with pytest.raises(MissingStack):
        cancellation.cancellable(target(aws))


def test_a_cancelled_update_is_followed_back(aws: Any) -> None:
    root = [
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 5),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_COMPLETE", 9),
    ]
    aws.says(
        "cancel_update_stack",
        {},
        StackName=aws.stack_id("millrace-dev"),
        ClientRequestToken="millrace-deploy-2",
    )
    aws.stack(status="UPDATE_ROLLBACK_COMPLETE")
    aws.tells("millrace-dev", *root)
    aws.tells("millrace-dev", *root)
    seen: list[str] = []

    cancellation.cancel(target(aws), update(aws), lambda event: seen.append(event.status))

    assert seen == ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]


def test_a_cancellation_that_comes_too_late_names_the_next_command(aws: Any) -> None:
    aws.refuses("cancel_update_stack", "ValidationError", "too late, says AWS")

    with pytest.raises(CannotCancel) as late:
        cancellation.cancel(target(aws), update(aws), Silence())

    assert str(late.value) == (
        "millrace-dev is UPDATE_IN_PROGRESS and cannot be cancelled: too late, says AWS; "
        "see how it ends with `python deploy.py attach dev`"
    )
