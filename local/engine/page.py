"""docs/engine-times.md and .json: what was measured, ours beside the library's own."""

import fcntl
import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.engine.home import ROOT

FILE = ROOT / "docs" / "engine-times.json"
PAGE = ROOT / "docs" / "engine-times.md"
GOALS = {
    "leader told to end": 10,
    "other told to end": 10,
    "worker lost": 20,
    "leader lost": 60,
    "idle child killed": 10,
}
HEAD = """# How long a shard goes unread

Seconds from what happens until a record that was put after it is with another worker's child; the worst shard
of a run. Two workers, four shards, a record a tenth of a second on each; the children store nothing, so these
are the engine's times alone. A cold start is that of a table without a lease. A child that is killed on a
shard without records counts as noticed when its worker has ended, and is given up after 120 s.

Measured on one machine of two cores, which the JVMs share with the embedded AWS: `python -m local.engine
measure` writes this page, and `… --engine theirs --add`, in three terminals at once, the library's part: its
MultiLangDaemon with no property set but names. What it takes is nearly all waiting, so the machine's load
hardly shows in it.

"""
TAIL = """
What each of our times is for, and what the library does by itself: [engine/README.md](../engine/README.md).
"""

Row = dict[str, Any]  # of one event under one engine's times: "times", "event", "seconds"


def begin(name: str, file: Path = FILE) -> None:
    """What was measured of these times before is forgotten."""
    with _opened(file) as rows:
        rows[:] = [row for row in rows if row["times"] != name]


def add(name: str, event: str, seconds: float, file: Path = FILE, page: Path = PAGE) -> None:
    """One more; several fleets may be measured at once."""
    with _opened(file) as rows:
        row = next((row for row in rows if (row["times"], row["event"]) == (name, event)), None)
        if row is None:
            rows.append(row := {"times": name, "event": event, "seconds": []})
        row["seconds"].append(round(seconds, 2))
        page.write_text(HEAD + table(rows) + TAIL)


@contextmanager
def _opened(file: Path) -> Iterator[list[Row]]:
    with file.open("a+") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        kept.seek(0)
        rows = json.loads(kept.read() or "[]")
        yield rows
        kept.truncate(0)
        kept.write(json.dumps(rows, indent=1) + "\n")


def table(rows: Sequence[Row]) -> str:
    """A line for each event, ours beside theirs."""
    lines = [
        "| what happens | ours: median | most | runs | the library's: median | most | runs | at most |\n",
        "|---|---|---|---|---|---|---|---|\n",
    ]
    for event in dict.fromkeys(row["event"] for row in rows):
        cells = [event]
        for times in ("ours", "theirs"):
            found = [row["seconds"] for row in rows if row["times"] == times and row["event"] == event]
            cells += [_cells(seconds) for seconds in found] or ["– | – | –"]
        cells.append(str(GOALS.get(event, "–")))
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _cells(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f} | {max(seconds):.1f} | {len(seconds)}"
