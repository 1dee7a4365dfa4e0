"""`python -m local.engine measure` times what happens to shards when workers end; `… kills` kills workers,
daemons and children at random moments, and judges what is stored; `… backlog` lets gigabytes wait.

Exit codes: 0 all came about and nothing was wrong, 1 something was, 2 the engine or Java is not there.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from local.engine import home, page, times
from local.engine.backlog import work_off
from local.engine.fleet import NotReached
from local.engine.kills import Plan, kills
from local.engine.measure import Engine, measure
from local.errors import LocalError
from local.faults import world

ENGINES = {
    "ours": Engine("ours", home.OURS, times.OURS),
    "theirs": Engine("theirs", home.THEIRS, times.THEIRS),
}
KILLS, SEED = 200, 1


def main(arguments: Sequence[str]) -> int:
    """What was asked for; its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        engine = home.installed()
        # /tmp: the sockets of the servers in it have short names, and their user may enter it.
        with tempfile.TemporaryDirectory(dir="/tmp", prefix="engine-", ignore_cleanup_errors=True) as scratch:
            directory: Path = asked.log or Path(scratch)
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o755)
            if asked.command == "measure":
                _measure(engine, directory, asked)
                return 0
            if asked.command == "backlog":
                found = work_off(engine, directory, asked.gigabytes, _say)
                print(
                    f"{found.gigabytes:g} GB in {found.seconds:.0f} s, at most {found.most_mib} MiB resident"
                )
                return 0
            return _kill(engine, directory, asked)
    except LocalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except NotReached as error:
        print(error, file=sys.stderr)
        return 1


def _measure(engine: home.Home, directory: Path, asked: argparse.Namespace) -> None:
    name = asked.engine
    if not asked.add:
        page.begin(name)

    def told(event: str, seconds: float) -> None:
        page.add(name, event, seconds)  # as it comes: a run takes long, and may be ended
        _say(f"{name}: {event} {seconds:.1f} s")

    measure(engine, directory, ENGINES[name], asked.runs, told)


def _kill(engine: home.Home, directory: Path, asked: argparse.Namespace) -> int:
    began, plan = time.monotonic(), Plan(asked.kills, asked.seed, _say)
    with world.opened(directory) as opened:
        lines = list(kills(opened, engine, plan))
    counted = ", ".join(f"{kind} {count}" for kind, count in sorted(plan.counts.items()))
    print(f"{plan.counts.total()} kills, seed {plan.seed}, {time.monotonic() - began:.0f} s: {counted}")
    print("\n".join(lines) if lines else "0 lost, 0 doubled")
    return 1 if lines else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.engine")
    commands = parser.add_subparsers(dest="command", required=True)
    measured = commands.add_parser("measure", help="how long shards go unread; writes docs/engine-times.md")
    measured.add_argument("--runs", type=int, default=10, metavar="N", help="of each event (10)")
    measured.add_argument("--engine", choices=ENGINES, default="ours", help="whose times and end (ours)")
    measured.add_argument("--add", action="store_true", help="to what was measured before, or is just now")
    killed = commands.add_parser("kills", help="is everything stored once, whatever is killed?")
    killed.add_argument("--kills", type=int, default=KILLS, metavar="N", help=f"how many ({KILLS})")
    killed.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of what is by chance ({SEED})")
    waited = commands.add_parser("backlog", help="does a worker stay within its memory?")
    waited.add_argument("--gigabytes", type=float, default=2.0, metavar="N", help="that wait (2)")
    for command in (measured, killed, waited):
        command.add_argument("--log", type=Path, metavar="DIRECTORY", help="keep what the workers say here")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
