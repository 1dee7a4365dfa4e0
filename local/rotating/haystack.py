"""Where a run's words lie: logs, statements, processes, templates, what the deployer said."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

PROC = Path("/proc")


def files(directory: Path, patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and content of each; a name says where it was found."""
    for pattern in patterns:
        for file in sorted(directory.glob(pattern)):
            if file.is_file():
                yield file.relative_to(directory).as_posix(), file.read_text(errors="replace")


def log_groups(client: "CloudWatchLogsClient") -> Iterator[tuple[str, str]]:
    """Every group that there is, all that was written to it."""
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            said = [
                event.get("message", "")
                for found in client.get_paginator("filter_log_events").paginate(logGroupName=name)
                for event in found["events"]
            ]
            yield f"log group {name}", "\n".join(said)


def processes() -> Iterator[tuple[str, str]]:
    """Command line and environment of each process below this one, as anyone on the host may see them.

    Linux alone; elsewhere there is nothing to read.
    """
    for pid in _below(os.getpid()):
        for name in ("cmdline", "environ"):
            try:
                content = (PROC / str(pid) / name).read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            program = content.split(b"\0")[0].decode(errors="replace") if name == "cmdline" else ""
            text = content.replace(b"\0", b"\n").decode(errors="replace")
            yield f"{name} of process {pid} {program}".strip(), text


def _below(pid: int) -> list[int]:
    """All descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        parent = int(stat.rpartition(")")[2].split()[1])  # the name before may hold anything
        children.setdefault(parent, []).append(int(entry.name))
    found, open_ = list[int](), [pid]
    while open_:
        below = children.get(open_.pop(), [])
        found += below
        open_ += below
    return found
