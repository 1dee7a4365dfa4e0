"""Needs and the statements that meet them, paired one to one.

A need is an action of somebody on a resource, with its reason. What nobody needs should not be allowed, and
what is needed should be allowed once: a second statement would hide the loss of the first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from topology.policies import Kind, Policy, Statement, texts
from topology.rendering import Renderer
from topology.tree import Tree
from topology.values import Reference

ANY = "*"
PACKAGE = re.compile(
    r"^[a-z_]+$"
)  # `by` of a package here; all others have a capital, a space, a dot or a slash


class BadNeeds(ValueError):
    """{file}: {what is wrong with it}"""


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Actions of one party on some resources, and why."""

    by: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str = ""
    source: str = ""


Needs = Mapping[str, tuple[Need, ...]]  # who holds the policy, or what it guards → needs


@dataclass(frozen=True)
class Allowed:
    """One action on one resource that a statement allows to somebody."""

    holder: str  # the address of a role, a managed policy, or the guarded resource
    statement: Statement
    principal: str | None  # of a resource policy
    action: str
    resource: str


@dataclass(frozen=True)
class Wanted:
    """One action on one resource that is needed."""

    holder: str
    need: Need
    action: str
    resource: str  # an ARN, or *

    def is_met_by(self, allowed: Allowed) -> bool:
        return (
            self.holder == allowed.holder
            and allowed.principal in (None, self.need.by)
            and covers(allowed.action.casefold(), self.action.casefold())
            and covers(allowed.resource, self.resource)
        )


def load(file: Path) -> Needs:
    """Raises BadNeeds."""
    try:
        found = msgspec.yaml.decode(file.read_bytes(), type=dict[str, tuple[Need, ...]])
    except (OSError, msgspec.MsgspecError) as error:
        raise BadNeeds(f"{file}: {error}") from error
    for holder, needs in found.items():
        for need in needs:
            if not PACKAGE.match(need.by) and not need.source.startswith("https://"):
                raise BadNeeds(f"{file}: {holder}: {need.by} is no package here; name the source of its need")
    return found


def covers(pattern: str, text: str) -> bool:
    """IAM's wildcards: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text, re.DOTALL) is not None


def wanted(needs: Needs, tree: Tree, renderer: Renderer, environment: str) -> Iterator[Wanted]:
    """Every need, action by action. Raises BadNeeds for an address that the tree has not."""
    for holder, listed in needs.items():
        for need in listed:
            for target in need.resources:
                resource = _target(target, tree, renderer, environment)
                for action in need.actions:
                    yield Wanted(holder, need, action, resource)


def _target(named: str, tree: Tree, renderer: Renderer, environment: str) -> str:
    if named == ANY or named.startswith("arn:"):
        return named.replace("{environment}", environment)
    place, _, below = named.partition(" + ")
    address, _, attribute = place.partition(".")
    try:
        resource = tree.resource(address)
    except KeyError as error:
        raise BadNeeds(f"docs/needs.yaml: {error.args[0]}") from error
    arn = renderer.text(Reference(resource, attribute)) if attribute else renderer.arn(resource)
    return arn + below


def allowed(policies: Iterable[Policy], renderer: Renderer) -> Iterator[Allowed]:
    """What roles, managed policies and, of resource policies, services are allowed."""
    for policy in policies:
        documents = policy.taken_out(renderer)["Statement"]
        for statement, document in zip(policy.statements, documents, strict=True):
            if not statement.allows:
                continue
            for holder, principal in _holders(policy, statement):
                for action in statement.actions:
                    for resource in texts(document["Resource"]):
                        yield Allowed(holder, statement, principal, action, resource)


def _holders(policy: Policy, statement: Statement) -> Iterator[tuple[str, str | None]]:
    if policy.kind is Kind.IDENTITY:
        # A managed policy is for whoever it is attached to later, so it stands for itself.
        managed = policy.resource.kind == "AWS::IAM::ManagedPolicy"
        yield from (
            (resource.address, None) for resource in ((policy.resource,) if managed else policy.about)
        )
    elif policy.kind is Kind.RESOURCE:
        for kind, principal in statement.principals:
            if kind == "Service":
                yield from ((resource.address, principal) for resource in policy.about)


def problems(wants: Iterable[Wanted], allows: Iterable[Allowed]) -> Iterator[str]:
    """Needs that no statement meets, or more than one; actions of statements that nobody needs."""
    wants, allows = list(wants), list(allows)
    for want in wants:
        meeting = {allow.statement.where for allow in allows if want.is_met_by(allow)}
        if len(meeting) != 1:
            which = f"{len(meeting)} statements: {', '.join(sorted(meeting))}" if meeting else "no statement"
            yield f"{want.holder}: {want.need.by} needs {want.action} on {want.resource}; allowed by {which}"
    for allow in allows:
        if not any(want.is_met_by(allow) for want in wants):
            to = f" to {allow.principal}" if allow.principal else ""
            yield (
                f"{allow.statement.where}: allows{to} {allow.action} on {allow.resource}, which nobody needs;"
                " remove it, or give the need and its source in docs/needs.yaml"
            )
