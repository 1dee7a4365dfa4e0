"""Alarms beside what makes their figures: schedules that call functions, and rotations that end an age."""

import re
from collections.abc import Iterator

from rules.families.secrets.logins import SCHEDULE as ROTATION
from rules.families.secrets.timing import BadExpression, timing
from rules.families.signals.alarm_answers import UPWARDS, is_age
from rules.families.signals.alarm_series import ALARM, COMPOSITE, Alarm, Series, alarms, number
from rules.families.signals.alarm_shapes import EVALUATION
from rules.families.signals.alarm_silence import CALM
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import NESTED, Resource
from topology.values import references

RULE, SCHEDULE, FUNCTION = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"
EXPRESSIONS = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html"
ASYNCHRONOUS = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"
CALLING = ("events.amazonaws.com", "scheduler.amazonaws.com", "secretsmanager.amazonaws.com")
# What names a function and calls it not.
SILENT = frozenset(
    {
        ALARM,
        COMPOSITE,
        NESTED,
        PERMISSION,
        "AWS::CloudWatch::Dashboard",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Logs::LogGroup",
    }
)
# Lambda tries what was asked of it asynchronously three times: at once, after a minute, two minutes later.
TRIES, SPAN = 3, 180
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)")
CRON = re.compile(r"cron\(\s*(\S+)\s+(\S+)\s+\S+\s+\S+\s+\S+(?:\s+\S+)?\s*\)")
EVERY = re.compile(r"(?:\*|0|\d+)/(\d+)")
DAY = 86400


