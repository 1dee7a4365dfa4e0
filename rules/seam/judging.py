"""A tree judged by a rule in every scenario, once, and each finding placed at file and line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rules.seam.rule import Finding, Rule
from rules.seam.site import Site
from topology.conditions import Scenario, scenarios
from topology.tree import Tree


class JudgingFailed(RuntimeError):
    """{rule} failed on {root}: {what was raised, and where}. A fault of the rule, never of the template."""


@dataclass(frozen=True)
class Placed:
    """One finding where people look for it."""

    stack: str  # the address of the stack
    file: Path
    path: tuple[str | int, ...]
    line: int
    message: str


class Judged:
    """All that rules say of one tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._scenarios = scenarios(tree)
        self.sites = [Site(scenario.tree) for scenario in self._scenarios]
        self._said: dict[str, tuple[Placed, ...]] = {}

    def said(self, rule: Rule) -> tuple[Placed, ...]:
        """Each finding once, however many scenarios have it. Raises JudgingFailed."""
        if rule.id not in self._said:
            first: dict[tuple[str, int, str], Placed] = {}
            where: dict[tuple[str, int, str], list[Scenario]] = {}
            for scenario, site in self._asked(rule):
                # A list's positions differ where scenarios leave items out; the line is the same.
                here = {(one.stack, one.line, one.message): one for one in self._judged(rule, site)}
                for spot, placed in here.items():
                    first.setdefault(spot, placed)
                    where.setdefault(spot, []).append(scenario)
            self._said[rule.id] = tuple(self._qualified(first[spot], held) for spot, held in where.items())
        return self._said[rule.id]

    def _asked(self, rule: Rule) -> Iterator[tuple[Scenario, Site]]:
        for scenario, site in zip(self._scenarios, self.sites, strict=True):
            if scenario.usual or not rule.by_default:
                yield scenario, site

    def _judged(self, rule: Rule, site: Site) -> list[Placed]:
        try:
            silent = rule.demanding and not site.says_its_environment
            return [] if silent else [_placed(rule, site, finding) for finding in rule.judge(site)]
        except Exception as error:
            at, cause = error.__traceback__, f"{type(error).__name__}: {error}"
            while at is not None and at.tb_next is not None:
                at = at.tb_next
            line = f" ({Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno})" if at else ""
            raise JudgingFailed(f"{rule.id} failed on {self.tree.root.file}: {cause}{line}") from error

    def _qualified(self, placed: Placed, held: list[Scenario]) -> Placed:
        """With what must be given for it to hold, where it does not always."""
        if len(held) == len(self._scenarios):
            return placed
        first, *others = (set(scenario.taken.items()) for scenario in held)
        shared = sorted(first.intersection(*others))
        given = " and ".join(name if true else f"not {name}" for name, true in shared)
        message = f"{placed.message} (where {given})" if given else placed.message
        return Placed(placed.stack, placed.file, placed.path, placed.line, message)


def _placed(rule: Rule, site: Site, finding: Finding) -> Placed:
    stack = site.tree.stacks[finding.stack]
    line = stack.nearest(*finding.whole)
    return Placed(stack.address, stack.file, finding.whole, line, rule.message(finding))
