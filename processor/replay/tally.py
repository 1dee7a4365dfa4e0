"""What a replay did, or would do, in a few lines for a person."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from processor.quarantine import Reason
from processor.replay.again import Again


@dataclass
class Tally:
    """Rows of the quarantine by the reason that they had, readings, and reasons of what is refused now."""

    rows: Counter[str] = field(default_factory=Counter)
    still: Counter[str] = field(default_factory=Counter)
    records: int = 0
    inserted: int = 0
    absorbed: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)

    def add_rows(self, again: Again, reasons: Iterable[str]) -> None:
        """The verdicts on rows that had these reasons."""
        self.rows.update(reasons)
        self.still.update(row.reason for row in again.still)
        self.refused.update(verdict.reason for verdict in again.judged.refused)

    def add_readings(self, given: int, inserted: int) -> None:
        """Readings that passed, and those of them that were not in the table."""
        self.inserted += inserted
        self.absorbed += given - inserted


def quarantine_report(tally: Tally, stream: str, write: bool) -> Iterator[str]:
    """Lines; without a row, one."""
    if not tally.rows:
        yield f"quarantine of {stream}: no such row"
        return
    yield f"quarantine of {stream}: {tally.rows.total():,} rows"
    width = max(len(reason) for reason in tally.rows)
    taken = "taken" if write else "to take"
    yield f"  {'reason':<{width}}  {taken:>9}  {'still refused':>13}"
    for reason, count in sorted(tally.rows.items()):
        still = tally.still[reason]
        yield f"  {reason:<{width}}  {count - still:>9,}  {still:>13,}"
    yield from _readings(tally, write)


def stream_report(tally: Tally, stream: str, write: bool) -> Iterator[str]:
    """Lines."""
    yield f"stream {stream}: {tally.records:,} records read again"
    yield from _readings(tally, write)


def unshown(count: int, away: str | None) -> str:
    """A line: what the cache was not told of, and why."""
    why = f"is away ({away})" if away else "was away or slow"
    return (
        f"latest values: {count:,} not shown, the cache {why}; such a point's next reading shows its newest"
    )


def _readings(tally: Tally, write: bool) -> Iterator[str]:
    verb = "inserted" if write else "to insert"
    yield f"readings: {tally.inserted:,} {verb}, {tally.absorbed:,} there already"
    if tally.refused:
        counts = ", ".join(f"{reason.value} {count:,}" for reason, count in sorted(tally.refused.items()))
        yield f"refused: {counts}"
    if not write:
        yield "a dry run: nothing was changed; with --yes it is done"
