"""What services tell by events, and nobody hears."""

from collections.abc import Iterator

from rules.families.signals.event_patterns import Pattern, leaves_of, patterns
from rules.families.signals.watch_coverage import cares, telling_series
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import references


def _hears_failed_rotations(pattern: Pattern) -> bool:
    names = pattern.listed("detail", "eventName")
    return not names or "RotationFailed" in names


@rule(
    "W9609",
    cause="secret {secret} is rotated, and nobody is told when that fails",
    remedy=(
        "add a rule on RotationFailed and RotationAbandoned of aws.secretsmanager, or an alarm "
        "on Errors of the function"
    ),
    sources=("https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html",),
    demanding=True,
)
def a_rotation_that_fails_unheard(site: Site) -> Iterator[Finding]:
    if not cares(site):
        return
    heard = {
        reference.resource
        for pattern in patterns(site)
        if "aws.secretsmanager" in pattern.listed("source") and _hears_failed_rotations(pattern)
        for keys, values in leaves_of(pattern.body)
        for reference in references(values)
        if keys
    }
    open_ = any(
        "aws.secretsmanager" in one.listed("source") and not list(references(one.body.get("detail")))
        for one in patterns(site)
    )
    for schedule in site.all("AWS::SecretsManager::RotationSchedule"):
        secret = site.target(site.get(schedule, "SecretId"))
        if secret is not None and secret not in heard and not open_:
            yield found(schedule, secret=secret)


@rule(
    "W9602",
    cause="devices may be refused by {policy}, and no alarm watches PublishIn.AuthError or Connect.AuthError",
    remedy=(
        "add an alarm on their sum: a device that is refused is set up wrongly, or somebody else "
        "uses its certificate"
    ),
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/metrics_dimensions.html",),
    demanding=True,
)
def devices_refused_unseen(site: Site) -> Iterator[Finding]:
    if not cares(site):
        return
    names = {str(series.name) for series, _ in telling_series(site)}
    policy = next(iter(site.all("AWS::IoT::Policy")), None)
    if policy is not None and not names & {"PublishIn.AuthError", "Connect.AuthError"}:
        yield found(policy, policy=policy)


@rule(
    "W9603",
    cause=(
        "RDS says nothing of {database} to anybody: no rule and no subscription hears of its "
        "fail-overs, failures and low storage"
    ),
    remedy="add a rule on RDS DB Instance Event, or an AWS::RDS::EventSubscription",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html",),
    demanding=True,
)
def a_database_whose_events_nobody_hears(site: Site) -> Iterator[Finding]:
    if not cares(site) or any(site.all("AWS::RDS::EventSubscription")):
        return
    if any("aws.rds" in pattern.listed("source") for pattern in patterns(site)):
        return
    for database in site.all("AWS::RDS::DBInstance"):
        yield found(database, database=database)


def _hears_failures(pattern: Pattern) -> bool:
    names = pattern.listed("detail", "eventName")
    return "aws.ecs" in pattern.listed("source") and (
        not names or any("FAILED" in name or "IMPAIRED" in name for name in names)
    )


@rule(
    "W9604",
    cause="service {service} takes failed deployments back, and nobody is told",
    remedy="add a rule on SERVICE_DEPLOYMENT_FAILED of ECS Deployment State Change",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html",
    ),
    demanding=True,
)
def a_failed_deployment_that_nobody_hears_of(site: Site) -> Iterator[Finding]:
    if not cares(site) or any(_hears_failures(pattern) for pattern in patterns(site)):
        return
    for service in site.all("AWS::ECS::Service"):
        if (
            str(site.get(service, "DeploymentConfiguration", "DeploymentCircuitBreaker", "Enable")).lower()
            == "true"
        ):
            yield found(service, service=service)
