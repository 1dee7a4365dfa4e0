"""What is broader than its users need: wildcards, rights over rights, fixed places."""

import re
from collections.abc import Iterator

from rules.families.grants.authorization import formats
from rules.families.grants.grant_book import MANAGED, ROLE, Line, book
from rules.families.grants.grant_texts import ACCOUNT, ANY, REGION, must, shown
from rules.families.grants.key_holders import KEY, uses_service
from rules.families.grants.service_roles import ANY_WAY, PROVISIONING
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.arns import FORMS
from topology.policies import Kind
from topology.tree import Resource

LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
REFERENCE = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html"
)
ESCALATING = re.compile(
    r"iam:(passrole|put(role|user|group)policy|attach(role|user|group)policy|createpolicyversion|"
    r"setdefaultpolicyversion|createaccesskey|createloginprofile|updateassumerolepolicy|"
    r"delete(role|user)permissionsboundary|\*)"
)
DESTROYING = re.compile(
    r"(kms:(schedulekeydeletion|disablekey|putkeypolicy|disablekeyrotation|deletealias)|"
    r"\w+:delete(table|stream|queue|topic|bucket|bucketpolicy|secret|loggroup|repository|function|"
    r"dbinstance|dbcluster|replicationgroup|resourcepolicy|keypolicy)|"
    r"s3:(put|delete)bucket\w*|secretsmanager:(put|delete)resourcepolicy|dynamodb:updatetable|"
    r"kinesis:(updateshardcount|decreasestreamretentionperiod|stopstreamencryption)|"
    r"\w+:(addpermission|removepermission|setqueueattributes|settopicattributes|purgequeue))"
)
# Where AWS's own documentation has * too.
NAMED_ELSEWHERE = frozenset(
    {"ec2", "logs", "xray", "cloudwatch", "ssmmessages", "ec2messages", "autoscaling"}
)
# IoT's provisioning takes these for things and certificates that no template knows.
PROVISIONED = frozenset(
    action.lower() for action in (*ANY_WAY, *(one for made in PROVISIONING.values() for one, _ in made))
)
AGENTS = frozenset({"ssmmessages:*", "ec2messages:*"})  # of Systems Manager: there is nothing else in them
WHOLE = re.compile(r"(?:[a-z-]+[:/])?\*")  # stream/*, secret:*, *
MAKER = "cloudformation.amazonaws.com"
CLASSES = frozenset(
    ["dynamodb", "ecr", "elasticache", "kinesis", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs"]
)


def _allowing(site: Site) -> Iterator[Line]:
    return (line for line in book(site).of(Kind.IDENTITY) if line.allows)


def _of_makers(site: Site, line: Line) -> bool:
    """Whether only CloudFormation holds it: it makes what nobody can name yet, and takes away what it made.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
    """
    holders = line.policy.about
    takers = {
        (policy.resource, principal)
        for policy in site.policies
        if policy.kind is Kind.TRUST and policy.resource in holders
        for statement in policy.statements
        for principal in statement.principals
    }
    return bool(holders) and takers == {(one, ("Service", MAKER)) for one in holders}


def _services(site: Site) -> set[str]:
    return {FORMS[resource.kind].service for resource in site.tree.resources() if resource.kind in FORMS}


@rule(
    "W9284",
    cause="{statement} of {policy} allows {action} on every resource there is",
    remedy="name the resources that its users work with",
    sources=(LEAST, REFERENCE),
    demanding=True,
)
def a_grant_on_everything(site: Site) -> Iterator[Finding]:
    services = _services(site)
    for line in _allowing(site):
        if "*" not in line.resources:
            continue
        for action in line.actions:
            service = action.partition(":")[0]
            own = service in services and service == "logs"  # a log group here could be named
            free = action in PROVISIONED or (service in NAMED_ELSEWHERE and not own)
            if formats(action) and not free:
                policy, name = line.policy.resource, line.statement.name
                yield found(policy, *line.path, statement=name, policy=policy, action=action)
                break


@rule(
    "W9285",
    cause="{statement} of {policy} allows {action} on {named}: on all of that kind",
    remedy="name the resources that its users work with",
    sources=(LEAST, REFERENCE),
    demanding=True,
)
def a_grant_on_all_of_a_kind(site: Site) -> Iterator[Finding]:
    for line in _allowing(site):
        for resource in line.resources:
            parts = resource.split(":", 5)
            wide = len(parts) == 6 and parts[2] in CLASSES and WHOLE.fullmatch(parts[5])
            if wide and line.actions and not _of_makers(site, line):
                policy, name, action = line.policy.resource, line.statement.name, line.actions[0]
                yield found(
                    policy, *line.path, statement=name, policy=policy, action=action, named=shown(resource)
                )


@rule(
    "W9286",
    cause="{statement} of {policy} allows {action}: all that there is to do",
    remedy="list the actions that its users take",
    sources=(LEAST,),
    demanding=True,
)
def a_grant_of_everything(site: Site) -> Iterator[Finding]:
    for line in _allowing(site):
        for action in line.actions:
            if action not in AGENTS and (action == "*" or action.endswith(":*")):
                policy, name = line.policy.resource, line.statement.name
                yield found(policy, *line.path, statement=name, policy=policy, action=action)
                break


@rule(
    "W9287",
    cause="{statement} of {policy} allows all but what it names",
    remedy="list what is allowed, by Action and Resource",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",),
    demanding=True,
)
def a_grant_of_all_but_something(site: Site) -> Iterator[Finding]:
    for line in _allowing(site):
        if line.but_actions or line.but_resources:
            policy = line.policy.resource
            yield found(policy, *line.path, statement=line.statement.name, policy=policy)


@rule(
    "W9288",
    cause="{role} takes AWS's policy {name}, which allows all of a service or more",
    remedy="write what the role needs into a policy of its own",
    sources=(LEAST,),
    demanding=True,
)
def a_role_with_a_broad_policy_of_aws(site: Site) -> Iterator[Finding]:
    wide = re.compile(r".*(FullAccess|AdministratorAccess|PowerUserAccess|Administrator)(_v\d|V\d)?")
    for role in site.all(ROLE, "AWS::IAM::User", "AWS::IAM::Group"):
        for name in book(site).managed(role):
            if wide.fullmatch(name):
                yield found(role, "ManagedPolicyArns", role=role, name=name)


@rule(
    "E9289",
    cause="{statement} of {policy} allows {action} on {named}: by that it can be allowed anything",
    remedy="name the roles that may be passed or taken, or leave it out",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html", LEAST),
    demanding=True,
)
def a_grant_that_grants_more(site: Site) -> Iterator[Finding]:
    for line in _allowing(site):
        wide = [one for one in line.resources if one == "*" or one.endswith((":role/*", ":iam::*:*", ":*"))]
        bound = {key.lower() for _, key, _ in line.conditions}
        for action in line.actions if wide else ():
            if ESCALATING.fullmatch(action) and "iam:passedtoservice" not in bound:
                policy, name = line.policy.resource, line.statement.name
                yield found(
                    policy, *line.path, statement=name, policy=policy, action=action, named=shown(wide[0])
                )


@rule(
    "W9290",
    cause="{statement} of {policy} allows {action} on {target}, which this tree makes and keeps",
    remedy="leave it to whoever deploys: what works with a resource need not change or delete it",
    sources=(LEAST,),
    demanding=True,
)
def a_user_that_may_destroy_what_it_uses(site: Site) -> Iterator[Finding]:
    arns = [(book(site).wording.arn(one), one) for one in site.tree.resources() if one.kind in FORMS]
    for line in _allowing(site):
        for action in () if _of_makers(site, line) else line.actions:
            if not DESTROYING.fullmatch(action):
                continue
            for arn, target in arns:
                if arn != ANY and any(must(one, arn) for one in line.resources if one != "*"):
                    policy, name = line.policy.resource, line.statement.name
                    yield found(
                        policy, *line.path, statement=name, policy=policy, action=action, target=target
                    )


EDGE = "log-group:/aws/lambda/us-east-1."  # where functions at the edge log, wherever they run
ACCOUNTED = re.compile(r"(?<![0-9A-Za-z-])\d{12}(?![0-9A-Za-z-])")
REGIONED = re.compile(r"(?<![a-z0-9-])(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d(?![0-9])")


def _placed(line: Line) -> Iterator[str]:
    """What of a statement should follow where it is deployed."""
    yield from (one for one in line.resources if one.count(":") > 4)
    for _, key, values in line.conditions:
        if key.lower().startswith(("aws:source", "aws:principalaccount", "kms:")):
            yield from values
    own = line.policy.resource.kind == KEY
    for kind, name in line.principals:
        if kind == "Service" or (own and kind == "AWS" and name.endswith(":root")):
            yield name


@rule(
    "W9291",
    cause="{statement} of {policy} is fixed to {fixed}, where others follow the account and region",
    remedy="write !Ref AWS::AccountId or !Ref AWS::Region, or it holds nowhere else",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html",
    ),
    demanding=True,
)
def a_statement_fixed_to_one_place(site: Site) -> Iterator[Finding]:
    lines = book(site).lines
    written = [(line, text) for line in lines for text in _placed(line)]
    for mark, form in ((ACCOUNT, ACCOUNTED), (REGION, REGIONED)):
        if not any(mark in text for _, text in written):
            continue
        for line, text in written:
            literal = None if EDGE in text else form.search(text)
            if literal:
                policy, name = line.policy.resource, line.statement.name
                yield found(policy, *line.path, statement=name, policy=policy, fixed=literal[0])


