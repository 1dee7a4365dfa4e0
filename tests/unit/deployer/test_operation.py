from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from deployer.errors import Cancelled, DeploymentFailed, LostSight, TookTooLong
from deployer.events import Progress, Silence
from deployer.operation import Operation, failure
from deployer.templates import NESTED
from deployer.viewer import Choice, Deaf
from parameters.settings import load

GOOD = {"UPDATE_COMPLETE"}


class Watching(Deaf):
    """A viewer that keeps what it was told, and answers Ctrl-C as the test wants."""

    def __init__(self, *choices: Choice) -> None:
        self.events: list[Progress] = []
        super().__init__(self.events.append)
        self.notices: list[str] = []
        self.refusals: list[str] = []
        self.ticks = 0
        self._choices = iter(choices)

    def tick(self) -> None:
        self.ticks += 1

    def says(self, notice: str) -> None:
        self.notices.append(notice)

    def choose(self, refusal: str) -> Choice:
        self.refusals.append(refusal)
        return next(self._choices)


def operation(aws: Any, poll: float = 1.0) -> Operation:
    aws.tells("millrace-dev")
    stack_id = aws.stack_id("millrace-dev")
    return Operation(
        aws.cloudformation,
        "millrace-dev",
        stack_id,
        load("dev"),
        clock=aws.clock,
        poll=poll,
        new_token=lambda: "millrace-deploy-9",
    )


def begins(aws: Any) -> dict[str, Any]:
    return {**aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "millrace-deploy-1"}


def moves(aws: Any, *events: dict[str, Any], status: str = "UPDATE_IN_PROGRESS") -> None:
    aws.stack(status=status)
    aws.tells("millrace-dev", *events)


def ends(aws: Any, *events: dict[str, Any], status: str = "UPDATE_COMPLETE") -> None:
    moves(aws, *events, aws.about("millrace-dev", status, 9), status=status)
    aws.tells("millrace-dev", *events, aws.about("millrace-dev", status, 9))


def interrupts_when(monkeypatch: pytest.MonkeyPatch, aws: Any, at: float) -> None:
    """Ctrl-C while the clock sleeps, once it has come so far."""
    sleep = aws.clock.sleep
    done: list[float] = []

    def interrupted(seconds: float) -> None:
        sleep(seconds)
        if aws.clock.now() >= at and not done:
            done.append(at)
            raise KeyboardInterrupt

    monkeypatch.setattr(aws.clock, "sleep", interrupted)


def test_throttled_it_backs_off_and_goes_on(aws: Any) -> None:
    watching, followed = Watching(), operation(aws)
    moves(aws, begins(aws))
    aws.refuses("describe_stacks", "Throttling", "Rate exceeded")
    aws.refuses("describe_stacks", "Throttling", "Rate exceeded")
    ends(aws, begins(aws))

    assert followed.follow(watching, GOOD) == "UPDATE_COMPLETE"

    assert aws.clock.now() == 1 + 2 + 4
    assert watching.notices == 2 * ["AWS asks for fewer requests; waiting until 00:10"] + [""]
    assert watching.ticks == 2 + 3 + 5


def test_when_a_token_expired_it_waits_for_a_new_one_and_says_until_when(aws: Any) -> None:
    watching, followed = Watching(), operation(aws)
    moves(aws, begins(aws))
    for _ in range(8):
        aws.refuses(
            "describe_stacks", "ExpiredToken", "The security token included in the request is expired"
        )
    ends(aws, begins(aws))

    followed.follow(watching, GOOD)

    assert watching.notices[0] == (
        "AWS refuses the credentials: renew them (aws sso login); waiting until 00:30"
    )
    assert watching.notices[-1] == ""
    assert aws.clock.now() == 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60


