"""A generated page: sections with tables, as Markdown, and what two of them have differently."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Row = tuple[str, ...]
LINKED = re.compile(r"\]\([^)]*\)")


@dataclass(frozen=True)
class Section:
    """One table under a heading; without rows, its heading and text."""

    title: str
    columns: Row
    rows: tuple[Row, ...]
    text: str = ""
    level: int = 2


def markdown(section: Section) -> Iterator[str]:
    """Its lines."""
    yield from ("", f"{'#' * section.level} {section.title}")
    if section.text:
        yield from ("", section.text)
    if section.rows:
        yield from ("", *table(section.columns, section.rows))


def table(columns: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def differences(
    ours: Sequence[Section], theirs: Sequence[Section], our_name: str, their_name: str
) -> Iterator[Section]:
    """Each section's rows that only one of two environments has; their names alone are no difference."""
    others = {section.title: section for section in theirs}
    for section in ours:
        other = others.pop(section.title, None)
        yield from _different(section, section.rows, other.rows if other else (), our_name, their_name)
    for section in others.values():
        yield from _different(section, (), section.rows, our_name, their_name)


def _different(
    section: Section, ours: Sequence[Row], theirs: Sequence[Row], our_name: str, their_name: str
) -> Iterator[Section]:
    alike = {_named_alike(row, our_name) for row in ours} & {_named_alike(row, their_name) for row in theirs}
    same = set(ours) & set(theirs)
    rows = [
        (name, *row)
        for name, listed in ((our_name, ours), (their_name, theirs))
        for row in listed
        if row not in same and _named_alike(row, name) not in alike
    ]
    if rows:
        yield Section(section.title, ("only in", *section.columns), tuple(rows), level=3)


def _named_alike(row: Row, environment: str) -> Row:
    """Without links, which say `dev` for other reasons, and with one name for every environment's own."""
    own = re.compile(rf"\b{re.escape(environment)}\b")
    return tuple(own.sub("{environment}", LINKED.sub("]", cell)) for cell in row)
