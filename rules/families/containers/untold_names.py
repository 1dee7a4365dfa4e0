"""What a role may use under a name that CloudFormation makes: the program must be told it."""

from collections.abc import Iterator

from rules.families.containers.role_rights import may, rights, role_of
from rules.families.containers.workloads import FUNCTION, TASK, services_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.arns import FORMS
from topology.tree import Resource
from topology.values import Reference, leaves, references

NAMES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"
PUBLISH = "https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"
TOPIC = "AWS::SNS::Topic"
CACHE_LOGIN = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html"
MADE = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::Kinesis::Stream",
        "AWS::S3::Bucket",
        TOPIC,
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)
MASTER = "MasterUserSecret.SecretArn"
# What calls a program, and says what for.
TELLING = (
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Pipes::Pipe",
    "AWS::SNS::Subscription",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::StepFunctions::StateMachine",
)
# By these a program can look a name up: whatever lists is for all, a parameter is named itself.
LISTING = (
    "cloudformation:DescribeStacks",
    "kinesis:ListStreams",
    "secretsmanager:ListSecrets",
    "sqs:ListQueues",
    "tag:GetResources",
)
PARAMETERS = ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath")


@rule(
    "W9573",
    cause="{workload} may use {named} by its role {role}, and nothing tells it which that is",
    remedy="name it in the environment, since CloudFormation makes the name, and a topic is asked for by its "
    "ARN whatever its name; or take the right away",
    sources=(NAMES, PUBLISH),
    demanding=True,
)
def a_name_that_nothing_tells(site: Site) -> Iterator[Finding]:
    for workload, role in _alone(site):
        allowed = rights(site, role)
        if allowed is None or any(may(allowed, action, ["*"]) for action in LISTING):
            continue
        if any(may(allowed, action) for action in PARAMETERS):
            continue
        told = set(_told(site, workload))
        granted = {
            reference
            for statement in allowed
            for reference in references(statement.resolved.get("Resource"))
            if (reference.resource.kind in MADE and _unsaid(site, reference.resource, workload))
            or reference.attribute == MASTER
        }
        for reference in sorted(granted, key=str):
            if not any(_same(reference, other) for other in told):
                yield _at(workload, named=reference.resource, role=role)


@rule(
    "W9574",
    cause="{workload} may log in to {cache} as a user of its role {role}, and is not told {what}",
    remedy="give it the address of the cache and the user's name in its environment",
    sources=(CACHE_LOGIN,),
    demanding=True,
)
def a_login_to_a_cache_that_nothing_tells(site: Site) -> Iterator[Finding]:
    for workload, role in _alone(site):
        told = set(_told(site, workload))
        texts = {leaf for value in site.properties(workload).values() for leaf in leaves(value)}
        for reference in _connected(site, role):
            kind = reference.resource.kind
            named = any(other.resource == reference.resource for other in told)
            fixed = site.get(reference.resource, FORMS[kind].name or "")
            if kind == "AWS::ElastiCache::User":
                by_name = fixed in texts if isinstance(fixed, str) else False
                if not named and not by_name:
                    yield _at(workload, cache="a cache", role=role, what=f"the user, {reference.resource}")
            elif not any(_address(other, reference.resource) for other in told):
                yield _at(workload, cache=reference.resource, role=role, what="its address")
            elif not any(_name(other, reference.resource) for other in told) and fixed not in texts:
                what = "its name, which its token is made for"
                yield _at(workload, cache=reference.resource, role=role, what=what)


def _connected(site: Site, role: Resource) -> list[Reference]:
    """Caches and users of ElastiCache that a role may log in to and as."""
    found_here = {
        Reference(reference.resource)
        for statement in rights(site, role) or ()
        if "elasticache:Connect" in statement.actions
        for reference in references(statement.resolved.get("Resource"))
        if reference.resource.kind in ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::User")
    }
    return sorted(found_here, key=str)


def _address(reference: Reference, cache: Resource) -> bool:
    return reference.resource == cache and reference.attribute.endswith("Address")


def _name(reference: Reference, cache: Resource) -> bool:
    return reference.resource == cache and reference.attribute == "Ref"


def _alone(site: Site) -> Iterator[tuple[Resource, Resource]]:
    """Each task definition and function whose role is its own."""
    for kind, name in ((TASK, "TaskRoleArn"), (FUNCTION, "Role")):
        for workload in site.all(kind):
            role = role_of(site, workload, name)
            takers = {use.user for use in site.uses(role, TASK, FUNCTION)} if role else set()
            if role is not None and takers == {workload}:
                yield workload, role


def _told(site: Site, workload: Resource) -> Iterator[Reference]:
    """What it names itself, and what is named beside it: a source of events, a rule, a rotation."""
    for value in site.properties(workload).values():
        yield from references(value)
    for one in (workload, *(services_of(site, workload) if workload.kind == TASK else ())):
        for use in site.uses(one, *TELLING):
            for value in site.properties(use.user).values():
                yield from references(value)


def _same(reference: Reference, other: Reference) -> bool:
    if MASTER in (reference.attribute, other.attribute):
        return reference == other
    return reference.resource == other.resource


def _unsaid(site: Site, resource: Resource, workload: Resource) -> bool:
    """Whether a program must be told: nobody gave it a name, or it is asked for by its ARN."""
    name = FORMS[resource.kind].name
    fixed = site.get(resource, name) if name is not None else None
    if resource.kind == TOPIC and isinstance(fixed, str):
        texts = [leaf for value in site.properties(workload).values() for leaf in leaves(value)]
        return not any(fixed in text for text in texts if isinstance(text, str))
    return name is not None and fixed is None


def _at(workload: Resource, **parts: object) -> Finding:
    place = (
        ("ContainerDefinitions", 0, "Environment") if workload.kind == TASK else ("Environment", "Variables")
    )
    return found(workload, *place, workload=workload, **parts)
