"""How conditions are written: operators and keys that exist, with values that they can have."""

from collections.abc import Iterator
from difflib import get_close_matches

from rules.families.grants.condition_keys import COMPLETE, GLOBAL, OF_SERVICES, OPERATORS, WITH_NAME
from rules.families.grants.grant_book import book
from rules.families.grants.grant_texts import SPECIAL, shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

ACTIONS = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html"
)
OPERATOR = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
)
KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
ALL_KEYS = GLOBAL | OF_SERVICES
ARNS = ("aws:sourcearn", "aws:principalarn", "lambda:sourcefunctionarn", "lambda:functionarn")


def _base(operator: str) -> str:
    return (
        operator.lower().removeprefix("foranyvalue:").removeprefix("forallvalues:").removesuffix("ifexists")
    )


@rule(
    "E9278",
    cause="{statement} of {policy} compares {key} by {operator}, which takes {value} as it is written",
    remedy="compare by StringLike or ArnLike where * stands for anything",
    sources=(OPERATOR,),
)
def a_wildcard_that_is_none(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        for operator, key, values in line.conditions:
            exact = _base(operator).startswith(("stringequals", "stringnotequals"))
            for value in values if exact else ():
                if "*" in value or ("?" in value and key.lower() in ARNS):
                    yield found(
                        line.policy.resource,
                        *line.path,
                        statement=line.statement.name,
                        policy=line.policy.resource,
                        key=key,
                        operator=operator,
                        value=shown(value),
                    )


@rule(
    "E9279",
    cause="{statement} of {policy} compares {key} by {operator} to {value}, which is no {kind}",
    remedy="give it a value of the operator's kind",
    sources=(OPERATOR,),
)
def a_condition_of_another_kind(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        for operator, key, values in line.conditions:
            name = _base(operator)
            for value in values:
                kind = _misfit(name, key.lower(), value)
                if kind and not (SPECIAL.match(value) and kind != "account"):
                    yield found(
                        line.policy.resource,
                        *line.path,
                        statement=line.statement.name,
                        policy=line.policy.resource,
                        key=key,
                        operator=operator,
                        value=shown(value),
                        kind=kind,
                    )


def _misfit(operator: str, key: str, value: str) -> str:
    if operator.startswith("arn") and not value.startswith(("arn:", "*")):
        return "ARN"
    if operator in ("bool", "null") and value.lower() not in ("true", "false"):
        return "true or false"
    if operator.startswith("numeric") and not value.replace(".", "", 1).lstrip("-").isdigit():
        return "number"
    if operator.endswith("ipaddress") and not any(mark in value for mark in ".:"):
        return "address"
    account = key in ("aws:sourceaccount", "aws:principalaccount", "aws:resourceaccount", "kms:calleraccount")
    if account and operator.startswith("string") and ":" in value:
        return "account"
    return ""


@rule(
    "E9280",
    cause="{statement} of {policy} compares by {operator}, which IAM does not have",
    remedy="use an operator of IAM's",
    sources=(OPERATOR,),
)
def an_operator_that_does_not_exist(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        for operator, _, _ in line.conditions:
            if _base(operator) not in OPERATORS:
                resource = line.policy.resource
                yield found(
                    resource, *line.path, statement=line.statement.name, policy=resource, operator=operator
                )


@rule(
    "E9281",
    cause="{statement} of {policy} asks for {key}, which no request has",
    remedy="name a condition key of AWS's ({near})",
    sources=(KEYS, ACTIONS),
)
def a_condition_key_that_does_not_exist(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        for _, key, _ in line.conditions:
            name = key.lower()
            if SPECIAL.search(name) or name in ALL_KEYS or name.startswith(WITH_NAME):
                continue
            near = _near(name)
            if near or name.partition(":")[0] in COMPLETE:
                resource, said = line.policy.resource, line.statement.name
                yield found(
                    resource,
                    *line.path,
                    statement=said,
                    policy=resource,
                    key=key,
                    near=near[0] if near else "see the list",
                )


# No page says that these name a source when they take a role: to ask for one may shut them out.
SOURCE_UNSAID = {"cloudformation.amazonaws.com"}


def _near(name: str) -> list[str]:
    """The key that was meant: of the same words in another order, else the most alike."""
    same = [one for one in sorted(ALL_KEYS) if sorted(one) == sorted(name)]
    return same or get_close_matches(name, ALL_KEYS, 1, 0.8)


@rule(
    "W9283",
    cause="{statement} of {policy} asks for {key} only where a request has it ({operator})",
    remedy="leave IfExists out: a request without the key passes",
    sources=(OPERATOR,),
    demanding=True,
)
def a_condition_that_absence_passes(site: Site) -> Iterator[Finding]:
    binding = {
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:principalorgid",
        "kms:viaservice",
        "kms:calleraccount",
    }
    for line in book(site).lines:
        for operator, key, _ in line.conditions:
            optional = operator.lower().endswith("ifexists") or operator.lower().startswith("forallvalues:")
            unsaid = {name for _, name in line.principals} == SOURCE_UNSAID
            if line.allows and optional and key.lower() in binding and not unsaid:
                resource, name = line.policy.resource, line.statement.name
                yield found(resource, *line.path, statement=name, policy=resource, key=key, operator=operator)
