"""What an operator asks of a trial: `rules try …`."""

import argparse
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from processor.alarms.definition import Clock, Definition


@dataclass(frozen=True)
class Shown:
    """What is made of a trial beside its lines: a picture, a score. `labelled`: which list of the labels."""

    plot: Path | None = None
    labels: Path | None = None
    labelled: str | None = None
    # Of the times in a recording and in labels
    zone: tzinfo = UTC  # of those without an offset
    day_first: bool | None = None  # of 02/12/2026; None: such a time is refused


@dataclass(frozen=True)
class Try:
    """A rule that there is, or a path and a definition, over stored readings of [since, until).

    `database`: a libpq connection string of a reader's own login; None: the processor's environment.
    """

    name: str | None
    path: str | None
    definition: Definition | None
    since: datetime
    until: datetime
    shown: Shown = field(default_factory=Shown)
    database: str | None = None


@dataclass(frozen=True)
class TryFile:
    """A definition over a recording: CSV, a time and points. Asks no database. Empty `columns`: all."""

    file: Path
    definition: Definition
    columns: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    shown: Shown = field(default_factory=Shown)


def add_arguments(trial: argparse.ArgumentParser) -> None:
    """All but what a rule has as well (--rule, --path, --definition)."""
    where = trial.add_argument_group("the readings")
    where.add_argument(
        "--from", dest="since", type=_moment, metavar="TIME", help="such as 2026-03-01T06:00:00Z"
    )
    where.add_argument(
        "--to", dest="until", type=_moment, metavar="TIME", help="up to, and without, this time"
    )
    where.add_argument(
        "--database", metavar="CONNECTION", help="as a reader: a libpq string such as service=plant"
    )
    where.add_argument(
        "--file", type=Path, help="a recording instead: CSV, a time and a column for each point"
    )
    where.add_argument(
        "--column", action="append", default=[], metavar="NAME", help="this one alone; repeatable"
    )
    where.add_argument("--timezone", type=_zone, metavar="ZONE", help="of times without an offset (UTC)")
    where.add_argument("--dates", choices=["day-first", "month-first"], help="of 02/12/2026")
    shown = trial.add_argument_group("what is shown beside the lines")
    shown.add_argument("--plot", type=_picture, metavar="FILE.png", help="draw it")
    shown.add_argument(
        "--labels", type=Path, metavar="FILE", help="what is known to have been wrong: score it"
    )
    shown.add_argument("--labelled", metavar="NAME", help="which list of the labels")


def trial(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Try | TryFile:
    """Leaves by SystemExit(2) with a line that says what is allowed."""
    if given.since is not None and given.until is not None and given.since >= given.until:
        parser.error(f"--from {given.since.isoformat()} must be before --to {given.until.isoformat()}")
    if given.labelled is not None and given.labels is None:
        parser.error("--labelled names a list of the file given as --labels: give that too")
    day_first = None if given.dates is None else given.dates == "day-first"
    shown = Shown(given.plot, given.labels, given.labelled, given.timezone or UTC, day_first)
    if given.file is not None:
        return _file(parser, given, shown)
    if given.column or (given.labels is None and (given.dates or given.timezone is not None)):
        parser.error(
            "--column, --dates and --timezone are for a recording: give --file FILE.csv with it (of labels "
            "--dates and --timezone hold too)"
        )
    if (given.rule is None) == (given.path is None) or (given.path is None) != (given.definition is None):
        parser.error("try needs either --rule, or --path with --definition, or --file with --definition")
    if given.database is not None and given.rule is not None:
        parser.error("a reader's login does not see the rules: give --path and --definition with --database")
    if given.since is None or given.until is None:
        parser.error("try needs --from and --to, each a date and time with an offset")
    return Try(given.rule, given.path, given.definition, given.since, given.until, shown, given.database)


def _file(parser: argparse.ArgumentParser, given: argparse.Namespace, shown: Shown) -> TryFile:
    if given.definition is None:
        parser.error('try --file needs --definition, such as --definition \'{"kind": "deviation"}\'')
    if any((given.rule, given.path, given.database)):
        parser.error("try --file asks no database: --rule, --path and --database do not go with it")
    if isinstance(given.definition, Clock):
        parser.error(
            "a clock is judged by when readings were stored, which a recording does not say: try it on "
            "stored readings, with --path"
        )
    return TryFile(given.file, given.definition, tuple(given.column), given.since, given.until, shown)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be a date and time with an offset, such as 2026-03-01T06:00:00Z"
        )
    return moment


def _zone(text: str) -> tzinfo:
    if text.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time zone; an IANA name such as Europe/London is"
        ) from None


def _picture(text: str) -> Path:
    file = Path(text)
    if file.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"{text!r} must end in .png: a picture is a PNG")
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {str(file.parent)!r}: make it first")
    return file
