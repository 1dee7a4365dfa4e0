"""A release's migrations, run to their end before the processor starts, as ECS runs their container."""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import boto3

from local.errors import LocalError
from local.once import once, tail


class MigrationFailed(LocalError):
    """the tables were not brought up to this release (exit code {code}); the end of {log}:
    {tail}"""

    exit_code = 1


def migrate(environment: Mapping[str, str], log: Path) -> None:
    """Run `python -m processor migrate` with this environment alone. Raises MigrationFailed."""
    code = once(["migrate"], environment, log)
    if code != 0:
        raise MigrationFailed(code=code, log=log, tail=tail(log))


def injected(secrets: Mapping[str, str], execution_role: Mapping[str, str]) -> dict[str, str]:
    """The values that ECS writes into a container, read with the rights of the role that starts the task.

    secrets: variable → the secret's ARN. execution_role: a process's environment that runs as that role.
    """
    where = execution_role["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    with urllib.request.urlopen(where, timeout=10) as answer:  # noqa: S310 - of the embedded AWS, over loopback
        given = json.load(answer)
    client = boto3.client(
        "secretsmanager",
        region_name=execution_role["AWS_REGION"],
        endpoint_url=execution_role["AWS_ENDPOINT_URL"],
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    )
    try:
        return {name: client.get_secret_value(SecretId=arn)["SecretString"] for name, arn in secrets.items()}
    finally:
        client.close()
