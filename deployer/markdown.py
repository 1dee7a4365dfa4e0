"""A plan as the comment of a pull request.

What matters comes first and whole: totals, data, access, security groups. The stacks follow, each to be
unfolded, as far as a comment has room; what has none is counted by name.
"""

import re
from collections.abc import Iterator, Sequence

from deployer import difference, drawing, plan_text
from deployer.access_changes import AccessChange
from deployer.changes import Change, StackPlan
from deployer.plan import Plan
from deployer.verdict import DataVerdict

# A comment's longest: https://github.com/orgs/community/discussions/41331. Counted in bytes, to be safe.
LONGEST = 65_536
RESERVE = 600  # for what says that something was cut, and for how to apply
VALUES = 160  # columns of a property's line
SPECIAL = re.compile(r"[\\`*_\[\]{}~|#@<>&]|:(?=//)")


def render(plan: Plan, longest: int = LONGEST) -> str:
    """At most `longest` bytes of GitHub's markdown."""
    if plan.is_empty:
        return f"### {_code(plan.stack_name)}: nothing to do\n"
    last = f"\nApply it with {_code(f'python deploy.py apply {plan.environment} --plan {plan.token}')}\n"
    room = longest - RESERVE
    head = "\n".join(_head(plan, plan.access, plan.security_groups))
    if _size(head) <= room:
        return f"{head}\n{_stacks(plan, room - _size(head))}{last}"
    broad = [
        [change for change in several if change.broadens] for several in (plan.access, plan.security_groups)
    ]
    left_out = len(plan.access) + len(plan.security_groups) - sum(map(len, broad))
    head, cut = _fitted(list(_head(plan, *broad)), room)
    left = drawing.counted(left_out + cut, "line")
    said = f"**{left} of data and access, and the stacks, have no room in a comment:**"
    return f"{head}\n\n{said} {_see(plan)}\n{last}"


def _head(plan: Plan, access: Sequence[AccessChange], rules: Sequence[AccessChange]) -> Iterator[str]:
    yield f"### {_code(plan.stack_name)}: {_escaped(drawing.totals(plan.counts))}"
    yield ""
    yield from (f"- **{_escaped(note)}**" for note in plan.notes)
    yield from _data(plan.verdicts)
    yield from _changes("Access", access)
    yield from _changes("Security groups", rules)


def _see(plan: Plan) -> str:
    return f"see {_code(f'python deploy.py plan {plan.environment} --json')}"


def _fitted(lines: Sequence[str], room: int) -> tuple[str, int]:
    """The lines that fit, in order, and how many do not."""
    kept: list[str] = []
    for position, line in enumerate(lines):
        room -= _size(line) + 1
        if room < 0:
            return "\n".join(kept), len(lines) - position
        kept.append(line)
    return "\n".join(kept), 0


def _data(verdicts: Sequence[DataVerdict]) -> Iterator[str]:
    for verdict in sorted((each for each in verdicts if each.certain), key=lambda each: not each.endangers):
        danger = f" {verdict.danger}" if verdict.endangers else ""
        yield (
            f"- **{plan_text.label(verdict)}** {_code(verdict.name)} ({_code(verdict.type)})"
            f"{danger}: {_escaped(verdict.reason)}. To do: {_escaped(verdict.remedy)} "
            f"([source]({verdict.source}))"
        )
    doubtful = plan_text.uncertain(verdicts)
    if doubtful:
        yield f"- {_escaped(doubtful)}"


def _changes(title: str, changes: Sequence[AccessChange]) -> Iterator[str]:
    if not changes:
        return
    shown, others = plan_text.settled(changes)
    yield from ("", f"#### {title}")
    if shown:  # a table without rows tells nothing
        yield from ("", "| | resource | what | |", "|-|-|-|-|")
    for change in sorted(shown, key=lambda change: change.broadens is None):
        look = f"**{_escaped(change.broadens)}**" if change.broadens else ""
        yield f"| {_code(change.sign)} | {_code(change.name)} | {_code(change.text)} | {look} |"
    if others:
        yield from ("", _escaped(others))


def _stacks(plan: Plan, room: int) -> str:
    """Each stack to be unfolded, as far as there is room."""
    parts: list[str] = []
    cut: list[str] = []
    for path, stack in plan.stacks.every_stack():
        if not stack.changes:
            continue
        text = _stack("/".join(path) or plan.stack_name, stack)
        if _size(text) > room:
            cut.append(f"{'/'.join(path) or plan.stack_name} ({len(stack.changes)})")
            continue
        room -= _size(text)
        parts.append(text)
    if cut:
        # The names themselves may be too many.
        names, left = _fitted([_code(name) for name in cut], RESERVE // 2)
        more = f" and {left} more" if left else ""
        listed = names.replace("\n", ", ")
        parts.append(f"\n**Cut, since a comment has no more room:** {listed}{more}; {_see(plan)}\n")
    return "".join(parts)


def _stack(name: str, stack: StackPlan) -> str:
    rows = "\n".join(_row(change) for change in stack.changes)
    return (
        f"\n<details><summary>{_code(name)}: {drawing.counted(len(stack.changes), 'resource')}</summary>\n\n"
        f"| | resource | type | what |\n|-|-|-|-|\n{rows}\n\n</details>\n"
    )


def _row(change: Change) -> str:
    notes = [_escaped(note) for note in drawing.notes(change)]
    told = () if change.unresolved else change.properties
    values = [_code(line) for each in told for line in difference.lines(each, VALUES)]
    what = "<br>".join([*notes, *dict.fromkeys(values)])
    return f"| {_code(drawing.symbol(change))} | {_code(change.logical_id)} | {_code(change.type)} | {what} |"


def _code(text: str) -> str:
    """Text as it is, in a table's cell too: no mark-up, no HTML, no mention."""
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    return SPECIAL.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


def _size(text: str) -> int:
    return len(text.encode())
