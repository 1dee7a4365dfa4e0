"""One stream, the plant that fills it, its processors, and the account of what was put."""

import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from redis import Redis

from local.faults.alarms import RULES, Alarms
from local.faults.judge import Account, Progress, judge, judge_alarms, judge_latest
from local.faults.plant import MENDED, Parcel, Plant
from local.faults.processors import Processor, Processors
from local.faults.sending import send
from local.faults.world import World

SHARDS = 2
SETTLE_SECONDS = 90.0  # what processors may need to get over anything
LOOK_SECONDS = 0.02
LATE_MS = 600_000
READER_TRIES = 12  # of some seconds each


class NotSettled(RuntimeError):
    """What was put is not committed in time, or a processor ended that should not have."""


class Trial:
    """`with Trial(…) as trial:` until the block ends. `chance` decides what is by chance."""

    def __init__(self, world: World, number: int, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.stream = f"faults-{number}"
        self.log: Path = world.directory / f"processors-{number}.log"
        self.plant = Plant(f"acme/lon{number}", chance)
        self.account = Account(self.stream, self.plant.prefix)
        self.progress = Progress()
        self._kinesis = world.session().client("kinesis", endpoint_url=world.aws.endpoint_url)
        self.alarms = Alarms(
            self.stream,
            self.plant.prefix,
            self._kinesis,
            lambda shard, number: self.account.parcels[shard, number],
        )
        self.sent: list[Parcel] = []
        self._kinesis.create_stream(StreamName=self.stream, ShardCount=SHARDS)
        self._kinesis.get_waiter("stream_exists").wait(StreamName=self.stream, WaiterConfig={"Delay": 1})
        self.processors = Processors(world.environment(self.stream), self.log)

    def __enter__(self) -> "Trial":
        with self.world.operator() as connection:
            self.alarms.begin(connection)
        self.load()
        self.settle()
        return self

    def __exit__(self, *ending: object) -> None:
        self.processors.end()
        self._kinesis.close()

    def load(self, most: int = 40) -> None:
        """Records as a plant sends them."""
        self.put(self.plant.parcels(self.chance.randint(1, most)))

    def put(self, parcels: Iterable[Parcel]) -> None:
        """On the stream, and into the account."""
        self.sent += send(self._kinesis, self.account, parcels)

    def reader(self) -> Processor:
        """Who reads now. Raises TimeoutError.

        One that was overtaken may have found the turn free, and has it until there is something to write.
        """
        for _ in range(READER_TRIES):
            if found := self.processors.reader():
                return found
            self.load()
        raise TimeoutError(f"no processor has become the reader; see {self.log}")

    def change_rule(self, connection: psycopg.Connection[Any]) -> None:
        """A new version of any rule, for what reaches the stream from now on."""
        place = self.chance.randrange(len(RULES))
        self.alarms.change(connection, place, time.time_ns() // 1_000)

    def pause(self, most: float) -> None:
        """Some time up to so many seconds, so that faults fall anywhere."""
        time.sleep(self.chance.uniform(0, most))

    def settle(self) -> None:
        """Wait until all that was put is committed. Raises NotSettled."""
        end = time.monotonic() + SETTLE_SECONDS
        with self.world.operator() as connection:
            while not self.account.reached(connection):
                self.processors.keep()
                if self.processors.wrong:
                    raise NotSettled(*self.processors.wrong)
                if time.monotonic() > end:
                    raise NotSettled(f"not committed within {SETTLE_SECONDS:.0f} s; see {self.log}")
                time.sleep(LOOK_SECONDS)

    def judged(self, *, at_the_end: bool = False) -> list[str]:
        """What is wrong by now, a line each; at the end those that had to leave must have left."""
        self.settle()
        if at_the_end:
            self.processors.await_leaving()
        with self.world.operator() as connection:
            return [*self.processors.wrong, *self.found(connection)]

    def found(self, connection: psycopg.Connection[Any]) -> list[str]:
        """What is wrong in the tables, a line each."""
        return [
            *judge(self.account, connection),
            *judge_alarms(self.alarms, connection),
            *self.progress.backwards(connection, self.stream),
        ]

    def shown(self, client: Redis) -> list[str]:
        """What is wrong in the cache, a line each."""
        return judge_latest(self.account, client)

    def judged_latest(self) -> list[str]:
        """What is wrong in the cache, once it is there again and each point has said a last word."""
        self.world.start_redis()
        client = self.world.cache()
        try:
            self._until_shown(client)
            self.plant.step(-LATE_MS)
            self.load()  # late ones, which must not show
            self.settle()
            return self.shown(client)
        finally:
            client.close()

    def replayed(self) -> list[str]:
        """What is wrong once all refusals are judged again by mended rules, the first replay being killed."""
        client = self.world.cache()
        try:
            killed = self.processors.replay(MENDED)
            self.pause(1.0)
            killed.kill()
            killed.wait()
            code = self.processors.replay(MENDED).wait(SETTLE_SECONDS)
            self.account.replayed()
            return [*([f"the replay ended with {code}"] if code else []), *self.shown(client)]
        finally:
            client.close()

    def _until_shown(self, client: Redis) -> None:
        """A cache that was away is tried again after a rest, with the next batch."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            self.put(self.plant.last_words())
            self.settle()
            if not self.shown(client) or time.monotonic() > end:
                return
            time.sleep(0.5)
