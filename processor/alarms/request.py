"""What an operator asks of the rules."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from processor.alarms import try_request
from processor.alarms.definition import Definition, DefinitionError, read
from processor.alarms.fields import KINDS, described, hint
from processor.alarms.pattern import PatternError, expression
from processor.alarms.try_request import Try, TryFile

PROGRAM = "python -m processor rules"
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the usage above it, in which nobody would find it."""
        self.exit(2, f"rules: {message} (`{self.prog} --help` shows what there is)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="What the readings are watched for. A change judges what comes a minute later and on.",
        epilog="definitions:\n"
        + "".join(f"  {described(kind)}\n" for kind in KINDS)
        + "\nexamples:"
        + EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    ways = parser.add_subparsers(dest="what", required=True)
    ways.add_parser("list", help="the rules that there are")
    add = ways.add_parser("add", help="a new rule", allow_abbrev=False)
    add.add_argument("name", type=_name)
    add.add_argument("--path", type=_path, required=True, help="seven levels; * for any characters of one")
    add.add_argument("--definition", type=_definition, required=True, metavar="JSON")
    add.add_argument("--disabled", action="store_true", help="write it down, and judge nothing yet")
    add.add_argument("--at-once", action="store_true", help="not in a minute: where nobody has read yet")
    change = ways.add_parser("change", help="a new version of a rule", allow_abbrev=False)
    change.add_argument("name", type=_name)
    change.add_argument("--path", type=_path)
    change.add_argument("--definition", type=_definition, metavar="JSON")
    switch = change.add_mutually_exclusive_group()
    switch.add_argument("--enable", dest="enabled", action="store_const", const=True)
    switch.add_argument("--disable", dest="enabled", action="store_const", const=False)
    ways.add_parser("remove", help="judge by it no more").add_argument("name", type=_name)
    trial = ways.add_parser("try", help="what it would have raised", allow_abbrev=False)
    trial.add_argument("--rule", type=_name, metavar="NAME")
    trial.add_argument("--path", type=_path)
    trial.add_argument("--definition", type=_definition, metavar="JSON")
    try_request.add_arguments(trial)
    trial.set_defaults(parser=trial)
    return parser


def _name(text: str) -> str:
    if not 1 <= len(text) <= 64 or not text.isprintable() or text != text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} must be 1 to 64 printable characters")
    return text


def _path(text: str) -> str:
    try:
        expression(text)
    except PatternError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _definition(text: str) -> Definition:
    try:
        return read(text)
    except DefinitionError as error:
        raise argparse.ArgumentTypeError(f"{error}; {hint(text)}") from None
