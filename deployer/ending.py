"""How an operation ended, as `attach --json` and `cancel --json` print it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from deployer.attachment import Kind, Running
from deployer.errors import DeploymentFailed


@dataclass(frozen=True)
class Ending:
    """`token` is that of the request which began it, "" where there was none; `cause` why it failed."""

    stack: str
    kind: Kind
    token: str
    began: datetime
    status: str
    cause: str | None = None

    @classmethod
    def of(cls, operation: Running, status: str, cause: str | None = None) -> Self:
        return cls(operation.stack_name, operation.kind, operation.token, operation.since, status, cause)

    @classmethod
    def failed(cls, operation: Running, failure: DeploymentFailed) -> Self:
        return cls.of(operation, str(failure.fields["status"]), str(failure.fields["cause"]))
