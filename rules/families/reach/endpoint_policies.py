"""Policies of endpoints: bound to one account on both sides, by conditions that can hold."""

from collections.abc import Iterator

from rules.families.reach.condition_keys import has_resources
from rules.families.reach.network_model import ENDPOINT, network
from rules.families.reach.network_paths import service_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind, Policy, Statement, texts

ACCESS = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
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


def statements(site: Site) -> Iterator[tuple[Policy, int, Statement]]:
    for policy in site.policies:
        if policy.kind is Kind.ENDPOINT:
            yield from ((policy, at, one) for at, one in enumerate(policy.statements))


def binding(statement: Statement) -> set[str]:
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
    demanding=True,
)
def an_endpoint_for_callers_of_any_account(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        named = [name for kind, name in statement.principals if kind in ("AWS", "*")]
        everybody = "*" in named or "NotPrincipal" in statement.document
        buckets = [one for one in _listed(statement) if one.startswith("arn:aws:s3:::") and one[13:14] != "*"]
        public = len(buckets) == len(_listed(statement)) > 0  # buckets of one's choice, of whichever account
        if statement.allows and everybody and not public and not binding(statement) & CALLER:
            yield place(policy, at, statement)


@rule(
    "W9181",
    cause="{statement} of endpoint {endpoint} lets calls to resources of any account through",
    remedy="name resources of the account, or bind it with a condition StringEquals on aws:ResourceAccount",
    sources=(ACCESS, PERIMETER),
    demanding=True,
)
def an_endpoint_to_resources_of_any_account(site: Site) -> Iterator[Finding]:
    for policy, at, statement in statements(site):
        open_ended = [one for one in _listed(statement) if _of_anybody(one)]
        about = "NotAction" in statement.document or any(map(has_resources, statement.actions))
        if statement.allows and open_ended and about and not binding(statement) & OWNER:
            yield place(policy, at, statement)


def _of_anybody(resource: str) -> bool:
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return resource == "*"
    return parts[4] == "*" or (parts[2] in ("s3", "*") and parts[5].startswith("*"))


def place(policy: Policy, at: int, statement: Statement, *further: str | int, **parts: object) -> Finding:
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
    demanding=True,
)
def an_endpoint_without_the_policy_that_others_have(site: Site) -> Iterator[Finding]:
    net = network(site)
    written = [one for one in site.all(ENDPOINT) if site.get(one, "PolicyDocument") is not None]
    for endpoint in site.all(ENDPOINT):
        bare = site.get(endpoint, "PolicyDocument") is None and service_of(net, endpoint) is not None
        if written and bare and len(written) * 2 >= len(list(site.all(ENDPOINT))):
            yield found(endpoint, "PolicyDocument", endpoint=endpoint, other=written[0])
