"""Real servers for the tests: PostgreSQL and Redis from their wheels behind TLS, and an embedded AWS."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import psycopg
import pytest
import redis as redis_client

from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import MASTER, PostgresServer
from local.redis import RedisServer
from processor.migrate import migrate
from processor.secret import Credentials
from processor.storage.database import Session, connect
from rotation import roles
from rotation.credentials import Credentials as RotationCredentials
from rotation.database import session, transaction
from tests.integration.deployments import deploys, own_aws, small
from tests.integration.rotations import plant, release, rotation_server, watch

# Fixtures of the deployer, and of the rotation.
__all__ = ["deploys", "own_aws", "plant", "release", "rotation_server", "small", "watch"]

ACCOUNT = "111122223333"
MASTER_PASSWORD = "the-master's-own"
CACHE_USER = "millrace-processor"
ROOT = Path(__file__).parents[2]
DEVICE = "acme/lon1/press/line2/cell4/m17"
# How many buckets are not what their readings make them.
WRONG_ROLLUPS = """
    WITH usable AS (
        SELECT *, CASE WHEN quality <> 0 THEN coalesce(number, flag::int) END AS value FROM reading),
    expected AS (
        SELECT point, date_trunc('{unit}', ts, 'UTC') AS bucket, count(*) AS n,
            count(*) - count(value) AS n_bad, sum(value), sum(value * value) AS sumsq, min(value), max(value),
            (array_agg(value ORDER BY ts, value) FILTER (WHERE value IS NOT NULL))[1] AS first,
            (array_agg(value ORDER BY ts DESC, value DESC) FILTER (WHERE value IS NOT NULL))[1] AS last
        FROM usable GROUP BY 1, 2)
    SELECT count(*) FROM expected AS e FULL JOIN {table} AS r USING (point, bucket)
    WHERE (e.n, e.n_bad, e.sum, e.sumsq, e.min, e.max, e.first, e.last)
        IS DISTINCT FROM (r.n, r.n_bad, r.sum, r.sumsq, r.min, r.max, r.first, r.last)"""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@dataclass
class Postgres:
    """A server behind TLS; `master` may make databases and roles, as RDS's may."""

    server: PostgresServer
    front: TlsFront
    ca_file: str

    def operator(self, database: str) -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit mode, past the front."""
        return self.server.connect(database)

    def make_database(self, *, migrated: bool = True) -> Credentials:
        """A database of one's own with roles and schema as the rotation function makes them, and the tables
        as a release does; the processor's login.
        """
        name = f"plant_{uuid4().hex[:12]}"
        self.server.create_master(MASTER_PASSWORD, database=name)
        master = RotationCredentials(
            host="localhost", port=self.front.port, dbname=name, username=MASTER, password=MASTER_PASSWORD
        )
        with session(master, self.ca_file) as opened, transaction(opened):
            roles.ensure(opened, {"millrace_app": "application"})
            roles.ensure(opened, {"millrace_migrator": "release"})
        if migrated:
            with connect(self.migrator(name), self.ca_file) as connection:
                migrate(Session(connection))
        return Credentials("localhost", self.front.port, name, "millrace_app", "application")

    def migrator(self, database: str) -> Credentials:
        """A release's login."""
        return Credentials("localhost", self.front.port, database, "millrace_migrator", "release")


@pytest.fixture(scope="session")
def postgres(authority: Authority) -> Iterator[Postgres]:
    # Below /tmp: run as root, the server runs as nobody, and pytest's directories are root's alone.
    directory = Path("/tmp") / f"millrace-test-{uuid4().hex[:8]}"
    directory.mkdir(mode=0o755)
    try:
        with (
            PostgresServer(directory) as server,
            TlsFront(authority, server.socket, Protocol.POSTGRESQL) as front,
        ):
            server.create_master(MASTER_PASSWORD)
            yield Postgres(server, front, str(authority.ca_file))
    finally:
        subprocess.run(["rm", "-rf", str(directory)], check=False)


@dataclass
class Cache:
    """A Redis behind TLS."""

    server: RedisServer
    front: TlsFront

    def client(self) -> "redis_client.Redis":
        """Past the front."""
        return redis_client.Redis(
            unix_socket_path=str(self.server.socket), username=CACHE_USER, password="any", protocol=2
        )


