"""The results as a table for a person and as JSON for a machine."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.measure import Row

HEAD = ("name", "ours", "against", "theirs", "unit", "ratio", "goal", "cpu", "theirs", "unit")
_NUMBERS = ("ours", "theirs", "ratio", "goal", "cpu")


class Results(msgspec.Struct, frozen=True):
    """What bench/results.json holds."""

    machine: str
    rows: Sequence[Row]


def text(rows: Sequence[Row]) -> str:
    """One line a row; a ratio above 1 means that ours is better."""
    lines = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(map(_aligned, HEAD, line, widths)).rstrip() for line in lines)


def _aligned(head: str, cell: str, width: int) -> str:
    return cell.rjust(width) if head in _NUMBERS else cell.ljust(width)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        _figure(row.ours),
        row.against,
        _figure(row.theirs),
        row.unit,
        _figure(row.ratio),
        "-" if row.goal is None else f"{row.goal:g}",
        _figure(row.ours_cpu),
        _figure(row.theirs_cpu),
        row.cpu_unit,
    )


def _figure(value: float) -> str:
    """Three digits are more than a shared machine can promise."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def save(results: Results, file: Path) -> None:
    """Write {"machine": …, "rows": […]}. Raises OSError."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What this runs on, and how busy it is now."""
    model = _model(cpuinfo)
    load = f"{os.getloadavg()[0]:.1f}"
    return (
        f"{os.cpu_count()} cores of {model}, {platform.system()}, Python {platform.python_version()}, "
        f"load {load} at the start"
    )


def _model(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return platform.machine()  # not Linux
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]} ({platform.machine()})" if models else platform.machine()
