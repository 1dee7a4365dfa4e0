"""From hot and cold to raised and cleared: delays on both sides, as ISA-18.2 has them (on-delay, off-delay).

Each detector says of each step hot (1), cold (-1) or neither (0: between a limit and its deadband, which
keeps what was). Heat that has lasted the on-delay raises, cold that has lasted the off-delay clears. Times
are the steps' own, never the clock's.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.steps import Steps
from processor.columns import Bool, Int8, Int64

# Of one point under one rule; every detector's state begins with these fields. Times in µs since 1970.
STANDING = [
    ("ts", np.int64),  # the key of the last reading judged
    ("seq", np.int64),
    ("since", np.int64),  # when the present heat or cold began
    ("hot", np.int8),
    ("raised", np.int8),
]
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Delays:
    """In µs."""

    on: int = 0
    off: int = 0


@dataclass(frozen=True)
class Changes:
    """Steps at which an alarm changes: their places, whether it is raised (else cleared), and since when the
    heat or the cold that did it lasts (µs)."""

    step: Int64
    raised: Bool
    since: Int64


@dataclass(frozen=True)
class Standing:
    """Of each run, after its last step."""

    since: Int64
    hot: Int8
    raised: Int8


def stand(before: Standing, steps: Steps, delays: Delays) -> tuple[Standing, Changes]:
    """What becomes of the alarms. The times of the steps are ascending within their run."""
    stirred = (before.hot > 0) | (before.raised > 0)
    stirred[steps.runs.run[steps.heat > 0]] = True
    step = np.flatnonzero(stirred[steps.runs.run])
    if not len(step):
        return before, Changes(step, np.zeros(0, np.bool_), step)
    # All others were cold and are: nothing changes there, and they are nearly all.
    after, changes = _stand(before, steps.of_runs(stirred, step), delays)
    return after, Changes(step[changes.step], changes.raised, changes.since)


def _stand(before: Standing, steps: Steps, delays: Delays) -> tuple[Standing, Changes]:
    at, runs = steps.at, steps.runs
    run = runs.run
    said = runs.latest(steps.heat != 0)
    hot = np.where(said >= 0, steps.heat[said] > 0, before.hot[run] > 0).astype(np.int64)
    turned = hot != runs.before(hot, before.hot.astype(np.int64))
    turn = runs.latest(turned)
    since = np.where(turn >= 0, steps.began[turn], before.since[run])
    # Of a point that was never judged, `since` is NEVER: cold for ever, and nothing to clear.
    lasted = at - np.maximum(since, at.min() - max(delays.on, delays.off) - 1)
    sets = (hot == 1) & (lasted >= delays.on)
    clears = (hot == 0) & (lasted >= delays.off)
    decided = runs.latest(sets | clears)
    raised = np.where(decided >= 0, sets[decided], before.raised[run] > 0).astype(np.int64)
    changed = np.flatnonzero(raised != runs.before(raised, before.raised.astype(np.int64)))
    after = Standing(before.since.copy(), before.hot.copy(), before.raised.copy())
    begun, last = runs.begun, runs.last
    after.since[begun], after.hot[begun], after.raised[begun] = since[last], hot[last], raised[last]
    return after, Changes(changed, raised[changed] == 1, since[changed])
