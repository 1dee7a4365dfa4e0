"""Who rotates: a function that may be called, that has the time, and is told of the right secrets."""

import re
from collections.abc import Iterator

from rules.families.secrets.logins import (
    ATTACHMENT,
    FUNCTION,
    FUNCTIONS,
    SCHEDULE,
    SECRET,
    database_of,
    is_managed,
    meant,
    rotators,
    variables,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, references

ROTATION = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html"
PERMITTED = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/"
    "rotating-secrets-required-permissions-function.html"
)
HOSTED = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-properties-secretsmanager-rotationschedule-hostedrotationlambda.html"
)
STRATEGIES = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_strategies.html"
SERVICE = "secretsmanager.amazonaws.com"
LEAST_SECONDS = 30  # what AWS's own rotation functions have; Lambda's default is 3
ENGINES = {
    "postgres": "PostgreSQL",
    "aurora-postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "aurora-mysql": "MySQL",
    "mariadb": "MariaDB",
    "oracle": "Oracle",
    "sqlserver": "SQLServer",
    "docdb": "MongoDB",
}
MASTER = re.compile(r"MASTER|ADMIN|SUPERUSER|ROOT", re.IGNORECASE)
SECRET_NAME = re.compile(r"SECRET_?(ARN|ID|NAME)?$", re.IGNORECASE)


