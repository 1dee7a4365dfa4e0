"""What a tool says of a tree, and what of it the break is to blame for."""

from collections import Counter
from typing import NamedTuple

LINT, CHECKOV, GUARD, OURS = "lint", "checkov", "guard", "ours"
TOOLS = (LINT, CHECKOV, GUARD, OURS)


class Told(NamedTuple):
    """One finding, without its line: lines move when something above them is removed."""

    rule: str
    file: str
    resource: str  # its logical id; empty where the whole file is meant
    message: str


class CannotJudge(RuntimeError):
    """{tool and tree}: {what went wrong}. Nothing is known of the break, so it is neither seen nor unseen."""


def seen(broken: Counter[Told], clean: Counter[Told]) -> tuple[str, ...]:
    """The rules that say of the broken tree what they do not say of the clean one, or more of it."""
    return tuple(sorted({told.rule for told in broken - clean}))
