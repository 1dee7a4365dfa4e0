"""A release's migrations, run to their end before the processor starts, as ECS runs their container."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import boto3

from local.errors import LocalError
from local.processor import INHERITED

ROOT = Path(__file__).parent.parent
SECONDS = 180.0  # as long as Fargate waits


class MigrationFailed(LocalError):
    """the tables were not brought up to this release (exit code {code}); the end of {log}:
    {tail}"""

    exit_code = 1


def migrate(environment: Mapping[str, str], log: Path) -> None:
    """Run `python -m processor migrate` with this environment alone. Raises MigrationFailed."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "processor", "migrate"],
            cwd=ROOT,
            env={**inherited, **environment},
            stdout=output,
            stderr=output,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise MigrationFailed(code=done.returncode, log=log, tail=tail)


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
