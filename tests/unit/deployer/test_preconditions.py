from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer import preconditions
from deployer.paths import TEMPLATES
from deployer.preconditions import Met, QuotaTooLow

FUNCTION = (
    "Resources:\n"
    "  F: {Type: 'AWS::Lambda::Function', Properties: {ReservedConcurrentExecutions: 7}}\n"
    "  G: {Type: 'AWS::Lambda::Function'}\n"
)
ROLE = {
    "Path": "/",
    "RoleName": "AWSServiceRoleForECS",
    "RoleId": "A" * 16,
    "Arn": "arn:aws:iam::111122223333:role/AWSServiceRoleForECS",
    "CreateDate": 0,
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "rotation.yaml").write_text(FUNCTION)
    return tmp_path


def ensure(aws: Any, directory: Path) -> Met:
    return preconditions.ensure(aws.deployment(directory).target, directory)


def may_run(aws: Any, executions: int) -> None:
    aws.answers(
        "lambda", "get_account_settings", {"AccountLimit": {"UnreservedConcurrentExecutions": executions}}
    )


def test_a_new_account_gets_its_role_and_has_enough_executions(aws: Any, directory: Path) -> None:
    aws.account()
    aws.refuses("get_role", "NoSuchEntity", service="iam")
    aws.answers("iam", "create_service_linked_role", {"Role": ROLE}, AWSServiceName="ecs.amazonaws.com")
    aws.no_stack()
    may_run(aws, 107)

    assert ensure(aws, directory) == Met(True, "AWSServiceRoleForECS made, 107 concurrent executions")


def test_a_role_that_is_present_stays(aws: Any, directory: Path) -> None:
    aws.account()
    aws.answers("iam", "get_role", {"Role": ROLE}, RoleName="AWSServiceRoleForECS")
    aws.stack()

    assert ensure(aws, directory) == Met(False, "AWSServiceRoleForECS present")


@pytest.mark.parametrize("code", ["InvalidInput", "EntityAlreadyExists"])
def test_a_role_that_somebody_made_in_between_is_no_error(aws: Any, directory: Path, code: str) -> None:
    aws.account()
    aws.refuses("get_role", "NoSuchEntity", service="iam")
    taken = "has been taken in this account" if code == "InvalidInput" else "exists"
    aws.refuses("create_service_linked_role", code, taken, service="iam")
    aws.stack()

    assert not ensure(aws, directory).made


@pytest.mark.parametrize(("looked", "made"), [("AccessDenied", None), ("NoSuchEntity", "AccessDenied")])
def test_what_iam_refuses_is_not_taken_for_an_answer(
    aws: Any, directory: Path, looked: str, made: str | None
) -> None:
    aws.account()
    aws.refuses("get_role", looked, service="iam")
    if made:
        aws.refuses("create_service_linked_role", made, service="iam")

    with pytest.raises(ClientError, match="AccessDenied"):
        ensure(aws, directory)


def test_a_quota_that_is_too_low_names_the_request_and_then_up(aws: Any, directory: Path) -> None:
    aws.account()
    aws.answers("iam", "get_role", {"Role": ROLE})
    aws.no_stack()
    may_run(aws, 10)

    with pytest.raises(
        QuotaTooLow,
        match=r"has 10 concurrent.*needs 107: 7 to reserve.*-code L-B99A9384.*deploy\.py up dev` again",
    ):
        ensure(aws, directory)


def test_what_the_emitted_templates_reserve_is_counted() -> None:
    assert preconditions.reserved(TEMPLATES / "dev") == 2
