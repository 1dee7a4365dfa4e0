"""`python -m local.rotating`: both logins rotated every few seconds under full load, and nobody notices.

Exit codes: 0 all is as it must be; 1 something is not, or a part failed; 2 wrong usage, or a server is
missing; 130 interrupted.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deployer.errors import DeployerError
from local.aws import EmbeddedAwsError
from local.errors import LocalError
from local.interrupt import Interrupted, interruptible
from local.rotating.run import Asking, run
from local.rotating.verdict import summary, wrong
from local.screen import Screen

SECONDS, EVERY, RATE = 300.0, 3.0, 20_000.0  # two shards' worth of readings, several a record


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    said = Said()
    try:
        with interruptible():
            found = run(Asking(given.seconds, given.every, given.rate), Screen(said), said.getvalue)
    except Interrupted as interrupted:
        return interrupted.exit_code
    except (LocalError, DeployerError, EmbeddedAwsError) as error:
        print(f"rotating: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, LocalError) else 1
    lines = wrong(found)
    for line in (*summary(found), *(f"  WRONG {line}" for line in lines)):
        print(line)
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    print("nobody noticed" if not lines else "NOT as it must be")
    return 1 if lines else 0


class Said(io.StringIO):
    """Standard error, and what was written to it: the deployer's words are searched too."""

    def write(self, text: str) -> int:
        sys.stderr.write(text)
        sys.stderr.flush()
        return super().write(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.rotating", description=__doc__)
    numbers = (
        ("--for", "seconds", SECONDS, "SECONDS", "how long (300)"),
        ("--every", "every", EVERY, "SECONDS", "between two rotations of a login (3)"),
        ("--rate", "rate", RATE, "READINGS_PER_S", "of all machines together (20000)"),
    )
    for name, field, default, unit, means in numbers:
        parser.add_argument(name, dest=field, type=_above_zero, default=default, metavar=unit, help=means)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found here")
    return parser


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not allowed; a number above 0 is")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
