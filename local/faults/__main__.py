"""`python -m local.faults`: do harm to running processors, and see that nothing is lost or doubled.

Exit codes: 0 all is as it must be; 1 something is not; 2 wrong usage, or a server is missing.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from local.errors import LocalError
from local.faults.kinds import KINDS
from local.faults.trial import NotSettled, Trial
from local.faults.world import World, opened

FAULTS, SEED = 1_000, 1
A_TRIAL = 100  # faults of one stream and its account
JUDGED_EVERY = 20  # faults, so that what went wrong is near


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    began = time.monotonic()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="millrace-faults-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        try:
            with opened(Path(name)) as world:
                for line in _trials(world, asked, counts):
                    wrong.append(line)
                    print(line, flush=True)
        except LocalError as error:
            print(f"faults: {error}", file=sys.stderr)
            return error.exit_code
    for kind, count in sorted(counts.items()):
        print(f"{count:6} {kind}")
    total = sum(counts.values())
    verdict = "nothing lost, nothing doubled" if not wrong else "NOT as it must be"
    print(f"{total} faults, seed {asked.seed}, {time.monotonic() - began:.0f} s: {verdict}")
    return 1 if wrong or total < asked.faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=FAULTS, metavar="N", help=f"how many ({FAULTS})")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of what is by chance ({SEED})")
    parser.add_argument("--kind", choices=sorted(KINDS), metavar="KIND", help="this one alone")
    parser.add_argument("--verbose", action="store_true", help="a line for each fault")
    return parser


def _trials(world: World, asked: argparse.Namespace, counts: Counter[str]) -> Iterator[str]:
    """Until so many faults happened or something is wrong, of which the lines come."""
    number = 0
    while sum(counts.values()) < asked.faults:
        chance = random.Random(f"{asked.seed}/{number}")
        most = min(A_TRIAL, asked.faults - sum(counts.values()))
        with Trial(world, number, chance) as trial:
            lines = list(_suffered(trial, most, asked, counts))
        if lines:
            yield f"trial {number} of seed {asked.seed}, after {sum(counts.values())} faults:"
            yield from lines
            return
        number += 1


def _suffered(trial: Trial, most: int, asked: argparse.Namespace, counts: Counter[str]) -> Iterator[str]:
    kinds = [asked.kind] if asked.kind else list(KINDS)
    shares = [KINDS[kind][1] for kind in kinds]
    happened = 0
    kind = ""
    try:
        while happened < most:
            (kind,) = trial.chance.choices(kinds, shares)
            began = time.monotonic()
            trial.harms += 1
            came = KINDS[kind][0](trial)
            trial.settle()
            if came:
                happened += 1
                counts[kind] += 1
            if asked.verbose:
                outcome = f"{time.monotonic() - began:.2f} s" if came else "the moment did not come"
                print(f"{happened:5} {kind}: {outcome}", flush=True)
            if happened and happened % JUDGED_EVERY == 0 and (wrong := trial.judged()):
                yield from (f"{kind}: {line}" for line in wrong)
                return
        trial.world.step_clock(0)
        kind = "at the end"
        yield from trial.judged_latest()
        yield from trial.judged()
        kind = "replayed"
        yield from trial.replayed()
        yield from trial.judged(at_the_end=True)
    except (NotSettled, TimeoutError) as error:
        yield from (f"{kind}: {line}" for line in error.args)
        yield "\n".join(trial.log.read_text(errors="replace").splitlines()[-15:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
