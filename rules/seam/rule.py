"""What a rule is, and what it finds."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from string import Formatter

from rules.seam.site import Site
from topology.tree import Resource, Stack

ID = re.compile(r"[EW]9\d{3}")  # cfn-lint drops every other id of an appended rule without a word
Steps = tuple[str | int, ...]


class BadRule(ValueError):
    """{id}: {what is wrong with its declaration}"""


@dataclass(frozen=True)
class Finding:
    """One place that breaks a rule. `parts` fill the braces of the rule's cause and remedy."""

    place: Resource | Stack
    path: Steps  # within the resource, or the template; what is not there leads to what stands around it
    parts: dict[str, object] = field(default_factory=dict, hash=False)

    @property
    def whole(self) -> Steps:
        """The path from the top of the template."""
        inside = ("Resources", self.place.name) if isinstance(self.place, Resource) else ()
        return (*inside, *self.path)

    @property
    def stack(self) -> str:
        return self.place.stack if isinstance(self.place, Resource) else self.place.address


def found(resource: Resource, *path: str | int, **parts: object) -> Finding:
    """A finding at a property: found(task, "ContainerDefinitions", 0, container="Processor")."""
    return Finding(resource, ("Properties", *path), parts)


Judge = Callable[[Site], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """One thing that must hold between resources."""

    id: str
    cause: str  # one line; {name} stands for a part of the finding
    remedy: str
    sources: tuple[str, ...]
    judge: Judge
    only_if: str = ""  # a boolean of cfn-lint's rule configuration, without which the rule is silent
    demanding: bool = False  # silent in a tree that does not say which environment it is
    by_default: bool = False  # silent where only a parameter with another value than its default leads there

    @property
    def title(self) -> str:
        """The name of what judges, in words."""
        return getattr(self.judge, "__name__", self.id).strip("_").replace("_", " ")

    @property
    def family(self) -> str:
        return self.judge.__module__.removeprefix("rules.families.").partition(".")[0]

    def message(self, finding: Finding) -> str:
        """Raises KeyError where the finding lacks a part."""
        return f"{self.cause}; {self.remedy}".format_map(finding.parts)


def rule(
    id: str,
    *,
    cause: str,
    remedy: str,
    sources: tuple[str, ...],
    only_if: str = "",
    demanding: bool = False,
    by_default: bool = False,
) -> Callable[[Judge], Rule]:
    """Declare what it decorates as a rule. Raises BadRule.

    `demanding`: it asks for what a plant in operation should have, and not for what must be so to work or
    to be safe. A sample or a module of a library does without; what says its environment does not.
    `by_default`: it is about what a deployment may choose, such as storage without encryption, and the
    template is at fault where it is so unless somebody chooses otherwise. Demands are such rules too.
    """
    if not ID.fullmatch(id):
        raise BadRule(f"{id}: is no id; E9nnn for what is wrong, W9nnn for what is doubtful")
    for name, text in (("cause", cause), ("remedy", remedy)):
        if not text or text != text.strip() or "\n" in text or text.endswith("."):
            raise BadRule(f"{id}: its {name} is one line without a full stop")
    if not sources or not all(source.startswith("https://") for source in sources):
        raise BadRule(f"{id}: names no source; give the pages that say so, with https://")
    return lambda judge: Rule(id, cause, remedy, sources, judge, only_if, demanding, by_default or demanding)


def fields(text: str) -> list[str]:
    """The parts that a cause or a remedy asks for."""
    return [name for _, name, _, _ in Formatter().parse(text) if name]