@pytest.fixture(scope="session")
def redis(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    with (
        RedisServer(tmp_path_factory.mktemp("redis"), user=CACHE_USER) as server,
        TlsFront(authority, server.socket, Protocol.TLS) as front,
    ):
        yield Cache(server, front)


@pytest.fixture(scope="session")
def aws(authority: Authority, postgres: Postgres, redis: Cache) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(
        account=ACCOUNT,
        database=DatabaseServer("localhost", postgres.front.port, MASTER_PASSWORD),
        cache=CacheServer("localhost", redis.front.port),
        ca_file=authority.ca_file,
    ) as embedded:
        yield embedded


@dataclass
class Site:
    """One plant's own stream, database and secret; processors are started as ECS would start them."""

    aws: EmbeddedAws
    postgres: Postgres
    cache: Cache
    credentials: Credentials
    stream: str
    secret_arn: str
    kinesis: Any
    secrets: Any
    directory: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, **changes: str) -> dict[str, str]:
        """What the task definition gives, and where the embedded AWS is."""
        return {
            "PATH": os.environ["PATH"],
            **self.aws.environment,
            "ENVIRONMENT": "test",
            "STREAM_NAME": self.stream,
            "DATABASE_SECRET_ARN": self.secret_arn,
            "DATABASE_CA_FILE": self.postgres.ca_file,
            "CACHE_HOST": "localhost",
            "CACHE_PORT": str(self.cache.front.port),
            "CACHE_CA_FILE": self.postgres.ca_file,
            "CACHE_NAME": "millrace-test",
            "CACHE_USER": CACHE_USER,
            "OLDEST_READING_DAYS": "7",
            "NEWEST_READING_MINUTES": "10",
            "POLL_SECONDS": "0.05",
            "HEALTH_PORT": str(_free_port()),
            **changes,
        }

    @property
    def log(self) -> Path:
        """What all processors of this site said."""
        return self.directory / "processor.log"

    def start(self, module: str = "processor", **changes: str) -> "subprocess.Popen[bytes]":
        """`python -m processor` (or another module), running until the test ends."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=self.environment(**changes),
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process

    def state(self, port: str) -> dict[str, Any]:
        """What the processor with this health port says of itself; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=3) as answer:
                said: dict[str, Any] = json.load(answer)
                return said
        except OSError:
            return {}

    def health(self, **changes: str) -> int:
        """The exit code of `python -m processor health`."""
        return subprocess.run(
            [sys.executable, "-m", "processor", "health"],
            cwd=ROOT,
            env=self.environment(**changes),
            stdout=subprocess.DEVNULL,
            check=False,
        ).returncode

    def free_port(self) -> str:
        """As a variable takes it."""
        return str(_free_port())

    def put(self, *documents: object, key: str = "m17") -> None:
        """Each document (bytes as they are) as one record."""
        records = [
            {"Data": item if isinstance(item, bytes) else json.dumps(item).encode(), "PartitionKey": key}
            for item in documents
        ]
        for start in range(0, len(records), 500):
            answer = self.kinesis.put_records(StreamName=self.stream, Records=records[start : start + 500])
            assert answer["FailedRecordCount"] == 0

    @staticmethod
    def plant(start: int, count: int) -> list[dict[str, object]]:
        """`count` single readings from `start` on, a millisecond apart, each its own value."""
        base = int(time.time() * 1000) - 3_600_000
        return [
            {"path": f"{DEVICE}/metric_{number % 5}", "ts": base + number, "value": number}
            for number in range(start, start + count)
        ]

    def check_tables(self, expected: int) -> None:
        """The plant's first `expected` readings, each once, and the rollups of exactly those rows."""
        assert self.query("SELECT count(*), count(DISTINCT number), sum(number) FROM reading") == [
            (expected, expected, sum(range(expected)))
        ]
        for table, unit in (("rollup_1m", "minute"), ("rollup_1h", "hour")):
            assert self.query(f"SELECT sum(n), sum(sum) FROM {table}") == [(expected, sum(range(expected)))]
            assert self.one(WRONG_ROLLUPS.format(table=table, unit=unit)) == 0

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows, as a superuser with the schema's names in reach."""
        with self.postgres.operator(self.credentials.dbname) as connection:
            connection.execute("SET search_path = millrace")
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def one(self, statement: str, *parameters: object) -> Any:
        """The only value of the only row; None while the tables are not there yet."""
        try:
            return self.query(statement, *parameters)[0][0]
        except psycopg.errors.UndefinedTable:
            return None

    def wait(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Until it holds; fails with the processors' log when it does not in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"not within {seconds} s; the log ends:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def end(self) -> None:
        """No processor outlives its test."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def site(aws: EmbeddedAws, postgres: Postgres, redis: Cache, tmp_path: Path) -> Iterator[Site]:
    environment = aws.environment
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    kinesis = session.client("kinesis", endpoint_url=aws.endpoint_url)
    secrets = session.client("secretsmanager", endpoint_url=aws.endpoint_url)
    stream = f"readings-{uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    credentials = postgres.make_database()
    held = {name: getattr(credentials, name) for name in credentials.__struct_fields__}
    arn = secrets.create_secret(Name=stream, SecretString=json.dumps(held))["ARN"]
    made = Site(aws, postgres, redis, credentials, stream, arn, kinesis, secrets, tmp_path)
    try:
        yield made
    finally:
        made.end()
        kinesis.close()
        secrets.close()
        redis.client().flushall()
