"""A deployment's outputs, for people and for programs."""

import json
import shlex
from collections.abc import Mapping
from enum import StrEnum

# The names that programs written for the starting point read.
OLD_NAMES = {
    "vpc_id": "VpcId",
    "kinesis_stream_name": "KinesisStreamName",
    "ecs_cluster_name": "EcsClusterName",
    "redis_endpoint": "RedisEndpoint",
    "rds_endpoint": "RdsEndpoint",
    "db_secret_arn": "DbSecretArn",
}


class Format(StrEnum):
    ENV = "env"
    JSON = "json"
    DOTENV = "dotenv"


def with_old_names(outputs: Mapping[str, str]) -> dict[str, str]:
    """Every output by its name, then those of the starting point by theirs."""
    old = {name: outputs[new] for name, new in OLD_NAMES.items() if new in outputs}
    return {**dict(sorted(outputs.items())), **old}


def render(outputs: Mapping[str, str], form: Format) -> str:
    """`env` is for a shell's `eval`, `dotenv` for a .env file, `json` for everything else."""
    named = with_old_names(outputs)
    if form is Format.JSON:
        return json.dumps(named, indent=2)
    if form is Format.ENV:
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in named.items())
    return "\n".join(f"{name}={_quoted(value)}" for name, value in named.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'
