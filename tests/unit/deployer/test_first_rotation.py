from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer import first_rotation
from deployer.first_rotation import NotRotated
from deployer.target import Target

AT = datetime(2026, 1, 1, tzinfo=UTC)
FUNCTION = "arn:aws:lambda:eu-west-2:111122223333:function:rotation"


@pytest.fixture
def target(aws: Any) -> Target:
    """It looks once a minute."""
    made: Target = aws.deployment(Path()).target
    made.poll = 60.0
    return made


def secret(aws: Any, **answer: Any) -> None:
    aws.answers("secretsmanager", "describe_secret", answer, SecretId="secret")


def waiting(aws: Any, **answer: Any) -> None:
    secret(aws, RotationEnabled=True, RotationLambdaARN=FUNCTION, **answer)


def logs(aws: Any, *messages: str) -> None:
    configured = {"FunctionName": "rotation", "LoggingConfig": {"LogGroup": "/millrace/dev/rotation"}}
    aws.answers("lambda", "get_function_configuration", configured, FunctionName=FUNCTION)
    aws.answers("logs", "filter_log_events", {"events": [{"message": message} for message in messages]})


def test_the_first_rotation_is_waited_for(aws: Any, target: Target) -> None:
    secret(aws, RotationEnabled=True)
    waiting(aws)
    logs(aws)
    waiting(aws, LastRotatedDate=AT)

    assert first_rotation.rotated(target, "secret") is None
    assert first_rotation.wait(target, "secret") == AT


def test_an_error_is_told_as_it_comes_and_a_try_that_succeeds_ends_the_waiting(
    aws: Any, target: Target
) -> None:
    waiting(aws)
    logs(aws, "[ERROR] no\nroute")
    waiting(aws)
    logs(aws, "[ERROR] no\nroute", "[ERROR] no\nroute", "[ERROR] refused")
    waiting(aws, LastRotatedDate=AT)
    told: list[str] = []

    assert first_rotation.wait(target, "secret", told.append) == AT

    assert told == [
        "the rotation's function failed, and is asked again: [ERROR] no route",
        "the rotation's function failed, and is asked again: [ERROR] refused",
    ]


def test_a_rotation_that_is_not_tried_again_ends_the_waiting_early_with_its_functions_errors(
    aws: Any, target: Target
) -> None:
    errors = [f"[ERROR] {number}\n  no route" for number in range(6)]
    for messages in (errors[:3], errors, errors):  # the second look finds new ones, so the third is too soon
        waiting(aws)
        logs(aws, *messages)
    waiting(aws, VersionIdsToStages={"1" * 32: ["AWSCURRENT"], "2" * 32: ["AWSPENDING"]})
    logs(aws, *errors)
    logs(aws, *errors)

    with pytest.raises(NotRotated) as raised:
        first_rotation.wait(target, "secret")

    said = str(raised.value)
    assert "within 3 minutes" in said
    assert "dev/rotation:\n  [ERROR] 1 no route\n" in said
    assert "aws secretsmanager rotate-secret --region eu-west-2 --secret-id" in said
    assert "takes that one up again, then `python deploy.py up dev` again" in " ".join(said.split())


def test_a_function_that_wrote_nothing_may_not_have_been_called(aws: Any, target: Target) -> None:
    target.poll = first_rotation.LONGEST_MINUTES * 60
    for _ in range(2):
        waiting(aws)
        logs(aws)
    logs(aws)

    with pytest.raises(NotRotated, match="wrote no error to /millrace/dev/rotation; was it called"):
        first_rotation.wait(target, "secret")


def test_a_log_that_may_not_be_read_does_not_hide_the_failure(aws: Any, target: Target) -> None:
    target.poll = first_rotation.LONGEST_MINUTES * 60
    for _ in range(2):
        waiting(aws)
    for _ in range(3):
        aws.refuses("get_function_configuration", "AccessDeniedException", service="lambda")

    with pytest.raises(NotRotated, match=r"cannot be read \(AccessDeniedException\)"):
        first_rotation.wait(target, "secret")


def test_a_secret_that_never_rotates_says_so_at_once(aws: Any, target: Target) -> None:
    secret(aws)

    with pytest.raises(NotRotated, match=r"within 0 minutes[^:]*: its rotation is not enabled"):
        first_rotation.wait(target, "secret")
