"""One stream, the plant that fills it, its processors, and the account of what was put."""

import time
from collections.abc import Iterable
from pathlib import Path
from random import Random

from local.faults.judge import Account, judge, judge_latest
from local.faults.plant import Parcel, Plant
from local.faults.processors import Processors
from local.faults.world import World

SHARDS = 2
SETTLE_SECONDS = 90.0  # what processors may need to get over anything
LOOK_SECONDS = 0.02
MOST_AT_ONCE = 500  # records of one PutRecords


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
        self.sent: list[Parcel] = []
        self._kinesis = world.client("kinesis")
        self._kinesis.create_stream(StreamName=self.stream, ShardCount=SHARDS)
        self._kinesis.get_waiter("stream_exists").wait(StreamName=self.stream, WaiterConfig={"Delay": 1})
        self.processors = Processors(world.environment(self.stream), self.log)

    def __enter__(self) -> "Trial":
        self.processors.keep()
        self.processors.reader()
        return self

    def __exit__(self, *ending: object) -> None:
        self.processors.end()
        self._kinesis.close()

    def load(self, most: int = 40) -> None:
        """Records as a plant sends them."""
        self.put(self.plant.parcels(self.chance.randint(1, most)))

    def put(self, parcels: Iterable[Parcel]) -> None:
        """On the stream, and into the account."""
        chosen = list(parcels)
        for start in range(0, len(chosen), MOST_AT_ONCE):
            some = chosen[start : start + MOST_AT_ONCE]
            records = [{"Data": parcel.data, "PartitionKey": parcel.key} for parcel in some]
            answer = self._kinesis.put_records(StreamName=self.stream, Records=records)
            for parcel, result in zip(some, answer["Records"], strict=True):
                self.account.add(parcel, result["ShardId"], result["SequenceNumber"])
        self.sent += chosen

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

    def judged(self) -> list[str]:
        """What is wrong by now, a line each."""
        self.settle()
        with self.world.operator() as connection:
            return [*self.processors.wrong, *judge(self.account, connection)]

    def judged_latest(self) -> list[str]:
        """What is wrong in the cache, once it is there again and each point has said a last word."""
        self.world.start_redis()
        self.put(self.plant.last_words())
        self.settle()
        client = self.world.cache()
        end = time.monotonic() + SETTLE_SECONDS
        try:
            while (wrong := judge_latest(self.account, client)) and time.monotonic() < end:
                self.put(self.plant.last_words())  # a cache that was away is tried again with the next batch
                self.settle()
                time.sleep(0.5)
            return wrong
        finally:
            client.close()
