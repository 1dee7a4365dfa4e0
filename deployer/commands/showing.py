"""Results on stdout: as wide as the terminal, and coloured on one only."""

from typing import TextIO

from rich.console import Console
from rich.text import Text

from deployer.plan import Plan
from deployer.verdict import HARMLESS

WIDTH = 160  # of plain text, where no terminal tells its own


def width(stream: TextIO) -> int:
    return Console(file=stream).width if stream.isatty() else WIDTH


def show(made: Plan, stream: TextIO) -> None:
    """The plan, coloured by what each line does on a terminal."""
    text = made.render(width(stream))
    if not stream.isatty():
        print(text, file=stream, flush=True)
        return
    console = Console(file=stream, highlight=False)
    for line in text.splitlines():
        console.print(Text(line, style=_style(line), no_wrap=True))


def _style(line: str) -> str:
    if line.startswith(("DATA AT RISK", "      ! ")):
        return "bold red"
    if line.startswith(tuple(danger.upper() for danger in HARMLESS)):
        return "bold yellow"
    first = line.lstrip("│├└─ ")[:1]
    return {"+": "green", "~": "yellow", "-": "red", "±": "bold red", "?": "dim"}.get(first, "")
