"""What an operator asks of a replay."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from processor.quarantine import Reason

PROGRAM = "python -m processor replay"
EXAMPLES = f"""
Nothing is changed without --yes: what would happen is counted and printed.

  {PROGRAM} --quarantine
  {PROGRAM} --quarantine too_old timestamp --shard shardId-000000000000 --yes
  {PROGRAM} --quarantine --since 2026-03-01T06:00:00Z --until 2026-03-01T18:00:00Z
  {PROGRAM} --from 2026-03-01T06:00:00Z --yes
"""


@dataclass(frozen=True)
class Quarantined:
    """Rows of the quarantine: of these reasons (None: of all), of this shard, arrived in [since, until)."""

    reasons: tuple[Reason, ...] | None = None
    stream: str | None = None  # None: the one that the processor reads
    shard: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Streamed:
    """Records that the stream still holds, from their arrival at `since` to the position in PostgreSQL."""

    since: datetime
    shard: str | None = None


@dataclass(frozen=True)
class Request:
    """`write` False: a dry run."""

    source: Quarantined | Streamed
    write: bool


def from_arguments(arguments: Sequence[str], now: datetime | None = None) -> Request:
    """Leaves by SystemExit(2) with a line on standard error that says what is allowed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    now = now or datetime.now(UTC)
    if given.since_time is None:
        if given.since and given.until and given.since >= given.until:
            parser.error(
                f"--since {given.since.isoformat()} must be before --until {given.until.isoformat()}"
            )
        reasons = tuple(given.quarantine) or None
        source = Quarantined(reasons, given.stream, given.shard, given.since, given.until)
        return Request(source, given.yes)
    for name in ("stream", "since", "until"):
        if getattr(given, name) is not None:
            parser.error(
                f"--{name} goes with --quarantine; --from reads the processor's own stream to its end"
            )
    if given.since_time > now:
        parser.error(f"--from {given.since_time.isoformat()} is in the future; it is when records arrived")
    return Request(Streamed(given.since_time, given.shard), given.yes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Take readings again: the quarantine's once their cause is mended, or the stream's.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--quarantine",
        nargs="*",
        type=_reason,
        metavar="REASON",
        help=f"judge refused readings again; of these reasons only: {', '.join(Reason)}",
    )
    what.add_argument(
        "--from", dest="since_time", type=_moment, metavar="TIME", help="read the stream again from this time"
    )
    parser.add_argument("--stream", help="the stream that the rows came from, where it had another name")
    parser.add_argument("--shard", help="of this shard only")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="arrived at this time or later")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="arrived before this time")
    parser.add_argument("--yes", action="store_true", help="do it; without, nothing is changed")
    return parser


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no reason; there are {', '.join(Reason)}") from None


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