def test_nobody_renewed_the_credentials_and_it_says_how_to_attach(aws: Any) -> None:
    followed = operation(aws)
    moves(aws, begins(aws))
    for _ in range(35):
        aws.refuses("describe_stacks", "ExpiredToken", "expired")

    with pytest.raises(LostSight) as lost:
        followed.follow(Silence(), GOOD)

    assert str(lost.value) == (
        "AWS refuses the credentials (ExpiredToken: expired): renew them, for instance with `aws sso login`, "
        "and try again. What was begun on millrace-dev goes on in AWS: follow it again with "
        "`python deploy.py attach dev --operation millrace-deploy-1`"
    )
    assert lost.value.exit_code == 1
    assert aws.clock.now() == 1 + 30 * 60


def test_another_accounts_credentials_do_not_make_the_stack_deleted(aws: Any) -> None:
    followed = operation(aws)
    moves(aws, begins(aws))
    aws.refuses("describe_stacks", "ExpiredToken", "expired")
    aws.no_stack()

    with pytest.raises(LostSight, match=r"^the credentials that came after the refused ones know no"):
        followed.follow(Silence(), GOOD)


def test_a_lost_connection_is_waited_out(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, followed = Watching(), operation(aws)
    moves(aws, begins(aws))
    ends(aws, begins(aws))
    ask, failures = aws.cloudformation.describe_stacks, [1, 2]

    def describe(**arguments: Any) -> Any:
        if aws.clock.now() and failures:
            failures.pop()
            raise EndpointConnectionError(endpoint_url="https://cloudformation")
        return ask(**arguments)

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", describe)

    followed.follow(watching, GOOD)

    assert watching.notices == 2 * ["AWS cannot be reached; waiting until 00:15"] + [""]


def test_a_failure_of_awss_own_is_waited_out(aws: Any) -> None:
    watching, followed = Watching(), operation(aws)
    aws.refuses("describe_stacks", "ServiceUnavailable", "later")
    ends(aws, begins(aws))

    followed.follow(watching, GOOD)

    assert watching.notices == ["AWS has a failure of its own; waiting until 00:10", ""]


def test_what_no_waiting_mends_is_told_at_once(aws: Any) -> None:
    followed = operation(aws)
    aws.refuses("describe_stacks", "AccessDenied", "not you")

    with pytest.raises(LostSight, match=r"^AWS refused DescribeStacks: AccessDenied: not you\. What"):
        followed.follow(Silence(), GOOD)

    assert aws.clock.now() == 0


def test_an_operation_without_an_end_is_left_after_three_hours(aws: Any) -> None:
    followed = operation(aws, poll=5000.0)
    for _ in range(3):
        moves(aws, begins(aws))

    with pytest.raises(TookTooLong, match="180 minutes"):
        followed.follow(Silence(), GOOD)


def test_ctrl_c_and_stay(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, followed = Watching(Choice.STAY), operation(aws)
    moves(aws, begins(aws))
    ends(aws, begins(aws))
    interrupts_when(monkeypatch, aws, 1.0)

    assert followed.follow(watching, GOOD) == "UPDATE_COMPLETE"
    assert watching.refusals == [""]


def test_ctrl_c_and_leave(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, followed = Watching(Choice.LEAVE), operation(aws)
    moves(aws, begins(aws))
    interrupts_when(monkeypatch, aws, 1.0)

    with pytest.raises(KeyboardInterrupt):
        followed.follow(watching, GOOD)


def test_ctrl_c_and_cancel_follows_the_way_back(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, followed = Watching(Choice.CANCEL), operation(aws)
    moves(aws, begins(aws))
    aws.says(
        "cancel_update_stack",
        {},
        StackName=aws.stack_id("millrace-dev"),
        ClientRequestToken="millrace-deploy-9",
    )
    ends(aws, begins(aws), status="UPDATE_ROLLBACK_COMPLETE")
    interrupts_when(monkeypatch, aws, 1.0)

    with pytest.raises(Cancelled) as cancelled:
        followed.follow(watching, GOOD)

    assert str(cancelled.value) == (
        "the update of millrace-dev was cancelled, and it ended as UPDATE_ROLLBACK_COMPLETE: "
        "it is as it was before"
    )


def test_ctrl_c_and_cancel_too_late_is_said_and_it_goes_on(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, followed = Watching(Choice.CANCEL), operation(aws)
    moves(aws, begins(aws))
    aws.refuses("cancel_update_stack", "ValidationError", "not in this state")
    ends(aws, begins(aws))
    interrupts_when(monkeypatch, aws, 1.0)

    assert followed.follow(watching, GOOD) == "UPDATE_COMPLETE"
    assert watching.notices == [
        "not cancelled: AWS refused CancelUpdateStack: ValidationError: not in this state"
    ]


def test_ctrl_c_in_a_first_creation_offers_no_cancellation(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watching, followed = Watching(Choice.STAY), operation(aws)
    moves(aws, begins(aws), status="CREATE_IN_PROGRESS")
    ends(aws, begins(aws))
    interrupts_when(monkeypatch, aws, 1.0)

    followed.follow(watching, GOOD)

    assert watching.refusals[0].endswith("then remove what it made with `python deploy.py destroy dev`")


def test_ctrl_c_where_nobody_can_be_asked_leaves(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = operation(aws)
    moves(aws, begins(aws))
    interrupts_when(monkeypatch, aws, 1.0)

    with pytest.raises(KeyboardInterrupt):
        followed.follow(Silence(), GOOD)


def test_a_roll_back_that_nobody_asked_for_is_a_failure(aws: Any) -> None:
    followed = operation(aws)
    failed = aws.event("millrace-dev", "Queue", "UPDATE_FAILED", 5, reason="Name taken")
    ends(aws, begins(aws), failed, status="UPDATE_ROLLBACK_COMPLETE")

    with pytest.raises(DeploymentFailed, match=r"first cause: Queue .* Name taken"):
        followed.follow(Silence(), GOOD)


def test_a_cancellation_by_somebody_else_is_told_as_one(aws: Any) -> None:
    followed = operation(aws)
    taken = {**aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 5), "ClientRequestToken": "theirs"}
    failed = aws.event("millrace-dev", "Queue", "UPDATE_FAILED", 5, reason="Resource update cancelled")
    ends(aws, begins(aws), failed, taken, status="UPDATE_ROLLBACK_COMPLETE")

    with pytest.raises(
        Cancelled, match=r"^the update of millrace-dev was cancelled, and it ended as UPDATE_ROLL"
    ):
        followed.follow(Silence(), GOOD)


def test_a_roll_back_under_the_updates_own_token_is_no_cancellation(aws: Any) -> None:
    followed = operation(aws)
    back = {
        **aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 5),
        "ClientRequestToken": "millrace-deploy-1",
    }
    failed = aws.event("millrace-dev", "Queue", "UPDATE_FAILED", 5, reason="Name taken")
    ends(aws, begins(aws), failed, back, status="UPDATE_ROLLBACK_COMPLETE")

    with pytest.raises(DeploymentFailed, match="Name taken"):
        followed.follow(Silence(), GOOD)


def test_a_cause_that_was_told_late_is_still_the_first() -> None:
    """A nested stack is found by what its parent says, and then tells what came before that."""
    root: dict[str, Any] = {"logical_id": "millrace-dev", "type": NESTED, "about_stack": True}
    events = [
        Progress((), status="CREATE_IN_PROGRESS", reason="", elapsed=0.0, **root),
        Progress((), "Outer", NESTED, "CREATE_FAILED", "The following resource(s) failed: [Grant].", 4.0),
        Progress((), status="ROLLBACK_IN_PROGRESS", reason="[Outer] failed", elapsed=5.0, **root),
        Progress(("Outer",), "Grant", "AWS::IAM::Policy", "CREATE_FAILED", "no such role", 3.0),
    ]

    told = str(failure("millrace-dev", "ROLLBACK_COMPLETE", events))

    assert told.endswith("first cause: Outer/Grant (AWS::IAM::Policy) CREATE_FAILED: no such role")
