"""How statements are written: actions that exist, on resources of their kind, in the newest version."""

import re
from collections import Counter
from collections.abc import Iterator

from rules.families.grants.authorization import fits, formats, is_slip, is_well_known
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
VERSION = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"
NEWEST = "2012-10-17"


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


# ${aws:username}, and no ${Thing.Arn}; text of JSON has it as Sub writes it, with !
VARIABLE = re.compile(r"\$\{!?(?!AWS::)[a-z-]+:[\w/.:-]+\}", re.IGNORECASE)


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
