"""`make bench`: measure, print one table, write bench/results.json.

Exit codes: 0 measured · 1 something failed · 2 the command line is wrong, or a server is missing.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import detectors, emission, latency, path, picture, scale, table, wire
from bench.measure import RUNS, Options
from local.errors import LocalError

GROUPS = {
    "emission": emission.rows,
    "path": path.rows,
    "bytewax": path.against_bytewax,
    "detectors": detectors.rows,
    "scale": scale.rows,
    "latency": latency.rows,
    "wire": wire.rows,
}
APART = {"bytewax", "wire"}  # only when asked for: their peers have extras of their own
LEAST_READINGS = 100_000  # with fewer, the slow samples carry too few for a rate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the groups asked for, in order."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "groups",
        nargs="*",
        type=_group,
        metavar="GROUP",
        help=f"any of {', '.join(GROUPS)}; default: all but {' and '.join(sorted(APART))}",
    )
    parser.add_argument(
        "--readings", type=_at_least(LEAST_READINGS), default=2_000_000, metavar="N", help="default: 2000000"
    )
    parser.add_argument(
        "--runs", type=_at_least(RUNS), default=RUNS, metavar="N", help=f"of each way; default: {RUNS}"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it as well; docs/bench.svg is one")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results.json", metavar="FILE", help="the JSON"
    )
    given = parser.parse_args(arguments)
    if not given.out.parent.is_dir():
        parser.error(f"--out: there is no directory {given.out.parent}; make it, or give another file")
    options = Options(runs=given.runs, readings=given.readings)
    machine = table.machine()
    rows = []
    try:
        for group in dict.fromkeys(given.groups or [name for name in GROUPS if name not in APART]):
            print(f"measuring {group} …", file=sys.stderr)
            rows += GROUPS[group](options)
    except LocalError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    print(table.text(rows))
    try:
        table.save(table.Results(machine, rows), given.out)
        if given.picture is not None:
            given.picture.write_text(picture.draw(rows, machine))
    except OSError as error:
        print(
            f"bench: cannot write {error.filename}: {error.strerror}; give another file by --out",
            file=sys.stderr,
        )
        return 1
    return 0


def _group(name: str) -> str:
    if name not in GROUPS:
        raise argparse.ArgumentTypeError(f"there is no group {name!r}; there are: {', '.join(GROUPS)}")
    return name


class _at_least:
    """A whole number from `least` on."""

    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = self._least - 1
        if value < self._least:
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from {self._least} on")
        return value


if __name__ == "__main__":
    sys.exit(main())
