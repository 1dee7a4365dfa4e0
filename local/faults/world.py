"""What processors need, all of it real but AWS itself, behind wires that can be cut."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
from redis import Redis

from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from local.certificates import Authority
from local.faults.tap import Tap
from local.front import Protocol, TlsFront
from local.postgres import DATABASE, MASTER, PostgresServer
from local.redis import RedisServer
from processor.migrate import migrate
from processor.secret import Credentials as Login
from processor.storage.database import Session, connect
from rotation import roles
from rotation.credentials import Credentials
from rotation.database import session, transaction

ACCOUNT = "111122223333"
MASTER_PASSWORD = "master"  # noqa: S105 - of a server that ends with the run
USER, MIGRATOR = "millrace_app", "millrace_migrator"
PASSWORD = "application"  # noqa: S105 - as above; rotated by a fault
CACHE_USER = "millrace-processor"
CLOCK = Path(__file__).parent / "clock"


@dataclass
class World:
    """The servers of a run. `clock_file` holds the seconds by which the processors' clock is wrong."""

    directory: Path
    aws: EmbeddedAws
    postgres: PostgresServer
    redis: RedisServer
    database_tap: Tap
    cache_tap: Tap
    fronts: tuple[TlsFront, TlsFront]
    ca_file: Path
    clock_file: Path
    secret_arn: str = ""
    password: str = PASSWORD

    def session(self) -> boto3.Session:
        """boto3 for the embedded account; clients need its `endpoint_url`."""
        told = self.aws.environment
        return boto3.Session(
            told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], region_name=told["AWS_REGION"]
        )

    def operator(self) -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit mode, past the wires."""
        return self.postgres.connect(DATABASE)

    def cache(self) -> "Redis":
        """A client past the wires."""
        path = str(self.redis.socket)
        return Redis(unix_socket_path=path, username=CACHE_USER, password="any", protocol=2)  # noqa: S106

    def restart_postgres(self) -> None:
        """A fast shutdown and a start, as RDS does it in its maintenance window."""
        self.database_tap.target = None
        self.postgres.stop()
        self.postgres.__enter__()
        self.database_tap.target = self.postgres.socket

    def stop_redis(self) -> None:
        """Gone, until `start_redis`."""
        self.cache_tap.target = None
        self.redis.stop()

    def start_redis(self) -> None:
        """With what it had saved."""
        if self.cache_tap.target is None:
            self.redis.__enter__()
            self.cache_tap.target = self.redis.socket

    def step_clock(self, seconds: float) -> None:
        """From now on the processors' time of day is wrong by so much."""
        self.clock_file.write_text(str(seconds))

    def environment(self, stream: str) -> dict[str, str]:
        """What the task definition gives a processor, and where the embedded AWS is."""
        _, cache = self.fronts
        return {
            "PATH": os.environ["PATH"],
            **self.aws.environment,
            "PYTHONPATH": str(CLOCK),
            "CLOCK_FILE": str(self.clock_file),
            "ENVIRONMENT": "faults",
            "STREAM_NAME": stream,
            "DATABASE_SECRET_ARN": self.secret_arn,
            "DATABASE_CA_FILE": str(self.ca_file),
            "CACHE_HOST": cache.host,
            "CACHE_PORT": str(cache.port),
            "CACHE_CA_FILE": str(self.ca_file),
            "CACHE_NAME": "millrace-faults",
            "CACHE_USER": CACHE_USER,
            "OLDEST_READING_DAYS": "7",
            "NEWEST_READING_MINUTES": "10",
            "POLL_SECONDS": "0.02",
        }

    def keep_secret(self, password: str, stage: str = "AWSCURRENT") -> None:
        """Put the application's credentials into the secret, as a new version of this stage."""
        database, _ = self.fronts
        held = Credentials(
            host=database.host, port=database.port, dbname=DATABASE, username=USER, password=password
        )
        text = json.dumps(
            {name: getattr(held, name) for name in ("host", "port", "dbname", "username", "password")}
        )
        secrets = self.session().client("secretsmanager", endpoint_url=self.aws.endpoint_url)
        if not self.secret_arn:
            self.secret_arn = secrets.create_secret(Name="faults", SecretString=text)["ARN"]
        else:
            secrets.put_secret_value(SecretId=self.secret_arn, SecretString=text, VersionStages=[stage])


@contextmanager
def opened(directory: Path) -> Iterator[World]:
    """Everything started and the database's roles made. Raises LocalError."""
    with ExitStack() as stack:
        authority = Authority(directory / "certificates")
        postgres = stack.enter_context(PostgresServer(directory / "postgres"))
        redis = stack.enter_context(RedisServer(directory / "redis", user=CACHE_USER))
        database_tap = stack.enter_context(Tap(postgres.socket))
        cache_tap = stack.enter_context(Tap(redis.socket, watched=False))
        database = stack.enter_context(TlsFront(authority, database_tap.port, Protocol.POSTGRESQL))
        cache = stack.enter_context(TlsFront(authority, cache_tap.port, Protocol.TLS))
        postgres.create_master(MASTER_PASSWORD)
        aws = stack.enter_context(
            EmbeddedAws(
                account=ACCOUNT,
                database=DatabaseServer(database.host, database.port, MASTER_PASSWORD),
                cache=CacheServer(cache.host, cache.port),
                ca_file=authority.ca_file,
                log=directory / "aws.log",
            )
        )
        clock_file = directory / "clock"
        clock_file.write_text("0")
        world = World(
            directory,
            aws,
            postgres,
            redis,
            database_tap,
            cache_tap,
            (database, cache),
            authority.ca_file.absolute(),
            clock_file,
        )
        master = Credentials(
            host=database.host,
            port=database.port,
            dbname=DATABASE,
            username=MASTER,
            password=MASTER_PASSWORD,
        )
        with session(master, str(authority.ca_file)) as made, transaction(made):
            roles.ensure(made, {USER: PASSWORD})
            roles.ensure(made, {MIGRATOR: PASSWORD})
        world.keep_secret(PASSWORD)
        login = Login(database.host, database.port, DATABASE, MIGRATOR, PASSWORD)
        with connect(login, str(authority.ca_file)) as connection:
            migrate(Session(connection))
        yield world
