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
    made: Target = aws.deployment(Path()).target
    made.poll = first_rotation.LONGEST_MINUTES * 60
    return made


def secret(aws: Any, **answer: Any) -> None:
    aws.answers("secretsmanager", "describe_secret", answer, SecretId="secret")


def never(aws: Any) -> None:
    for _ in range(2):
        secret(aws, RotationEnabled=True, RotationLambdaARN=FUNCTION)


def test_the_first_rotation_is_waited_for(aws: Any, target: Target) -> None:
    secret(aws, RotationEnabled=True)
    secret(aws, RotationEnabled=True)
    secret(aws, RotationEnabled=True, LastRotatedDate=AT)

    assert first_rotation.rotated(target, "secret") is None
    assert first_rotation.wait(target, "secret") == AT


def test_a_rotation_that_fails_is_explained_by_its_functions_log(aws: Any, target: Target) -> None:
    never(aws)
    aws.answers(
        "lambda",
        "get_function_configuration",
        {"FunctionName": "rotation", "LoggingConfig": {"LogGroup": "/millrace/dev/rotation"}},
        FunctionName=FUNCTION,
    )
    events = [{"message": f"[ERROR] {number}\n  no route"} for number in range(6)]
    aws.answers("logs", "filter_log_events", {"events": events})

    with pytest.raises(
        NotRotated, match=r"dev/rotation:\n  \[ERROR\] 1 no route\n(.*\n)+.*deploy\.py up dev"
    ):
        first_rotation.wait(target, "secret")


def test_a_function_that_wrote_nothing_may_not_have_been_called(aws: Any, target: Target) -> None:
    never(aws)
    aws.answers("lambda", "get_function_configuration", {"FunctionName": "rotation"})
    aws.answers("logs", "filter_log_events", {"events": []})

    with pytest.raises(NotRotated, match="wrote no error to /aws/lambda/rotation; was it called"):
        first_rotation.wait(target, "secret")


def test_a_log_that_may_not_be_read_does_not_hide_the_failure(aws: Any, target: Target) -> None:
    never(aws)
    aws.refuses("get_function_configuration", "AccessDeniedException", service="lambda")

    with pytest.raises(NotRotated, match=r"cannot be read \(AccessDeniedException\)"):
        first_rotation.wait(target, "secret")


def test_a_secret_that_never_rotates_says_so(aws: Any, target: Target) -> None:
    secret(aws)
    secret(aws)

    with pytest.raises(NotRotated, match="its rotation is not enabled"):
        first_rotation.wait(target, "secret")
