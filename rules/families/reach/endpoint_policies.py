"""Policies of endpoints: bound to one account on both sides, by conditions that can hold."""

from collections.abc import Iterator

from rules.families.reach.condition_keys import OF_SERVICES, exists, has_resources
from rules.families.reach.network_model import ENDPOINT, network
from rules.families.reach.network_paths import service_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind, Policy, Statement, texts
from topology.rendering import ACCOUNT
from topology.values import Given, Text, leaves

ACCESS = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
PERIMETER = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html"
CALLER = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltag",
        "aws:userid",
    }
)
OWNER = frozenset({"aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"})
ACCOUNTS = frozenset({"aws:principalaccount", "aws:resourceaccount"})


def _statements(site: Site) -> Iterator[tuple[Policy, int, Statement]]:
    for policy in site.policies:
        if policy.kind is Kind.ENDPOINT:
            yield from ((policy, at, one) for at, one in enumerate(policy.statements))


def _keys(statement: Statement) -> set[str]:
    return {key.lower().partition("/")[0] for keys in statement.conditions.values() for key in keys}


def _binding(statement: Statement) -> set[str]:
    """Keys whose condition fails where the request has another value, or none."""
    return {
        key.lower().partition("/")[0]
        for operator, keys in statement.conditions.items()
        for key, values in keys.items()
        if not operator.lower().endswith("ifexists")
        and operator.lower().partition("not")[0] == operator.lower()
        and all(set(text) - set("*?") for text in texts(values))
    }


def _listed(statement: Statement) -> tuple[str, ...]:
    return texts(statement.document.get("Resource"))


@rule(
    "W9180",
    cause="{statement} of endpoint {endpoint} lets whoever calls through, of any account",
    remedy="bind it with a condition StringEquals on aws:PrincipalAccount or aws:PrincipalOrgID",
    sources=(ACCESS, PERIMETER),
)
def an_endpoint_for_callers_of_any_account(site: Site) -> Iterator[Finding]:
    for policy, at, statement in _statements(site):
        named = [name for kind, name in statement.principals if kind in ("AWS", "*")]
        everybody = "*" in named or "NotPrincipal" in statement.document
        buckets = [one for one in _listed(statement) if one.startswith("arn:aws:s3:::") and one[13:14] != "*"]
        public = len(buckets) == len(_listed(statement)) > 0  # buckets of one's choice, of whichever account
        if statement.allows and everybody and not public and not _binding(statement) & CALLER:
            yield _at(policy, at, statement)


@rule(
    "W9181",
    cause="{statement} of endpoint {endpoint} lets calls to resources of any account through",
    remedy="name resources of the account, or bind it with a condition StringEquals on aws:ResourceAccount",
    sources=(ACCESS, PERIMETER),
)
def an_endpoint_to_resources_of_any_account(site: Site) -> Iterator[Finding]:
    for policy, at, statement in _statements(site):
        open_ended = [one for one in _listed(statement) if _of_anybody(one)]
        about = "NotAction" in statement.document or any(map(has_resources, statement.actions))
        if statement.allows and open_ended and about and not _binding(statement) & OWNER:
            yield _at(policy, at, statement)


def _of_anybody(resource: str) -> bool:
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return resource == "*"
    return parts[4] == "*" or (parts[2] in ("s3", "*") and parts[5].startswith("*"))


def _at(policy: Policy, at: int, statement: Statement, *further: str | int, **parts: object) -> Finding:
    return found(
        policy.resource,
        "PolicyDocument",
        "Statement",
        at,
        *further,
        endpoint=policy.resource,
        statement=statement.name,
        **parts,
    )


@rule(
    "W9182",
    cause="endpoint {endpoint} has no policy, so it lets everything through, and {other} beside it has one",
    remedy="give it a PolicyDocument with the actions that are called from here, bound to the account",
    sources=(ACCESS,),
)
def an_endpoint_without_the_policy_that_others_have(site: Site) -> Iterator[Finding]:
    net = network(site)
    written = [one for one in site.all(ENDPOINT) if site.get(one, "PolicyDocument") is not None]
    for endpoint in site.all(ENDPOINT):
        bare = site.get(endpoint, "PolicyDocument") is None and service_of(net, endpoint) is not None
        if written and bare and len(written) * 2 >= len(list(site.all(ENDPOINT))):
            yield found(endpoint, "PolicyDocument", endpoint=endpoint, other=written[0])


@rule(
    "E9180",
    cause="{statement} of endpoint {endpoint} asks for {key}, which no call here carries, so it {effect}",
    remedy="use aws:PrincipalAccount for who calls, aws:ResourceAccount for what is called",
    sources=(KEYS,),
)
def a_condition_that_no_call_meets(site: Site) -> Iterator[Finding]:
    for policy, at, statement in _statements(site):
        for operator, keys in statement.conditions.items():
            for key in keys:
                lax = "not" in operator.lower() or operator.lower().endswith("ifexists")
                missing = not exists(key) or key.lower() in OF_SERVICES
                if missing and operator.lower() != "null":
                    effect = (
                        "always holds" if lax else "never allows" if statement.allows else "never refuses"
                    )
                    yield _at(policy, at, statement, "Condition", operator, key=key, effect=effect)


@rule(
    "E9181",
    cause="{statement} of endpoint {endpoint} binds {action} by {key}, and a call of it is about no resource",
    remedy="allow such actions in a statement of their own, bound by aws:PrincipalAccount alone",
    sources=(KEYS,),
)
def an_owner_asked_for_where_there_is_no_resource(site: Site) -> Iterator[Finding]:
    for policy, at, statement in _statements(site):
        bare = [action for action in statement.actions if not has_resources(action)]
        keys = sorted(_keys(statement) & OWNER)
        if statement.allows and bare and keys and _binding(statement) & OWNER:
            yield _at(policy, at, statement, "Condition", action=bare[0], key=keys[0])


@rule(
    "W9183",
    cause="{statement} of endpoint {endpoint} binds {key} to account {account}, whichever it is deployed to",
    remedy="write !Ref AWS::AccountId, or the account as a parameter",
    sources=(ACCESS,),
)
def a_policy_bound_to_an_account_that_is_written_out(site: Site) -> Iterator[Finding]:
    for policy, at, statement in _statements(site):
        resolved = statement.resolved.get("Condition")
        for operator, keys in resolved.items() if isinstance(resolved, dict) else ():
            for key, value in keys.items() if isinstance(keys, dict) else ():
                fixed = [one for one in leaves(value) if isinstance(one, str | int) and not _given(value)]
                if key.lower() in ACCOUNTS and fixed and str(fixed[0]) != ACCOUNT:
                    yield _at(policy, at, statement, "Condition", operator, key=key, account=fixed[0])


def _given(value: object) -> bool:
    return isinstance(value, Given | Text)


@rule(
    "W9184",
    cause="{statement} of endpoint {endpoint} lets {action} through, where others name actions",
    remedy="name the actions that are called from here",
    sources=(ACCESS,),
)
def an_endpoint_policy_that_names_no_actions(site: Site) -> Iterator[Finding]:
    listed = list(_statements(site))
    exact = [one for _, _, one in listed if one.allows and not any("*" in action for action in one.actions)]
    for policy, at, statement in listed:
        wide = [one for one in statement.actions if one.endswith("*") or one.startswith("all but")]
        if statement.allows and wide and len(exact) * 2 >= len(listed):
            yield _at(policy, at, statement, action=wide[0])
