"""One shard's reading: what is known of it, and whether the stream still holds what comes next.

Kinesis does not say that a position has expired. An iterator after it begins with the oldest record that
there is, or is refused (https://github.com/harlow/kinesis-consumer/pull/175), or finds nothing for long
(https://github.com/harlow/kinesis-consumer/issues/125). So a reader begins *at* its position: when that
record comes, nothing behind it can have expired, and it is dropped. When it does not come, the oldest record
is looked for.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from processor.source.position import First, Gap, Known, Loss, Range, gap, start
from processor.source.records import Record
from processor.storage.store import Lease

FIRST_PAUSE = 0.5  # after throttling or an outage; doubled at each
TICK_SECONDS = 10.0  # how often, at the tip, it is looked who has been silent for too long
LOOKS = 5  # empty answers at the position before it counts as expired: GetRecords may need several calls


class Seek(Enum):
    """What the next answer is asked for."""

    POSITION = auto()  # whether the record at the position is still there
    OLDEST = auto()  # the oldest record, where there is no position, or it has expired
    NEXT = auto()  # what follows


@dataclass(frozen=True)
class Answer:
    """What one GetRecords gave. `tip`: nothing is behind it; `end`: nor will be, as the shard is closed."""

    records: Sequence[Record]
    tip: bool
    end: bool


@dataclass(frozen=True)
class Found:
    """Records to take, after a gap if there is one. `settled` False: ask more before that is known."""

    records: Sequence[Record]
    gap: Gap | None = None
    settled: bool = True


class ShardReader:
    """One open shard: its lease, its iterator, and when it may be asked again."""

    def __init__(self, lease: Lease, known: Known, shard: Range) -> None:
        self.lease = lease
        self.known = known
        self.range = shard
        self.due = 0.0
        self.pause = FIRST_PAUSE
        self.missing = False  # Kinesis said that there is no such shard
        self.abreast_at = time.monotonic()  # when reading began, or when nothing was behind it last
        self.noted = known.seen_at or 0.0  # the last time of a tip that PostgreSQL knows
        self.tick_due = 0.0  # when silences are looked for next, by time.monotonic
        self.iterator: str | None = None
        self.seek = Seek.NEXT
        self._looks = 0
        self._held = False
        self._vouched = False  # the record at the position was just seen

    @property
    def position(self) -> str | None:
        """The last record that was taken; None: none, or it is not one of this stream's."""
        return start(self.known, self.range).after

    def begin(self) -> Seek:
        """A new iterator is needed: at what it must point."""
        if self.seek is not Seek.OLDEST:
            self.seek = Seek.OLDEST if self.position is None else Seek.POSITION
            self._looks = 0
        self._held = False
        return self.seek

    def from_oldest(self) -> None:
        """The position is no longer there: begin with the oldest record."""
        self.seek, self.iterator = Seek.OLDEST, None

    def check(self, horizon: float) -> None:
        """See that nothing has expired before it was read, where that may be: we are slow, or were away."""
        vouched, self._vouched = self._vouched, False
        read_to = self.known.read_to
        if vouched or self.seek is not Seek.NEXT or self.position is None:
            return
        if read_to is not None and read_to < horizon:
            self.iterator = None

    def found(self, answer: Answer, horizon: float, now: float) -> Found:
        """What an answer amounts to. horizon: as for `position.gap`; seconds since 1970."""
        records = self._new(answer.records)
        over = bool(records) or answer.tip or answer.end
        if self.seek is Seek.POSITION and not self._held:
            self._looks += 1
            if over or self._looks >= LOOKS:
                self.from_oldest()
            return Found([], settled=False)
        if self.seek is Seek.OLDEST and not self._held:
            if not over:
                return Found([], settled=False)
            first = First(records[0].sequence_number, records[0].arrived) if records else None
            self.seek = Seek.NEXT
            return Found(records, gap(self.known, self.range, first, horizon, now))
        self._vouched = self.seek is not Seek.NEXT and not records
        self.seek = Seek.NEXT
        return Found(records)

    def taken(self, last: Record) -> None:
        """The pipeline has taken all up to this record."""
        self.known = replace(self.known, position=last.sequence_number, arrived_at=last.arrived)

    def seen(self, at: float) -> None:
        """Nothing was behind the position at this time."""
        self.known = replace(self.known, seen_at=at)

    def ticks(self) -> bool:
        """Whether it is time to look for silences again; if so, it is done now."""
        now = time.monotonic()
        due = now >= self.tick_due
        if due:
            self.tick_due = now + TICK_SECONDS
        return due

    def told(self, gap: Gap) -> None:
        """The gap is stored without a record behind it: it is not found again."""
        position = None if gap.reason is Loss.REMADE else self.known.position
        self.known = replace(self.known, position=position, arrived_at=None)

    def _new(self, records: Sequence[Record]) -> Sequence[Record]:
        """Those behind the position. `_held`: whether the stream still has what is not."""
        position = self.position
        if position is None or self.seek is Seek.NEXT:
            return records
        behind = [record for record in records if int(record.sequence_number) > int(position)]
        self._held = self._held or len(behind) < len(records)
        return behind
