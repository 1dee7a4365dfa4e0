"""`python -m local.engine measure` times what happens to shards when workers end.

Exit codes: 0 all came about, 1 something did not, 2 the engine or Java is not there.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.engine import home, page, times
from local.engine.fleet import NotReached
from local.engine.measure import Engine, measure
from local.errors import LocalError

ENGINES = {
    "ours": Engine("ours", home.OURS, times.OURS),
    "theirs": Engine("theirs", home.THEIRS, times.THEIRS),
}


def main(arguments: Sequence[str]) -> int:
    """What was asked for; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.engine")
    commands = parser.add_subparsers(dest="command", required=True)
    measured = commands.add_parser("measure", help="how long shards go unread; writes docs/engine-times.md")
    measured.add_argument("--runs", type=int, default=10, help="of each event")
    measured.add_argument("--engine", choices=ENGINES, default="ours")
    measured.add_argument("--log", type=Path, help="keep what the workers say in this directory")
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
            directory = asked.log or Path(scratch)
            directory.mkdir(parents=True, exist_ok=True)
            found = measure(home.installed(), directory, ENGINES[asked.engine], asked.runs, _say)
    except LocalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except NotReached as error:
        print(error, file=sys.stderr)
        return 1
    page.write(found.rows())
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
