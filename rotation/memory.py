"""Secrets Manager in memory, for tests: one application secret with versions and labels, and plain ones.

Semantics: https://docs.aws.amazon.com/secretsmanager/latest/apireference/ (PutSecretValue,
UpdateSecretVersionStage, GetSecretValue, DescribeSecret). It is left out of the function's zip.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


class SecretsManagerInMemory:
    """`values`: version → value, None for an empty version; `labels`: label → the version that has it."""

    def __init__(self, secret: str, value: str, others: Mapping[str, str]) -> None:
        self.secret = secret
        self.values: dict[str, str | None] = {"initial": value}
        self.labels: dict[str, str] = {CURRENT: "initial"}
        self.rotation_enabled = True
        self.created = datetime(2026, 1, 1, tzinfo=UTC)
        self.rotated: datetime | None = None
        self._others = dict(others)

    def begin(self, token: str) -> None:
        """What RotateSecret does: an empty version, labelled AWSPENDING. Refused while another one has it."""
        self.rotation_enabled = True
        if PENDING in self.labels and self.labels[PENDING] not in (token, self.labels[CURRENT]):
            raise _error("RotateSecret", "InvalidRequestException", "A previous rotation isn't complete.")
        self.values.setdefault(token, None)
        self.labels[PENDING] = token

    def cancel(self) -> None:
        """What CancelRotateSecret does: no step is asked for any more, and what is pending stays so."""
        self.rotation_enabled = False

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        self._check(SecretId, "DescribeSecret")
        stages: dict[str, list[str]] = {}
        for label, version in self.labels.items():
            stages.setdefault(version, []).append(label)
        return {
            "ARN": self.secret,
            "RotationEnabled": self.rotation_enabled,
            "VersionIdsToStages": stages,
            "CreatedDate": self.created,
            **({"LastRotatedDate": self.rotated} if self.rotated else {}),
        }

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        if request["SecretId"] in self._others:
            return {"SecretString": self._others[request["SecretId"]]}
        self._check(request["SecretId"], "GetSecretValue")
        label = request.get("VersionStage", CURRENT)
        version = request.get("VersionId", self.labels.get(label))
        value = self.values.get(version or "")
        wanted = "VersionStage" in request or "VersionId" not in request
        if value is None or (wanted and self.labels.get(label) != version):
            raise _error(
                "GetSecretValue", "ResourceNotFoundException", "can't find the specified secret value"
            )
        return {"SecretString": value, "VersionId": version}

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        self._check(request["SecretId"], "PutSecretValue")
        version, value = request["ClientRequestToken"], request["SecretString"]
        if self.values.get(version) not in (None, value):
            raise _error("PutSecretValue", "ResourceExistsException", "a version can't be modified")
        self.values[version] = value
        for label in request.get("VersionStages", [CURRENT]):
            self._attach(label, version)
        return {"VersionId": version}

    def update_secret_version_stage(self, **request: str) -> dict[str, Any]:
        self._check(request["SecretId"], "UpdateSecretVersionStage")
        label, source, target = (
            request["VersionStage"],
            request.get("RemoveFromVersionId"),
            request.get("MoveToVersionId"),
        )
        holder = self.labels.get(label)
        if holder not in (source, target):
            raise _error("UpdateSecretVersionStage", "InvalidParameterException", f"{label} is on {holder}")
        if target is None:
            self.labels.pop(label, None)
        elif target not in self.values:
            raise _error("UpdateSecretVersionStage", "ResourceNotFoundException", f"no version {target}")
        else:
            self._attach(label, target)
        return {}

    def _attach(self, label: str, version: str) -> None:
        former = self.labels.get(label)
        self.labels[label] = version
        if label == CURRENT and former not in (None, version):
            self.labels[PREVIOUS] = str(former)

    def _check(self, secret: str, operation: str) -> None:
        if secret != self.secret:
            raise _error(operation, "ResourceNotFoundException", "can't find the specified secret")


def _error(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
