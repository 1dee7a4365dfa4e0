"""Trees as text: plans, stacks, what a removal keeps. Only drawing; whoever calls it has the values.

Plan lines: `+` added, `~` modified, `-` removed, `±` replaced, `?` unresolved, and the same for stacks.
"""

from collections.abc import Iterator, Sequence

from deployer import difference
from deployer.changes import Action, Change, Counts, Replacement, StackPlan


def stack_plan(stack: StackPlan, width: int) -> Iterator[str]:
    """The root's line, then the tree below it; `width` is what property values are shortened to."""
    yield stack.name
    yield from _below(stack, "", width)


def _below(stack: StackPlan, indent: str, width: int) -> Iterator[str]:
    entries: list[Change | StackPlan] = [*stack.changes, *stack.children]
    widest = max((len(change.logical_id) for change in stack.changes), default=0)
    for position, entry in enumerate(entries, start=1):
        branch, further = ("└─ ", "   ") if position == len(entries) else ("├─ ", "│  ")
        if isinstance(entry, Change):
            yield f"{indent}{branch}{_change(entry, widest)}"
            for change in entry.properties:
                margin = f"{indent}{further}    "
                found = difference.lines(change, width - len(margin))
                yield from (margin + line for line in dict.fromkeys(found))  # cut, two can read the same
        else:
            yield f"{indent}{branch}{_stack(entry)}"
            yield from _below(entry, indent + further, width)


def symbol(change: Change) -> str:
    if change.unresolved:
        return "?"
    if change.replaces:
        return "±"
    return {Action.ADD: "+", Action.IMPORT: "+", Action.REMOVE: "-"}.get(change.action, "~")


def _change(change: Change, widest: int) -> str:
    notes = []
    if change.unresolved:
        notes.append(f"{difference.UNRESOLVED}: may stay as it is")
    elif change.replaces:
        notes.append("replaced")
    elif change.action is Action.MODIFY and change.replacement is not Replacement.NEVER:
        notes.append("may be replaced")
    elif change.action is Action.IMPORT:
        notes.append("imported")
    elif change.action is Action.SYNC:
        notes.append("drift accepted")
    if change.policy_action and change.action is not Action.ADD and not change.unresolved:
        notes.append(f"policy {change.policy_action}")
    text = f"{symbol(change)} {change.logical_id.ljust(widest)}  {change.type}"
    return f"{text}  ({', '.join(notes)})" if notes else text


def _stack(stack: StackPlan) -> str:
    counts = stack.counts
    numbers = [
        f"{sign}{number}"
        for sign, number in (
            ("+", counts.add),
            ("~", counts.modify),
            ("-", counts.remove),
            ("?", counts.unresolved),
        )
        if number
    ]
    sign = _stack_symbol(stack)
    return f"{sign} {stack.name}/  {' '.join(numbers) or 'no resource changes'}"


def _stack_symbol(stack: StackPlan) -> str:
    if stack.container is not None and stack.container.action in {Action.ADD, Action.REMOVE}:
        return symbol(stack.container)
    counts = stack.counts
    if counts.add or counts.modify or counts.remove:
        return "~"
    return "?" if counts.unresolved else " "


def totals(counts: Counts) -> str:
    replaced = f" ({counts.replace} replaced)" if counts.replace else ""
    unresolved = f"; {counts.unresolved} unresolved" if counts.unresolved else ""
    return f"{counts.add} to add, {counts.modify} to modify{replaced}, {counts.remove} to remove{unresolved}"


def risk(path: Sequence[str], change: Change) -> str:
    verb = "is removed"
    if change.action is not Action.REMOVE:
        verb = "is replaced" if change.replaces else "may be replaced"
    policy = f", policy {change.policy_action}" if change.policy_action else ""
    return f"DATA AT RISK: {'/'.join((*path, change.logical_id))} ({change.type}) {verb}{policy}"


def cut(line: str, width: int) -> str:
    """At most `width` columns, an ellipsis where there was more."""
    return line if len(line) <= width else f"{line[: width - 1]}…"


def branches(depth_and_text: Sequence[tuple[int, str]]) -> list[str]:
    """Lines with their depth, the first at 0, drawn as a tree."""
    lines = []
    for position, (depth, text) in enumerate(depth_and_text):
        if not depth:
            lines.append(text)
            continue
        later = [other for other, _ in depth_and_text[position + 1 :]]
        rails = "".join("│  " if _continues(later, level) else "   " for level in range(1, depth))
        lines.append(f"{rails}{'├─ ' if _continues(later, depth) else '└─ '}{text}")
    return lines


def _continues(later: Sequence[int], level: int) -> bool:
    for depth in later:
        if depth == level:
            return True
        if depth < level:
            return False
    return False
