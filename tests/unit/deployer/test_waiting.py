from typing import Any

import pytest

from deployer import waiting
from deployer.errors import Busy, WrongAccount
from deployer.events import Silence
from deployer.target import Target
from parameters.settings import load


def target(aws: Any) -> Target:
    return Target(load("dev"), aws.session, poll=1.0, clock=aws.clock)


def own(aws: Any, status: str, second: float, token: str) -> dict[str, Any]:
    return {**aws.about("millrace-dev", status, second), "ClientRequestToken": token}


def test_in_progress_of_someone_else_is_refused_with_token_and_start(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", own(aws, "UPDATE_IN_PROGRESS", 60, "Console-UpdateStack-7f59"))

    with pytest.raises(Busy) as busy:
        waiting.settle(target(aws), "millrace-dev", False, Silence())

    assert str(busy.value) == (
        "millrace-dev is UPDATE_IN_PROGRESS, another operation is under way (Console-UpdateStack-7f59, not "
        "this "
        "deployer's, begun 2026-01-01 00:01 UTC): follow it with `python deploy.py attach dev`, and try "
        "again when "
        "it has ended, or wait for that with --wait"
    )


def test_in_progress_of_someone_else_is_waited_for_however_it_ends_and_whoever_comes_next(aws: Any) -> None:
    aws.account()
    first = [own(aws, "UPDATE_IN_PROGRESS", 0, "theirs"), own(aws, "UPDATE_ROLLBACK_COMPLETE", 9, "theirs")]
    second = [own(aws, "UPDATE_IN_PROGRESS", 20, "others"), own(aws, "UPDATE_COMPLETE", 29, "others")]
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", first[0])
    aws.stack(status="UPDATE_ROLLBACK_COMPLETE")
    aws.tells("millrace-dev", *first)
    aws.tells("millrace-dev", *first)
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", *first, second[0])
    aws.stack(status="UPDATE_COMPLETE")
    aws.tells("millrace-dev", *first, *second)
    aws.tells("millrace-dev", *first, *second)
    aws.stack(status="UPDATE_COMPLETE")
    seen: list[tuple[str, float]] = []

    waiting.settle(
        target(aws), "millrace-dev", True, lambda event: seen.append((event.status, event.elapsed))
    )

    assert seen == [
        ("UPDATE_IN_PROGRESS", 0),
        ("UPDATE_ROLLBACK_COMPLETE", 9),
        ("UPDATE_IN_PROGRESS", 0),
        ("UPDATE_COMPLETE", 9),
    ]


@pytest.mark.parametrize("wait", [True, False])
def test_what_rests_is_not_waited_for(aws: Any, wait: bool) -> None:
    aws.account()
    aws.stack()

    waiting.settle(target(aws), "millrace-dev", wait, Silence())


def test_another_account_is_refused_before_anything_is_waited_for(aws: Any) -> None:
    aws.account("444455556666")

    with pytest.raises(WrongAccount):
        waiting.settle(target(aws), "millrace-dev", True, Silence())