@rule(
    "E9310",
    cause="{schedule} names no function to rotate with",
    remedy="set RotationLambdaARN to the function's ARN, or HostedRotationLambda",
    sources=(ROTATION,),
)
def a_rotation_without_a_function(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        ways = (site.get(schedule, name) for name in ("RotationLambdaARN", "HostedRotationLambda"))
        named = site.target(site.get(schedule, "SecretId"), SECRET, ATTACHMENT)
        if named is not None and all(way is None for way in ways):
            yield found(schedule, "RotationLambdaARN", schedule=schedule)


@rule(
    "E9311",
    cause="{schedule} has {what} rotate, which is no ARN of a Lambda function",
    remedy="set RotationLambdaARN to the Arn of the rotation function",
    sources=(ROTATION,),
)
def a_rotation_by_what_is_no_function(site: Site) -> Iterator[Finding]:
    aliases = ("AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Serverless::Application")
    for schedule in site.all(SCHEDULE):
        value = site.get(schedule, "RotationLambdaARN")
        target = site.target(value)
        if target is None or target.kind in aliases or not isinstance(value, Reference):
            continue
        right = target.kind in FUNCTIONS and value.attribute == "Arn"
        if not right and not _follows_elsewhere(target):
            yield found(schedule, "RotationLambdaARN", schedule=schedule, what=value)


def _follows_elsewhere(target: Resource) -> bool:
    """A nested stack that is not at hand, or a custom resource, may well give a function's ARN."""
    return target.kind.startswith(("Custom::", "AWS::CloudFormation::"))


def bound_to_another(site: Site, permission: Resource, secret: Resource | None) -> bool:
    """Whether a permission is for another secret than this one, by its SourceArn."""
    bound = site.get(permission, "SourceArn")
    other = meant(site, bound) if isinstance(bound, Reference) else None
    return other is not None and secret is not None and other != secret


def permissions(site: Site, function: Resource) -> Iterator[Resource]:
    """Those that let Secrets Manager call a function."""
    for one in site.all("AWS::Lambda::Permission"):
        named = site.get(one, "FunctionName")
        here = any(reference.resource == function for reference in references(named)) or (
            isinstance(named, str) and named == site.get(function, "FunctionName")
        )
        calls = site.get(one, "Action") in ("lambda:InvokeFunction", "lambda:*", "*")
        if here and calls and site.get(one, "Principal") == SERVICE:
            yield one


@rule(
    "W9313",
    cause="{function} has {seconds} s for a step of a rotation, in which it must log in to the database",
    remedy=f"set Timeout to {LEAST_SECONDS} or more",
    sources=(ROTATION, "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"),
)
def a_rotation_cut_off(site: Site) -> Iterator[Finding]:
    for function in dict.fromkeys(function for _, function in rotators(site)):
        seconds = site.get(function, "Timeout")
        if seconds is None and function.kind != FUNCTION:
            continue  # a template of SAM may set it for all its functions
        if str(3 if seconds is None else seconds).isdigit() and int(str(seconds or 3)) < LEAST_SECONDS:
            yield found(function, "Timeout", function=function, seconds=seconds or 3)


@rule(
    "E9315",
    cause="{schedule} has AWS make a function of type {type}, {wrong}",
    remedy="take the type of the database's engine; MultiUser needs MasterSecretArn, of another secret",
    sources=(HOSTED, STRATEGIES),
)
def a_hosted_rotation_of_the_wrong_kind(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        kind = site.get(schedule, "HostedRotationLambda", "RotationType")
        if not isinstance(kind, str):
            continue
        secret = meant(site, site.get(schedule, "SecretId"))
        database = database_of(site, secret) if secret else None
        master = site.get(schedule, "HostedRotationLambda", "MasterSecretArn")
        engine = site.get(database, "Engine") if database else None
        wrong = ""
        if kind.endswith("MultiUser") and master is None:
            wrong = "which needs the secret of a master"
        elif secret is not None and meant(site, master) == secret:
            wrong = "with the secret that it rotates as the master's"
        elif isinstance(engine, str) and not _fits(kind, engine):
            wrong = f"for a database with the engine {engine}"
        if wrong:
            yield found(
                schedule, "HostedRotationLambda", "RotationType", schedule=schedule, type=kind, wrong=wrong
            )


def _fits(kind: str, engine: str) -> bool:
    wanted = [name for begin, name in ENGINES.items() if engine.startswith(begin)]
    return not wanted or kind.startswith(wanted[0])


@rule(
    "E9316",
    cause="{function} rotates {secret} and is given the same secret as the master's, in {name}",
    remedy="give it the secret of the database's master: it cannot make a login with the login itself",
    sources=(STRATEGIES,),
)
def a_master_that_is_the_user(site: Site) -> Iterator[Finding]:
    for schedule, function in rotators(site):
        secret = meant(site, site.get(schedule, "SecretId"))
        for name, value in variables(site, function).items():
            if secret is not None and MASTER.search(name) and meant(site, value) == secret:
                yield found(
                    function, "Environment", "Variables", name, function=function, secret=secret, name=name
                )


@rule(
    "E9317",
    cause="{holder} is told that {name} is a secret, and is given {what}",
    remedy="give it the ARN of an AWS::SecretsManager::Secret, or of a database's MasterUserSecret",
    sources=("https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets.html",),
)
def a_secret_that_is_another_thing(site: Site) -> Iterator[Finding]:
    for function in site.all(*FUNCTIONS):
        for name, value in variables(site, function).items():
            if _is_no_secret(name, value):
                yield found(
                    function, "Environment", "Variables", name, holder=function, name=name, what=value
                )
    for task in site.all("AWS::ECS::TaskDefinition"):
        for position, container in enumerate(site.items(task, "ContainerDefinitions")):
            pairs = container.get("Environment") if isinstance(container, dict) else None
            for place, pair in enumerate(pairs if isinstance(pairs, list) else []):
                if isinstance(pair, dict) and _is_no_secret(str(pair.get("Name")), pair.get("Value")):
                    yield found(
                        task,
                        *("ContainerDefinitions", position, "Environment", place, "Value"),
                        holder=task,
                        name=pair["Name"],
                        what=pair.get("Value"),
                    )


def _is_no_secret(name: str, value: object) -> bool:
    """Whether a name that asks for a secret of Secrets Manager is given a resource of another kind."""
    if not isinstance(value, Reference) or not SECRET_NAME.search(name):
        return False
    kind = value.resource.kind
    if kind in (SECRET, ATTACHMENT, "AWS::SSM::Parameter") or _follows_elsewhere(value.resource):
        return False
    if is_managed(value) or kind.startswith("AWS::Cognito"):  # a user pool's client has a secret of its own
        return False
    return "Secret" not in kind and "Secret" not in value.attribute
