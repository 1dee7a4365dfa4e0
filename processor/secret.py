"""The database's credentials, from Secrets Manager, as they are now."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

# While a rotation runs, the new password may be set before it is the current one, and the current one may be
# read just before it is replaced: so both stages are tried.
STAGES = ("AWSCURRENT", "AWSPENDING")


class SecretError(RuntimeError):
    """The secret cannot be used: the message names it and what it lacks, never what it holds."""


class Credentials(msgspec.Struct, frozen=True):
    """What the application's secret holds."""

    host: str
    port: int
    dbname: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username}@{self.host}:{self.port}/{self.dbname})"


class Secret(Protocol):
    """Where the credentials come from."""

    def candidates(self) -> Iterator[Credentials]:
        """Those to try, the likeliest first."""
        ...


class DatabaseSecret:
    """Reads the secret anew each time: rotation replaces it under a running task."""

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def candidates(self) -> Iterator[Credentials]:
        """The current credentials, then, if more are asked for, the pending ones. Raises SecretError."""
        yield self._read(STAGES[0])
        try:
            pending = self._read(STAGES[1])
        except (self._client.exceptions.ResourceNotFoundException, SecretError):
            return  # no rotation under way, or one that has not filled its version yet
        yield pending

    def _read(self, stage: str) -> Credentials:
        answer = self._client.get_secret_value(SecretId=self._arn, VersionStage=stage)
        try:
            # Port may be text: AWS's own attachments have written both.
            return msgspec.json.decode(answer.get("SecretString", ""), type=Credentials, strict=False)
        except msgspec.MsgspecError:
            needed = ", ".join(Credentials.__struct_fields__)
            raise SecretError(
                f"the secret {self._arn} ({stage}) must be JSON with {needed}; rotate it once"
            ) from None
