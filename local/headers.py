"""A recording's column headers as metric names of the wire format."""

import re
import unicodedata
from collections.abc import Sequence

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LONGEST = 64


def metrics(headers: Sequence[str]) -> list[str]:
    """One name of [A-Za-z0-9_.-]{1,64} a header, all different, in the headers' order.

    A header that is a name already keeps it. Accents are taken off, any other run of characters becomes
    `_`, a header of which nothing is left is `column_<n>` (1 = the timestamp's), and a name that is taken
    gets `_2`, `_3` …
    """
    names: list[str] = [""] * len(headers)
    for index, header in enumerate(headers):
        if NAME.fullmatch(header) and header not in names:
            names[index] = header
    for index, header in enumerate(headers):
        if not names[index]:
            names[index] = _free(_plain(header) or f"column_{index + 2}", names)
    return names


def _plain(header: str) -> str:
    letters = unicodedata.normalize("NFKD", header).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", letters).strip("_")[:LONGEST]


def _free(name: str, taken: Sequence[str]) -> str:
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name[: LONGEST - len(str(count)) - 1]}_{count}"
    return free
