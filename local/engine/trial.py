"""The engine with its real children on one stream, the plant that fills it, and what was put."""

import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from local.engine.fleet import Fleet, NotReached, make_table, python, session
from local.engine.home import Home
from local.engine.times import OURS
from local.engine.worker import Worker
from local.faults.judge import Account, Progress, judge
from local.faults.plant import Parcel, Plant
from local.faults.sending import send
from local.faults.world import World

SETTLE_SECONDS = 120.0  # a leader's loss and a cold start on the way
LOOK_SECONDS = 0.05
WORKERS, SHARDS = 2, 4
DEVICES = 16  # enough that every shard has some
# What ends a worker here: told to; a child that was killed, or that met a younger one's epoch; SIGKILL; told
# to before the JVM, or the launcher in it, was there to hear it.
MAY_END = frozenset({0, 1, -9, -15, 143})


class Trial:
    """`with Trial(…) as trial:` until the block ends. `chance` decides what is by chance."""

    def __init__(self, world: World, home: Home, number: int, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.stream = f"engine-{number}"
        self.plant = Plant(f"acme/eng{number}", chance, devices=DEVICES)
        self.account = Account(self.stream, self.plant.prefix)
        self.progress = Progress()
        self.kinesis: Any = session(world.aws).client("kinesis", endpoint_url=world.aws.endpoint_url)
        self.kinesis.create_stream(StreamName=self.stream, ShardCount=SHARDS)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=self.stream, WaiterConfig={"Delay": 1})
        make_table(world.aws, self.stream)
        children: Path = world.directory / f"children-{number}"
        children.mkdir()
        self.fleet = Fleet(
            home,
            world.aws,
            world.directory,
            stream=self.stream,
            application=self.stream,
            child=python("processor child"),
            times=OURS,
            environment={
                **world.environment(self.stream),
                "SOURCE": "kcl",
                "ENGINE_NAME": self.stream,
                "CHILDREN_DIRECTORY": str(children),
                "CHECKPOINT_SECONDS": "1",
            },
        )
        self.ended: list[int] = []  # exit codes of workers that nobody had harmed
        self.wrong: list[str] = []

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *ending: object) -> None:
        self.fleet.end()
        self.kinesis.close()

    def keep(self) -> None:
        """Start what is missing, take note of who has ended. To be called often."""
        for one in list(self.fleet.workers):
            code = one.process.poll()
            if code is None:
                continue
            one.lose()  # children that are left over
            self.fleet.forget(one)
            if not one.may_end:
                self.ended.append(code)
            if code not in MAY_END:
                self.wrong.append(f"worker {one.name} ended with {code}; see {self.fleet.log}")
        while sum(not one.may_end for one in self.fleet.workers) < WORKERS:
            self.fleet.start()

    def load(self, most: int = 40) -> None:
        """Records as a plant sends them."""
        self.put(self.plant.parcels(self.chance.randint(1, most)))

    def put(self, parcels: Iterable[Parcel]) -> None:
        """On the stream, and into the account."""
        send(self.kinesis, self.account, parcels)

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until all that was put is committed. Raises NotReached."""
        end = time.monotonic() + seconds
        with self.world.operator() as connection:
            while not self.account.reached(connection):
                self.keep()
                if time.monotonic() > end:
                    raise NotReached(f"not committed within {seconds:.0f} s; see {self.fleet.log}")
                time.sleep(LOOK_SECONDS)

    def judged(self) -> list[str]:
        """What is wrong by now, a line each. Raises NotReached."""
        self.settle()
        with self.world.operator() as connection:
            found = judge(self.account, connection)
            return [*self.wrong, *found, *self.progress.backwards(connection, self.stream)]

    def wait(self, seconds: float) -> None:
        """So long, while records come and workers are kept."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.load(10)
            self.keep()
            time.sleep(LOOK_SECONDS)

    def victim(self) -> Worker:
        """One that runs and that nothing has happened to."""
        return self.chance.choice([one for one in self.fleet.workers if one.running and not one.may_end])

    def open_shards(self) -> list[str]:
        """In the order of their hash keys."""
        answer = self.kinesis.list_shards(StreamName=self.stream, ShardFilter={"Type": "AT_LATEST"})
        found = sorted(answer["Shards"], key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        return [shard["ShardId"] for shard in found]
