"""A login knows where its database is, and is a user of that database."""

from collections.abc import Iterator

from rules.families.secrets.logins import (
    ATTACHMENT,
    DATABASES,
    MANAGED,
    SCHEDULE,
    SECRET,
    attachments,
    generated,
    meant,
    schedules,
    written,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known, references

ATTACHED = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-secretsmanager-secrettargetattachment.html"
)
STRUCTURE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html"
MANAGING = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"
IDENTIFIERS = {"Ref", "DBInstanceIdentifier", "DBClusterIdentifier", "ClusterIdentifier", "NamespaceName"}


@rule(
    "E9340",
    cause="{secret} is rotated as a database's login, and neither names a host nor is attached to a database",
    remedy="add an AWS::SecretsManager::SecretTargetAttachment for it",
    sources=(ATTACHED, STRUCTURE),
)
def a_login_without_an_address(site: Site) -> Iterator[Finding]:
    if not all(known(site.get(one, "SecretId")) for one in site.all(ATTACHMENT)):
        return
    for secret in site.all(SECRET):
        given = generated(site, secret)
        template = written(given.get("SecretStringTemplate")) if given else None
        if template is None or "username" not in template or "host" in template:
            continue
        if schedules(site, secret) and not attachments(site, secret):
            yield Finding(secret, (), {"secret": secret})


@rule(
    "E9341",
    cause="{attachment} says TargetType {type}, and its target {target} is a {kind}",
    remedy="set TargetType to the target's own type",
    sources=(ATTACHED,),
)
def a_target_of_another_type(site: Site) -> Iterator[Finding]:
    for attachment in site.all(ATTACHMENT):
        target = site.target(site.get(attachment, "TargetId"), *DATABASES)
        said = site.get(attachment, "TargetType")
        if target is not None and known(said) and said != target.kind:
            yield found(
                attachment,
                "TargetType",
                attachment=attachment,
                type=said,
                target=target,
                kind=target.kind,
            )


@rule(
    "E9342",
    cause="{attachment} has the target {target}, which is no identifier of a database",
    remedy="let TargetId be the !Ref of the instance or cluster that the login belongs to",
    sources=(ATTACHED,),
)
def a_target_that_is_no_database(site: Site) -> Iterator[Finding]:
    for attachment in site.all(ATTACHMENT):
        value = site.get(attachment, "TargetId")
        if not isinstance(value, Reference) or value.resource.kind.startswith(
            ("Custom::", "AWS::CloudFormation::")
        ):
            continue
        if value.resource.kind not in DATABASES or value.attribute not in IDENTIFIERS:
            yield found(attachment, "TargetId", attachment=attachment, target=value)


@rule(
    "E9343",
    cause="{attachment} attaches {what}, which is no secret that a template writes",
    remedy="let SecretId refer to the AWS::SecretsManager::Secret of the login",
    sources=(ATTACHED, MANAGING),
)
def an_attachment_of_what_is_no_secret(site: Site) -> Iterator[Finding]:
    for attachment in site.all(ATTACHMENT):
        value = site.get(attachment, "SecretId")
        if (
            isinstance(value, Reference)
            and value.resource.kind != SECRET
            and not (value.resource.kind.startswith(("Custom::", "AWS::CloudFormation::")))
        ):
            yield found(attachment, "SecretId", attachment=attachment, what=value)


@rule(
    "E9344",
    cause="{secret} is the login of {user}, the master of {database}, whose password RDS itself manages",
    remedy="name a user of the application's own: two rotations would undo each other",
    sources=(MANAGING,),
)
def a_second_secret_for_the_master(site: Site) -> Iterator[Finding]:
    for secret, target, template in _attached(site):
        managed = str(site.get(target, "ManageMasterUserPassword")).lower() == "true"
        user = template.get("username")
        if managed and isinstance(user, str) and user == site.get(target, "MasterUsername"):
            yield found(
                secret,
                *("GenerateSecretString", "SecretStringTemplate"),
                secret=secret,
                user=user,
                database=target,
            )


@rule(
    "W9345",
    cause="{secret} names the database {name}, and {database} is made with {own}",
    remedy="write the DBName of the instance as dbname, unless somebody creates the other",
    sources=(STRUCTURE,),
)
def a_login_to_another_database(site: Site) -> Iterator[Finding]:
    for secret, target, template in _attached(site):
        name = template.get("dbname")
        own = site.get(target, "DatabaseName" if target.kind.endswith("Cluster") else "DBName")
        if isinstance(name, str) and isinstance(own, str) and name not in (own, "postgres"):
            yield found(
                secret,
                *("GenerateSecretString", "SecretStringTemplate"),
                secret=secret,
                name=name,
                database=target,
                own=own,
            )


def _attached(site: Site) -> Iterator[tuple[Resource, Resource, dict[str, object]]]:
    """Generated secrets with the database that each is attached to, and the JSON that it begins with."""
    for attachment in site.all(ATTACHMENT):
        secret = meant(site, site.get(attachment, "SecretId"))
        target = site.target(site.get(attachment, "TargetId"), *DATABASES)
        given = generated(site, secret) if secret else None
        template = written(given.get("SecretStringTemplate")) if given else None
        if secret is not None and target is not None and template is not None:
            yield secret, target, template


@rule(
    "W9346",
    cause="{user} reads {master}, the master's password, though {secret} is there for applications",
    remedy="give it the application's secret; only the rotation function needs the master's",
    sources=(MANAGING, "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"),
    demanding=True,
)
def an_application_that_is_the_master(site: Site) -> Iterator[Finding]:
    rotating = {
        reference.resource
        for schedule in site.all(SCHEDULE)
        for reference in references(site.get(schedule, "RotationLambdaARN"))
    }
    roles = {site.target(site.get(function, "Role")) for function in rotating}
    for secret, target, _ in _attached(site):
        for use in site.uses(
            target, "AWS::ECS::TaskDefinition", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::IAM::Policy"
        ):
            held = {use.user, *_holders(site, use.user)}
            if use.reference.attribute == MANAGED and not held & {*rotating, *roles}:
                yield found(use.user, use.property, user=use.user, master=use.reference, secret=secret)


def _holders(site: Site, policy: Resource) -> Iterator[Resource]:
    for reference in references(site.get(policy, "Roles")):
        yield reference.resource
