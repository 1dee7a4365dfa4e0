"""Statements of endpoint policies that no call meets, and those that name nothing."""

import re
from collections.abc import Iterator, Mapping

from rules.families.reach.condition_keys import OF_SERVICES, exists, has_resources
from rules.families.reach.endpoint_policies import ACCESS, OWNER, binding, place, statements
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind, Statement, texts
from topology.rendering import ACCOUNT
from topology.values import Given, Text, leaves

KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
OPERATORS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
)
ACCOUNTS = frozenset({"aws:principalaccount", "aws:resourceaccount"})
ACCOUNT_OF = re.compile(r"(?:^|:iam::)([0-9]{12})(?:$|:)")
# What each key looks like, wildcards included.
FORMS: Mapping[str, re.Pattern[str]] = {
    "aws:principalaccount": re.compile(r"[0-9*?]+"),
    "aws:principalarn": re.compile(r"(arn:|\*).*"),
    "aws:principalorgid": re.compile(r"(o-|\*).*"),
    "aws:resourceaccount": re.compile(r"[0-9*?]+"),
    "aws:resourceorgid": re.compile(r"(o-|\*).*"),
    "aws:sourcevpc": re.compile(r"(vpc-|\*).*"),
    "aws:sourcevpce": re.compile(r"(vpce-|\*).*"),
}


def keys_of(statement: Statement) -> set[str]:
    return {key.lower().partition("/")[0] for keys in statement.conditions.values() for key in keys}


@rule(
    "E9180",
    cause="{statement} of endpoint {endpoint} asks for {key}, which no call here carries, so it {effect}",
    remedy="use aws:PrincipalAccount for who calls, aws:ResourceAccount for what is called",
    sources=(KEYS,),
)
def a_condition_that_no_call_meets(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        for operator, keys in statement.conditions.items():
            for key in keys:
                lax = "not" in operator.lower() or operator.lower().endswith("ifexists")
                missing = not exists(key) or key.lower() in OF_SERVICES
                if missing and operator.lower() != "null":
                    effect = (
                        "always holds" if lax else "never allows" if statement.allows else "never refuses"
                    )
                    yield place(policy, at, statement, "Condition", operator, key=key, effect=effect)


@rule(
    "E9181",
    cause="{statement} of endpoint {endpoint} binds {action} by {key}, and a call of it is about no resource",
    remedy="allow such actions in a statement of their own, bound by aws:PrincipalAccount alone",
    sources=(KEYS,),
)
def an_owner_asked_for_where_there_is_no_resource(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        bare = [action for action in statement.actions if not has_resources(action)]
        keys = sorted(keys_of(statement) & OWNER)
        if statement.allows and bare and keys and binding(statement) & OWNER:
            yield place(policy, at, statement, "Condition", action=bare[0], key=keys[0])


@rule(
    "W9183",
    cause="{statement} of endpoint {endpoint} binds {key} to account {account}, whichever it is deployed to",
    remedy="write !Ref AWS::AccountId, or the account as a parameter",
    sources=(ACCESS,),
    demanding=True,
)
def a_policy_bound_to_an_account_that_is_written_out(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        for _, name in statement.principals:
            account = ACCOUNT_OF.search(name)
            if account and account[1] != ACCOUNT:
                yield place(policy, at, statement, "Principal", key="Principal", account=account[1])
        resolved = statement.resolved.get("Condition")
        for operator, keys in resolved.items() if isinstance(resolved, dict) else ():
            for key, value in keys.items() if isinstance(keys, dict) else ():
                fixed = [one for one in leaves(value) if isinstance(one, str | int) and not _given(value)]
                if key.lower() in ACCOUNTS and fixed and str(fixed[0]) != ACCOUNT:
                    yield place(policy, at, statement, "Condition", operator, key=key, account=fixed[0])


def _given(value: object) -> bool:
    return isinstance(value, Given | Text)


@rule(
    "W9184",
    cause="{statement} of endpoint {endpoint} lets {action} through, where others name actions",
    remedy="name the actions that are called from here",
    sources=(ACCESS,),
    demanding=True,
)
def an_endpoint_policy_that_names_no_actions(site: Site) -> Iterator[Finding]:
    listed = list(statements(site))
    exact = [one for _, _, one in listed if one.allows and not any("*" in action for action in one.actions)]
    for policy, at, statement in listed:
        wide = [one for one in statement.actions if one.endswith("*") or one.startswith("all but")]
        if statement.allows and wide and len(exact) * 2 >= len(listed):
            yield place(policy, at, statement, action=wide[0])


@rule(
    "E9182",
    cause="{statement} of endpoint {endpoint} compares {key} with {value} by {operator}: it is never {form}",
    remedy="compare a key with values of its own form, and an ARN alone by ArnEquals and ArnLike",
    sources=(KEYS, OPERATORS),
)
def a_value_that_a_key_never_has(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        for operator, keys in statement.conditions.items():
            for key, values in keys.items():
                name, listed = key.lower(), texts(values)
                form = FORMS.get(name)
                odd = [one for one in listed if form and "${" not in one and not form.fullmatch(one)]
                arn = "arn" in operator.lower() and form is not None and "arn" not in name
                if (odd or (arn and listed)) and operator.lower() != "null":
                    value, why = (odd or listed)[0], "such" if odd else "an ARN"
                    parts = {"key": key, "value": value, "operator": operator, "form": why}
                    yield place(policy, at, statement, "Condition", operator, **parts)


@rule(
    "E9183",
    cause="{statement} of endpoint {endpoint} is about {arn}, and its actions are of {services}",
    remedy="name resources of the service that the endpoint is for",
    sources=(ACCESS,),
)
def a_resource_of_another_service(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        prefixes = {action.partition(":")[0].lower() for action in statement.actions if ":" in action}
        arns = [one.split(":", 5) for one in texts(statement.document.get("Resource"))]
        of = {parts[2] for parts in arns if len(parts) == 6 and "*" not in parts[2] and "${" not in parts[2]}
        starred = any("*" in action.partition(":")[0] for action in statement.actions)
        whole = all(len(parts) == 6 for parts in arns)
        if whole and of and prefixes and not starred and not of & prefixes:
            arn, services = ":".join(arns[0]), ", ".join(sorted(prefixes))
            yield place(policy, at, statement, "Resource", arn=arn, services=services)


@rule(
    "E9184",
    cause="endpoint {endpoint} has a policy that lets nothing through: {why}",
    remedy="allow what is called from here; tasks and functions call as roles, never as services",
    sources=(ACCESS,),
)
def an_endpoint_policy_that_allows_nothing(site: Site) -> Iterator[Finding]:
    for policy in site.policies:
        if policy.kind is not Kind.ENDPOINT:
            continue
        allows = [one for one in policy.statements if one.allows]
        reached = [one for one in allows if any(kind != "Service" for kind, _ in one.principals)]
        if not reached:
            why = "it is for services alone" if allows else "it has no statement that allows"
            yield found(policy.resource, "PolicyDocument", endpoint=policy.resource, why=why)
