"""`python -m local.soak`: kill the deployer at points of every command's way, and see what the next one does.

Exit codes: 0 each try led to what an undisturbed life leads to; 1 one did not; 2 wrong usage.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from local.aws import CacheServer, DatabaseServer, EmbeddedAws
from local.aws.faults import Fault
from local.soak import tree
from local.soak.life import LIFE, Life, Step, Try, Undisturbed
from local.soak.victim import Kill, Victims
from parameters.settings import load

TRIES, SEED = 220, 1
ENVIRONMENT = "dev"
BY_TIME = 5  # every fifth kill is by time
DELAY_SECONDS = 0.1  # at most, before an act: moments to be killed in
TYPES = (
    "AWS::CloudFormation::ChangeSet",
    "AWS::CloudFormation::Stack",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
)
WIDTH = 60  # of a line of the table, for what was said


class Points:
    """Where a step is killed next: every request, before it is sent and after it was answered, each once."""

    def __init__(self, model: Undisturbed, chance: random.Random) -> None:
        self._model = model
        self._chance = chance
        self._left: dict[str, list[Kill]] = {}
        for step in LIFE:
            requests = range(1, len(model.ended[step.name].requests) + 1)
            points = [Kill(number, answered) for number in requests for answered in (False, True)]
            chance.shuffle(points)
            self._left[step.name] = points
        self.total = sum(map(len, self._left.values()))
        self._given = 0

    def next(self, step: Step) -> Kill:
        self._given += 1
        points = self._left[step.name]
        if points and self._given % BY_TIME:
            return points.pop()
        return Kill(seconds=self._chance.uniform(0.0, self._model.ended[step.name].seconds))


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    chance = random.Random(asked.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="millrace-soak-") as name:
        scratch = Path(name)
        tries: list[Try] = []
        for one in _tries(scratch, chance, asked.tries):
            tries.append(one)
            if one.wrong or not asked.quiet:
                print(*_lines(len(tries), one), sep="\n", flush=True)
    failed = sum(bool(one.wrong) for one in tries)
    print(f"{len(tries)} tries, {failed} failed, seed {asked.seed}, {time.monotonic() - began:.0f} s")
    return 1 if failed or len(tries) < asked.tries else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.soak", description=__doc__)
    parser.add_argument("--tries", type=int, default=TRIES, metavar="N", help=f"how many kills ({TRIES})")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of what is by chance ({SEED})")
    parser.add_argument("--quiet", action="store_true", help="print only tries that failed, and the sum")
    return parser


def _tries(scratch: Path, chance: random.Random, wanted: int) -> Iterator[Try]:
    environment = load(ENVIRONMENT)
    templates, image = scratch / "templates", scratch / "image.tar"
    tree.write_image(image, b"one", b"another")

    def write(stage: str) -> None:
        tree.write(templates / ENVIRONMENT, environment, stage)

    with _aws(scratch, environment.account) as aws:
        victims = Victims(templates, scratch, aws.environment)
        model = Life(victims, aws, image, write).undisturbed(_delays(chance))
    points = Points(model, chance)
    print(f"{points.total} points of {len(LIFE)} commands, and any time between", flush=True)
    made = 0
    while made < wanted:
        with _aws(scratch, environment.account) as aws:
            victims.use(aws.environment)
            life = Life(victims, aws, image, write)
            delays = _delays(chance)
            for step in LIFE:
                one = life.tried(step, points.next(step), delays, model)
                made += 1
                yield one
                if one.wrong or made >= wanted:  # what it left would be told of every later one
                    break


def _aws(scratch: Path, account: str) -> EmbeddedAws:
    bundle = scratch / "ca.pem"
    bundle.touch()  # nothing connects to the database here
    return EmbeddedAws(
        account=account,
        database=DatabaseServer("localhost", 1, "unused"),
        cache=CacheServer("localhost", 2),
        ca_file=bundle,
        log=scratch / "aws.log",
    )


def _delays(chance: random.Random) -> tuple[Fault, ...]:
    return tuple(Fault(resource_type=kind, seconds=chance.uniform(0, DELAY_SECONDS)) for kind in TYPES)


def _lines(number: int, one: Try) -> Iterator[str]:
    yield f"{number:4} {one.step:<17} killed {one.kill} ({one.at})"
    for command, code, said in one.then:
        yield f"       {command}: {code}, {said[:WIDTH]}"
    for line in one.wrong:
        yield f"     WRONG {line}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
