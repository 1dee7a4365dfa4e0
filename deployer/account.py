"""Whose credentials these are, asked before anything is uploaded, and what a refusal of them means."""

from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidConfigError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from deployer.errors import (
    DeployerError,
    MissingCredentials,
    RejectedCredentials,
    ServiceError,
    Unreachable,
    WrongAccount,
)
from parameters.settings import Environment

if TYPE_CHECKING:  # stubs of the development extra; a deployment does not need them
    from types_boto3_sts import STSClient

MISSING = (
    ConfigNotFound,
    ConfigParseError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
EXPIRED = (CredentialRetrievalError, LoginError, SSOError, TokenRetrievalError)
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
REJECTED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def check(sts: "STSClient", environment: Environment) -> None:
    """Raises MissingCredentials, RejectedCredentials, Unreachable, or WrongAccount."""
    try:
        caller = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise explained(error, environment.account) from error
    if caller["Account"] != environment.account:
        raise WrongAccount(
            environment=environment.name,
            expected=environment.account,
            found=caller["Account"],
            identity=caller["Arn"],
        )


def explained(error: BotoCoreError | ClientError, account: str) -> DeployerError:
    """What any refusal by AWS means to the person at the keyboard."""
    if isinstance(error, ClientError):
        code, why = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in REJECTED:
            return RejectedCredentials(why=f"{code}: {why}")
        return ServiceError(operation=error.operation_name, why=f"{code}: {why}")
    if isinstance(error, MISSING):
        return MissingCredentials(account=account, why=error)
    if isinstance(error, EXPIRED):
        return RejectedCredentials(why=error)
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return Unreachable(why=error)
    return DeployerError(why=error)
