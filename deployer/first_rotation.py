"""A secret's first rotation, which makes the database's users: seen, or why it was not.

Secrets Manager rotates at once when the schedule is made, and not before the stack is done with it:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import function_log
from deployer.errors import DeployerError
from deployer.target import Target

if TYPE_CHECKING:
    from types_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef

LONGEST_MINUTES = 15.0  # five tries with the service's own pauses between them
LINES = 5


class NotRotated(DeployerError):
    """the credentials of {secret} were not rotated within {minutes:.0f} minutes, so the database has no users
    yet: {why}. When that is mended run `aws secretsmanager rotate-secret --region {region} --secret-id
    {secret}`, then `python deploy.py up {environment}` again"""


def rotated(target: Target, secret: str) -> datetime | None:
    """When the secret was last rotated; None when it never was."""
    return target.clients.secrets.describe_secret(SecretId=secret).get("LastRotatedDate")


def wait(target: Target, secret: str) -> datetime:
    """When it was first seen rotated. Raises NotRotated with the function's last errors."""
    deadline = target.clock.now() + LONGEST_MINUTES * 60
    while True:
        told = target.clients.secrets.describe_secret(SecretId=secret)
        if seen := told.get("LastRotatedDate"):
            return seen
        if target.clock.now() >= deadline:
            raise NotRotated(
                secret=secret,
                minutes=LONGEST_MINUTES,
                why=_why(target, told),
                region=target.environment.region,
                environment=target.environment.name,
            )
        target.clock.sleep(target.poll)


def _why(target: Target, told: "DescribeSecretResponseTypeDef") -> str:
    function = told.get("RotationLambdaARN")
    if not told.get("RotationEnabled") or not function:
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
