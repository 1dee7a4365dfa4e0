"""Rotation functions that CloudFormation makes: by its transform, and where they reach the database."""

from collections.abc import Iterator

from rules.families.secrets.logins import SCHEDULE, database_of, meant
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known

HOSTED = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-properties-secretsmanager-rotationschedule-hostedrotationlambda.html"
)
TRANSFORM = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-secretsmanager.html"
)
NETWORK = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-function-network-access.html"
TRANSFORMS = ("AWS::SecretsManager-2020-07-23", "AWS::SecretsManager-2024-09-16")
INSTANCE, CLUSTER = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"


@rule(
    "E9394",
    cause="{schedule} has AWS make its function, and the template lacks the transform that makes it",
    remedy="write Transform: AWS::SecretsManager-2024-09-16 at the top of this template",
    sources=(TRANSFORM, HOSTED),
)
def a_hosted_rotation_without_its_transform(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        if site.get(schedule, "HostedRotationLambda") is None:
            continue
        written = site.tree.stacks[schedule.stack].body.get("Transform") or []
        listed = written if isinstance(written, list) else [written]
        if not any(one in TRANSFORMS or not isinstance(one, str) for one in listed):
            yield found(schedule, "HostedRotationLambda", schedule=schedule)


@rule(
    "E9395",
    cause="{schedule} has AWS make a function outside of every network ({missing} is missing), and "
    "{database} answers within its own alone",
    remedy="set VpcSubnetIds and VpcSecurityGroupIds to where the database can be reached from",
    sources=(HOSTED, NETWORK),
)
def a_hosted_rotation_outside_of_the_network(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        secret = meant(site, site.get(schedule, "SecretId"))
        database = database_of(site, secret) if secret else None
        hosted = site.get(schedule, "HostedRotationLambda")
        if database is None or not isinstance(hosted, dict) or not _closed(site, database):
            continue
        missing = [one for one in ("VpcSubnetIds", "VpcSecurityGroupIds") if hosted.get(one) in (None, "")]
        if missing:
            place = ("HostedRotationLambda", missing[0])
            names = " and ".join(missing)
            yield found(schedule, *place, schedule=schedule, missing=names, database=database)


def _closed(site: Site, database: Resource) -> bool:
    """Whether it surely has no public address."""
    if database.kind == INSTANCE:
        said = [site.get(database, "PubliclyAccessible")]
    elif database.kind == CLUSTER:
        own = site.get(database, "PubliclyAccessible")
        members = [
            site.get(one, "PubliclyAccessible")
            for one in site.all(INSTANCE)
            if site.get(one, "DBClusterIdentifier") == Reference(database)
        ]
        said = [*members, *([own] if own is not None else [])]
    else:
        return False
    return bool(said) and all(known(one) and str(one).lower() == "false" for one in said)
