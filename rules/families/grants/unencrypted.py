"""What is left out where its siblings have it: a key of the team's own, a denial for a function's code."""

from collections.abc import Iterator

from rules.families.grants.function_roles import FUNCTION, in_network
from rules.families.grants.grant_book import book
from rules.families.grants.key_care import DOMAINS, uses_of_keys
from rules.families.grants.key_holders import KEY
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

LOGS = "AWS::Logs::LogGroup"
ENOUGH = 3  # so many resources under keys of the tree say that its team puts all under them


@rule(
    "W9299",
    cause="{left} is under no key of this tree, where {others} others are",
    remedy="name the key of its domain, so that who may read it is decided as for the rest",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html",),
    demanding=True,
)
def a_resource_under_no_key_of_its_tree(site: Site) -> Iterator[Finding]:
    used = list(uses_of_keys(site))
    if len({resource for resource, *_ in used}) < ENOUGH or not any(site.all(KEY)):
        return
    keyed = {(resource.address, path) for resource, path, _, _ in used}
    kinds = {(resource.kind, path) for resource, path, _, _ in used}
    for kind, places in DOMAINS.items():
        for resource in site.all(kind):
            for path, domain in places:
                sibling = (kind, path) in kinds
                alone = len(list(site.all(kind))) == 1 and domain in ("data", "notifications", "secrets")
                alone = alone or (kind == FUNCTION and site.get(resource, "Environment") is not None)
                plain = (resource.address, path) not in keyed and site.get(resource, *path) is None
                if plain and (sibling or (alone and _holds(site, kind, path))):
                    yield found(resource, *path[:1], left=resource, others=len(keyed))


def _holds(site: Site, kind: str, path: tuple[str | int, ...]) -> bool:
    """Whether a place is one that every resource of the type has: others are for some engines or options."""
    return len(path) == 1 or kind in ("AWS::Kinesis::Stream", "AWS::DynamoDB::Table")


SOURCE = "lambda:sourcefunctionarn"


@rule(
    "W9200",
    cause="the code of {function} has its role's rights over network interfaces, and reads secrets",
    remedy="deny them where lambda:SourceFunctionArn is a function's: only Lambda itself needs them",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",),
    demanding=True,
)
def code_with_rights_over_the_network(site: Site) -> Iterator[Finding]:
    for function, role in in_network(site):
        lines = book(site).held(role)
        joins = [line for line in lines if line.allows and "ec2:createnetworkinterface" in line.actions]
        secrets = any(line.allows and line.covers("secretsmanager:getsecretvalue") for line in lines)
        denied = any(
            not line.allows
            and line.covers("ec2:createnetworkinterface")
            and (not line.conditions or any(key.lower() == SOURCE for _, key, _ in line.conditions))
            for line in lines
        )
        if joins and secrets and not denied:
            yield found(role, *joins[0].path, function=function)