@rule(
    "W9690",
    cause="alarm {alarm} wants {points} bad points of {period} s in {within}, and {function} is called by "
    "{callers} alone: what fails then makes {most} of them, as a rule",
    remedy="set EvaluationPeriods to 1, or take a period as long as that of the schedule",
    sources=(EVALUATION, ASYNCHRONOUS),
)
def an_alarm_on_more_failures_than_there_are_calls(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        function = _function(site, alarm)
        calls = _calls(site, function) if function is not None else None
        period = number(alarm.series[0].period) if alarm.series else None
        if not calls or period is None or not alarm.points or not alarm.periods:
            continue
        window = alarm.periods * period
        if any(every <= period for every in calls.values()):
            continue  # each period has a call that may fail
        most = max(window // every + 1 for every in calls.values()) * _points_of_a_call(period)
        if alarm.points > most:
            yield found(
                alarm.resource,
                "DatapointsToAlarm" if alarm.points != alarm.periods else "EvaluationPeriods",
                alarm=alarm.resource,
                points=f"{alarm.points:g}",
                period=f"{period:g}",
                within=f"{window / 60:g} minutes",
                function=function,
                callers=" and ".join(map(str, calls)),
                most=f"{most:g}",
            )


def _points_of_a_call(period: float) -> float:
    """In how many periods its tries fall, as a rule."""
    whole, rest = divmod(SPAN, period)
    return min(TRIES, whole + (1 if rest < period / 2 else 2))


def _function(site: Site, alarm: Alarm) -> Resource | None:
    """The function of an alarm on how much fails of it, for which silence is no failure."""
    if len(alarm.series) != 1 or alarm.expressions or alarm.missing != CALM or alarm.operator not in UPWARDS:
        return None
    series = alarm.series[0]
    found_ = subjects(site, series).get("FunctionName")
    of_lambda = series.namespace == "AWS/Lambda" and found_ is not None and found_.kind == FUNCTION
    return found_ if of_lambda else None


def _calls(site: Site, function: Resource) -> dict[Resource, float] | None:
    """Schedule → seconds between its calls; None where something else may call, or nobody knows how often."""
    calls: dict[Resource, float] = {}
    for use in site.uses(function):
        user = use.user
        if user.kind == PERMISSION and site.get(user, "Principal") not in CALLING:
            return None
        if user.kind in SILENT or (
            user.kind.startswith("AWS::IAM::") and not _may_call(site, user, function)
        ):
            continue
        every = _interval(site, user) if user.kind in (RULE, SCHEDULE, ROTATION) else None
        if every is None:
            return None
        calls[user] = every
    return calls


def _may_call(site: Site, holder: Resource, function: Resource) -> bool:
    """Whether a policy lets somebody call it."""
    return holder.address in site.unread_policies or any(
        function in {one.resource for one in references(dict(statement.resolved))}
        and any(action.startswith(("lambda:Invoke", "lambda:*", "*")) for action in statement.actions)
        for policy in site.policies
        if policy.resource == holder
        for statement in policy.statements
    )


def _interval(site: Site, schedule: Resource) -> float | None:
    """The least number of seconds between two calls."""
    if schedule.kind == ROTATION:
        expression = site.get(schedule, "RotationRules", "ScheduleExpression")
        days = number(site.get(schedule, "RotationRules", "AutomaticallyAfterDays"))
        try:
            return timing(str(expression)).shortest.total_seconds() if expression else days and days * DAY
        except BadExpression:
            return None
    if site.get(schedule, "EventPattern") is not None:
        return None
    return seconds_between(str(site.get(schedule, "ScheduleExpression")))


def seconds_between(expression: str) -> float | None:
    """The least between two times of a schedule of EventBridge, as far as it is plain."""
    rate, cron = RATE.fullmatch(expression.strip()), CRON.fullmatch(expression.strip())
    if rate:
        return float(rate[1]) * UNITS[rate[2]]
    if not cron:
        return None
    minutes, hours = cron[1], cron[2]
    if step := EVERY.fullmatch(minutes):
        return float(step[1]) * 60 or None
    if not minutes.isdigit():
        return None
    if step := EVERY.fullmatch(hours):
        return float(step[1]) * 3600 or None
    return DAY if hours.isdigit() else 3600 if hours == "*" else None


AGES = re.compile(r"secret|password|credential|login|rotat", re.IGNORECASE)
LENGTHS = {"milliseconds": 0.001, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}
TWICE = 2


@rule(
    "W9693",
    cause="alarm {alarm} lets {metric} come to {threshold}, and what it measures is renewed every {days} d "
    "by {schedule}",
    remedy="let the threshold be a little more than the period of the rotation, in the unit of the metric",
    sources=(
        EVALUATION,
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html",
    ),
)
def an_age_far_above_the_period_of_its_renewal(site: Site) -> Iterator[Finding]:
    rotations = _rotations(site)
    if not rotations:
        return
    slowest = max(rotations, key=lambda one: rotations[one])
    least, most = min(rotations.values()), rotations[slowest] * TWICE
    for alarm, series, limit in _ages(site):
        units = _units(str(series.name), series.unit)
        fits = any(least <= limit * one <= most for one in units)
        far = min(units) * limit > most or len(units) > 1
        if far and not fits:
            days = f"{rotations[slowest] / DAY:g}"
            parts = {"metric": series.name, "threshold": f"{limit:g}", "days": days, "schedule": slowest}
            yield found(alarm.resource, "Threshold", alarm=alarm.resource, **parts)


@rule(
    "W9691",
    cause="alarm {alarm} rings when {metric} comes to {threshold}, and what it measures is renewed every "
    "{days} d at the soonest, by {schedule}: it rings in the ordinary course",
    remedy="let the threshold be a little more than the period of the rotation",
    sources=(
        EVALUATION,
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html",
    ),
)
def an_age_below_the_period_of_its_renewal(site: Site) -> Iterator[Finding]:
    rotations = _rotations(site)
    if not rotations:
        return
    soonest = min(rotations, key=lambda one: rotations[one])
    for alarm, series, limit in _ages(site):
        units = _units(str(series.name), series.unit)
        if len(units) == 1 and limit * units[0] < rotations[soonest]:
            days = f"{rotations[soonest] / DAY:g}"
            parts = {"metric": series.name, "threshold": f"{limit:g}", "days": days, "schedule": soonest}
            yield found(alarm.resource, "Threshold", alarm=alarm.resource, **parts)


def _rotations(site: Site) -> dict[Resource, float]:
    """Schedule → seconds between its rotations; nothing where one of them is not known."""
    known = {one: every for one in site.all(ROTATION) if (every := _longest(site, one))}
    return known if len(known) == len(list(site.all(ROTATION))) else {}


def _ages(site: Site) -> Iterator[tuple[Alarm, Series, float]]:
    """Alarms on how old something is that is rotated, each with its threshold."""
    for alarm in alarms(site):
        series = alarm.series[0] if len(alarm.series) == 1 and not alarm.expressions else None
        limit = alarm.threshold
        if series is None or limit is None or alarm.operator not in UPWARDS or not is_age(series):
            continue
        if AGES.search(str(series.name)):
            yield alarm, series, limit


def _longest(site: Site, schedule: Resource) -> float | None:
    expression = site.get(schedule, "RotationRules", "ScheduleExpression")
    days = number(site.get(schedule, "RotationRules", "AutomaticallyAfterDays"))
    try:
        return timing(str(expression)).interval.total_seconds() if expression else days and days * DAY
    except BadExpression:
        return None


def _units(name: str, unit: object) -> list[float]:
    """What one of it may be in seconds: by its unit or its name, else any."""
    said = [length for word, length in LENGTHS.items() if str(unit).lower() == word]
    said = said or [length for word, length in LENGTHS.items() if name.lower().endswith(word)]
    return said or list(LENGTHS.values())
