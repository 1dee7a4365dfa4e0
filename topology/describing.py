"""How a reader is told of actions, resources, conditions and needs: by address, not by parameter or ARN."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from topology.needs import Need, Wanted
from topology.pairing import Allowed, covers, meeting
from topology.policies import PLACES, Kind, Policy, Statement, inverted, texts
from topology.rendering import Renderer
from topology.tree import Resource, Tree
from topology.values import REF, Reference, Value, references

BREAK = "<br>"
LISTED = 6  # more names than this say less than their number
PRINCIPAL = re.compile(r"\.amazonaws\.com$")
# The operators that say so little that a sign says it as well.
SIGNS = {
    "ArnEquals": "=",
    "ArnLike": "like",
    "Bool": "=",
    "NumericEquals": "=",
    "StringEquals": "=",
    "StringLike": "like",
    "StringNotEquals": "≠",
}


class Describer:
    """Knows one tree, and what is needed of it."""

    def __init__(self, tree: Tree, renderer: Renderer, wanted: Iterable[Wanted], allowed: Iterable[Allowed]):
        self._tree = tree
        self._renderer = renderer
        self._needs = _met(list(wanted), list(allowed))

    def module(self, resource: Resource) -> str:
        """A link to what makes the resource's stack."""
        stem = resource.file.stem
        return f"[stacks/{stem}.py](../stacks/{stem}.py)"

    def actions(self, statement: Statement) -> str:
        """Service by service: `kinesis:` GetRecords, ListShards."""
        by_service: dict[str, list[str]] = {}
        if "NotAction" in statement.document:
            return statement.actions[0]
        for action in statement.actions:
            service, _, name = action.partition(":")
            by_service.setdefault(service, []).append(name)
        return BREAK.join(f"{service}: {', '.join(sorted(names))}" for service, names in by_service.items())

    def resources(self, policy: Policy, statement: Statement) -> str:
        """What a statement is about; `*` in a resource policy is the resource itself."""
        if "NotResource" in statement.document:
            return inverted(statement.document, "NotResource")[0]
        value = statement.resolved.get("Resource")
        listed: list[Value] = value if isinstance(value, list) else [] if value is None else [value]
        if not listed or (listed == ["*"] and policy.kind == "resource"):
            return BREAK.join(f"`{guarded}`" for guarded in policy.about)
        return BREAK.join(self._resource(one) for one in listed)

    def _resource(self, value: Value) -> str:
        if isinstance(value, Reference) and value.attribute not in (REF, "Arn"):
            return f"`{value.resource}`, its {value.attribute.partition('.')[0]}"
        text = self._renderer.text(value)
        if text == "*":
            return "everything"
        arns = self._renderer.arns
        for arn, resource in arns.items():
            if text in (arn, f"{arn}:*"):
                return f"`{resource}`"
            if text.startswith((f"{arn}/", f"{arn}:")):
                return f"`{resource}`, below it `{text.removeprefix(arn)}`"
        matched = [f"`{resource}`" for arn, resource in arns.items() if covers(text, arn)]
        if len(matched) > LISTED:
            return f"`{text}` ({len(matched)} resources here)"
        return f"`{text}`" + (f" ({', '.join(matched)})" if matched else "")

    def conditions(self, statement: Statement) -> str:
        return BREAK.join(_conditions(statement.conditions))

    def needs(self, statement: Statement) -> str:
        """Who needs it and why, with a link to the code or to where AWS says so."""
        return BREAK.join(dict.fromkeys(map(need, self._needs.get(statement.where, ()))))

    def users(self, wanted: Resource) -> list[Resource]:
        """Resources that name another one, in the tree's order; one that guards another uses nothing."""
        found = []
        for resource in self._tree.resources():
            kind, _ = PLACES.get((resource.kind, "PolicyDocument"), (None, None))
            names = () if kind is Kind.RESOURCE else resource.properties
            values = (self._renderer.resolver.property(resource, name) for name in names)
            if any(reference.resource == wanted for value in values for reference in references(value)):
                found.append(resource)
        return found


def need(one: Need) -> str:
    if not one.source:
        return f"[{one.by}/](../{one.by})"
    if PRINCIPAL.search(one.by):  # said already, in the row's first cell
        return f"[{one.why}]({one.source})"
    return f"[{one.by}]({one.source})" + (f": {one.why}" if one.why else "")


def _met(wanted: list[Wanted], allowed: list[Allowed]) -> dict[str, list[Need]]:
    """Statement → the needs that it meets."""
    found: dict[str, list[Need]] = {}
    for want in wanted:
        for allow in meeting(want, allowed):
            found.setdefault(allow.statement.where, []).append(want.need)
    return found


def _conditions(conditions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for operator, keys in conditions.items():
        for key, value in keys.items():
            yield f"{key} {SIGNS.get(operator, operator)} {' or '.join(f'`{text}`' for text in texts(value))}"
