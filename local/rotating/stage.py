"""The platform as it is deployed, both logins rotated once, the tables made: where the rotations begin."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from local import platform, servers
from local.arguments import Ports
from local.directory import RunDirectory
from local.migration import injected, migrate
from local.platform import Platform, Task
from local.progress import taken
from local.rotating.readers import Readers
from local.screen import Screen
from local.servers import Servers
from parameters.settings import Environment

SECRETS = ("DbSecretArn", "MigratorSecretArn")  # outputs of the root


@dataclass(frozen=True)
class Stage:
    """What runs. `secrets` are the ARNs of the two logins, `log` is the processors'."""

    servers: Servers
    session: boto3.Session
    directory: Path
    emitted: Path
    secrets: tuple[str, ...]
    stream: str
    task: Task
    log: Path

    def readers(self, session_seconds: float) -> Readers:
        """The deployed task's processors, each session of theirs living so long."""
        since = time.time()

        def at_work() -> bool:
            with self.servers.database() as connection:
                return taken(connection, self.stream, since)

        environment = {
            **self.task.environment,
            **self.servers.aws.task_environment(self.task.role_arn),
            **_here(self.servers),
            "SESSION_MINUTES": str(session_seconds / 60),
            "SOURCE": "poll",  # a processor reads by itself here: its sessions are what is watched
        }
        return Readers(environment, self.log, at_work)


@contextmanager
def staged(directory: RunDirectory, environment: Environment, screen: Screen) -> Iterator[Stage]:
    """Everything started and deployed, with a database that logs every statement from its first one on.

    Raises LocalError, DeployerError, EmbeddedAwsError.
    """
    with screen.phase("templates built and linted"):
        emitted = platform.build(environment, directory.part("templates"))
    user = servers.cache_user(emitted)
    with servers.started(directory, Ports(), environment, user) as below:
        with below.postgres.connect() as connection:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        session = below.session(environment)
        deployed = Platform(environment, session, emitted)
        with screen.phase("stacks deployed", moving=True), screen.stacks() as listener:
            deployed.apply(deployed.plan(), listener)
        outputs = deployed.outputs()
        with screen.phase("both logins rotated for the first time"):
            for name in SECRETS:
                deployed.rotate(outputs[name], due=True, log=directory.path / "aws.log")
        task = deployed.task(outputs["EcsClusterName"], outputs["EcsServiceName"])
        log = directory.path / "processor.log"
        execution = below.aws.task_environment(task.execution_role_arn)
        migrate({**task.migration, **injected(task.secrets, execution), **_here(below)}, log)
        yield Stage(
            servers=below,
            session=session,
            directory=directory.path,
            emitted=emitted,
            secrets=tuple(outputs[name] for name in SECRETS),
            stream=outputs["KinesisStreamName"],
            task=task,
            log=log,
        )


def _here(below: Servers) -> dict[str, str]:
    """What differs on one machine: whom to trust."""
    return {"DATABASE_CA_FILE": str(below.ca_file), "CACHE_CA_FILE": str(below.ca_file)}
