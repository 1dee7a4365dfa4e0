"""What a plan does to permissions: statement by statement, what is new, what goes, what broadens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployer import policies
from deployer.changes import Action, Change
from deployer.later import in_words
from deployer.policies import Grant
from deployer.twins import Compared

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
        return AccessChange(path, change.logical_id, change.type, sign, in_words(text), broadens)

    before, after = (
        policies.grants(change.type, side) if side else ()
        for side in (change.properties_before, change.properties_after)
    )
    found = Compared.of(() if change.action is Action.ADD else before, after)
    for grant in found.unresolved:
        yield made(UNRESOLVED, grant.text)
    for grant in found.gone:
        narrows = "a refusal goes" if grant.effect == "Deny" else None
        yield made(REMOVED, grant.text, None if change.action is Action.REMOVE else narrows)
    for grant in found.new:
        yield made(ADDED, grant.text, _broadens(grant, account, found.gone))
    if not before and not after and not change.unresolved:
        for told in change.properties:
            if told.attribute == "Properties" and policies.mentions_access(change.type, told.path):
                yield made(UNTOLD, f"{told.path} {NO_VALUE}")
                return


def _broadens(grant: Grant, account: str, gone: Sequence[Grant]) -> str | None:
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


def _foreign(grant: Grant, account: str, gone: Sequence[Grant]) -> Iterator[str]:
    known = {found for old in gone for text in old.principals for found in ACCOUNT.findall(text)}
    for found in dict.fromkeys(found for text in grant.principals for found in ACCOUNT.findall(text)):
        if account and found != account and found not in known:
            yield f"a principal of another account, {found}"


def _wild(grant: Grant, gone: Sequence[Grant]) -> Iterator[str]:
    """A wildcard that no statement had that goes from the same place."""
    same = [old for old in gone if old.where == grant.where]
    old_actions = {text for old in same for text in old.actions}
    old_resources = {text for old in same for text in old.resources}
    for action in grant.actions:
        if action not in old_actions and (action == "*" or action.endswith(":*")):
            yield f"every action, {action}" if action != "*" else "every action of every service"
    if "*" in grant.resources and "*" not in old_resources and not grant.principals:
        yield "every resource"


def _unconditional(grant: Grant, gone: Sequence[Grant]) -> Iterator[str]:
    for old in gone:
        if (old.where, old.actions, old.resources, old.principals) == (
            grant.where,
            grant.actions,
            grant.resources,
            grant.principals,
        ) and len(grant.conditions) < len(old.conditions):
            yield "a condition goes"
            return
