"""Whether the shards of this task advance, from what its children tell of themselves.

`/health` and `/ready` of one process became two commands that read the children's files: `python -m processor
health`, the container's check, and `… ready`. docs/decisions/children-health.md
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from processor.engine.vitals import Vitals
from processor.readiness import BEHIND_MS, STALL_SECONDS, Standing, readiness

STANDSTILL_SECONDS = 180.0  # a loop that has not beaten; as of the one process without an engine
# The daemon speaks several times a second, or every five where records are pushed to it (fan-out). When it
# cannot reach Kinesis it says nothing; a restart would not mend that, so it is given longer than that lasts.
SILENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Health:
    """`because`: why it is not well, a sentence each; `shards`: each with how it stands."""

    because: tuple[str, ...]
    shards: dict[str, dict[str, object]]

    def document(self) -> dict[str, object]:
        """What `health` prints."""
        return {"alive": not self.because, "because": self.because, "shards": self.shards}


@dataclass(frozen=True)
class Ready:
    """As Health; `shards` has each shard's `/ready` document."""

    because: tuple[str, ...]
    shards: dict[str, object]

    def document(self) -> dict[str, object]:
        """What `ready` prints."""
        return {"ready": not self.because, "because": self.because, "shards": self.shards}


def runs(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def health(children: Sequence[Vitals], now: float, alive: Callable[[int], bool] = runs) -> Health:
    """What `python -m processor health` says; now by time.monotonic.

    No child: a task without a lease stands by, and is well. What a former daemon left is passed over.
    """
    ours = [child for child in children if alive(child.parent)]
    because = tuple(said for child in ours if (said := _ailment(child, now, alive)) is not None)
    return Health(because, {child.shard: _shown(child, now) for child in ours})


def ready(children: Sequence[Vitals], now: float, alive: Callable[[int], bool] = runs) -> Ready:
    """What `python -m processor ready` says: as of one process, each shard with its own reasons."""
    because: list[str] = []
    shown: dict[str, object] = {}
    for child in children:
        if not alive(child.parent):
            continue
        ailment = _ailment(child, now, alive)
        said = readiness(_standing(child), now)
        because += [f"{child.shard}: {one}" for one in said.because] + ([ailment] if ailment else [])
        shown[child.shard] = said.shown
    return Ready(tuple(because), shown)


def _ailment(child: Vitals, now: float, alive: Callable[[int], bool]) -> str | None:
    """Why a new task would do better; None where it would not."""
    if not alive(child.pid):
        return f"{child.shard}: its process has died, and the daemon runs on"
    if now - child.beat > STANDSTILL_SECONDS:
        return f"{child.shard}: its loop has stood still for {now - child.beat:.0f} s"
    if child.database is not None or child.lacks is not None:
        return None  # a restart would not bring it back, and what is kept would have to be read again
    if now - child.heard > SILENCE_SECONDS:
        return f"{child.shard}: the daemon has said nothing for {now - child.heard:.0f} s"
    behind = child.lag_ms.get(child.shard, 0)
    since = _advanced(child)
    if child.state == "owner" and behind >= BEHIND_MS and now - since > STALL_SECONDS:
        return f"{child.shard}: {behind} ms behind, and nothing was committed for {now - since:.0f} s"
    return None


def _advanced(child: Vitals) -> float:
    last = child.last.get(child.shard)
    return max(last.at if last else 0.0, child.abreast or child.beat)


def _standing(child: Vitals) -> Standing:
    return Standing(
        role="starting" if child.state == "starting" else "reader",
        lacks=child.lacks,
        database=child.database,
        cache=child.cache,
        lag_ms=child.lag_ms,
        last=child.last,
        abreast={} if child.abreast is None else {child.shard: child.abreast},
    )


def _shown(child: Vitals, now: float) -> dict[str, object]:
    return {
        "state": child.state,
        "silent_seconds": round(max(0.0, now - child.beat), 1),
        "heard_seconds_ago": round(max(0.0, now - child.heard), 1),
        "database": child.database or "connected",
        "cache": child.cache or "connected",
        "lag_ms": child.lag_ms.get(child.shard, 0),
        "inserted": child.inserted,
        "absorbed": child.absorbed,
        "refused": child.refused,
    }
