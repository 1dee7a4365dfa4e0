"""Needs and the statements that meet them, paired one to one.

What nobody needs should not be allowed, and what is needed should be allowed once: a second statement would
hide the loss of the first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from topology.needs import Needs, Wanted
from topology.policies import Kind, Policy, Statement, inverted, texts
from topology.rendering import Renderer
from topology.tree import Resource

VIA = "kms:viaservice"


@dataclass(frozen=True)
class Allowed:
    """One action on one resource that a statement allows to somebody."""

    holder: str  # the address of a role, a managed or a device's policy, or the guarded resource
    statement: Statement
    principal: str | None  # of a resource policy
    action: str
    resource: str

    @property
    def through(self) -> tuple[str, ...]:
        """The services through which alone a key may be used: kinesis."""
        return tuple(
            service.partition(".")[0]
            for keys in self.statement.conditions.values()
            for key, value in keys.items()
            if key.casefold() == VIA
            for service in texts(value)
        )

    def meets(self, want: Wanted) -> bool:
        return (
            self.holder == want.holder
            and self.principal in (None, want.need.by)
            and covers(self.action.casefold(), want.action.casefold())
            and covers(self.resource, want.resource)
            and (not self.through or want.need.through in self.through)
        )


def covers(pattern: str, text: str) -> bool:
    """IAM's wildcards: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text, re.DOTALL) is not None


def allowed(policies: Iterable[Policy], renderer: Renderer) -> Iterator[Allowed]:
    """What roles, managed policies, devices and the principals of resource policies are allowed.

    Trust policies are paired in topology/trust.py, endpoints' in tests/unit/stacks/test_endpoints.py.
    NotAction, NotResource and NotPrincipal allow what nobody has named, so no need is ever met by them.
    """
    for policy in policies:
        documents = policy.taken_out(renderer)["Statement"]
        for statement, document in zip(policy.statements, documents, strict=True):
            if not statement.allows:
                continue
            for holder, principal in _holders(policy, statement):
                for action in statement.actions:
                    for resource in inverted(document, "NotResource") or texts(document["Resource"]):
                        yield Allowed(holder, statement, principal, action, resource)


def _holders(policy: Policy, statement: Statement) -> Iterator[tuple[str, str | None]]:
    if policy.kind is Kind.IDENTITY:
        # A managed policy is for whoever it is attached to later, so it stands for itself.
        managed = policy.resource.kind == "AWS::IAM::ManagedPolicy"
        yield from (
            (resource.address, None) for resource in ((policy.resource,) if managed else policy.about)
        )
    elif policy.kind is Kind.DEVICE:
        yield policy.resource.address, None
    elif policy.kind is Kind.RESOURCE:
        for _, principal in statement.principals:
            yield from ((resource.address, principal) for resource in policy.about)


def meeting(want: Wanted, allows: Iterable[Allowed]) -> list[Allowed]:
    """What allows a need. A grant for the service through which a key is used goes before one for any."""
    found = [allow for allow in allows if allow.meets(want)]
    return [allow for allow in found if allow.through] or found


def problems(wants: Iterable[Wanted], allows: Iterable[Allowed]) -> Iterator[str]:
    """Needs that no statement meets, or more than one; actions of statements that nobody needs."""
    allows = list(allows)
    used: set[int] = set()
    for want in wants:
        found = meeting(want, allows)
        used.update(id(allow) for allow in found)
        statements = sorted({allow.statement.where for allow in found})
        if len(statements) != 1:
            which = f"{len(statements)} statements: {', '.join(statements)}" if found else "no statement"
            yield f"{want.holder}: {want.need.by} needs {want.action} on {want.resource}; allowed by {which}"
    needed = [allow for allow in allows if id(allow) in used]
    for allow in allows:
        if id(allow) not in used and not _of_another_kind(allow, needed):
            to = f" to {allow.principal}" if allow.principal else ""
            yield (
                f"{allow.statement.where}: allows{to} {allow.action} on {allow.resource}, which nobody needs;"
                " remove it, or give the need and its source in docs/needs.yaml"
            )


def managed_problems(needs: Needs, taken: Iterable[tuple[Resource, str]]) -> Iterator[str]:
    """Policies written elsewhere that somebody takes without a need, and needs of one that nobody takes."""
    wanted = {(holder, name) for holder, listed in needs.items() for need in listed for name in need.policies}
    found = {(holder.address, name) for holder, name in taken}
    for holder, name in sorted(found - wanted):
        yield f"{holder}: takes {name}, which nobody needs; remove it, or give the need in docs/needs.yaml"
    for holder, name in sorted(wanted - found):
        yield f"{holder}: docs/needs.yaml says that it needs the policy {name}, and it does not take it"


def _of_another_kind(allow: Allowed, needed: Sequence[Allowed]) -> bool:
    """A statement may name things and certificates, and actions on either: those do not cross."""
    beside = [one for one in needed if one.statement.where == allow.statement.where]
    elsewhere = {kind(one.resource) for one in beside if one.action == allow.action}
    return (
        bool(elsewhere)
        and kind(allow.resource) not in elsewhere
        and any(one.resource == allow.resource for one in beside)
    )


def kind(arn: str) -> str:
    """iot:thing, kinesis:stream: the service, and the first word of what follows the account."""
    parts = arn.split(":", 5)
    return f"{parts[2]}:{re.split('[:/]', parts[5])[0]}" if len(parts) == 6 else arn
