"""A rule as the class that cfn-lint loads, and which findings it tells of which file.

cfn-lint asks each rule about one file at a time. A finding is told where its own file is linted; where that
file is not part of the run, at the nested stack in the nearest template around it that is, with file and line
of the place in the message, so that linting a root alone loses nothing.

Which files are part of the run is known on cfn-lint's command line, and from the rule's configuration
`linted` (a list of files) for whoever calls cfn-lint from Python. Where neither says, only the file at hand
counts, so that a finding in a child is told with the root as well.
"""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from cfnlint.config import ConfigMixIn
from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from rules.seam.judging import Judged, Placed
from rules.seam.roots import Library, above
from rules.seam.rule import Rule

LINTED = "linted"
LIBRARY = Library()


class TreeRule(CloudFormationLintRule):
    """What cfn-lint asks; without an id it asks nothing."""

    rule: ClassVar[Rule]
    _latest: ClassVar[tuple[Template, Path, list[Judged]] | None] = None  # each file is every rule's in turn

    def __init__(self) -> None:
        super().__init__()
        if self.id:
            self.config_definition = {LINTED: {"default": [], "type": "list", "itemtype": "string"}}
            if self.rule.only_if:
                self.config_definition[self.rule.only_if] = {"default": False, "type": "boolean"}
        self.configure()  # type: ignore[no-untyped-call]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Raises JudgingFailed, of which cfn-lint makes E0002."""
        silent = self.rule.only_if and not self.config[self.rule.only_if]
        if cfn.filename is None or silent:  # from a pipe, nothing lies beside it
            return []
        file, trees = self._trees(cfn, cfn.filename)
        said: dict[tuple[Any, ...], RuleMatch] = {}
        for judged in trees:
            for placed in judged.said(self.rule):
                given = _resolved(tuple(self.config[LINTED])) or on_the_command_line()
                told = _told(placed, judged, file, given | {file})
                if told is not None:
                    path, line, message = told
                    spot = (line - 1, 0, line - 1, 0)
                    said.setdefault((path, message), RuleMatch(list(path), message, location=spot))
        return list(said.values())

    def matchall_resource_properties(self, *_: object) -> tuple[()]:
        """Nothing, and at once: cfn-lint asks each of hundreds of rules about each resource."""
        return ()

    def _trees(self, cfn: Template, name: str) -> tuple[Path, list[Judged]]:
        latest = TreeRule._latest
        if latest is None or latest[0] is not cfn:
            file = Path(name).resolve()
            latest = TreeRule._latest = (cfn, file, LIBRARY.trees(file))
        return latest[1:]


def _told(
    placed: Placed, judged: Judged, file: Path, linted: frozenset[Path]
) -> tuple[tuple[str | int, ...], int, str] | None:
    """Path, line and message where a finding is told in `file`; None where it is told elsewhere."""
    inside = placed.stack
    for stack in above(judged.tree, placed.stack):
        if stack.file.resolve() in linted:
            if stack.file.resolve() != file:
                return None
            if stack.address == placed.stack:
                return placed.path, placed.line, placed.message
            name = inside.rpartition("/")[2]
            place = f"{placed.file.name}:{placed.line}: {placed.message}"
            return ("Resources", name), stack.nearest("Resources", name), place
        inside = stack.address
    return None


@cache
def _resolved(names: tuple[str, ...]) -> frozenset[Path]:
    return frozenset(Path(name).resolve() for name in names)


@cache
def on_the_command_line() -> frozenset[Path]:
    """The templates that cfn-lint was told to lint; none where something else runs."""
    if Path(sys.argv[0]).stem != "cfn-lint":
        return frozenset()
    templates: Sequence[str | None] = ConfigMixIn(sys.argv[1:]).templates or ()
    return frozenset(Path(name).resolve() for name in templates if name)


def as_class(rule: Rule) -> type[TreeRule]:
    """What cfn-lint loads for a rule."""
    return type(
        rule.id,
        (TreeRule,),
        {
            "rule": rule,
            "id": rule.id,
            "shortdesc": rule.title,
            "description": f"{rule.cause}; {rule.remedy}",
            "source_url": rule.sources[0],
            "tags": ["millrace", rule.family],
        },
    )
