"""A plan as plain text: the tree, the sections of access and security groups, the totals, the data.

The tree's lines are cut to the width; of the sections no word is, they wrap. What may stay as it is, because
only values that nobody knows yet would change it, is counted and not listed unless all of it is asked for.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from deployer import drawing
from deployer.access_changes import UNRESOLVED, AccessChange
from deployer.changes import StackPlan
from deployer.verdict import DataVerdict
from deployer.wrapping import wrapped

FOLDED = "? marks what only values that are not known yet would change; it may stay; `--full` lists each"
NOTHING_OF_RESOURCES = "no resource changes: outputs, tags or settings of the stack differ"


def paragraphs(
    stacks: StackPlan,
    access: Sequence[AccessChange],
    rules: Sequence[AccessChange],
    verdicts: Sequence[DataVerdict],
    width: int,
    *,
    full: bool,
) -> Iterator[list[str]]:
    """Lines that belong together: the first says what it is about, and what colour it deserves."""
    for line in drawing.stack_plan(stacks, width, full=full):
        yield [drawing.cut(line, width)]
    yield from _section("Access", access, width, full)
    yield from _section("Security groups", rules, width, full)
    yield [""]
    if not any(stacks.walk()):
        yield wrapped(NOTHING_OF_RESOURCES, width)
    yield wrapped(drawing.totals(stacks.counts), width)
    if not full:
        yield wrapped(_folded(stacks, (*access, *rules)), width)
    for verdict in verdicts:
        if verdict.certain:
            yield wrapped(f"{label(verdict)}: {said(verdict)}", width)
            yield wrapped(f"  to do: {verdict.remedy}", width)
    yield wrapped(uncertain(verdicts), width)


def _folded(stacks: StackPlan, changes: Sequence[AccessChange]) -> str:
    """Where to see what is not listed; empty when all of it is."""
    hidden = any(drawing.may_stay(change) for _, change in stacks.walk())
    if not hidden and all(change.sign != UNRESOLVED for change in changes):
        return ""
    return FOLDED


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
    more = " more" if shown else ""
    if others == 1:
        return shown, f"1{more} differs only in values that are not known yet, and may stay as it is"
    said = f"{others}{more} differ only in values that are not known yet, and may stay as they are"
    return shown, said if others else ""


def _section(title: str, changes: Sequence[AccessChange], width: int, full: bool) -> Iterator[list[str]]:
    if not changes:
        return
    shown, others = settled(changes)
    yield [""]
    if not shown and not full:
        yield wrapped(f"{title}: {others}", width)
        return
    number, broader = len(shown), sum(change.broadens is not None for change in shown)
    look = f", {broader} to look at" if broader else ""
    yield wrapped(f"{title}: {number} {'change' if number == 1 else 'changes'}{look}", width)
    listed = changes if full else shown
    for head, several in groupby(listed, key=lambda change: f"{change.name} ({change.type})"):
        yield wrapped(f"  {head}", width)
        for change in several:
            yield wrapped(f"    {change.sign} {change.text}", width)
            if change.broadens:
                yield wrapped(f"      ! {change.broadens}", width)
    if others:
        yield wrapped(f"  {others}", width)
