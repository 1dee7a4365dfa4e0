"""What every source hands over: records of one shard, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from types_boto3_kinesis.type_defs import GetRecordsOutputTypeDef

Result = TypeVar("Result")


class Record(NamedTuple):
    """One record as the stream holds it (or one user record out of an aggregated one)."""

    data: bytes
    sequence_number: str  # up to 56 digits, kept as the stream wrote them; compared as a number
    arrived: float  # seconds since 1970, by the stream's clock
    sub_sequence: int = 0  # place within an aggregated record
    partition_key: str = ""  # as the producer gave it; "" where it is not known


def records_of(answer: "GetRecordsOutputTypeDef") -> list[Record]:
    """What GetRecords answered, in the stream's order."""
    return [
        Record(
            raw["Data"],
            raw["SequenceNumber"],
            raw["ApproximateArrivalTimestamp"].timestamp(),
            0,
            raw["PartitionKey"],
        )
        for raw in answer["Records"]
    ]


class TooMuch(Exception):
    """These records together are too much for one batch; a record alone never is. `fits`: try so many."""

    def __init__(self, fits: int) -> None:
        super().__init__(fits)
        self.fits = fits


def as_many(count: int, work: Callable[[int], Result]) -> tuple[Result, int]:
    """What `work` makes of as many of the first `count` as are not too much; and how many they were."""
    while True:
        try:
            return work(count), count
        except TooMuch as more:
            count = more.fits


@dataclass(frozen=True)
class Batch:
    """Consecutive records of one shard. `lag_ms`: how far the last one is behind the tip of the stream."""

    shard: str
    records: Sequence[Record]
    lag_ms: int
