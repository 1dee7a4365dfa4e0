"""Whether an alarm is whole: statistic, period, number of periods, and that they fit the metric."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_answers import of_series
from rules.families.signals.alarm_series import ALARM, Alarm, Series, alarms, number
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.metric_names import is_namespace
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

CREATE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
EVALUATION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html"
DAY, WEEK, HOUR = 86400, 604800, 3600


@rule(
    "E9630",
    cause="alarm {alarm} lacks {missing}",
    remedy=(
        "an alarm on one metric says MetricName, Namespace, Period, Threshold and a statistic; "
        "one on queries says Metrics and Threshold"
    ),
    sources=(CREATE,),
)
def an_alarm_that_says_too_little(site: Site) -> Iterator[Finding]:
    for resource in site.all(ALARM):
        has = site.properties(resource)
        wanted = ["ComparisonOperator", "EvaluationPeriods"]
        if "ThresholdMetricId" not in has:
            wanted.append("Threshold")
        if "Metrics" not in has:
            wanted += ["MetricName", "Namespace", "Period"]
        missing = [name for name in wanted if name not in has]
        if "Metrics" not in has and not {"Statistic", "ExtendedStatistic"} & has.keys():
            missing.append("Statistic")
        if missing:
            yield found(resource, alarm=resource, missing=", ".join(missing))


@rule(
    "E9631",
    cause="alarm {alarm} gives both {one} and {other}",
    remedy="keep one of them: an alarm is on one metric with one statistic, or on queries",
    sources=(CREATE,),
)
def an_alarm_that_says_two_things(site: Site) -> Iterator[Finding]:
    for resource in site.all(ALARM):
        has = site.properties(resource)
        for one, other in (
            ("Metrics", "MetricName"),
            ("Statistic", "ExtendedStatistic"),
            ("Threshold", "ThresholdMetricId"),
        ):
            if one in has and other in has:
                yield found(resource, other, alarm=resource, one=one, other=other)


@rule(
    "E9632",
    cause="{watcher} looks at {metric} every {period} s, and {why}",
    remedy="use a period of {allowed}",
    sources=(CREATE, EVALUATION),
)
def a_period_that_the_metric_does_not_have(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        period = number(series.period)
        if period is None:
            continue
        why = _period(series, period)
        if why:
            yield found(
                series.resource,
                *series.place("Period"),
                watcher=series.resource,
                metric=series.name,
                period=f"{period:g}",
                why=why[0],
                allowed=why[1],
            )


def _period(series: Series, period: float) -> tuple[str, str] | None:
    """Why not, and what instead."""
    if period not in (10, 20, 30) and (period <= 0 or period % 60):
        return "a period is 10, 20, 30 or a multiple of 60", "60 s or a multiple of it"
    if period < 60 and is_namespace(str(series.namespace)):
        return "services publish once a minute", "60 s or a multiple of it"
    meant = of_series(series)
    if meant is not None and period < meant.resolution:
        return f"it is published every {meant.resolution} s", f"{meant.resolution} s or a multiple of it"
    return None


@rule(
    "E9633",
    cause="alarm {alarm} evaluates {periods} periods of {period} s, and an alarm looks back {most} at most",
    remedy="lower EvaluationPeriods or Period: a day with periods under an hour, a week with longer ones",
    sources=(CREATE,),
)
def an_alarm_that_looks_back_too_far(site: Site) -> Iterator[Finding]:
    for alarm, period in _windows(site):
        most = WEEK if period >= HOUR else DAY
        if alarm.periods is not None and alarm.periods * period > most:
            yield found(
                alarm.resource,
                "EvaluationPeriods",
                alarm=alarm.resource,
                periods=f"{alarm.periods:g}",
                period=f"{period:g}",
                most="a week" if most == WEEK else "a day",
            )


def _windows(site: Site) -> Iterator[tuple[Alarm, float]]:
    """Each alarm with its longest period."""
    for alarm in alarms(site):
        given = [number(one.period) for one in alarm.series]
        given += [number(one.period) for one in alarm.expressions]
        lengths = [one for one in given if one is not None]
        if lengths:
            yield alarm, max(lengths)


@rule(
    "W9634",
    cause="alarm {alarm} rings {hours} h after {metric} goes bad",
    remedy="lower EvaluationPeriods, so that somebody is told while it matters",
    sources=(EVALUATION,),
)
def an_alarm_that_rings_too_late(site: Site) -> Iterator[Finding]:
    for alarm, period in _windows(site):
        points = alarm.points or alarm.periods or 0
        if points >= 2 and points * period > 3 * HOUR and alarm.series and not scaling_only(site, alarm):
            metric = alarm.series[0].name
            yield found(
                alarm.resource,
                "EvaluationPeriods",
                alarm=alarm.resource,
                hours=f"{points * period / HOUR:.1f}",
                metric=metric,
            )


@rule(
    "E9635",
    cause="alarm {alarm} wants {points} of {periods} points to be bad",
    remedy="let DatapointsToAlarm be at least 1 and at most EvaluationPeriods",
    sources=(CREATE, EVALUATION),
)
def more_bad_points_than_there_are(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        few = alarm.periods is not None and alarm.periods < 1
        if few or (
            alarm.points is not None and alarm.periods is not None and not 1 <= alarm.points <= alarm.periods
        ):
            yield found(
                alarm.resource,
                "EvaluationPeriods" if few else "DatapointsToAlarm",
                alarm=alarm.resource,
                points=f"{alarm.points or 0:g}",
                periods=f"{alarm.periods:g}",
            )


@rule(
    "W9639",
    cause="alarms {one} and {other} watch the same and ring at the same: {metric}",
    remedy="have each watch a resource of its own, or remove one",
    sources=(CREATE,),
)
def two_alarms_that_are_one(site: Site) -> Iterator[Finding]:
    seen: dict[str, Alarm] = {}
    for alarm in alarms(site):
        series = [(one.namespace, one.name, one.dimensions, one.stat, one.period) for one in alarm.series]
        texts = [one.text for one in alarm.expressions]
        what = repr((series, texts, alarm.operator, alarm.threshold, alarm.periods, alarm.actions))
        if not alarm.series or not known([site.properties(alarm.resource)]):
            continue
        first = seen.setdefault(what, alarm)
        if first is not alarm:
            yield found(alarm.resource, one=alarm.resource, other=first.resource, metric=alarm.series[0].name)
