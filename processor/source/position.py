"""Where to read a shard from, and what can no longer be read: decided from facts, without asking anybody.

The position in PostgreSQL is the truth. An engine's checkpoint that is ahead of it tells of a database that
was restored: what lies between is read again first. A position that the stream no longer holds tells of an
outage longer than the stream's retention, or of a stream that was deleted and made again: that is a gap.

One thing is not seen: where a quiet shard's last record expired and the retention was raised since, records
that expired before it was raised are taken for none.
"""

from dataclasses import dataclass
from enum import StrEnum

SKEW_SECONDS = 60.0  # our clock and the stream's: nearer to the horizon than this, nothing is known for sure


class Loss(StrEnum):
    """Why records can no longer be read."""

    EXPIRED = "expired"  # older than the stream's retention
    REMADE = "remade"  # the position is not of this stream: it was deleted and made again under its name


@dataclass(frozen=True)
class Known:
    """What PostgreSQL knows of a shard; times in seconds since 1970.

    position: the last record stored; None: none yet. arrived_at: when that one reached the stream. seen_at:
    when the shard was last seen read to its tip. ended: a closed shard, all of which is stored.
    """

    position: str | None = None
    arrived_at: float | None = None
    seen_at: float | None = None
    ended: bool = False

    @property
    def read_to(self) -> float | None:
        """Whatever reached the shard until then is stored; None: nobody noted it."""
        return max((at for at in (self.arrived_at, self.seen_at) if at is not None), default=None)


@dataclass(frozen=True)
class Range:
    """The sequence numbers that a shard can hold, as ListShards gives them; `last` None: it is open."""

    first: str
    last: str | None = None

    def admits(self, position: str) -> bool:
        """Whether a record at this position can be one of this shard's."""
        return int(self.first) <= int(position) and (self.last is None or int(position) <= int(self.last))


@dataclass(frozen=True)
class First:
    """The first record that is read: its sequence number, and when it reached the stream."""

    sequence_number: str
    arrived_at: float


@dataclass(frozen=True)
class Start:
    """What to read first: after `after` (None: from the oldest record), up to and with `until`.

    `until` None: there is nothing to read before what the source hands over by itself.
    """

    after: str | None
    until: str | None = None


@dataclass(frozen=True)
class Gap:
    """Records that may have been there and can no longer be read.

    They reached the stream between from_at (None: unknown) and to_at, in seconds since 1970, and stood after
    the record `after` (None: before any) and before the record `before` (None: none has come since).
    """

    after: str | None
    from_at: float | None
    before: str | None
    to_at: float
    reason: Loss


def start(known: Known, shard: Range, checkpoint: str | None = None) -> Start:
    """What to read first. `checkpoint`: the engine's, after which it will hand over records by itself.

    A checkpoint that is no sequence number (TRIM_HORIZON) is before everything; None: there is no engine.
    Records that come again are absorbed, so an engine behind the position needs nothing.
    """
    position = known.position if known.position is not None and shard.admits(known.position) else None
    if checkpoint is None or not checkpoint.isdecimal():
        return Start(position)
    if position is not None and int(checkpoint) <= int(position):
        return Start(position)
    return Start(position, checkpoint)


def finished(known: Known, shard: Range) -> bool:
    """Whether nothing of a shard is left to read: it is closed, and its end was stored."""
    return (
        known.ended and shard.last is not None and known.position is not None and shard.admits(known.position)
    )


def gap(known: Known, shard: Range, first: First | None, horizon: float, now: float) -> Gap | None:
    """What is lost between the position and `first`, the oldest record that the stream has from there on.

    first None: it has none. It is at or before the position: the stream still holds that, and so all that
    came after it. horizon: what reached the stream before may be gone: now less the retention.
    Times in seconds since 1970.
    A quiet shard, whose last record expired but which was seen at its tip since, has no gap.
    """
    position = known.position
    if position is not None and not shard.admits(position):
        return _gap(known, first, now, Loss.REMADE)
    if position is not None and first is not None and int(first.sequence_number) <= int(position):
        return None
    if position is None and known.read_to is None:
        return None  # nobody has read this shard or its parents yet: the oldest record is the beginning
    if known.read_to is None or known.read_to < horizon + SKEW_SECONDS:
        return _gap(known, first, horizon, Loss.EXPIRED)
    if position is not None and known.arrived_at is not None and known.arrived_at > horizon + SKEW_SECONDS:
        # It should be there. The retention was raised, which brings nothing back that had expired:
        # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html
        return _gap(known, first, horizon, Loss.EXPIRED)
    return None


def gone(known: Known, horizon: float, now: float) -> Gap | None:
    """What is lost with a shard that the stream no longer has; None where all of it was read."""
    if known.ended or known.read_to is None:
        return None
    if known.read_to < horizon + SKEW_SECONDS:
        return _gap(known, None, horizon, Loss.EXPIRED)
    return _gap(known, None, now, Loss.REMADE)  # within its retention a shard does not go by itself


def _gap(known: Known, first: First | None, until: float, reason: Loss) -> Gap:
    from_at = known.read_to
    to_at = first.arrived_at if first is not None else until
    return Gap(
        after=known.position,
        from_at=from_at,
        before=first.sequence_number if first is not None else None,
        to_at=to_at if from_at is None else max(to_at, from_at),
        reason=reason,
    )
