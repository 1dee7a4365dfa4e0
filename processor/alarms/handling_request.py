"""What somebody asks of the alarms that were raised."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from processor.alarms.arguments import PYTHON, Parser, name, path

PROGRAM = f"{PYTHON} alarms"
EXAMPLES = f"""
  {PROGRAM} list --standing
  {PROGRAM} list --path 'acme/lon1/*/*/*/m17/*' --rule hot-spindle
  {PROGRAM} acknowledge 4711 --by shift-2
  {PROGRAM} acknowledge hot-spindle acme/lon1/press/line2/cell4/m17/spindle_temp --by shift-2
"""
MOST_LISTED = 100


@dataclass(frozen=True)
class List:
    """The newest alarms. path: a pattern; None: of all."""

    standing: bool
    path: str | None
    rule: str | None
    most: int


@dataclass(frozen=True)
class Acknowledge:
    """By its number, or the one that stands of a rule at a point."""

    number: int | None
    rule: str | None
    path: str | None
    by: str


Request = List | Acknowledge


def from_arguments(arguments: Sequence[str]) -> Request:
    """Leaves by SystemExit(2) with a line on standard error that says what is allowed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.what == "list":
        return List(given.standing, given.path, given.rule, given.most)
    match given.alarm:
        case [number] if number.isascii() and number.isdigit():
            return Acknowledge(int(number), None, None, given.by)
        case [rule, path]:
            return Acknowledge(None, rule, path, given.by)
    return parser.error(
        f"acknowledge {' '.join(given.alarm)!r}: give an alarm's number, or its rule and the path of its"
        " point; `list --standing` shows them"
    )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        description="Alarms that were raised. The newest stand first; times are the readings' own.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    ways = parser.add_subparsers(dest="what", required=True, metavar="list|acknowledge")
    shown = ways.add_parser("list", help="those that there are", allow_abbrev=False)
    shown.add_argument("--standing", action="store_true", help="only what stands now, history left out")
    shown.add_argument("--path", type=path, help="only of these points; * for any characters of a level")
    shown.add_argument("--rule", metavar="NAME", help="only of this rule")
    shown.add_argument("--most", type=_count, default=MOST_LISTED, metavar="N", help="how many; default 100")
    taken = ways.add_parser("acknowledge", help="say that somebody is on it", allow_abbrev=False)
    taken.add_argument("alarm", nargs="+", metavar="NUMBER | RULE PATH")
    taken.add_argument("--by", type=name, required=True, metavar="NAME", help="who is on it")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to 100000")
    return int(text)
