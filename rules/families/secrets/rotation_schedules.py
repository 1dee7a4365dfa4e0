"""Rotation exists and runs in time: one schedule a login, a real expression, a window that fits."""

from collections.abc import Iterator
from datetime import timedelta

from rules.families.secrets.logins import (
    ATTACHMENT,
    SCHEDULE,
    SECRET,
    all_schedules_followed,
    is_login,
    meant,
    schedules,
)
from rules.families.secrets.timing import BadExpression, hours, timing
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html"
EXPRESSIONS = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html"
RULES = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html"
ROTATE = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html"
OFTEN_ENOUGH = timedelta(days=30)
A_MONTH = timedelta(days=35)  # from the first Sunday of one month to that of the next


@rule(
    "E9300",
    cause="{secret} is a login to a database, and no RotationSchedule rotates it",
    remedy="give it an AWS::SecretsManager::RotationSchedule, at most 30 days apart",
    sources=(CONTROLS,),
    demanding=True,
)
def a_login_that_never_rotates(site: Site) -> Iterator[Finding]:
    if all_schedules_followed(site):
        for secret in site.all(SECRET):
            if is_login(site, secret) and not schedules(site, secret):
                yield Finding(secret, (), {"secret": secret})


@rule(
    "W9301",
    cause="{secret} may keep its password for {days} days",
    remedy="rotate it every 30 days or more often",
    sources=(CONTROLS, EXPRESSIONS),
    demanding=True,
)
def a_rotation_too_rare(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        secret = meant(site, site.get(schedule, "SecretId")) or schedule
        days = site.get(schedule, "RotationRules", "AutomaticallyAfterDays")
        if str(days).isdigit() and int(str(days)) > OFTEN_ENOUGH.days:
            yield found(schedule, "RotationRules", "AutomaticallyAfterDays", secret=secret, days=days)
        expression = site.get(schedule, "RotationRules", "ScheduleExpression")
        if isinstance(expression, str):
            try:
                longest = timing(expression).interval
            except BadExpression:
                continue
            allowed = A_MONTH if expression.strip().startswith("cron") else OFTEN_ENOUGH
            if longest > allowed:
                yield found(schedule, "RotationRules", "ScheduleExpression", secret=secret, days=longest.days)


@rule(
    "E9302",
    cause="the ScheduleExpression {expression} {wrong}",
    remedy="write rate(30 days), or cron(0 2 1 * ? *): minutes 0, hours, day of month, month, day of week, *",
    sources=(EXPRESSIONS,),
)
def an_expression_that_is_none(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        expression = site.get(schedule, "RotationRules", "ScheduleExpression")
        if expression is None or not known(expression):
            continue
        try:
            timing(str(expression))
        except BadExpression as wrong:
            yield found(
                schedule, "RotationRules", "ScheduleExpression", expression=expression, wrong=str(wrong)
            )


@rule(
    "E9303",
    cause="the rotation window, {duration} long, {wrong}",
    remedy="write whole hours, such as 2h, that end before the next window and before midnight UTC",
    sources=(RULES, EXPRESSIONS),
)
def a_window_that_does_not_fit(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        duration = site.get(schedule, "RotationRules", "Duration")
        wrong = "" if duration is None or not known(duration) else _misfit(site, schedule, str(duration))
        if wrong:
            yield found(schedule, "RotationRules", "Duration", duration=duration, wrong=wrong)


def _misfit(site: Site, schedule: Resource, duration: str) -> str:
    length = hours(duration)
    if length is None:
        return "is no number of hours"
    if length > 24:
        return "is longer than a day"
    expression = site.get(schedule, "RotationRules", "ScheduleExpression")
    try:
        when = timing(expression) if isinstance(expression, str) else None
    except BadExpression:
        when = None
    if when is None:
        return ""
    if timedelta(hours=length) > when.shortest:
        return "reaches into the next window"
    if any(start + length > 24 for start in when.starts):
        return "reaches into the next day"
    return ""


@rule(
    "E9304",
    cause="the rotation rules have both AutomaticallyAfterDays and ScheduleExpression, and take one",
    remedy="keep the ScheduleExpression",
    sources=(RULES,),
)
def a_schedule_said_twice(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        rules = site.get(schedule, "RotationRules")
        if isinstance(rules, dict) and {"AutomaticallyAfterDays", "ScheduleExpression"} <= rules.keys():
            yield found(schedule, "RotationRules", "AutomaticallyAfterDays")


@rule(
    "E9305",
    cause="{schedule} says how to rotate, and not when",
    remedy="set RotationRules.ScheduleExpression, such as rate(30 days)",
    sources=(RULES, EXPRESSIONS),
)
def a_schedule_without_a_time(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        rules = site.get(schedule, "RotationRules")
        if rules is None or (isinstance(rules, dict) and not rules.keys() - {"Duration"}):
            yield found(schedule, "RotationRules", schedule=schedule)


@rule(
    "E9306",
    cause="{schedule} rotates {secret}, which {other} rotates as well, and a secret has one rotation",
    remedy="keep one of the two",
    sources=(ROTATE,),
)
def two_schedules_for_one_secret(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        first, *others = schedules(site, secret) or [secret]
        for other in others:
            yield found(other, "SecretId", schedule=other, secret=secret, other=first)


@rule(
    "E9307",
    cause="{schedule} rotates {what}, which is no secret of this account's own making",
    remedy="let SecretId refer to the AWS::SecretsManager::Secret that the application reads; RDS itself "
    "rotates the one that it manages",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html", ROTATE),
)
def a_schedule_of_what_is_no_secret(site: Site) -> Iterator[Finding]:
    for schedule in site.all(SCHEDULE):
        named = site.target(site.get(schedule, "SecretId"))
        # A managed secret may be given a period of its own, but no function.
        managed = named is not None and named.kind.startswith("AWS::RDS::")
        function = site.get(schedule, "RotationLambdaARN") or site.get(schedule, "HostedRotationLambda")
        if named is not None and named.kind not in (SECRET, ATTACHMENT) and (not managed or function):
            yield found(schedule, "SecretId", schedule=schedule, what=site.get(schedule, "SecretId"))
