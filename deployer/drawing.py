"""Trees as text: plans, stacks, what a removal keeps. Only drawing; whoever calls it has the values.

Plan lines: `+` added, `~` modified, `-` removed, `±` replaced, `?` unresolved, and the same for stacks.
"""

import textwrap
from collections.abc import Iterator, Sequence

from deployer import difference
from deployer.changes import Action, Change, Counts, PropertyChange, Replacement, StackPlan

VALUES = 48  # columns below which a property's values would be cut for what stands beside them


def counted(number: int, noun: str) -> str:
    """`1 resource`, `2 resources`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def stack_plan(stack: StackPlan, width: int, *, full: bool = True) -> Iterator[str]:
    """The root's line, then the tree below it; `width` is what property values are shortened to.

    Without `full`, of what may stay as it is only the number is drawn, a stack.
    """
    yield stack.name
    yield from _below(stack, "", width, full)


def may_stay(change: Change) -> bool:
    """Nothing is certain of it but that values come from elsewhere: one of many, and hardly ever a change."""
    return change.unresolved and change.action is Action.MODIFY


def _below(stack: StackPlan, indent: str, width: int, full: bool) -> Iterator[str]:
    shown = [change for change in stack.changes if full or not may_stay(change)]
    # A stack of which nothing is certain has its number beside its name already.
    folded = len(stack.changes) - len(shown) if shown or not indent else 0
    entries: list[Change | StackPlan | str] = [
        *shown,
        *([_folded(folded)] if folded else []),
        *stack.children,
    ]
    widest = max((len(change.logical_id) for change in shown), default=0)
    for position, entry in enumerate(entries, start=1):
        branch, further = ("└─ ", "   ") if position == len(entries) else ("├─ ", "│  ")
        if isinstance(entry, str):
            yield f"{indent}{branch}{entry}"
        elif isinstance(entry, Change):
            margin = f"{indent}{further}    "
            room = width - len(margin)
            head, *rest = _change(entry, widest, width - len(indent) - len(branch))
            yield f"{indent}{branch}{head}"
            yield from (margin + line for note in rest for line in textwrap.wrap(note, room))
            if not entry.unresolved:  # of those the notes say what is unresolved, and that is all there is
                yield from (margin + line for told in entry.properties for line in _property(told, room))
        else:
            yield f"{indent}{branch}{_stack(entry, width - len(indent) - len(branch))}"
            yield from _below(entry, indent + further, width, full)


def _folded(number: int) -> str:
    return f"? {number} that may stay as {'it is' if number == 1 else 'they are'}"


def _property(change: PropertyChange, room: int) -> Iterator[str]:
    """Before → after, and why where there is room beside it; else below."""
    why = _why(change, room)
    found = list(dict.fromkeys(difference.lines(change, room)))
    beside = bool(why) and room - len(why) >= VALUES
    if beside:
        beside = list(dict.fromkeys(difference.lines(change, room - len(why)))) == found
    if beside:  # cut, two lines can read the same; the first has the reason
        found[0] += why
    yield from found
    if why and not beside:
        yield from textwrap.wrap(why.strip(), room, initial_indent="  ", subsequent_indent="  ")


def _why(change: PropertyChange, room: int) -> str:
    """What follows from the change, and what it comes from: another resource, a parameter."""
    said = []
    if change.recreates:
        said.append("forces replacement")
    elif change.may_recreate:
        said.append("may force replacement")
    told = change.before is not None or change.after is not None
    if told and change.cause:  # of a change without values the line says it itself
        said.append(f"by {middle(change.cause, max(12, room // 4))}")
    return f"  ({', '.join(said)})" if said else ""


def symbol(change: Change) -> str:
    if change.unresolved:
        return "?"
    if change.replaces:
        return "±"
    return {Action.ADD: "+", Action.IMPORT: "+", Action.REMOVE: "-"}.get(change.action, "~")


def notes(change: Change) -> list[str]:
    """What happens to the resource beyond its properties, each in a few words."""
    found = []
    if not change.action.is_known:
        found.append(f"action {change.action}, as CloudFormation tells it")
    elif change.action is Action.DYNAMIC:
        found.append("action Dynamic: CloudFormation decides when it gets there")
    elif change.unresolved:
        found.append(f"may stay as it is{_caused(': ', change.properties)}")
    elif change.replaces:
        certain = [reason for reason in change.reasons if not reason.unresolved]
        found.append(f"replaced{_caused(' because of ', certain)}")
    elif change.action is Action.MODIFY and not change.replacement.is_known:
        found.append(f"replacement {change.replacement}, as CloudFormation tells it")
    elif change.action is Action.MODIFY and change.replacement is not Replacement.NEVER:
        found.append(f"may be replaced{_caused(' because of ', change.reasons)}")
    elif change.action is Action.IMPORT:
        found.append("imported")
    elif change.action is Action.SYNC:
        found.append("drift accepted")
    attributes = dict.fromkeys(told.attribute for told in change.properties)
    if attributes and "Properties" not in attributes:
        found.append(f"only {', '.join(attributes)}")
    if change.policy_action and change.action is not Action.ADD and not change.unresolved:
        found.append(f"policy {change.policy_action}")
    if change.hooks:
        found.append(counted(change.hooks, "Hook"))
    return found


def _caused(lead: str, several: Sequence[PropertyChange]) -> str:
    """The properties, and the resource or parameter that each gets its value from."""
    said = [f"{told.path} by {told.cause}" if told.cause else told.path for told in several]
    return f"{lead}{', '.join(dict.fromkeys(said))}" if said else ""


def _change(change: Change, widest: int, room: int) -> list[str]:
    """One line if all of it fits; else the notes on lines of their own."""
    name = middle(change.logical_id, max(room // 2, 12))
    head = f"{symbol(change)} {name.ljust(min(widest, max(room // 2, 12)))}  {change.type}"
    note = ", ".join(notes(change))
    if not note:
        return [head]
    if len(head) + len(note) + 4 <= room:
        return [f"{head}  ({note})"]
    return [head, f"({note})"]


def middle(text: str, widest: int) -> str:
    """Both ends of a name that is too long: ids end in what tells them apart."""
    if len(text) <= widest:
        return text
    end = (widest - 1) // 2
    return f"{text[: widest - 1 - end]}…{text[-end:]}"


def _stack(stack: StackPlan, room: int) -> str:
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
    said = " ".join(numbers) or f"no resource changes{_own(stack)}"
    return f"{sign} {middle(stack.name, max(room - len(said) - 5, 12))}/  {said}"


def _own(stack: StackPlan) -> str:
    """What of the nested stack itself changes for certain: its tags, its template, its parameters."""
    told = stack.container.properties if stack.container is not None else ()
    names = [change.path.split("/")[0] for change in told if change.path and not change.unresolved]
    return f", only {', '.join(dict.fromkeys(names))}" if names else ""


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
