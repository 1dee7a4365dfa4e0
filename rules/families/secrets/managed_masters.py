"""The master's login: kept by the service where it is said to be, and never one that nobody changes."""

from collections.abc import Iterator, Mapping

from rules.families.secrets.logins import SCHEDULE, all_schedules_followed, meant, schedules
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Reference, Text, Value, known, references

MANAGING = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html"
ANSWERS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-properties-rds-dbinstance-masterusersecret.html"
)
# Type → what a service answers of the secret that it keeps, and the property by which it keeps one.
KEPT: Mapping[str, tuple[str, str]] = {
    "AWS::RDS::DBInstance": ("MasterUserSecret.", "ManageMasterUserPassword"),
    "AWS::RDS::DBCluster": ("MasterUserSecret.", "ManageMasterUserPassword"),
    "AWS::Redshift::Cluster": ("MasterPasswordSecretArn", "ManageMasterPassword"),
}
PASSWORDS = {"AWS::Redshift::Cluster": "MasterUserPassword"}
OUTSIDE = ("{{resolve:ssm", "{{resolve:ssm-secure")


@rule(
    "E9392",
    cause="{user} asks for {attribute} of {database}, whose service keeps no secret of its master's",
    remedy="set {property}: true on it, or ask for the secret in which its password is",
    sources=(MANAGING, ANSWERS),
)
def a_secret_that_no_service_keeps(site: Site) -> Iterator[Finding]:
    asked: dict[Resource, tuple[str, object]] = {}
    for user, reference in _named(site):
        attribute, _ = KEPT.get(reference.resource.kind, ("-", ""))
        if reference.attribute.startswith(attribute):
            asked.setdefault(reference.resource, (reference.attribute, user))
    for database, (attribute, user) in asked.items():
        _, property = KEPT[database.kind]
        managed = site.get(database, property)
        if known(managed) and str(managed).lower() != "true":
            parts = {"attribute": attribute, "database": database, "property": property}
            yield found(database, property, user=user, **parts)


def _named(site: Site) -> Iterator[tuple[object, Reference]]:
    """(who, what) of each reference: of resources, and of what templates give out."""
    for kind in KEPT:
        for database in site.all(kind):
            yield from ((use.user, use.reference) for use in site.uses(database))
    for stack in site.tree.stacks.values():
        for name, written in stack.outputs.items():
            for reference in references(site.resolver.value(written, stack.address)):
                yield f"output {name} of {stack.address or 'the root'}", reference


@rule(
    "W9392",
    cause="the master of {database} has a password that nobody changes: {what}",
    remedy="set ManageMasterUserPassword: true, so that the service keeps it and rotates it",
    sources=(MANAGING, CONTROLS),
    demanding=True,
)
def a_master_whose_password_stays(site: Site) -> Iterator[Finding]:
    for kind in KEPT:
        for database in site.all(kind):
            if site.durable(database) or any(site.all(SCHEDULE)):
                what = _stays(site, site.get(database, "MasterUserPassword"))
                if what:
                    yield found(database, "MasterUserPassword", database=database, what=what)


def _stays(site: Site, value: Value) -> str:
    if isinstance(value, Given):
        return f"a deployment gives it as {value.name}"
    for reference in references(value):
        secret = meant(site, reference)
        if secret is not None and all_schedules_followed(site) and not schedules(site, secret):
            return f"no RotationSchedule rotates {secret}"
    if isinstance(value, str | Text) and str(value).startswith(OUTSIDE):
        return "it lies in Parameter Store, which rotates nothing"
    return ""
