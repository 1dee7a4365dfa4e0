"""What a role may do, as far as all of its policies stand in the tree."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rules.seam.site import Site
from topology.policies import Kind, Statement, texts
from topology.rendering import NoForm
from topology.resolution import Unresolvable
from topology.tree import Resource
from topology.values import Reference, Value, known

ROLE = "AWS::IAM::Role"
IDENTITY = "AWS::IAM::"
UNSEEN = "${?}"


def rights(site: Site, role: Resource) -> list[Statement] | None:
    """What its policies allow; None where one of them stands elsewhere, or cannot be read."""
    if any(site.tree.resource(address).kind.startswith(IDENTITY) for address in site.unread_policies):
        return None
    attached = site.get(role, "ManagedPolicyArns")
    if not known(attached) or not all(
        isinstance(one, Reference) and one.resource.kind == "AWS::IAM::ManagedPolicy"
        for one in site.items(role, "ManagedPolicyArns")
    ):
        return None
    return [
        statement
        for policy in site.policies
        if policy.kind is Kind.IDENTITY and role in policy.about
        for statement in policy.statements
        if statement.allows
    ]


def may(statements: Iterable[Statement], action: str, arns: Sequence[str] = ()) -> bool:
    """Whether one allows it, whatever its conditions: on one of these ARNs, or on anything if none is given.

    `kinesis:` is any action of the service.
    """
    return any(
        _acts(statement, action) and any(_covers(pattern, arns) for pattern in _resources(statement))
        for statement in statements
    )


def _acts(statement: Statement, action: str) -> bool:
    if "NotAction" in statement.document:
        return True
    allowed = [one.lower() for one in texts(statement.document.get("Action"))]
    if action.endswith(":"):
        return any(one == "*" or one.startswith(action) for one in allowed)
    return any(_pattern(one).fullmatch(action.lower()) for one in allowed)


def _resources(statement: Statement) -> tuple[str, ...]:
    return ("*",) if "NotResource" in statement.document else texts(statement.document.get("Resource"))


def _covers(pattern: str, arns: Sequence[str]) -> bool:
    return not arns or UNSEEN in pattern or any(_pattern(pattern).fullmatch(arn) for arn in arns)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text))


def arn(site: Site, resource: Resource) -> str | None:
    """Its ARN as policies are rendered; None for a type whose form is not known."""
    try:
        return site.renderer.arn(resource)
    except (NoForm, Unresolvable):
        return None


def written(site: Site, value: Value) -> str | None:
    """A value as policies are rendered; None where a part of it is not known."""
    if not known(value) or value is None or isinstance(value, list | dict):
        return None
    text = site.renderer.text(value)
    return None if UNSEEN in text else text


def vague(statements: Iterable[Statement], action: str) -> bool:
    """Whether one allows it by a pattern, which may cover names that CloudFormation makes."""
    return any(
        _acts(statement, action) and any("*" in one or "?" in one for one in _resources(statement))
        for statement in statements
    )


def role_of(site: Site, workload: Resource, name: str) -> Resource | None:
    return site.target(site.get(workload, name), ROLE)


def place(site: Site, service: str, rest: str) -> str:
    at = site.renderer.place
    return f"arn:{at.partition}:{service}:{at.region}:{at.account}:{rest}"
