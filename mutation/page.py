"""docs/mutation.md: the scores, who saw what, and why the rest was not seen."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mutation.score import FLOOR, Judged, score
from mutation.telling import CHECKOV, GUARD, LINT, OURS, TOOLS

PAGE = Path("docs/mutation.md")
HEADS = {LINT: "schema lint", CHECKOV: "checkov", GUARD: "Guard", OURS: "ours"}
SHOWN = 3  # of others' rules that see one break; ours are all named
HEAD = """\
# Who sees a break

`make mutate` breaks the emitted templates in one place at a time and asks four tools: cfn-lint's own rules
("schema lint"), checkov, Guard, and the rules of [rules.md](rules.md). A break is seen by a tool that says of
the broken tree what it does not say of the clean one; W2001 says no more than that a parameter has lost its
use. Each break is counted in each environment in which it breaks something.

`make mutate` judges what has changed since [mutation.json](mutation.json), where each verdict stands with a
digest of all that decided it; `FULL=1` asks the scanners too, which otherwise are shown as "not run" where
they would have to. Ours must see {floor:g} %; what they do not see is explained below. Why so:
[decisions/mutation.md](decisions/mutation.md). The breaks are in `mutation/breaks/`, and this page is made of
them.
"""


def page(rows: Sequence[Judged]) -> str:
    families = list(dict.fromkeys(row.broken.family for row in rows))
    parts = [HEAD.format(floor=FLOOR * 100), "## Scores\n", _scores(rows, families)]
    survivors = [row for row in rows if row.survives_in]
    parts += ["## Not seen by ours\n", _table(("break", "in", "why"), map(_survivor, survivors))]
    for family in families:
        mine = [row for row in rows if row.broken.family == family]
        head = ("break", "what it does", *(HEADS[tool] for tool in TOOLS))
        parts += [f"## {family.capitalize()}\n", _table(head, map(_row, mine))]
    return "\n".join(parts)


def _scores(rows: Sequence[Judged], families: Iterable[str]) -> str:
    lines = []
    for family in (*families, ""):
        mine = [row for row in rows if family in ("", row.broken.family)]
        lines.append((family or "**all**", str(len(mine)), *(str(score(mine, tool)) for tool in TOOLS)))
    return _table(("family", "breaks", *(HEADS[tool] for tool in TOOLS)), lines)


def _survivor(row: Judged) -> tuple[str, ...]:
    return f"{row.broken.family}: {row.broken.name}", ", ".join(row.survives_in), row.broken.survives or "—"


def _row(row: Judged) -> tuple[str, ...]:
    broken = row.broken
    why = f"{broken.why} ([source]({broken.source}))" if broken.source else broken.why
    only = "" if len(broken.environments) > 1 else f" ({broken.environments[0]})"
    return broken.name + only, why.replace("<", "&lt;"), *(_cell(row, tool) for tool in TOOLS)


def _cell(row: Judged, tool: str) -> str:
    """What both environments share is told once."""
    told = {environment: _told(rules, tool) for environment, rules in row.seen(tool).items()}
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    return "; ".join(f"{environment} {cell}" for environment, cell in told.items())


def _told(rules: tuple[str, ...] | None, tool: str) -> str:
    if rules is None:
        return "not run"
    shown = rules if tool == OURS else rules[:SHOWN]
    more = f" and {len(rules) - len(shown)} more" if len(rules) > len(shown) else ""
    return (", ".join(f"`{rule}`" for rule in shown) or "–") + more


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    made = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines)]
    return "\n".join(made) + "\n"


def lines(rows: Iterable[Judged]) -> Iterator[str]:
    """For the screen: a line a break, then the scores."""
    rows = list(rows)
    for row in rows:
        cells = "  ".join(f"{HEADS[tool]} {_cell(row, tool).replace('`', '')}" for tool in TOOLS)
        yield f"{row.broken.title} [{', '.join(row.verdicts)}]  {cells}"
    for family in (*dict.fromkeys(row.broken.family for row in rows), ""):
        mine = [row for row in rows if family in ("", row.broken.family)]
        told = "  ".join(f"{HEADS[tool]} {score(mine, tool)}" for tool in TOOLS)
        yield f"{family or 'all':<10} {len(mine):>3} breaks  {told}"
