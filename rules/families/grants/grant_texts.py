"""Values as text that can be compared: what only a deployment knows stays a mark of its own in it.

A region, an account and a name that CloudFormation makes are equal to themselves. Against other text they
may or may not be equal, and so may whatever is not known; a rule concludes from what cannot be, and from
what must be.
"""

import re
from functools import lru_cache

from rules.seam.site import Patient, Site
from topology.arns import FORMS, Form
from topology.rendering import NoForm, Place, Renderer
from topology.resolution import Unresolvable
from topology.tree import Resource
from topology.values import REF, Given, Text, Unknown, Value

ANY = "\ue000"  # what nobody knows
REGION, ACCOUNT, PARTITION = "\ue001", "\ue002", "\ue003"
OPEN, CLOSE = "\ue010", "\ue011"  # around the address of what has a name only when it is deployed
PLACE = Place(region=REGION, account=ACCOUNT, partition=PARTITION)
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
SHOWN = {REGION: "${AWS::Region}", ACCOUNT: "${AWS::AccountId}", PARTITION: "${AWS::Partition}", ANY: "${?}"}
# Filled in when a request is decided: ${aws:PrincipalTag/team}, ${iot:Connection.Thing.ThingName}.
VARIABLE = re.compile(r"\$\{[A-Za-z0-9-]+:[^}]*\}")
SYMBOL = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}|.", re.DOTALL)
SPECIAL = re.compile("[\ue000-\ue011]")


class Wording(Patient):
    """Writes what is resolved as text with those marks; raises nothing."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.tree, PLACE, site.resolver)

    def text(self, value: Value) -> str:
        if isinstance(value, Text):
            return "".join(map(self.text, value.parts))
        if isinstance(value, Given):
            return PSEUDO.get(value.name, ANY)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, Unknown | list | dict):
            return ANY
        try:
            return Renderer.text(self, value)
        except (NoForm, Unresolvable):
            return ANY

    def arn(self, resource: Resource) -> str:
        try:
            return super().arn(resource)
        except (NoForm, Unresolvable):
            return ANY

    def name(self, resource: Resource) -> str:
        """Its physical name."""
        form = FORMS.get(resource.kind)
        return self._name(resource, form) if form else ANY

    def _answer(self, resource: Resource, attribute: str) -> str:
        if attribute.endswith("Name") and "." not in attribute and resource.kind in FORMS:
            return self.name(resource)
        if attribute == REF or attribute.endswith(("Arn", "ARN", ".SecretArn")):
            return super()._answer(resource, attribute)
        return ANY

    def _name(self, resource: Resource, form: Form) -> str:
        fixed = self.resolver.property(resource, form.name) if form.name else None
        return f"{OPEN}{resource.address}{CLOSE}" if fixed is None else self.text(fixed)


def shown(text: str) -> str:
    """For people."""
    for mark, name in SHOWN.items():
        text = text.replace(mark, name)
    return text.replace(OPEN, "${").replace(CLOSE, "}")


def pattern(text: str) -> str:
    """What a policy writes, with its variables as what nobody knows."""
    return VARIABLE.sub(ANY, text) if "${" in text else text


@lru_cache(maxsize=20_000)
def may(wanted: str, text: str) -> bool:
    """Whether a pattern with * and ? can match a text, as far as can be known."""
    if must(wanted, text):
        return True
    if not SPECIAL.search(wanted) and not SPECIAL.search(text):
        return False
    ours, theirs = wanted.split(":", 5), text.split(":", 5)
    if wanted.startswith("arn:") and text.startswith("arn:") and len(ours) == len(theirs) == 6:
        # A wildcard stays within its part, but for the last: what a resource is called may have colons.
        return all(_may(one, other) for one, other in zip(ours, theirs, strict=True))
    return _may(wanted, text)


@lru_cache(maxsize=20_000)
def _may(wanted: str, text: str) -> bool:
    open_ended = any(mark in wanted for mark in ("*", "?", ANY))
    return _meets(tuple(SYMBOL.findall(wanted)), tuple(SYMBOL.findall(text)), open_ended)


@lru_cache(maxsize=20_000)
def must(wanted: str, text: str) -> bool:
    """Whether a pattern matches a text wherever it is deployed."""
    return ANY not in wanted and bool(_compiled(wanted).fullmatch(text))


@lru_cache(maxsize=5_000)
def _compiled(wanted: str) -> re.Pattern[str]:
    return re.compile(re.escape(wanted).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _meets(wanted: tuple[str, ...], text: tuple[str, ...], open_ended: bool) -> bool:
    """Both sides may hold what stands for any text, so each may absorb a piece of the other."""
    reached = {(0, 0)}
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if i == len(wanted) and j == len(text):
            return True
        for step in _steps(wanted, i, text, j, open_ended):
            if step not in reached:
                reached.add(step)
                todo.append(step)
    return False


def _steps(
    wanted: tuple[str, ...], i: int, text: tuple[str, ...], j: int, open_ended: bool
) -> list[tuple[int, int]]:
    a = wanted[i] if i < len(wanted) else ""
    b = text[j] if j < len(text) else ""
    steps = []
    if a in ("*", ANY):
        steps += [(i + 1, j)] + ([(i, j + 1)] if b else [])
    if b == ANY:
        steps += [(i, j + 1)] + ([(i + 1, j)] if a else [])
    if a and b:
        if a == b or (a == "?" and not _marked(b)):
            steps.append((i + 1, j + 1))
        elif _absorbs(a, b, open_ended):
            steps += [(i, j + 1), (i + 1, j + 1)]
        elif _absorbs(b, a, open_ended):
            steps += [(i + 1, j), (i + 1, j + 1)]
    return steps


def _marked(symbol: str) -> bool:
    return bool(SPECIAL.match(symbol))


def _absorbs(mark: str, other: str, open_ended: bool) -> bool:
    """A region or account may be written out; a name that AWS will make is written nowhere."""
    if not _marked(mark) or _marked(other):
        return False
    return other not in ":/" and (open_ended or not mark.startswith(OPEN))
