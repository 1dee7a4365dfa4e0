"""Whether the processor does what it is there for: reads, or stands by to read the moment its turn comes.

The cache is no part of it: without one, readings are stored all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# A batch may wait for a fail-over of the database, one to two minutes; what takes longer is not on its way.
STALL_SECONDS = 180.0
# A reader that asks every 200 ms hears 0 between two records of a quiet plant; less than this is no backlog.
BEHIND_MS = 1_000


@dataclass(frozen=True)
class Readiness:
    """`because`: why it is not ready, a sentence each; `shown`: the fields of `/ready` besides."""

    because: tuple[str, ...]
    shown: dict[str, object]


@dataclass(frozen=True)
class LastCommit:
    """`at`: by time.monotonic; `age`: seconds that its oldest record had been in the stream by then."""

    at: float
    age: float


@dataclass(frozen=True)
class Standing:
    """How the processor stands at one moment. Times by time.monotonic.

    role: "starting", "standby" or "reader". lacks: what the tables lack for this release, once it has looked.
    abreast: by shard, when its reading began, or when nothing was behind it last.
    """

    role: str
    lacks: str | None
    database: str | None  # why it is away
    cache: str | None
    lag_ms: Mapping[str, int]  # by shard
    last: Mapping[str, LastCommit]
    abreast: Mapping[str, float]


def readiness(standing: Standing, now: float) -> Readiness:
    """What `/ready` says."""
    because: list[str] = []
    if standing.database is not None:
        because.append(f"the database is away: {standing.database}")
    if standing.role == "starting":
        because.append("it has not asked for its turn yet: see `database`, and the log")
    if standing.lacks is not None:
        because.append(standing.lacks)
    stalled = sorted(name for name in standing.lag_ms if _stalled(standing, name, now))
    if stalled:
        because.append(f"nothing was committed for {STALL_SECONDS:.0f} s of {', '.join(stalled)}")
    shards = {
        name: {"lag_ms": lag_ms, **_shown(standing.last.get(name), now)}
        for name, lag_ms in sorted(standing.lag_ms.items())
    }
    shown = {
        "role": standing.role,
        "tables": standing.role != "starting" and standing.lacks is None,
        "database": standing.database or "connected",
        "cache": standing.cache or "connected",
        "shards": shards,
    }
    return Readiness(tuple(because), shown)


def _stalled(standing: Standing, shard: str, now: float) -> bool:
    """Data waits, and for long none of it was committed.

    A shard may begin late, as the child of a reshard does, or be quiet for hours: it is counted from when
    there was nothing to wait for.
    """
    since = standing.abreast.get(shard)
    if since is None or standing.lag_ms[shard] < BEHIND_MS:
        return False
    last = standing.last.get(shard)
    return now - max(since, last.at if last else since) > STALL_SECONDS


def _shown(last: LastCommit | None, now: float) -> dict[str, float | None]:
    ago = None if last is None else round(max(0.0, now - last.at), 1)
    return {"committed_seconds_ago": ago, "age_at_commit_seconds": last.age if last else None}
