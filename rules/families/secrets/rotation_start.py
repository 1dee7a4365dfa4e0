"""Rotation starts only when it can work: the first one runs as soon as the schedule is made."""

from collections.abc import Iterator

from rules.families.secrets.logins import (
    SCHEDULE,
    attachments,
    database_of,
    generated,
    meant,
    rotating,
)
from rules.families.secrets.precedence import before
from rules.families.secrets.rotation_functions import bound_to_another, permissions
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, references

SCHEDULED = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-secretsmanager-rotationschedule.html"
)
DEPENDS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
)
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")


@rule(
    "E9330",
    cause="{schedule} may be made, and rotate at once, before {needed} stands, {why}",
    remedy="add it to the schedule's DependsOn, or to that of the nested stack around it",
    sources=(SCHEDULED, DEPENDS),
)
def a_rotation_that_starts_too_early(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        ready = before(site.tree, schedule)
        for needed, why in _needed(site, schedule):
            if needed.address not in ready:
                yield Finding(schedule, ("DependsOn",), {"schedule": schedule, "needed": needed, "why": why})


def _needed(site: Site, schedule: Resource) -> Iterator[tuple[Resource, str]]:
    """What a rotation needs that neither the secret nor the function refers to."""
    secret, function = meant(site, site.get(schedule, "SecretId")), rotating(site, schedule)
    if secret is not None:
        for attachment in attachments(site, secret):
            yield attachment, "which writes the database's address into the secret"
    if function is None:
        return
    for permission in permissions(site, function):
        if bound_to_another(site, permission, secret):
            continue
        yield permission, "which lets Secrets Manager call the function"
    role = site.target(site.get(function, "Role"), "AWS::IAM::Role")
    for policy in site.all(*POLICIES) if role else ():
        holders = [site.get(policy, name) for name in ("Roles", "RoleName")]
        if any(reference == Reference(role) for reference in references(holders) if role):
            yield policy, "which says what the function may do"


@rule(
    "W9331",
    cause="the password that {secret} begins with is no user's: {schedule} does not rotate at once, and "
    "nothing else tells the database of it",
    remedy="leave RotateImmediatelyOnUpdate out, or set it to true",
    sources=(SCHEDULED,),
)
def a_login_that_begins_with_the_first_window(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        secret = meant(site, site.get(schedule, "SecretId"))
        later = str(site.get(schedule, "RotateImmediatelyOnUpdate")).lower() == "false"
        if secret is None or not later or generated(site, secret) is None:
            continue
        database = database_of(site, secret)
        # A master's own secret is read by the database itself, when it is made.
        if database is not None and secret.name not in str(database.properties):
            yield found(schedule, "RotateImmediatelyOnUpdate", secret=secret, schedule=schedule)
