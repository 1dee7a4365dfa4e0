"""Everything that a run needs beneath it: PostgreSQL and Redis behind TLS, and the AWS that names them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
from redis import Redis

from deployer import templates
from local.arguments import Ports
from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from local.aws.embedded import PortInUse as AwsPortInUse
from local.aws.embedded import listening
from local.certificates import Authority
from local.directory import RunDirectory
from local.errors import LocalError, PortInUse
from local.front import HOST, Protocol, TlsFront
from local.gate import Gate
from local.postgres import DATABASE, PostgresServer
from local.redis import RedisServer
from parameters.settings import Environment


class StatePortTaken(LocalError):
    """port {port} is in use, and the stacks in {directory} name it: stop what listens there
    (`ss -ltnp 'sport = :{port}'` names it), or give another directory to --state"""


@dataclass(frozen=True)
class CacheUser:
    """The user that the cache's template declares for the processor, with its rights."""

    name: str
    access: str


@dataclass(frozen=True)
class Servers:
    """What runs, and how to reach it."""

    aws: EmbeddedAws
    postgres: PostgresServer
    redis: RedisServer
    postgres_port: int  # of the TLS fronts
    redis_port: int
    ca_file: Path
    gate: Gate  # before the cache: lets in who brings a token of IAM's

    def session(self, environment: Environment) -> boto3.Session:
        """boto3 for the embedded account. The endpoint comes from AWS_ENDPOINT_URL, as for any program."""
        told = self.aws.environment
        return boto3.Session(
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
            region_name=environment.region,
        )

    def database(self) -> psycopg.Connection:
        """The operator's connection to the platform's database, autocommit."""
        return self.postgres.connect(DATABASE)

    def cache(self) -> Redis:
        """A client of the cache, over TLS as the processor's is."""
        return Redis(
            host="localhost",
            port=self.redis_port,
            username=self.redis.user,
            password=self.gate.operator,
            ssl=True,
            ssl_ca_certs=str(self.ca_file),
            socket_timeout=2,
            decode_responses=True,
            protocol=2,
        )


def check_ports(ports: Ports, directory: RunDirectory | None = None) -> None:
    """See that the ports that were named are free, before anything is started.

    directory: whose earlier run named them. Raises PortInUse or StatePortTaken.
    """
    for port in (ports.aws, ports.postgres, ports.redis):
        try:
            with listening(port):
                pass
        except AwsPortInUse as error:
            if directory is not None:
                raise StatePortTaken(port=port, directory=directory.path) from error
            raise PortInUse(port=port, host=HOST) from error


def cache_user(emitted: Path) -> CacheUser:
    """What cache.yaml among the emitted templates says of its IAM user."""
    file = emitted / "cache.yaml"
    tree = templates.parse(templates.read(file), file)
    for resource in tree["Resources"].values():
        properties = resource.get("Properties", {})
        mode = properties.get("AuthenticationMode", {})
        if resource["Type"] == "AWS::ElastiCache::User" and mode.get("Type") == "iam":
            return CacheUser(properties["UserName"], properties["AccessString"])
    raise LookupError(f"{file} has no user with IAM authentication")


@contextmanager
def started(
    directory: RunDirectory, ports: Ports, environment: Environment, user: CacheUser
) -> Iterator[Servers]:
    """Start them in the order of their needs; stop them in the opposite one, whatever the end."""
    password = directory.master_password()
    authority = Authority(directory.part("certificates"))
    with (
        _alone(),
        PostgresServer(directory.path / "postgres") as postgres,
        RedisServer(directory.part("redis"), user=user.name, access=user.access) as cache,
        TlsFront(authority, postgres.socket, Protocol.POSTGRESQL, port=ports.postgres) as database_front,
        Gate(cache.socket) as gate,
        TlsFront(authority, gate.port, Protocol.TLS, port=ports.redis) as cache_front,
    ):
        postgres.create_master(password)
        with EmbeddedAws(
            account=environment.account,
            database=DatabaseServer(database_front.host, database_front.port, password),
            cache=CacheServer(cache_front.host, cache_front.port),
            ca_file=authority.ca_file.absolute(),
            state=directory.part("aws") if directory.kept else None,
            port=ports.aws,
            log=directory.path / "aws.log",
        ) as aws:
            aws_port = int(aws.endpoint_url.rsplit(":", 1)[1])
            directory.keep_ports(Ports(aws_port, database_front.port, cache_front.port))
            gate.refusal = aws.refuses_token
            with _account(aws.environment):
                yield Servers(
                    aws=aws,
                    postgres=postgres,
                    redis=cache,
                    postgres_port=database_front.port,
                    redis_port=cache_front.port,
                    ca_file=authority.ca_file.absolute(),
                    gate=gate,
                )


@contextmanager
def _alone() -> Iterator[None]:
    """The servers are this run's own, whatever profile, endpoint, service or proxy the user has set."""
    own = {name: os.environ.pop(name) for name in list(os.environ) if _foreign(name)}
    try:
        yield
    finally:
        os.environ.update(own)


def _foreign(name: str) -> bool:
    return name.startswith(("AWS_", "PG")) or name.lower().endswith("_proxy")


@contextmanager
def _account(told: Mapping[str, str]) -> Iterator[None]:
    """This process's AWS is the embedded one."""
    os.environ.update(told)
    try:
        yield
    finally:
        for name in told:
            os.environ.pop(name, None)