@rule(
    "W9292",
    cause="{statement} of {policy} lets its holder use {key} for anything, not through a service alone",
    remedy="bind it by kms:ViaService to the service whose resources it is for",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html",),
    demanding=True,
)
def a_key_used_without_a_service(site: Site) -> Iterator[Finding]:
    keys = {book(site).wording.arn(key): key for key in site.all(KEY)}
    for line in _allowing(site):
        names = {key.lower() for _, key, _ in line.conditions}
        bound = any(name == "kms:viaservice" or name.startswith("kms:encryptioncontext") for name in names)
        broad = {"kms:encrypt", "kms:reencryptto", "kms:reencrypt*"} & set(line.actions)
        using = any(action.startswith(("kms:generatedatakey", "kms:decrypt")) for action in line.actions)
        for resource in line.resources if not bound and (broad or (_untaken(site, line) and using)) else ():
            if resource in keys:
                policy, name = line.policy.resource, line.statement.name
                yield found(policy, *line.path, statement=name, policy=policy, key=keys[resource])


def _untaken(site: Site, line: Line) -> bool:
    """A managed policy that no role here takes: who will is not known."""
    return line.policy.resource.kind == MANAGED and not line.policy.about


@rule(
    "W9293",
    cause="{statement} of {policy} lets its holder use {key} through {service}, and nothing lets it use that",
    remedy="allow what the key is for, or take the statement out",
    sources=(LEAST,),
    demanding=True,
)
def a_key_for_nothing(site: Site) -> Iterator[Finding]:
    known = book(site)
    keys: dict[str, Resource] = {known.wording.arn(key): key for key in site.all(KEY)}
    for line in _allowing(site):
        holders = line.policy.about or (line.policy.resource,)
        for operator, name, values in line.conditions:
            if name.lower() != "kms:viaservice" or "not" in operator.lower():
                continue
            for value in values:
                service = value.partition(".")[0]
                used = any(uses_service(site, holder, service) for holder in holders)
                for resource in line.resources if not used and ANY not in service else ():
                    if resource in keys and not any(known.open_ended(one) for one in holders):
                        policy, said = line.policy.resource, line.statement.name
                        yield found(
                            policy,
                            *line.path,
                            statement=said,
                            policy=policy,
                            key=keys[resource],
                            service=service,
                        )
