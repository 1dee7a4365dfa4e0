"""What the user asks for, checked whole before anything is started."""

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

from local import headers
from local.errors import LocalError
from local.recording import default_device

SECONDS, RATE, MACHINES = 30.0, 2000.0, 20
MOST_SECONDS, MOST_RATE, MOST_MACHINES = 7 * 86_400.0, 200_000.0, 10_000
LEVELS = "enterprise/site/area/line/cell/device"

EPILOG = """\
--replay reads the first column as the time: ISO 8601 with or without an offset, or epoch seconds,
milliseconds, microseconds or nanoseconds. A time without an offset is in --timezone; where a clock is set
back and an hour comes twice, the meaning is taken that keeps the rows in order; a time in an hour that a
clock skips is read with the offset from before. Each further column is a metric: numbers (with a semicolon
or tab between columns also with a decimal comma), true and false, NaN, or text. An empty cell is no reading,
a blank line no row. Rows that are alike in time and value are one reading.

Exit codes: 0 nothing lost, nothing doubled, the credentials rotated, the rehearsal as it
must go; 1 that did not hold or a part failed;
2 the input is wrong, and nothing was started; 130 interrupted."""


class ArgumentWrong(LocalError):
    """{why}"""


@dataclass(frozen=True)
class Replay:
    """A recording to send instead of the simulated plant."""

    file: Path
    device: str
    zone: tzinfo


@dataclass(frozen=True)
class Ports:
    """Where the servers listen on loopback; 0 takes a free port."""

    aws: int = 0
    postgres: int = 0
    redis: int = 0


@dataclass(frozen=True)
class Options:
    """One run."""

    seconds: float = SECONDS
    rate: float = RATE
    machines: int = MACHINES
    keep: bool = False
    rehearsal: bool = True
    engine: bool = False
    drill: bool = False
    replay: Replay | None = None
    state: Path | None = None
    json: Path | None = None
    ports: Ports = field(default_factory=Ports)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentWrong(why=f"{message} (--help shows what there is)")


def parse(arguments: Sequence[str]) -> Options:
    """The run that the command line asks for. Raises ArgumentWrong, and SystemExit(0) after --help."""
    given = _parser().parse_args(arguments)
    _only_together(given)
    chosen = [port for port in (given.aws_port, given.postgres_port, given.redis_port) if port]
    if len(set(chosen)) < len(chosen):
        raise ArgumentWrong(why="--aws-port, --postgres-port and --redis-port must differ")
    return Options(
        seconds=SECONDS if given.seconds is None else given.seconds,
        rate=RATE if given.rate is None else given.rate,
        machines=MACHINES if given.machines is None else given.machines,
        keep=given.keep,
        rehearsal=not given.no_rehearsal,
        engine=given.engine == "kcl",
        drill=given.drill,
        replay=_replay(given),
        state=given.state,
        json=given.json,
        ports=Ports(given.aws_port or 0, given.postgres_port or 0, given.redis_port or 0),
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m local",
        description="The whole platform on one machine: build, deploy, rotate, stream, audit, rehearse.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    plant = parser.add_argument_group("the simulated plant")
    plant.add_argument(
        "--for", dest="seconds", metavar="SECONDS", type=_number(MOST_SECONDS), help="how long (30)"
    )
    plant.add_argument(
        "--rate", metavar="READINGS_PER_S", type=_number(MOST_RATE), help="of all machines together (2000)"
    )
    plant.add_argument("--machines", metavar="N", type=_whole(1, MOST_MACHINES), help="how many (20)")
    replay = parser.add_argument_group("a recording instead")
    replay.add_argument(
        "--replay", metavar="FILE.csv", type=_recording, help="send it as history, then audit"
    )
    replay.add_argument(
        "--path",
        metavar=LEVELS.upper(),
        type=_device,
        help=f"where it belongs ({default_device(Path('FILE'))})",
    )
    replay.add_argument("--timezone", metavar="ZONE", type=_zone, help="of times without an offset (UTC)")
    parser.add_argument("--keep", action="store_true", help="stay after the audit, until Ctrl-C")
    parser.add_argument(
        "--drill", action="store_true", help="restore the database under load, then an outage of 25 hours"
    )
    parser.add_argument(
        "--engine",
        choices=["poll", "kcl"],
        default="poll",
        help="who reads the stream: the processor (poll), or what does so in AWS, once `make engine` has "
        "installed it (kcl)",
    )
    parser.add_argument("--no-rehearsal", action="store_true", help="leave out the second deployment")
    parser.add_argument(
        "--state", metavar="DIR", type=_directory, help="keep databases and stream here for the next run"
    )
    parser.add_argument("--json", metavar="FILE", type=_writable, help="write the audit here")
    for server in ("aws", "postgres", "redis"):
        parser.add_argument(
            f"--{server}-port", metavar="PORT", type=_whole(0, 65_535), help="on 127.0.0.1 (0: a free one)"
        )
    return parser


def _only_together(given: argparse.Namespace) -> None:
    """A recording has its own length and rate, and a plant its own place and clock."""
    plant = {"--for": given.seconds, "--rate": given.rate, "--machines": given.machines}
    replay = {"--path": given.path, "--timezone": given.timezone}
    for name, value in plant.items():
        if given.replay is not None and value is not None:
            raise ArgumentWrong(
                why=f"{name} is for the simulated plant and --replay sends a recording: give one of the two"
            )
    for name, value in replay.items():
        if given.replay is None and value is not None:
            raise ArgumentWrong(why=f"{name} says where a recording belongs: give --replay FILE.csv with it")


def _replay(given: argparse.Namespace) -> Replay | None:
    if given.replay is None:
        return None
    return Replay(given.replay, given.path or default_device(given.replay), given.timezone or UTC)


def _recording(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the name of a CSV file is wanted")
    return Path(text)


def _number(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; a number above 0, up to {most:g}, is")
        return number

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text.lstrip("0")[:20] if text.isascii() and text.isdigit() else "-1"
        if not least <= int(digits or "0") <= most:
            allowed = f"a whole number from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; {allowed} is")
        return int(digits or "0")

    return read


def _device(text: str) -> str:
    levels = text.split("/")
    if len(levels) != 6 or not all(headers.NAME.fullmatch(level) for level in levels):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed; {LEVELS} is, each of 1 to 64 letters, digits, '_', '.', '-'"
        )
    return text


def _zone(text: str) -> tzinfo:
    if text.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time zone; an IANA name such as Europe/London is"
        ) from error


def _directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the name of a directory is wanted")
    directory = Path(text).absolute()
    existing = next(place for place in (directory, *directory.parents) if place.exists())
    if not existing.is_dir():
        raise argparse.ArgumentTypeError(f"{existing} is no directory")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"{existing} cannot be written to")
    return directory


def _writable(text: str) -> Path:
    file = Path(text).absolute()
    if not text or file.is_dir():
        found = f"{text!r} is a directory; " if text else ""
        raise argparse.ArgumentTypeError(f"{found}the name of a file is wanted")
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {str(file.parent)!r}; make it first")
    if file.exists() and not os.access(file, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written to")
    if not file.exists() or file.is_file():
        _try_in(file.parent, text)
    return file


def _try_in(directory: Path, text: str) -> None:
    """The report takes its place whole, so a new file must be possible: root's rights do not tell that."""
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        why = f"{text!r} cannot be written: {error.strerror} in {directory}"
        raise argparse.ArgumentTypeError(why) from error
