"""Policy documents wherever a resource has them, as flat statements that compare.

A document is known by its shape, a list of statements that each have an Effect, and not by its property's
name: so identity policies, trust policies and every resource policy are found, also of types to come.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.changes import document

# Lists of ARNs that grant something by themselves.
ATTACHED = {
    "ManagedPolicyArns": "managed policy",
    "PermissionsBoundary": "permissions boundary",
    "Roles": "attached to role",
    "Users": "attached to user",
    "Groups": "attached to group",
}
IDENTITIES = ("AWS::IAM::", "AWS::SSO::")
# What a property that holds a document is to its resource.
KINDS = {
    "AssumeRolePolicyDocument": "trust",
    "KeyPolicy": "key policy",
    "RepositoryPolicyText": "repository policy",
    "ResourcePolicy": "resource policy",
}


@dataclass(frozen=True, order=True)
class Grant:
    """One statement, or one attachment. Lists are sorted, so that their order is no change."""

    where: str  # `trust`, `policy ReadReadings`, `key policy`, `managed policy` …
    effect: str
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    negated: tuple[str, ...] = ()  # which of Action, Resource and Principal stand with Not

    @property
    def text(self) -> str:
        parts = [self.effect]
        if self.actions:
            parts.append(f"{'all but ' if 'Action' in self.negated else ''}{', '.join(self.actions)}")
        if self.resources:
            parts.append(f"on {'all but ' if 'Resource' in self.negated else ''}{', '.join(self.resources)}")
        if self.principals:
            by = "to" if self.effect == "Allow" else "for"
            parts.append(
                f"{by} {'all but ' if 'Principal' in self.negated else ''}{', '.join(self.principals)}"
            )
        if self.conditions:
            parts.append(f"if {' and '.join(self.conditions)}")
        return f"{' '.join(parts)} [{self.where}]"


def grants(resource_type: str, properties: Mapping[str, Any]) -> tuple[Grant, ...]:
    """All that a resource grants or is granted, sorted."""
    if resource_type in PERMISSIONS:
        return (_permission(properties),)
    found = [*_documents(properties, ()), *_exposure(properties)]
    if resource_type.startswith(IDENTITIES):
        for name, what in ATTACHED.items():
            found += [Grant(what, flat) for flat in _flat(properties.get(name))]
    return tuple(sorted(found))


def mentions_access(resource_type: str, path: str) -> bool:
    """Whether a property of which no value was told would be one of access."""
    top = path.split("/", maxsplit=1)[0]
    named = "Policy" in top and not top.endswith(("PolicyType", "PolicyName", "UpdatePolicy"))
    return (
        resource_type in PERMISSIONS
        or (resource_type.startswith(IDENTITIES) and (named or top in {*ATTACHED, "Policies"}))
        or top in {*KINDS, "PolicyDocument", "AccessPolicies"}
    )


def _documents(value: Any, path: tuple[str, ...], name: str = "") -> Iterator[Grant]:
    if isinstance(value, str) and '"Effect"' in value:
        value = document(value)
    if isinstance(value, Mapping):
        if _is_policy(value):
            yield from _statements(_where(path, name), value["Statement"])
            return
        name = value["PolicyName"] if isinstance(value.get("PolicyName"), str) else name
        for key, below in value.items():
            yield from _documents(below, (*path, str(key)), name)
    elif isinstance(value, list):
        for below in value:
            yield from _documents(below, path, name)


def _exposure(properties: Mapping[str, Any]) -> Iterator[Grant]:
    """What opens a resource without a policy, and what keeps it closed whatever its policy says.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html,
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    if str(properties.get("PubliclyAccessible", "")).lower() == "true":
        yield Grant("PubliclyAccessible", "Allow", ("connections",), principals=("*",))
    if properties.get("AuthType") == "NONE" and "TargetFunctionArn" in properties:
        yield Grant("AuthType NONE", "Allow", ("lambda:InvokeFunctionUrl",), principals=("*",))
    block = properties.get("PublicAccessBlockConfiguration")
    for name, value in block.items() if isinstance(block, Mapping) else ():
        if str(value).lower() == "true":
            yield Grant("public access block", "Deny", (name,))


def _is_policy(value: Mapping[str, Any]) -> bool:
    statements = value.get("Statement")
    first = statements[0] if isinstance(statements, list) and statements else statements
    return isinstance(first, Mapping) and "Effect" in first


def _where(path: tuple[str, ...], name: str) -> str:
    kind = next((KINDS[part] for part in reversed(path) if part in KINDS), "policy")
    return f"{kind} {name}" if name and kind == "policy" else kind


def _statements(where: str, statements: Any) -> Iterator[Grant]:
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, Mapping):
            yield Grant(where, json.dumps(statement))
            continue
        negated = tuple(part for part in ("Action", "Resource", "Principal") if f"Not{part}" in statement)
        yield Grant(
            where=where,
            effect=str(statement.get("Effect", "")),
            actions=_flat(statement.get("Action", statement.get("NotAction"))),
            resources=_flat(statement.get("Resource", statement.get("NotResource"))),
            principals=_principals(statement.get("Principal", statement.get("NotPrincipal"))),
            conditions=_conditions(statement.get("Condition")),
            negated=negated,
        )


def _flat(value: Any) -> tuple[str, ...]:
    several = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(sorted(each if isinstance(each, str) else json.dumps(each) for each in several))


def _principals(value: Any) -> tuple[str, ...]:
    """`*` for everybody; else by kind, the kind of AWS left out."""
    if not isinstance(value, Mapping):
        return _flat(value)
    return tuple(
        sorted(
            each if kind in {"AWS", "Service"} else f"{kind} {each}"
            for kind, several in value.items()
            for each in _flat(several)
        )
    )


def _conditions(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Mapping):
        return _flat(value)
    return tuple(
        sorted(
            f"{key} {operator} {'|'.join(_flat(wanted))}"
            for operator, pairs in value.items()
            for key, wanted in (pairs.items() if isinstance(pairs, Mapping) else [("", pairs)])
        )
    )


PERMISSIONS = frozenset({"AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission"})
CONDITIONS = {
    "SourceArn": "aws:SourceArn ArnLike",
    "SourceAccount": "aws:SourceAccount StringEquals",
    "PrincipalOrgID": "aws:PrincipalOrgID StringEquals",
    "OrganizationId": "aws:PrincipalOrgID StringEquals",
    "EventSourceToken": "lambda:EventSourceToken StringEquals",
    "FunctionUrlAuthType": "lambda:FunctionUrlAuthType StringEquals",
}


def _permission(properties: Mapping[str, Any]) -> Grant:
    """A permission is a statement in other words.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
    """
    return Grant(
        where="function policy",
        effect="Allow",
        actions=_flat(properties.get("Action")),
        resources=_flat(properties.get("FunctionName", properties.get("LayerVersionArn"))),
        principals=_flat(properties.get("Principal")),
        conditions=tuple(
            sorted(
                f"{words} {each}"
                for name, words in CONDITIONS.items()
                for each in _flat(properties.get(name))
            )
        ),
    )
