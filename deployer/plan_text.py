"""A plan as plain text: the tree, the sections of access and security groups, the totals, the data.

The tree's lines are cut to the width; of the sections no word is, they wrap.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from deployer import drawing
from deployer.access_changes import UNRESOLVED, AccessChange
from deployer.changes import StackPlan
from deployer.verdict import DataVerdict

# Where a word that is wider than the screen, as an ARN can be, may go on in the next line.
BREAK = "\u200b"
BREAKABLE = re.compile(r"(?<=/)|(?<=[^:]:)(?=[^:])")
BREAKS = re.compile(rf"(\s+|(?<={BREAK}))")
NOTHING_OF_RESOURCES = "no resource changes: outputs, tags or settings of the stack differ"


def lines(
    stacks: StackPlan,
    access: Sequence[AccessChange],
    rules: Sequence[AccessChange],
    verdicts: Sequence[DataVerdict],
    width: int,
) -> Iterator[str]:
    for line in drawing.stack_plan(stacks, width):
        yield drawing.cut(line, width)
    yield from _section("Access", access, width)
    yield from _section("Security groups", rules, width)
    yield ""
    if not any(stacks.walk()):
        yield from _wrapped(NOTHING_OF_RESOURCES, width)
    yield from _wrapped(drawing.totals(stacks.counts), width)
    for verdict in verdicts:
        if verdict.certain:
            yield from _wrapped(f"{label(verdict)}: {said(verdict)}", width)
            yield from _wrapped(f"  to do: {verdict.remedy}", width)
    yield from _wrapped(uncertain(verdicts), width)


def label(verdict: DataVerdict) -> str:
    """Of one that is certain."""
    return "DATA AT RISK" if verdict.endangers else verdict.danger.upper()


def said(verdict: DataVerdict) -> str:
    """The resource and what happens to it, in one sentence."""
    danger = f" {verdict.danger}" if verdict.endangers else ""
    return f"{verdict.name} ({verdict.type}){danger}: {verdict.reason}"


def uncertain(verdicts: Sequence[DataVerdict]) -> str:
    """One sentence for all that only values which nobody knows yet could do; empty when there are none."""
    names = [verdict.name for verdict in verdicts if not verdict.certain]
    if not names:
        return ""
    would = "resource that holds data" if len(names) == 1 else "resources that hold data"
    return (
        f"NOT CERTAIN: {len(names)} {would} would be replaced if a value that is not known yet turned out "
        f"to be another, and nothing in this plan says so: {', '.join(names)}"
    )


def settled(changes: Sequence[AccessChange]) -> tuple[list[AccessChange], str]:
    """Those that come or go, and a sentence for those that differ in values only that nobody knows yet."""
    shown = [change for change in changes if change.sign != UNRESOLVED]
    others = len(changes) - len(shown)
    said = f"{others} more differ only in values that are not known yet, and may stay as they are"
    return shown, said if others else ""


def _section(title: str, changes: Sequence[AccessChange], width: int) -> Iterator[str]:
    if not changes:
        return
    shown, others = settled(changes)
    yield ""
    broader = sum(change.broadens is not None for change in shown)
    yield f"{title}: {len(shown)} {'change' if len(shown) == 1 else 'changes'}" + (
        f", {broader} to look at" if broader else ""
    )
    for head, several in groupby(shown, key=lambda change: f"{change.name} ({change.type})"):
        yield from _wrapped(f"  {head}", width)
        for change in several:
            yield from _wrapped(f"    {change.sign} {change.text}", width)
            if change.broadens:
                yield from _wrapped(f"      ! {change.broadens}", width)
    yield from _wrapped(f"  {others}" if others else "", width)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Indented below the first line; no word is cut off, and only one that has to be is broken."""
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent, break_on_hyphens=False)
    wrapper.wordsep_simple_re = BREAKS
    longest = width - len(indent)
    breakable = re.sub(rf"\S{{{max(longest, 1)},}}", lambda found: BREAKABLE.sub(BREAK, found[0]), text)
    yield from (line.replace(BREAK, "") for line in wrapper.wrap(breakable))
