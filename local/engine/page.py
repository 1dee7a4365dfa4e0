"""docs/engine-times.md and .json: what was measured, ours beside the library's own."""

import json
from collections.abc import Iterable, Sequence
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
measure` writes this page, and `… --engine theirs` the library's part: its MultiLangDaemon with no property
set but names.

"""
TAIL = """
What each of our times is for, and what the library does by itself: [engine/README.md](../engine/README.md).
"""

Row = dict[str, Any]


def write(rows: Iterable[Row], file: Path = FILE, page: Path = PAGE) -> None:
    """These rows in place of those of the same name and event."""
    kept: dict[tuple[str, str], Row] = {}
    if file.exists():
        kept = {(row["times"], row["event"]): row for row in json.loads(file.read_text())}
    kept |= {(row["times"], row["event"]): row for row in rows}
    file.write_text(json.dumps(list(kept.values()), indent=1) + "\n")
    page.write_text(HEAD + table(list(kept.values())) + TAIL)


def table(rows: Sequence[Row]) -> str:
    """A line for each event, ours beside theirs."""
    lines = [
        "| what happens | ours: median | most | runs | the library's: median | most | runs | at most |\n",
        "|---|---|---|---|---|---|---|---|\n",
    ]
    events = dict.fromkeys(row["event"] for row in rows)
    for event in events:
        cells = [event]
        for times in ("ours", "theirs"):
            found = [row for row in rows if row["times"] == times and row["event"] == event]
            cells += [f"{row['median']:g} | {row['most']:g} | {row['runs']}" for row in found] or [
                "– | – | –"
            ]
        cells.append(str(GOALS.get(event, "–")))
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)
