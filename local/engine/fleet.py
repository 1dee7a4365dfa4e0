"""The workers of one application on one stream, and what its lease table says of them."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3

from local.aws import EmbeddedAws
from local.engine import times, worker
from local.engine.home import OURS, ROOT, Home
from local.engine.times import Properties
from local.engine.worker import Worker

LOOK_SECONDS = 0.05
PASSED = ("PATH", "ENGINE_LOG_LEVEL")
INDEX = "LeaseOwnerToLeaseKeyIndex"
LEADER = "Leader"  # the lock's own key among the leases


class NotReached(RuntimeError):
    """What should come about did not, in time."""


class Fleet:
    """Workers that are started and ended by name. End them all with `end`."""

    def __init__(
        self,
        home: Home,
        aws: EmbeddedAws,
        directory: Path,
        *,
        stream: str,
        application: str,
        child: str,
        times: Properties,
        environment: Mapping[str, str],
        main: str = OURS,
    ) -> None:
        self._main = main
        self._home = home
        self._aws = aws
        self._directory = directory
        self._stream = stream
        self._application = application
        self._child = child
        self._times = times
        self._environment = environment
        self._started = 0
        self._dynamodb: Any = session(aws).client("dynamodb", endpoint_url=aws.endpoint_url)
        self.workers: list[Worker] = []

    def start(self) -> Worker:
        """One more."""
        self._started += 1
        name = f"{self._application}-{self._started}"
        properties = self._directory / f"{name}.properties"
        times.write(
            properties,
            child=self._child,
            stream=self._stream,
            application=self._application,
            worker=name,
            times=self._times,
        )
        environment = {
            **(
                {"ENGINE_LOG_LEVEL": os.environ["ENGINE_LOG_LEVEL"]}
                if "ENGINE_LOG_LEVEL" in os.environ
                else {}
            ),
            **self._aws.environment,
            "PYTHONPATH": str(ROOT),
            **self._environment,
        }
        one = worker.start(name, self._home.command(properties, self._main), environment, self.log)
        self.workers.append(one)
        return one

    @property
    def log(self) -> Path:
        """What all of them say."""
        return self._directory / f"{self._application}.log"

    def forget(self, one: Worker) -> None:
        """One that has been ended."""
        self.workers.remove(one)

    def end(self) -> None:
        """Kill what runs."""
        for one in self.workers:
            one.lose()
        self.workers = []
        self._dynamodb.close()

    def owners(self) -> dict[str, str]:
        """Shard → the worker that its lease names, of shards that are not over."""
        items = self._dynamodb.scan(TableName=self._application, ConsistentRead=True)["Items"]
        return {
            item["leaseKey"]["S"]: item["leaseOwner"]["S"]
            for item in items
            if item["leaseKey"]["S"].startswith("shardId-")
            and "leaseOwner" in item
            and item["checkpoint"]["S"] != "SHARD_END"
        }

    def leader(self) -> Worker | None:
        """Who holds the lock, if it is one that runs."""
        key = {"leaseKey": {"S": LEADER}}
        item = self._dynamodb.get_item(TableName=self._application, Key=key, ConsistentRead=True).get("Item")
        name = item["ownerName"]["S"] if item and "ownerName" in item else None
        return next((one for one in self.workers if one.name == name and one.running), None)

    def balanced(self, shards: int, owners: Mapping[str, str] | None = None) -> bool:
        """Every shard has an owner that runs, each of the workers its even share."""
        owned = list((self.owners() if owners is None else owners).values())
        shares = [owned.count(one.name) for one in self.workers if not one.may_end]
        return bool(shares) and len(owned) == shards == sum(shares) and max(shares) - min(shares) <= 1

    def until(self, true: Callable[[], bool], seconds: float, what: str) -> float:
        """Seconds until it was true. Raises NotReached."""
        began = time.monotonic()
        while not true():
            for one in self.workers:
                if not one.running and not one.may_end:
                    raise NotReached(
                        f"worker {one.name} ended, exit code {one.process.poll()}; see {self.log}"
                    )
            if time.monotonic() - began > seconds:
                raise NotReached(f"{what} did not come about within {seconds:.0f} s; see {self.log}")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began


def session(aws: EmbeddedAws) -> boto3.Session:
    """boto3 for the embedded account; clients need its `endpoint_url`."""
    told = aws.environment
    return boto3.Session(
        told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], region_name=told["AWS_REGION"]
    )


def make_table(aws: EmbeddedAws, name: str) -> None:
    """The lease table as stacks/engine_table.py has it, where no stack is deployed."""
    dynamodb: Any = session(aws).client("dynamodb", endpoint_url=aws.endpoint_url)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "leaseKey", "AttributeType": "S"},
            {"AttributeName": "leaseOwner", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [
                    {"AttributeName": "leaseOwner", "KeyType": "HASH"},
                    {"AttributeName": "leaseKey", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    dynamodb.close()


def python(module: str) -> str:
    """A child's command. The engine splits it at blanks, so the interpreter's path may hold none."""
    return f"{sys.executable} -m {module}"
