"""Programs log in as themselves, and not before their login is one."""

from collections.abc import Iterator

from rules.families.secrets.logins import ATTACHMENT, SCHEDULE, SECRET, generated, meant
from rules.families.secrets.precedence import before
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, references

TASK, SERVICE = "AWS::ECS::TaskDefinition", "AWS::ECS::Service"
DATABASES = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DocDB::DBCluster")
STRATEGIES = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_strategies.html"
DEPENDS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
)


def masters(site: Site) -> dict[Resource, Resource]:
    """Secret → the database that it is the master's login of: the database takes its password from there."""
    found_ = {}
    for database in site.all(*DATABASES):
        for reference in references(site.get(database, "MasterUserPassword")):
            secret = meant(site, reference)
            if secret is not None:
                found_[secret] = database
    return found_


def _told(site: Site, task: Resource) -> set[Resource]:
    """The secrets that containers of a task are told of, or given."""
    said: list[Value] = [
        {name: one.get(name) for name in ("Environment", "Secrets")}
        for one in site.items(task, "ContainerDefinitions")
        if isinstance(one, dict)
    ]
    named = (meant(site, reference) for reference in references(said))
    return {secret for secret in named if secret is not None}


@rule(
    "W9332",
    cause="{task} logs in to {database} by {secret}, which is its master's, and {other} is kept for programs",
    remedy="tell it of the login that is its own: a master may do everything",
    sources=(STRATEGIES,),
)
def a_program_with_the_login_of_the_master(site: Site) -> Iterator[Finding]:
    of_masters = masters(site)
    for task in site.all(TASK):
        for secret in sorted(_told(site, task) & of_masters.keys(), key=str):
            database = of_masters[secret]
            others = [
                one
                for one in site.all(SECRET)
                if one not in of_masters and one not in _told(site, task) and _of(site, one, database)
            ]
            if others:
                yield found(
                    task, "ContainerDefinitions", task=task, database=database, secret=secret, other=others[0]
                )


def _of(site: Site, secret: Resource, database: Resource) -> bool:
    """Whether a secret is a login to a database."""
    return any(
        meant(site, site.get(one, "SecretId")) == secret
        and site.target(site.get(one, "TargetId")) == database
        for one in site.all(ATTACHMENT)
    )


@rule(
    "W9333",
    cause="{service} may start before {schedule} has rotated {secret} for the first time, and until then "
    "nobody has told the database of that login",
    remedy="have the service, or the nested stack around it, depend on the schedule",
    sources=(STRATEGIES, DEPENDS),
    demanding=True,
)
def a_program_that_starts_before_its_login(site: Site) -> Iterator[Finding]:
    """A login that the rotation itself makes: it names a master, by whose rights it is set."""
    of_masters = masters(site)
    first: dict[Resource, Resource] = {}
    for schedule in site.all(SCHEDULE):
        secret = meant(site, site.get(schedule, "SecretId"))
        if secret is not None and secret not in of_masters and generated(site, secret) is not None:
            first[secret] = schedule
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        for secret in sorted(_told(site, task) & first.keys(), key=str) if task else ():
            if first[secret].address not in before(site.tree, service) and _by_a_master(site, secret):
                yield found(service, "TaskDefinition", service=service, schedule=first[secret], secret=secret)


def _by_a_master(site: Site, secret: Resource) -> bool:
    template = site.get(secret, "GenerateSecretString", "SecretStringTemplate")
    return "masterarn" in str(template) or any(
        isinstance(site.get(one, "TargetId"), Reference) and meant(site, site.get(one, "SecretId")) == secret
        for one in site.all(ATTACHMENT)
    )
