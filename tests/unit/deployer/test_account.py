import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ConfigParseError,
    EndpointConnectionError,
    LoginRefreshRequired,
    NoCredentialsError,
    TokenRetrievalError,
)

from deployer import account
from deployer.errors import MissingCredentials, RejectedCredentials, Unreachable, WrongAccount
from parameters.settings import load

ROOT = Path(__file__).parents[3]


def test_the_environments_own_account_passes(aws: Any) -> None:
    aws.account()

    account.check(aws.sts, load("dev"))


def test_another_account_is_refused_with_both_numbers(aws: Any) -> None:
    aws.account("444455556666")

    with pytest.raises(WrongAccount) as refusal:
        account.check(aws.sts, load("dev"))

    assert str(refusal.value) == (
        "environment dev belongs to account 111122223333, these credentials to 444455556666 "
        "(arn:aws:iam::444455556666:user/deployer): use credentials of 111122223333, or correct `account` "
        "in parameters/dev.yaml; nothing was changed"
    )
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_credentials_that_aws_refuses_are_the_users_matter(aws: Any, code: str) -> None:
    aws.refuses("get_caller_identity", code, "not these", service="sts")

    with pytest.raises(RejectedCredentials, match=f"{code}: not these.*aws sso login") as refusal:
        account.check(aws.sts, load("dev"))

    assert refusal.value.exit_code == 2


def test_what_botocore_raises_is_told_apart() -> None:
    missing = account.explained(NoCredentialsError(), "111122223333")
    expired = account.explained(TokenRetrievalError(provider="sso", error_msg="expired"), "111122223333")
    garbled = account.explained(ConfigParseError(path="~/.aws/config"), "111122223333")
    logged_out = account.explained(LoginRefreshRequired(), "111122223333")
    offline = account.explained(EndpointConnectionError(endpoint_url="https://sts"), "111122223333")

    assert isinstance(missing, MissingCredentials)
    assert isinstance(garbled, MissingCredentials)
    assert isinstance(expired, RejectedCredentials)
    assert isinstance(logged_out, RejectedCredentials)
    assert isinstance(offline, Unreachable)
    assert (missing.exit_code, expired.exit_code, offline.exit_code) == (2, 2, 1)


def test_missing_credentials_are_one_line_and_exit_2() -> None:
    ran = subprocess.run(
        [sys.executable, "deploy.py", "plan", "dev", "--image", f"sha256:{'a' * 64}"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr == (
        "deploy.py: no AWS credentials for account 111122223333 (Unable to locate credentials): "
        "set AWS_PROFILE, or run `aws sso login`, and try again\n"
    )
