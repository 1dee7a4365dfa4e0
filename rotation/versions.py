"""The secret's versions and their labels: the little of Secrets Manager that a rotation needs.

AWSCURRENT is what the application reads, AWSPENDING what a rotation prepares, AWSPREVIOUS what was current.
A label is on one version at a time. A version can be *empty*: Secrets Manager makes one, labelled AWSPENDING,
when a rotation starts.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
"""

from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

from rotation import credentials
from rotation.credentials import Credentials
from rotation.errors import GateClosed

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"


class SecretsManager(Protocol):
    """boto3's client, as far as we use it; `memory.SecretsManagerInMemory` stands in for it in tests."""

    def describe_secret(self, *, SecretId: str) -> Mapping[str, Any]: ...
    def get_secret_value(self, **request: str) -> Mapping[str, Any]: ...
    def put_secret_value(self, **request: Any) -> Mapping[str, Any]: ...
    def update_secret_version_stage(self, **request: str) -> Mapping[str, Any]: ...


class Versions:
    """One secret's versions in one rotation, whose own version is `token`."""

    def __init__(self, client: SecretsManager, secret: str, token: str, rotation_token: str | None) -> None:
        self._client = client
        self._secret = secret
        self._token = token
        self._rotation_token = rotation_token

    def open_gate(self) -> bool:
        """True if the step is to be taken, False if this version is current already. Raises GateClosed."""
        described = self._client.describe_secret(SecretId=self._secret)
        stages = described.get("VersionIdsToStages", {})
        if not described.get("RotationEnabled"):
            raise GateClosed("rotation is not enabled for this secret; its RotationSchedule enables it")
        if self._token not in stages:
            raise GateClosed(f"the secret has no version {self._token}")
        if CURRENT in stages[self._token]:
            return False
        if PENDING not in stages[self._token]:
            raise GateClosed(
                f"version {self._token} is not labelled {PENDING}: the rotation was cancelled, or another "
                "one has begun; start a new one with `aws secretsmanager rotate-secret`"
            )
        return True

    def current(self) -> Credentials:
        value = self._client.get_secret_value(SecretId=self._secret, VersionStage=CURRENT)
        return credentials.parse(value["SecretString"], CURRENT)

    def pending(self) -> Credentials | None:
        """This rotation's own version; None while it is empty."""
        try:
            value = self._client.get_secret_value(
                SecretId=self._secret, VersionId=self._token, VersionStage=PENDING
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return credentials.parse(value["SecretString"], PENDING)

    def fill(self, pending: Credentials) -> None:
        """Give this rotation's version its value."""
        request: dict[str, Any] = {
            "SecretId": self._secret,
            "ClientRequestToken": self._token,
            "SecretString": pending.to_json(),
            "VersionStages": [PENDING],
        }
        if self._rotation_token is not None:  # proves whose rotation it is where a role is assumed
            request["RotationToken"] = self._rotation_token
        self._client.put_secret_value(**request)

    def promote(self) -> None:
        """Move AWSCURRENT to this rotation's version; AWSPREVIOUS follows by itself. Repeatable."""
        holder = self._holders(CURRENT)
        if holder == [self._token]:
            return
        self._client.update_secret_version_stage(
            SecretId=self._secret,
            VersionStage=CURRENT,
            MoveToVersionId=self._token,
            RemoveFromVersionId=holder[0],
        )

    def drop_strays(self) -> list[str]:
        """Take AWSPENDING, which this rotation's version holds by right, off every other version.

        Such a leftover, empty or not, makes Secrets Manager refuse the next rotation. Returns whose it was.
        Only to be called behind an open gate: before it, the other version might be a rotation under way.
        """
        strays = [version for version in self._holders(PENDING) if version != self._token]
        for version in strays:
            self._remove_pending(version)
        return strays

    def drop_pending(self) -> None:
        """Take AWSPENDING off this rotation's own version, and off no other's. Repeatable."""
        if self._token in self._holders(PENDING):
            self._remove_pending(self._token)

    def _remove_pending(self, version: str) -> None:
        self._client.update_secret_version_stage(
            SecretId=self._secret, VersionStage=PENDING, RemoveFromVersionId=version
        )

    def _holders(self, label: str) -> list[str]:
        stages = self._client.describe_secret(SecretId=self._secret).get("VersionIdsToStages", {})
        return [version for version, labels in stages.items() if label in labels]


def read_master(client: SecretsManager, secret: str) -> tuple[str, str]:
    """The master's user name and password, as they are now: RDS rotates them every seven days."""
    return credentials.parse_master(client.get_secret_value(SecretId=secret)["SecretString"])
