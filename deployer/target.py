"""Where a deployment goes: one environment of one account, and how to speak to it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import boto3

from deployer import account
from deployer.clients import Clients
from deployer.clock import Clock, SystemClock
from deployer.errors import MissingStack
from parameters.settings import Environment

PREFIX = "millrace-deploy-"  # by which our own change sets and operations are known again
POLL_SECONDS = 3.0  # eleven stacks at one call each stay below CloudFormation's quotas


def new_token() -> str:
    return f"{PREFIX}{uuid.uuid4().hex[:16]}"


@dataclass
class Target:
    """The stacks `millrace-<environment>` and `millrace-<environment>-bootstrap` of one account.

    `poll` is the seconds between two looks at what runs; `new_token` names a change set or an operation.
    """

    environment: Environment
    session: boto3.Session
    poll: float = POLL_SECONDS
    clock: Clock = field(default_factory=SystemClock)
    new_token: Callable[[], str] = new_token
    clients: Clients = field(init=False)
    _checked: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(self.session, self.environment.region)

    @property
    def stack_name(self) -> str:
        return f"millrace-{self.environment.name}"

    @property
    def bootstrap_name(self) -> str:
        return f"{self.stack_name}-bootstrap"

    def missing(self, stack_name: str) -> MissingStack:
        """What to raise where there is no such stack."""
        return MissingStack(
            stack=stack_name,
            region=self.environment.region,
            command="bootstrap" if stack_name == self.bootstrap_name else "apply",
            environment=self.environment.name,
        )

    def check_account(self) -> None:
        """Raises WrongAccount, MissingCredentials, RejectedCredentials or Unreachable; asks once."""
        if not self._checked:
            account.check(self.clients.sts, self.environment)
            self._checked = True
