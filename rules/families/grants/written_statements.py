"""How statements are written: actions, resources, versions and conditions that can come true."""

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches

from rules.families.grants.authorization import fits, formats, is_slip, is_well_known
from rules.families.grants.condition_keys import COMPLETE, GLOBAL, OF_SERVICES, OPERATORS, WITH_NAME
from rules.families.grants.grant_book import Line, book
from rules.families.grants.grant_texts import ANY, SPECIAL, shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.values import leaves

ACTIONS = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html"
)
OPERATOR = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
)
KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
VERSION = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"
NEWEST = "2012-10-17"
ALL_KEYS = GLOBAL | OF_SERVICES
ARNS = ("aws:sourcearn", "aws:principalarn", "lambda:sourcefunctionarn", "lambda:functionarn")


def _base(operator: str) -> str:
    return (
        operator.lower().removeprefix("foranyvalue:").removeprefix("forallvalues:").removesuffix("ifexists")
    )


@rule(
    "E9271",
    cause="{statement} of {policy} names {action}, which AWS does not have",
    remedy="name an action of the service authorization reference",
    sources=(ACTIONS,),
)
def an_action_that_does_not_exist(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        for action in (*line.actions, *line.but_actions):
            told = action != "*" and not SPECIAL.search(action)
            if told and (":" not in action or is_slip(action)):
                resource, name = line.policy.resource, line.statement.name
                yield found(resource, *line.path, statement=name, policy=resource, action=action)


@rule(
    "E9272",
    cause="{statement} of {policy} never allows {action}: that is on none of {resources}",
    remedy="name a resource of the kind that the action is on",
    sources=(ACTIONS,),
)
def an_action_on_resources_of_another_kind(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.IDENTITY):
        if line.but_resources or not line.resources:
            continue
        for action in line.actions:
            forms = formats(action) if is_well_known(action) else None
            if forms and not any(fits(one, form) for one in line.resources for form in forms):
                yield found(
                    line.policy.resource,
                    *line.path,
                    statement=line.statement.name,
                    policy=line.policy.resource,
                    action=action,
                    resources=", ".join(map(shown, line.resources)),
                )
                break


@rule(
    "W9273",
    cause="{statement} of {policy} names {named}, and none of its actions is on such a resource",
    remedy="take it out, or name the resource that was meant",
    sources=(ACTIONS,),
)
def a_resource_that_no_action_is_on(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.IDENTITY):
        forms = [formats(action) for action in line.actions]
        if (
            line.but_actions
            or len(line.resources) < 2
            or not all(forms)
            or not all(map(is_well_known, line.actions))
        ):
            continue
        for resource in line.resources:
            if not any(fits(resource, form) for one in forms if one for form in one):
                yield found(
                    line.policy.resource,
                    *line.path,
                    statement=line.statement.name,
                    policy=line.policy.resource,
                    named=shown(resource),
                )


@rule(
    "W9274",
    cause="{statement} of {policy} allows {action} on {resources}, and AWS knows it on * alone",
    remedy="allow it on *, in a statement of its own",
    sources=(ACTIONS,),
)
def an_action_that_is_on_no_resource(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.IDENTITY):
        if line.but_resources or not line.allows or not line.resources:
            continue
        for action in line.actions:
            # Of CloudWatch Logs, even what is on no group is asked for on an ARN of groups.
            on_groups = action.startswith("logs:") and any(":logs:" in one for one in line.resources)
            if (
                formats(action) == ()
                and is_well_known(action)
                and not on_groups
                and not any(one == "*" or ANY in one for one in line.resources)
            ):
                yield found(
                    line.policy.resource,
                    *line.path,
                    statement=line.statement.name,
                    policy=line.policy.resource,
                    action=action,
                    resources=", ".join(map(shown, line.resources)),
                )
                break


@rule(
    "E9275",
    cause="{statement} of {policy} names {named}, which is no ARN",
    remedy="give the ARN of the resource, or *",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",),
)
def a_resource_that_is_no_arn(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.IDENTITY):
        for resource in (*line.resources, *line.but_resources):
            arn = resource.startswith(("arn:", "*", "ar*")) or SPECIAL.match(resource)
            if not arn:
                name = line.statement.name
                yield found(
                    line.policy.resource,
                    *line.path,
                    statement=name,
                    policy=line.policy.resource,
                    named=shown(resource),
                )


VARIABLE = re.compile(
    r"\$\{(?!AWS::)[a-z-]+:[\w/.:-]+\}", re.IGNORECASE
)  # ${aws:username}, and no ${Thing.Arn}


def _variables(line: Line) -> bool:
    every = leaves(dict(line.statement.resolved))
    return any(isinstance(leaf, str) and VARIABLE.search(leaf) is not None for leaf in every)


@rule(
    "E9276",
    cause="{policy} has version {version}, in which its variables are plain text",
    remedy="set Version: '2012-10-17'",
    sources=(VERSION,),
)
def a_policy_of_an_old_version(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        version = line.policy.version
        if isinstance(version, str | None) and version != NEWEST and _variables(line):
            written = version or "2008-10-17 (none is given)"
            yield found(line.policy.resource, *line.path, policy=line.policy.resource, version=written)


@rule(
    "W9277",
    cause="{policy} has version {version}",
    remedy="set Version: '2012-10-17', as AWS advises for all policies",
    sources=(VERSION,),
    demanding=True,
)
def a_policy_without_the_newest_version(site: Site) -> Iterator[Finding]:
    for policy in site.policies:
        if isinstance(policy.version, str) and policy.version != NEWEST:
            path = book(site).texts(policy.version)
            yield found(policy.resource, policy=policy.resource, version=path[0])


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
            near = get_close_matches(name, ALL_KEYS, 1, 0.8)
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


@rule(
    "E9282",
    cause="{policy} has two statements with the Sid {name}",
    remedy="give each a name of its own",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html",),
)
def two_statements_of_one_name(site: Site) -> Iterator[Finding]:
    for policy in site.policies:
        names = Counter(str(one.document["Sid"]) for one in policy.statements if one.document.get("Sid"))
        for name, times in names.items():
            if times > 1:
                yield found(policy.resource, policy=policy.resource, name=name)


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
            if line.allows and optional and key.lower() in binding:
                resource, name = line.policy.resource, line.statement.name
                yield found(resource, *line.path, statement=name, policy=resource, key=key, operator=operator)
