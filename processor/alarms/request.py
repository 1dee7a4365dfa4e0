"""What an operator asks of the rules."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from processor.alarms import try_request
from processor.alarms.arguments import PYTHON, Parser, name, path
from processor.alarms.definition import Definition, DefinitionError, read
from processor.alarms.fields import EXAMPLE, KINDS, described, hint
from processor.alarms.try_request import Try, TryFile

PROGRAM = f"{PYTHON} rules"
EXAMPLES = f"""
  {PROGRAM} list
  {PROGRAM} add hot-spindle --path 'acme/lon1/*/*/*/*/spindle_temp' \\
      --definition '{{"kind": "limit", "high": 80, "deadband": 2, "on_delay": 60}}'
  {PROGRAM} change hot-spindle --disable
  {PROGRAM} remove hot-spindle
  {PROGRAM} try --rule hot-spindle --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z
  {PROGRAM} try --path 'acme/lon1/*/*/*/m17/*' --definition '{{"kind": "deviation"}}' \\
      --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z
  {PROGRAM} try --file spindle.csv --definition '{{"kind": "deviation"}}' --plot spindle.png
"""
DEFINITIONS = "definitions:\n" + "".join(f"  {described(kind)}\n" for kind in KINDS)


@dataclass(frozen=True)
class List:
    """Show what there is."""


@dataclass(frozen=True)
class Add:
    """A rule that there is not yet."""

    name: str
    path: str
    definition: Definition
    enabled: bool
    at_once: bool = False


@dataclass(frozen=True)
class Change:
    """None: as it is."""

    name: str
    path: str | None
    definition: Definition | None
    enabled: bool | None


@dataclass(frozen=True)
class Remove:
    """Its versions stay, and judge nothing."""

    name: str


Request = List | Add | Change | Remove | Try


def from_arguments(arguments: Sequence[str]) -> Request | TryFile:
    """Leaves by SystemExit(2) with a line on standard error that says what is allowed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.what == "list":
        return List()
    if given.what == "add":
        return Add(given.name, given.path, given.definition, not given.disabled, given.at_once)
    if given.what == "remove":
        return Remove(given.name)
    if given.what == "change":
        if given.path is None and given.definition is None and given.enabled is None:
            parser.error("change needs --path, --definition, --enable or --disable: nothing else changes")
        return Change(given.name, given.path, given.definition, given.enabled)
    return try_request.trial(given.parser, given)


def needs_no_environment(request: Request | TryFile) -> bool:
    """A trial on a recording, or one by a reader's login."""
    return isinstance(request, TryFile) or (isinstance(request, Try) and request.database is not None)


def instead(request: Request) -> str:
    """What a trial does with where the processor's environment is not, as the end of a line; else nothing."""
    of_path = isinstance(request, Try) and request.path is not None
    return "; at a desk give --database or --file" if of_path else ""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        description="What the readings are watched for. A change judges what comes a minute later and on.",
        epilog=f"{DEFINITIONS}\nexamples:{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    ways = parser.add_subparsers(dest="what", required=True, metavar="list|add|change|remove|try")
    ways.add_parser("list", help="the rules that there are")
    add = _of_a_rule(ways, "add", "a new rule", required=True)
    add.add_argument("name", type=name)
    add.add_argument("--disabled", action="store_true", help="write it down, and judge nothing yet")
    add.add_argument("--at-once", action="store_true", help="not in a minute: where nobody has read yet")
    change = _of_a_rule(ways, "change", "a new version of a rule")
    change.add_argument("name", type=name)
    switch = change.add_mutually_exclusive_group()
    switch.add_argument(
        "--enable", dest="enabled", action="store_const", const=True, help="judge by it from now on"
    )
    switch.add_argument(
        "--disable", dest="enabled", action="store_const", const=False, help="judge by it no more"
    )
    ways.add_parser("remove", help="judge by it no more").add_argument("name", type=name)
    trial = _of_a_rule(ways, "try", "what it would have raised")
    trial.add_argument("--rule", type=name, metavar="NAME", help="one that there is, with its path")
    try_request.add_arguments(trial)
    trial.set_defaults(parser=trial)
    return parser


def _of_a_rule(ways: Any, way: str, help: str, *, required: bool = False) -> argparse.ArgumentParser:
    """A command that takes what a rule has, and shows it."""
    parser: argparse.ArgumentParser = ways.add_parser(
        way,
        help=help,
        epilog=DEFINITIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--path", type=path, required=required, help="seven levels; * for any characters of one"
    )
    such = f"as below, such as '{EXAMPLE}'"
    parser.add_argument("--definition", type=_definition, required=required, metavar="JSON", help=such)
    return parser


def _definition(text: str) -> Definition:
    try:
        return read(text)
    except DefinitionError as error:
        raise argparse.ArgumentTypeError(f"{error}; {hint(text)}") from None
