"""The secret's versions and their labels: the little of Secrets Manager that a rotation needs.

AWSCURRENT is what the application reads, AWSPENDING what a rotation prepares, AWSPREVIOUS what was current.
A label is on one version at a time. A version can be *empty*: Secrets Manager makes one, labelled AWSPENDING,
when a rotation starts.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from rotation import credentials
from rotation.credentials import Credentials
from rotation.errors import GateClosed

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"


class SecretsManager(Protocol):
    """boto3's client, as far as we use it; `memory.SecretsManagerInMemory` stands in for it in tests."""

    def describe_secret(self, *, SecretId: str) -> Mapping[str, Any]: ...
    def get_secret_value(self, **request: str) -> Mapping[str, Any]: ...
    def put_secret_value(self, **request: Any) -> Mapping[str, Any]: ...
    def update_secret_version_stage(self, **request: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Held:
    """A version's value, and which version it is."""

    version: str
    value: Credentials


class Versions:
    """One secret's versions in one rotation, whose own version is `token`."""

    def __init__(self, client: SecretsManager, secret: str, token: str, rotation_token: str | None) -> None:
        self._client = client
        self._secret = secret
        self._token = token
        self._rotation_token = rotation_token

    def open_gate(self) -> bool:
        """True if the step is to be taken, False if this version is current already. Raises GateClosed.

        To be asked again when what is about to be done cannot be taken back: between a step's beginning and
        then, the rotation may have been cancelled, and another one may have begun.
        """
        described = self._client.describe_secret(SecretId=self._secret)
        stages = described.get("VersionIdsToStages", {})
        if not described.get("RotationEnabled"):
            raise GateClosed(
                "rotation is not enabled for this secret: it was cancelled, or never set up; "
                f"`aws secretsmanager rotate-secret --secret-id {self._secret}` enables it and rotates"
            )
        labels = stages.get(self._token, ())  # a version without a label is not told of
        if CURRENT in labels:
            return False
        if PENDING not in labels:
            raise GateClosed(
                f"no version {self._token} is labelled {PENDING}: the rotation was given up, or another one "
                f"has begun; begin one with `aws secretsmanager rotate-secret --secret-id {self._secret}`"
            )
        return True

    def current(self) -> Held:
        """What the application reads."""
        answer = self._client.get_secret_value(SecretId=self._secret, VersionStage=CURRENT)
        return Held(str(answer["VersionId"]), _parse(answer, CURRENT))

    def pending(self) -> Credentials | None:
        """This rotation's own version; None while it is empty."""
        answer = self._read(VersionId=self._token, VersionStage=PENDING)
        return None if answer is None else _parse(answer, PENDING)

    def previous(self) -> Credentials | None:
        """What was current before; None if nothing was."""
        answer = self._read(VersionStage=PREVIOUS)
        return None if answer is None else _parse(answer, PREVIOUS)

    def fill(self, pending: Credentials) -> None:
        """Give this rotation's version its value, unless another call of the same step has just done so."""
        request: dict[str, Any] = {
            "SecretId": self._secret,
            "ClientRequestToken": self._token,
            "SecretString": pending.to_json(),
            "VersionStages": [PENDING],
        }
        if self._rotation_token is not None:  # proves whose rotation it is where a role is assumed
            request["RotationToken"] = self._rotation_token
        try:
            self._client.put_secret_value(**request)
        except ClientError as error:
            if _code(error) != "ResourceExistsException":
                raise

    def promote(self, over: str) -> None:
        """Move AWSCURRENT from version `over` to this rotation's; AWSPREVIOUS follows by itself.

        Secrets Manager refuses it if another version has become current meanwhile.
        """
        self._client.update_secret_version_stage(
            SecretId=self._secret,
            VersionStage=CURRENT,
            MoveToVersionId=self._token,
            RemoveFromVersionId=over,
        )

    def drop_strays(self) -> list[str]:
        """Take AWSPENDING off every version but this rotation's own. Returns whose it was.

        Such a leftover, empty or not, makes Secrets Manager refuse the next rotation. Raises GateClosed, and
        changes nothing, when this rotation no longer has the label: then the other's is a newer rotation's.
        """
        holders = self._holders(PENDING)
        if self._token not in holders:
            now = ", ".join(holders) or "no version"
            raise GateClosed(f"version {self._token} has lost {PENDING}, which {now} has now")
        strays = [version for version in holders if version != self._token]
        for version in strays:
            self._remove_pending(version)
        return strays

    def drop_pending(self) -> None:
        """Take AWSPENDING off this rotation's own version, and off no other's. Repeatable."""
        if self._token in self._holders(PENDING):
            self._remove_pending(self._token)

    def _read(self, **which: str) -> Mapping[str, Any] | None:
        try:
            return self._client.get_secret_value(SecretId=self._secret, **which)
        except ClientError as error:
            if _code(error) == "ResourceNotFoundException":
                return None
            raise

    def _remove_pending(self, version: str) -> None:
        self._client.update_secret_version_stage(
            SecretId=self._secret, VersionStage=PENDING, RemoveFromVersionId=version
        )

    def _holders(self, label: str) -> list[str]:
        stages = self._client.describe_secret(SecretId=self._secret).get("VersionIdsToStages", {})
        return [version for version, labels in stages.items() if label in labels]


def read_master(client: SecretsManager, secret: str) -> tuple[str, str]:
    """The master's user name and password, as they are now: RDS rotates them every seven days."""
    return credentials.parse_master(client.get_secret_value(SecretId=secret).get("SecretString", ""))


def _parse(answer: Mapping[str, Any], label: str) -> Credentials:
    """A binary value has no SecretString, and is refused as one that is no JSON."""
    return credentials.parse(answer.get("SecretString", ""), label)


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
