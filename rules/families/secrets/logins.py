"""What the family's rules ask about secrets: which one is meant, who rotates it, what it logs in to."""

import json
from collections.abc import Iterator
from typing import Any

from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
SCHEDULE = "AWS::SecretsManager::RotationSchedule"
FUNCTION = "AWS::Lambda::Function"
FUNCTIONS = (FUNCTION, "AWS::Serverless::Function")
DATABASES = {
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::Redshift::Cluster",
    "AWS::RedshiftServerless::Namespace",
    "AWS::DocDB::DBInstance",
    "AWS::DocDB::DBCluster",
    "AWS::DocDBElastic::Cluster",
}
MANAGED = (
    "MasterUserSecret.SecretArn"  # the attribute of a database whose service keeps the master's password
)


def meant(site: Site, value: Value) -> Resource | None:
    """The secret that a value names, also through its attachment; `Ref` of both is the secret's ARN."""
    secret = site.target(value, SECRET)
    attachment = site.target(value, ATTACHMENT)
    if secret is None and attachment is not None:
        return site.target(site.get(attachment, "SecretId"), SECRET)
    return secret


def attachments(site: Site, secret: Resource) -> list[Resource]:
    return [one for one in site.all(ATTACHMENT) if meant(site, site.get(one, "SecretId")) == secret]


def schedules(site: Site, secret: Resource) -> list[Resource]:
    return [one for one in site.all(SCHEDULE) if meant(site, site.get(one, "SecretId")) == secret]


def all_schedules_followed(site: Site) -> bool:
    """Whether it is known of each schedule which secret it rotates."""
    return all(known(site.get(one, "SecretId")) for one in site.all(SCHEDULE))


def database_of(site: Site, secret: Resource) -> Resource | None:
    """The database of these templates that a secret is attached to."""
    for attachment in attachments(site, secret):
        target = site.target(site.get(attachment, "TargetId"), *DATABASES)
        if target is not None:
            return target
    return None


def generated(site: Site, secret: Resource) -> dict[str, Value] | None:
    """GenerateSecretString, where the secret has one."""
    value = site.get(secret, "GenerateSecretString")
    return value if isinstance(value, dict) else None


def written(value: Value) -> dict[str, Any] | None:
    """The JSON object that a text of known parts is; None where it is another thing, or unknown."""
    if value is None or not known(value) or isinstance(value, list | dict):
        return None
    try:
        found = json.loads(str(value))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def is_login(site: Site, secret: Resource) -> bool:
    """Whether somebody logs in to a database with it."""
    if attachments(site, secret):
        return True
    given = generated(site, secret)
    template = written(given.get("SecretStringTemplate")) if given else None
    return bool(template and "username" in template)


def rotating(site: Site, schedule: Resource) -> Resource | None:
    """The function that a schedule calls, where it stands in these templates."""
    return site.target(site.get(schedule, "RotationLambdaARN"), *FUNCTIONS)


def rotators(site: Site) -> Iterator[tuple[Resource, Resource]]:
    """(schedule, function) of each schedule whose function stands here."""
    for schedule in site.all(SCHEDULE):
        function = rotating(site, schedule)
        if function is not None:
            yield schedule, function


def is_managed(value: Value) -> bool:
    """Whether it names the secret in which RDS keeps a master's password."""
    return isinstance(value, Reference) and value.attribute == MANAGED


def variables(site: Site, function: Resource) -> dict[str, Value]:
    """A function's environment."""
    found = site.get(function, "Environment", "Variables")
    return found if isinstance(found, dict) else {}
