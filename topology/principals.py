"""Resource policies that let everybody in: allowed only with a condition that binds who that can be."""

from collections.abc import Iterable, Iterator
from typing import Any

from topology.policies import Kind, Policy, Statement, texts

# Operators that fail where the key is missing; …IfExists and ForAllValues hold there.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
BINDING = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})
# Keys that say who calls, or for whom a service does.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
CALLER = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "kms:calleraccount",
    }
)


def problems(policies: Iterable[Policy]) -> Iterator[str]:
    """Statements of resource policies that allow something to whoever asks."""
    for policy in policies:
        if policy.kind is Kind.RESOURCE:
            for statement in policy.statements:
                if statement.allows and _open(statement) and not _bound(statement):
                    yield (
                        f"{statement.where}: allows {', '.join(statement.actions)} to everybody; name the "
                        "principal, or bind it by a condition on aws:PrincipalAccount or aws:SourceArn"
                    )


def _open(statement: Statement) -> bool:
    inverted = "NotPrincipal" in statement.document
    return inverted or any("*" in principal for _, principal in statement.principals)


def _bound(statement: Statement) -> bool:
    return any(
        operator.casefold() in BINDING and key.casefold() in CALLER and _says_who(value)
        for operator, keys in statement.conditions.items()
        for key, value in keys.items()
    )


def _says_who(value: Any) -> bool:
    """More than wildcards and separators: `*` and arn:*:*:*:*:* leave it open."""
    return all(set(text.removeprefix("arn:aws")) - set("*?:/") for text in texts(value))
