"""Workers, daemons and children killed at random moments: is everything stored once, and nothing else?"""

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from local.engine.fleet import NotReached
from local.engine.home import Home
from local.engine.trial import Trial
from local.faults.world import World

A_TRIAL = 40  # kills on one stream; then another one, with a table of its own
JUDGED_EVERY = 10
MOST_SECONDS = 3.0  # between two kills


def lose_worker(trial: Trial) -> bool:
    """A machine is gone: JVM and children at once."""
    trial.victim().lose()
    return True


def kill_daemon(trial: Trial) -> bool:
    """The JVM alone; its children read the end of their input."""
    trial.victim().kill_daemon()
    return True


def kill_child(trial: Trial) -> bool:
    """One shard's child."""
    children = [pid for one in trial.fleet.workers if not one.may_end for pid in one.children()]
    if children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(trial.chance.choice(children), signal.SIGKILL)
    return bool(children)


def tell_worker(trial: Trial) -> bool:
    """SIGTERM; what follows may meet it while it hands over."""
    trial.victim().terminate()
    return True


KINDS: dict[str, tuple[Callable[[Trial], bool], int]] = {
    "worker lost": (lose_worker, 3),
    "daemon killed": (kill_daemon, 3),
    "child killed": (kill_child, 4),
    "worker told to end": (tell_worker, 2),
}


@dataclass
class Plan:
    """So many kills, by chance from this seed; `counts` has what came of each kind."""

    wanted: int
    seed: int
    say: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)


def kills(world: World, home: Home, plan: Plan) -> Iterator[str]:
    """Until there were so many, or something is wrong, of which the lines come."""
    number = 0
    while plan.counts.total() < plan.wanted:
        with Trial(world, home, number, Random(f"{plan.seed}/{number}")) as trial:
            lines = list(_suffered(trial, min(A_TRIAL, plan.wanted - plan.counts.total()), plan))
        if lines:
            yield f"trial {number} of seed {plan.seed}, after {plan.counts.total()} kills:"
            yield from lines
            return
        number += 1


def _suffered(trial: Trial, most: int, plan: Plan) -> Iterator[str]:
    happened, kind = 0, "at the start"
    try:
        trial.load()
        trial.settle()
        while happened < most:
            trial.wait(trial.chance.uniform(0, MOST_SECONDS))
            (kind,) = trial.chance.choices(list(KINDS), [share for _, share in KINDS.values()])
            if KINDS[kind][0](trial):
                happened += 1
                plan.counts[kind] += 1
                plan.say(f"{plan.counts.total():4} {kind}")
            if happened % JUDGED_EVERY == 0 and (wrong := trial.judged()):
                yield from (f"{kind}: {line}" for line in wrong)
                return
        yield from trial.judged()
    except NotReached as error:
        yield f"{kind}: {error}"
        yield "\n".join(trial.fleet.log.read_text(errors="replace").splitlines()[-15:])
