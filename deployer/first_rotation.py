"""A secret's first rotation, which makes the database's users: seen, or why it was not.

Secrets Manager rotates at once when the schedule is made, and not before the stack is done with it:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
It tries a rotation that failed again, "multiple times"; how often and for how long is not documented, and
DescribeSecret does not say whether it still does. So what its function wrote of errors is told as it comes,
and the waiting ends when nothing has followed the last of them for a while.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import function_log
from deployer.errors import DeployerError
from deployer.function_log import Logged
from deployer.target import Target

if TYPE_CHECKING:
    from types_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef

LONGEST_MINUTES = 15.0
QUIET_SECONDS = 120.0  # after the function's last error: a further try that succeeds has come by then
LINES = 5
PENDING = "AWSPENDING"


class NotRotated(DeployerError):
    """the credentials of {secret} were not rotated within {minutes:.0f} minutes, so the database has no users
    yet: {why}. When that is mended run `aws secretsmanager rotate-secret --region {region} --secret-id
    {secret}`{pending}, then `python deploy.py up {environment}` again; docs/deploying.md has more of it"""


@dataclass
class Errors:
    """What the function has written of errors, and when something was last added to it."""

    since: float  # the deployer's clock
    seen: int = 0
    logged: Logged | None = None
    told: set[str] = field(default_factory=set)

    def look(self, target: Target, function: str) -> list[str]:
        """Those that are new in their words. A log that cannot be read has none."""
        try:
            self.logged = function_log.errors(target.clients, function)
        except ClientError:
            return []
        if len(self.logged.messages) != self.seen:
            self.seen, self.since = len(self.logged.messages), target.clock.now()
        lines = dict.fromkeys(" ".join(message.split()) for message in self.logged.messages)
        new = [line for line in lines if line not in self.told]
        self.told |= set(new)
        return new

    def quiet(self, now: float) -> bool:
        """There were some, and the last one is long ago."""
        return self.seen > 0 and now - self.since >= QUIET_SECONDS


def rotated(target: Target, secret: str) -> datetime | None:
    """When the secret was last rotated; None when it never was."""
    return target.clients.secrets.describe_secret(SecretId=secret).get("LastRotatedDate")


def wait(target: Target, secret: str, tell: Callable[[str], None] = lambda line: None) -> datetime:
    """When it was first seen rotated. `tell` hears what the function writes of errors meanwhile.

    Raises NotRotated with the function's last errors: at once where rotation is off, when no try has followed
    the last error for two minutes, and after fifteen in any case.
    """
    begun = target.clock.now()
    errors = Errors(begun)
    while True:
        told = target.clients.secrets.describe_secret(SecretId=secret)
        if seen := told.get("LastRotatedDate"):
            return seen
        function = told.get("RotationLambdaARN")
        enabled = bool(told.get("RotationEnabled") and function)
        if function and enabled:
            for line in errors.look(target, function):
                tell(f"the rotation's function failed, and is asked again: {line}")
        now = target.clock.now()
        if not enabled or errors.quiet(now) or now - begun >= LONGEST_MINUTES * 60:
            raise NotRotated(
                secret=secret,
                minutes=(now - begun) / 60,
                why=_why(target, function if enabled else None),
                pending=_pending(told),
                region=target.environment.region,
                environment=target.environment.name,
            )
        target.clock.sleep(target.poll)


def _pending(told: "DescribeSecretResponseTypeDef") -> str:
    """What asking again will say when a rotation was left unfinished, which is no refusal."""
    if any(PENDING in labels for labels in told.get("VersionIdsToStages", {}).values()):
        return ', which answers "A previous rotation isn\'t complete" and takes that one up again'
    return ""


def _why(target: Target, function: str | None) -> str:
    if function is None:
        return "its rotation is not enabled"
    try:
        logged = function_log.errors(target.clients, function)
    except ClientError as error:  # the rotation's failure is what matters, not that of looking into it
        return f"and its function's log cannot be read ({error.response['Error']['Code']})"
    lines = [" ".join(message.split()) for message in logged.messages[-LINES:]]
    group = logged.group
    if not lines:
        return f"its function wrote no error to {group}; was it called, and does it reach Secrets Manager?"
    return f"its function's last errors, from {group}:\n  " + "\n  ".join(lines) + "\n"
