"""The platform on the embedded account: emitted, deployed by the deployer, its credentials rotated."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from deployer.deployment import Deployment
from deployer.events import Listener, Silence
from deployer.plan import Plan
from local.errors import LocalError
from parameters.settings import Environment

if TYPE_CHECKING:
    from datetime import datetime

    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef
    from types_boto3_secretsmanager import SecretsManagerClient

ROOT = Path(__file__).parent.parent
CONTAINER, MIGRATIONS = "processor", "migrate"
POLL_SECONDS = 0.2  # the embedded account has no quota
ROTATION_SECONDS = 60.0
UNFINISHED = "A previous rotation isn't complete"  # Secrets Manager's words, as an InvalidRequestException
NESTED = "AWS::CloudFormation::Stack"


class BuildFailed(LocalError):
    """build.py ended with {code}:
    {tail}"""

    exit_code = 1


class NotRotated(LocalError):
    """the credentials were not rotated within {seconds:.0f} s; the end of {log}:
    {tail}"""

    exit_code = 1


class TaskMissing(LocalError):
    """the service {service} lacks a container in its task definition: it must have {containers}"""

    exit_code = 1


@dataclass(frozen=True)
class Size:
    """What stands: stacks with the nested ones and bootstrap, resources without the stacks among them."""

    stacks: int
    resources: int


@dataclass(frozen=True)
class Rotation:
    """When the application's credentials were last rotated, and which version of the secret is current."""

    at: "datetime | None"
    current: str | None


@dataclass(frozen=True)
class Task:
    """What the deployed service's task definition says of its two containers.

    secrets: variable → ARN of what ECS writes into the migrations' container, as the execution role.
    """

    environment: Mapping[str, str]
    role_arn: str
    migration: Mapping[str, str]
    secrets: Mapping[str, str]
    execution_role_arn: str


def build(environment: Environment, out: Path) -> Path:
    """Emit and lint the environment's templates into `out`; the directory that holds them.

    The committed ones are left alone: a run shows what the sources say, and changes nothing in the checkout.
    Raises BuildFailed.
    """
    built = subprocess.run(
        [sys.executable, str(ROOT / "build.py"), "--env", environment.name, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        tail = "\n".join((built.stdout + built.stderr).splitlines()[-15:])
        raise BuildFailed(code=built.returncode, tail=tail)
    return out / environment.name


def image_digest() -> str:
    """Stands for the image that a registry would hold: it changes when, and only when, the processor does."""
    content = hashlib.sha256()
    for file in sorted((ROOT / "processor").rglob("*")):
        if file.suffix in {".py", ".sql"}:
            content.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return f"sha256:{content.hexdigest()}"


class Platform:
    """One environment's deployment on the embedded account."""

    def __init__(self, environment: Environment, session: boto3.Session, emitted: Path) -> None:
        self._session = session
        self._deployment = Deployment(environment, session, templates=emitted, poll=POLL_SECONDS)
        self._environment = environment
        self._emitted = emitted

    @property
    def environment(self) -> Environment:
        return self._environment

    @property
    def emitted(self) -> Path:
        """The templates that it is deployed from."""
        return self._emitted

    def of(self, templates: Path) -> Deployment:
        """The same deployment from other templates."""
        return Deployment(self._environment, self._session, templates=templates, poll=POLL_SECONDS)

    def stack_outputs(self, logical_id: str) -> dict[str, str]:
        """A nested stack's, by its logical id in the root."""
        cloudformation: CloudFormationClient = self._session.client("cloudformation")
        detail = cloudformation.describe_stack_resource(
            StackName=self._deployment.stack_name, LogicalResourceId=logical_id
        )["StackResourceDetail"]
        (stack,) = cloudformation.describe_stacks(StackName=detail["PhysicalResourceId"])["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def plan(self) -> Plan:
        """Make what artefacts lie in, upload them, and read the nested change set. Raises DeployerError."""
        self._deployment.bootstrap(Silence())
        return self._deployment.plan(image_digest=image_digest())

    def apply(self, plan: Plan, listener: Listener) -> None:
        """Execute it and follow it to its end. Raises DeployerError."""
        self._deployment.apply(plan, listener)

    def outputs(self) -> dict[str, str]:
        """The root stack's."""
        return self._deployment.outputs()

    def size(self) -> Size:
        """Of everything that stands in the account."""
        cloudformation: CloudFormationClient = self._session.client("cloudformation")
        stacks = [
            stack["StackName"]
            for page in cloudformation.get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
            if not stack["StackStatus"].startswith("DELETE")
        ]
        resources = [
            resource["ResourceType"]
            for stack in stacks
            for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
        ]
        return Size(len(stacks), sum(kind != NESTED for kind in resources))

    def task(self, cluster: str, service: str) -> Task:
        """The task as the deployed service has it. Raises TaskMissing."""
        ecs = self._session.client("ecs")
        described = ecs.describe_services(cluster=cluster, services=[service])["services"]
        for deployed in described:
            task = ecs.describe_task_definition(taskDefinition=deployed["taskDefinition"])["taskDefinition"]
            containers = {container["name"]: container for container in task["containerDefinitions"]}
            if {CONTAINER, MIGRATIONS} <= containers.keys():
                return Task(
                    environment=_told(containers[CONTAINER]),
                    role_arn=task["taskRoleArn"],
                    migration=_told(containers[MIGRATIONS]),
                    secrets={one["name"]: one["valueFrom"] for one in containers[MIGRATIONS]["secrets"]},
                    execution_role_arn=task["executionRoleArn"],
                )
        raise TaskMissing(service=service, containers=f"{CONTAINER} and {MIGRATIONS}")

    def rotate(self, secret: str, *, due: bool, log: Path) -> Rotation:
        """See the credentials rotated by the deployed function.

        due: the deployment has made the schedule, which rotates at once; else a rotation is asked for. Raises
        NotRotated.
        """
        client: SecretsManagerClient = self._session.client("secretsmanager")
        before = Rotation(None, None)
        if not due:
            before = _rotation(client, secret)
            _ask_to_rotate(client, secret)
        end = time.monotonic() + ROTATION_SECONDS
        while time.monotonic() < end:
            now = _rotation(client, secret)
            moved = before.at is None or (now.at is not None and now.at > before.at)
            if now.at is not None and moved and now.current != before.current:
                return now
            time.sleep(POLL_SECONDS)
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
        raise NotRotated(seconds=ROTATION_SECONDS, log=log, tail=tail)


def _told(container: "ContainerDefinitionOutputTypeDef") -> dict[str, str]:
    return {item["name"]: item["value"] for item in container["environment"]}


def _ask_to_rotate(client: "SecretsManagerClient", secret: str) -> None:
    """An earlier run may have been interrupted in a rotation: asking then takes that one up again."""
    try:
        client.rotate_secret(SecretId=secret)
    except ClientError as error:
        if UNFINISHED not in str(error):
            raise


def _rotation(client: "SecretsManagerClient", secret: str) -> Rotation:
    described = client.describe_secret(SecretId=secret)
    versions = described.get("VersionIdsToStages", {})
    current = next((version for version, stages in versions.items() if "AWSCURRENT" in stages), None)
    return Rotation(described.get("LastRotatedDate"), current)
