"""Whatever stream, retention and crashes do: each record is taken once, or lies in a gap that is told."""

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from processor.pipeline import Counts
from processor.source import poll
from processor.source.poll import Poller
from processor.source.position import Gap, Known
from processor.source.records import Batch
from processor.storage.store import Lease

HOUR = 3600
RETENTION_HOURS = 24
START = 1_763_897_519.0


class Expired(ClientError):
    pass


class Throttled(ClientError):
    pass


class Refused(ClientError):
    pass


class Missing(ClientError):
    pass


@dataclass
class World:
    """A stream of one shard with a clock of its own, and the database that the readings go into."""

    expired: str  # how a position that is no more is answered
    now: float = START
    put: list[float] = field(default_factory=list)  # when record 1, 2, … reached the stream
    known: Known | None = None
    taken: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            ExpiredIteratorException=Expired,
            ProvisionedThroughputExceededException=Throttled,
            InvalidArgumentException=Refused,
            ResourceNotFoundException=Missing,
        )
    )

    @property
    def oldest(self) -> int:
        """The number of the first record that the stream has."""
        horizon = self.now - RETENTION_HOURS * HOUR
        return 1 + sum(arrived < horizon for arrived in self.put)

    # The stream

    def describe_stream_summary(self, **_: str) -> Any:
        return {"StreamDescriptionSummary": {"RetentionPeriodHours": RETENTION_HOURS}}

    def list_shards(self, **_: str) -> Any:
        return {"Shards": [{"ShardId": "a", "SequenceNumberRange": {"StartingSequenceNumber": "0"}}]}

    def get_shard_iterator(
        self, *, ShardIteratorType: str, StartingSequenceNumber: str = "0", **_: str
    ) -> dict[str, str]:
        wanted = int(StartingSequenceNumber)
        if ShardIteratorType == "AT_SEQUENCE_NUMBER" and wanted < self.oldest:
            if self.expired == "refused":
                raise Refused({"Error": {"Code": "InvalidArgumentException", "Message": "…"}}, "…")
            if self.expired == "nothing":
                return {"ShardIterator": "nothing"}
        return {"ShardIterator": str(max(wanted, self.oldest))}

    def get_records(self, *, ShardIterator: str, Limit: int) -> Any:
        if ShardIterator == "nothing":
            return {"Records": [], "NextShardIterator": ShardIterator, "MillisBehindLatest": 86_400_000}
        first = max(int(ShardIterator), self.oldest)  # a living iterator passes over what has expired
        numbers = range(first, min(first + Limit, len(self.put) + 1))
        following = first + len(numbers)
        return {
            "Records": [
                {
                    "Data": b"{}",
                    "SequenceNumber": str(number),
                    "ApproximateArrivalTimestamp": datetime.fromtimestamp(self.put[number - 1], UTC),
                    "PartitionKey": "m17",
                }
                for number in numbers
            ],
            "NextShardIterator": str(following),
            "MillisBehindLatest": 0 if following > len(self.put) else 1000,
        }

    # The pipeline

    def own(self, shard: str) -> Lease:
        return Lease(shard, 1, self.known.position if self.known else None)

    def known_shards(self) -> dict[str, Known]:
        return {"a": self.known} if self.known else {}

    def take(self, lease: Lease, batch: Batch) -> None:
        self.gaps += [lease.gap] if lease.gap else []
        self.taken += [int(record.sequence_number) for record in batch.records]
        last = batch.records[-1]
        self.known = replace(self.known or Known(), position=last.sequence_number, arrived_at=last.arrived)

    def note(self, lease: Lease, *, seen_at: float | None, ended: bool) -> None:
        assert not ended
        if lease.gap:
            self.gaps.append(lease.gap)
            self.known = replace(self.known or Known(), arrived_at=None)
        self.known = replace(self.known or Known(), seen_at=seen_at)

    def reader(self) -> Poller:
        """A process that begins."""
        pipeline: Any = SimpleNamespace(
            own=self.own,
            known=self.known_shards,
            take=self.take,
            note=self.note,
            drain=lambda: None,
            tick=lambda lease, seen_at, listed: None,
            counts=self.counts,
        )
        client: Any = self
        return Poller(
            client,
            "readings",
            pipeline,
            poll_seconds=0,
            batch_records=3,
            stopping=threading.Event(),
            beat=lambda: None,
        )


one = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 5)),
    st.tuples(st.just("pass"), st.sampled_from([1, 59, 600, HOUR, 11 * HOUR, 25 * HOUR])),
    st.tuples(st.just("read"), st.integers(1, 9)),
    st.tuples(st.just("begin"), st.just(0)),
)
outage = [("read", 9), ("put", 4), ("pass", 25 * HOUR), ("put", 2), ("read", 9)]
steps = st.lists(one.map(lambda step: [step]) | st.just(outage), max_size=30)


@given(steps, st.sampled_from(["oldest", "refused", "nothing"]))
def test_no_record_is_passed_over_in_silence_none_is_taken_twice_and_nobody_is_called_for_nothing(
    actions: list[list[tuple[str, int]]], expired: str
) -> None:
    world = World(expired)
    clock = SimpleNamespace(time=lambda: world.now, monotonic=lambda: world.now)
    at_tip, longest_away = world.now, 0.0
    with patch.object(poll, "time", clock):
        poller = world.reader()
        poller._open_shards()
        # At the end, whoever reads gets all that there is
        for action, amount in [*chain.from_iterable(actions), ("read", 60)]:
            if action == "put":
                world.put += [world.now] * amount
            elif action == "pass":
                world.now += amount
                longest_away = max(longest_away, world.now - at_tip)
            elif action == "begin":
                poller = world.reader()
                poller._open_shards()
            else:
                for _ in range(amount):
                    poller._try(poller._readers["a"])
                if not world.put or world.taken[-1:] == [len(world.put)]:
                    at_tip = world.now
    assert world.taken == sorted(set(world.taken))
    begun = world.taken[0] if world.taken else len(world.put) + 1  # before it, nobody had read anything
    for number in set(range(begun, len(world.put) + 1)) - set(world.taken):
        arrived = world.put[number - 1]
        assert any((gap.from_at or 0) <= arrived <= gap.to_at for gap in world.gaps), number
    assert set(range(world.oldest, len(world.put) + 1)) <= set(world.taken)
    if longest_away < (RETENTION_HOURS - 1) * HOUR:
        assert world.gaps == []
