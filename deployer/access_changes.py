"""What a plan does to permissions: statement by statement, what is new, what goes, what broadens."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployer import policies
from deployer.changes import UNKNOWN, Action, Change, fits
from deployer.policies import Grant

ACCOUNT = re.compile(r"\b\d{12}\b")
# It comes, it goes, it may turn out to be the one that is there, it changes and no value was told.
ADDED, REMOVED, UNRESOLVED, UNTOLD = "+", "-", "?", "~"
NO_VALUE = "changes; no whole statement was told: see the tree, or compare the templates"


@dataclass(frozen=True)
class AccessChange:
    """One statement, attachment or rule that comes or goes. `broadens` says why it deserves a second look."""

    path: tuple[str, ...]
    logical_id: str
    type: str
    sign: str  # one of those above
    text: str
    broadens: str | None = None

    @property
    def name(self) -> str:
        return "/".join((*self.path, self.logical_id))


def of(path: tuple[str, ...], change: Change, account: str) -> Iterator[AccessChange]:
    """One resource's. `account` is the plan's own: a principal of another one is a broadening."""

    def made(sign: str, text: str, broadens: str | None = None) -> AccessChange:
        return AccessChange(path, change.logical_id, change.type, sign, text, broadens)

    before, after = (
        Counter(policies.grants(change.type, side)) if side else Counter()
        for side in (change.properties_before, change.properties_after)
    )
    if change.action is Action.ADD:
        before = Counter()
    gone, new = sorted((before - after).elements()), sorted((after - before).elements())
    for grant in list(new):
        twin = next((old for old in gone if _may_be(old, grant)), None)
        if twin is not None:
            gone.remove(twin)
            new.remove(grant)
            yield made(UNRESOLVED, twin.text)
    for grant in gone:
        narrows = "a refusal goes" if grant.effect == "Deny" else None
        yield made(REMOVED, grant.text, None if change.action is Action.REMOVE else narrows)
    for grant in new:
        yield made(ADDED, grant.text, _broadens(grant, account, gone))
    if not before and not after and not change.unresolved:
        for told in change.properties:
            if told.attribute == "Properties" and policies.mentions_access(change.type, told.path):
                yield made(UNTOLD, f"{told.path} {NO_VALUE}")
                return


def _may_be(old: Grant, new: Grant) -> bool:
    """The new statement has an unknown in it, and is the old one if that is what it turns out to be."""
    return bool(UNKNOWN.search(repr(new))) and fits(_fields(old), _fields(new))


def _fields(grant: Grant) -> list[Any]:
    return [
        grant.where,
        grant.effect,
        list(grant.actions),
        list(grant.resources),
        list(grant.principals),
        list(grant.conditions),
        list(grant.negated),
    ]


def _broadens(grant: Grant, account: str, gone: list[Grant]) -> str | None:
    if grant.where in {"managed policy"} and grant.effect.endswith(
        ("/AdministratorAccess", "/PowerUserAccess")
    ):
        return f"attaches {grant.effect.rsplit('/', 1)[-1]}"
    if grant.effect != "Allow":
        return None
    reasons = [
        *_everybody(grant),
        *_foreign(grant, account, gone),
        *_wild(grant, gone),
        *(f"everything but what it names of {part}" for part in grant.negated),
        *_unconditional(grant, gone),
    ]
    return "; ".join(reasons) or None


def _everybody(grant: Grant) -> Iterator[str]:
    if "*" in grant.principals:
        yield "every principal" if not grant.conditions else "every principal that meets the conditions"


def _foreign(grant: Grant, account: str, gone: list[Grant]) -> Iterator[str]:
    known = {found for old in gone for text in old.principals for found in ACCOUNT.findall(text)}
    for found in dict.fromkeys(found for text in grant.principals for found in ACCOUNT.findall(text)):
        if account and found != account and found not in known:
            yield f"a principal of another account, {found}"


def _wild(grant: Grant, gone: list[Grant]) -> Iterator[str]:
    """A wildcard that no statement had that goes from the same place."""
    same = [old for old in gone if old.where == grant.where]
    old_actions = {text for old in same for text in old.actions}
    old_resources = {text for old in same for text in old.resources}
    for action in grant.actions:
        if action not in old_actions and (action == "*" or action.endswith(":*")):
            yield f"every action, {action}" if action != "*" else "every action of every service"
    if "*" in grant.resources and "*" not in old_resources and not grant.principals:
        yield "every resource"


def _unconditional(grant: Grant, gone: list[Grant]) -> Iterator[str]:
    for old in gone:
        if (old.where, old.actions, old.resources, old.principals) == (
            grant.where,
            grant.actions,
            grant.resources,
            grant.principals,
        ) and len(grant.conditions) < len(old.conditions):
            yield "a condition goes"
            return
