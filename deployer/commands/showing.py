"""Results on stdout: as wide as the terminal, and coloured on one only."""

from typing import TextIO

import click
from rich.console import Console
from rich.text import Text

from deployer.encoding import encodes
from deployer.plan import Plan
from deployer.verdict import HARMLESS
from deployer.wrapping import paragraphs, wrapped

full = click.option("--full", is_flag=True, help="list also what may stay as it is")

WIDTH = 160  # of plain text, where no terminal tells its own


def width(stream: TextIO) -> int:
    """In ASCII one less: an arrow takes two columns there."""
    if not stream.isatty():
        return WIDTH
    return Console(file=stream).width - (0 if encodes(stream) else 1)


def say(text: str, stream: TextIO) -> None:
    """A line or several, wrapped on a terminal; a log keeps each whole."""
    print(paragraphs(text, width(stream)) if stream.isatty() else text, file=stream, flush=True)


def show(made: Plan, stream: TextIO, *, full: bool = False) -> None:
    """The plan, on a terminal coloured by what each line does; `full`: also what may stay as it is."""
    columns = width(stream)
    told = [*made.paragraphs(columns, full=full), *(wrapped(note, columns) for note in made.notes)]
    console = Console(file=stream, highlight=False) if stream.isatty() else None
    for paragraph in told:
        for line in paragraph:
            if console is None:
                print(line, file=stream)
            else:
                console.print(Text(line, style=_style(paragraph[0])), soft_wrap=True)
    stream.flush()


def _style(line: str) -> str:
    if line.startswith(("DATA AT RISK", "ALARM ", "      ! ")):
        return "bold red"
    if line.startswith(tuple(danger.upper() for danger in HARMLESS)):
        return "bold yellow"
    first = line.lstrip("│├└─ ")[:2]
    return {"+ ": "green", "~ ": "yellow", "- ": "red", "± ": "bold red", "? ": "dim"}.get(first, "")
