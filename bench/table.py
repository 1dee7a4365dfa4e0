"""The results as a table for a person and as JSON for a machine."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.measure import Row


def text(rows: Sequence[Row]) -> str:
    """One line a row; a ratio above 1 means that ours is better."""
    head = ("name", "ours", "against", "theirs", "unit", "ratio", "goal", "cpu s", "theirs")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.ours:,.3g}" if row.ours < 1000 else f"{row.ours:,.0f}",
        row.against,
        f"{row.theirs:,.3g}" if row.theirs < 1000 else f"{row.theirs:,.0f}",
        row.unit,
        f"{row.ratio:.2f}",
        "-" if row.goal is None else f"{row.goal:g}",
        f"{row.ours_cpu_seconds:.2f}",
        f"{row.theirs_cpu_seconds:.2f}",
    )


def save(rows: Sequence[Row], file: Path) -> None:
    """Write {"machine": …, "rows": […]}."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    file.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine, "rows": rows})) + b"\n")
