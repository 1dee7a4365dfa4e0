"""A plan as plain text: the tree, the sections of access and security groups, the totals, the data.

The tree's lines are cut to the width; of the sections no word is, they wrap.
"""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from deployer import drawing
from deployer.access_changes import AccessChange
from deployer.changes import StackPlan
from deployer.lossy import Danger
from deployer.verdict import DataVerdict

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
    if not verdict.certain:
        return "NOT CERTAIN"
    if verdict.endangers:
        return "DATA AT RISK"
    return verdict.danger.upper()


def said(verdict: DataVerdict) -> str:
    """The resource and what happens to it, in one sentence."""
    danger = f"{verdict.danger}: " if verdict.endangers else ""
    return f"{verdict.name} ({verdict.type}) {danger}{verdict.reason}"


def uncertain(verdicts: Sequence[DataVerdict]) -> str:
    """One sentence for all that only values which nobody knows yet could do; empty when there are none."""
    names = [
        verdict.name for verdict in verdicts if not verdict.certain and verdict.danger is Danger.MAY_BE_LOST
    ]
    if not names:
        return ""
    would = "resource that holds data" if len(names) == 1 else "resources that hold data"
    return (
        f"NOT CERTAIN: {len(names)} {would} would be replaced if a value that is not known yet turned out "
        f"to be another, and nothing in this plan says so: {', '.join(names)}"
    )


def _section(title: str, changes: Sequence[AccessChange], width: int) -> Iterator[str]:
    if not changes:
        return
    yield ""
    broader = sum(change.broadens is not None for change in changes)
    yield f"{title}: {len(changes)} changes" + (f", {broader} to look at" if broader else "")
    for head, several in groupby(changes, key=lambda change: f"{change.name} ({change.type})"):
        yield from _wrapped(f"  {head}", width)
        for change in several:
            yield from _wrapped(f"    {change.sign} {change.text}", width)
            if change.broadens:
                yield from _wrapped(f"      ! {change.broadens}", width)


def _wrapped(text: str, width: int) -> Iterator[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    yield from textwrap.wrap(
        text, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )
