"""Who reads which secret: what a role may read and its user is told of agree, and nobody else calls."""

from collections.abc import Iterator

from rules.families.secrets.logins import SECRET, is_managed, meant, rotators
from rules.families.secrets.rotation_functions import PERMITTED, STRATEGIES
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known, references

TOLD = ("Command", "EntryPoint", "Environment", "EnvironmentFiles", "Secrets")


@rule(
    "W9318",
    cause="{role} lets {user} read {secret}, of which it is told nowhere",
    remedy="give it the ARN in an environment variable, or take the permission away",
    sources=(STRATEGIES, PERMITTED),
    demanding=True,
)
def a_master_that_the_function_does_not_know(site: Site) -> Iterator[Finding]:
    for function in dict.fromkeys(function for _, function in rotators(site)):
        role = site.target(site.get(function, "Role"), "AWS::IAM::Role")
        rotated = {meant(site, site.get(one, "SecretId")) for one, by in rotators(site) if by == function}
        told = {*references(site.get(function, "Environment"))}
        for secret in (one for one in rotated if one is not None):
            told |= {*references(list(site.properties(secret).values()))}
        if role is None or None in rotated or not known(site.get(function, "Environment")):
            continue
        for readable in dict.fromkeys(_readable(site, role)):
            if readable not in told and readable.resource not in rotated:
                yield found(role, "Policies", role=role, user=function, secret=readable)


@rule(
    "W9320",
    cause="{role} lets {task} read {secret}, of which its containers are told nowhere",
    remedy="give the container the ARN in its environment, or take the permission away",
    sources=(STRATEGIES, PERMITTED),
    demanding=True,
)
def a_login_that_the_container_does_not_know(site: Site) -> Iterator[Finding]:
    for task in site.all("AWS::ECS::TaskDefinition"):
        role = site.target(site.get(task, "TaskRoleArn"), "AWS::IAM::Role")
        containers: list[Value] = [
            {name: value for name, value in one.items() if name in TOLD} if isinstance(one, dict) else one
            for one in site.items(task, "ContainerDefinitions")
        ]
        if role is None or not known(containers):
            continue
        told = {reference.resource for reference in references(containers)}
        for readable in dict.fromkeys(_readable(site, role)):
            if readable.resource not in told:
                yield found(task, "ContainerDefinitions", role=role, task=task, secret=readable)


def _readable(site: Site, role: Resource) -> Iterator[Reference]:
    """What the statements of a role name when they let it read secrets."""
    for policy in site.policies:
        if role in policy.about and policy.kind == "identity":
            for statement in policy.statements:
                if statement.allows and "secretsmanager:GetSecretValue" in statement.actions:
                    for reference in references(statement.resolved.get("Resource")):
                        if reference.resource.kind == SECRET or is_managed(reference):
                            yield reference


@rule(
    "W9319",
    cause="{queue} keeps what {function} could not do, RotationToken and all, and not under the secret's key",
    remedy="give the queue the KmsMasterKeyId that the secret has as KmsKeyId",
    sources=(
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html",
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
    ),
    demanding=True,
)
def dead_letters_under_another_key(site: Site) -> Iterator[Finding]:
    for schedule, function in rotators(site):
        secret = meant(site, site.get(schedule, "SecretId"))
        queue = site.target(site.get(function, "DeadLetterConfig", "TargetArn"), "AWS::SQS::Queue")
        if secret is None or queue is None:
            continue
        wanted = site.target(site.get(secret, "KmsKeyId"), "AWS::KMS::Key")
        has = site.get(queue, "KmsMasterKeyId")
        if wanted is not None and known(has) and site.target(has, "AWS::KMS::Key") != wanted:
            yield found(queue, "KmsMasterKeyId", queue=queue, function=function)
