"""Whether an alarm is whole: statistic, period, number of periods, and that they fit the metric."""

import re
from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_answers import of_series
from rules.families.signals.alarm_series import ALARM, Alarm, Series, alarms, every_series, number
from rules.families.signals.metric_meanings import EVENTS, HIGH, LEVEL, LOW, PERCENT, UNITS, meaning
from rules.families.signals.metric_names import is_namespace
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

CREATE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
EVALUATION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html"
STATISTICS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html"
RECOMMENDED = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"
PLAIN = frozenset({"Average", "Maximum", "Minimum", "SampleCount", "Sum"})
EXTENDED = re.compile(r"(p|tm|wm|tc|ts)\d{1,2}(\.\d+)?|p100|IQM|(TM|WM|PR|TC|TS)\([^()]*\)")
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
        given = [number(one.period) for one in (*alarm.series, *alarm.expressions)]
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
    "E9636",
    cause="{watcher} wants {stat} of {metric}, which is no statistic",
    remedy="use Average, Maximum, Minimum, SampleCount or Sum, or an extended one such as p99",
    sources=(STATISTICS,),
)
def a_statistic_that_there_is_not(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        stat = series.stat
        if not isinstance(stat, str) or not series.whole:
            continue
        if stat not in PLAIN and not EXTENDED.fullmatch(stat):
            yield _stat(series)


def _stat(series: Series, **more: object) -> Finding:
    simple = series.resource.kind == ALARM and series.path == ()
    return found(
        series.resource,
        *(("Statistic",) if simple else series.place("Stat")),
        watcher=series.resource,
        stat=series.stat,
        metric=series.name,
        **more,
    )


@rule(
    "W9637",
    cause="{watcher} takes the {stat} of {metric}, and {why}",
    remedy="use {better}",
    sources=(STATISTICS, RECOMMENDED),
)
def a_statistic_that_says_something_else(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        why = _misfit(series)
        if why:
            yield _stat(series, why=why[0], better=why[1])


def _misfit(series: Series) -> tuple[str, str] | None:
    meant = meaning(series.namespace, series.name)
    stat = str(series.stat).capitalize() if str(series.stat).isupper() else series.stat
    stat = {"Avg": "Average", "Max": "Maximum", "Min": "Minimum", "Count": "SampleCount"}.get(str(stat), stat)
    if meant is None or not isinstance(stat, str):
        return None
    alarming = series.resource.kind == ALARM
    if stat == "SampleCount" and meant.kind != EVENTS:
        return "that is how often it was measured", "Average, Maximum or Minimum"
    if stat == "SampleCount" and series.namespace not in (
        "AWS/ApplicationELB",
        "AWS/ApiGateway",
        "AWS/Kinesis",
        "AWS/Lambda",
    ):
        return "that is how often it was reported, zeros too", "Sum"
    if stat == "Sum" and meant.kind == PERCENT:
        return "hundred percent twice is no two hundred", "Average or Maximum"
    if stat == "Sum" and meant.kind != EVENTS and not (meant.kind == "bytes" and meant.bad == "either"):
        return (
            "it is a level: its sum grows with the number of points",
            "Maximum" if meant.bad == HIGH else "Minimum",
        )
    if stat == "Minimum" and meant.bad == HIGH and alarming and not series.id:
        return (
            "one good moment in a period hides all bad ones",
            "Sum" if meant.kind == EVENTS else "Maximum or Average",
        )
    if stat == "Maximum" and meant.bad == LOW and alarming and (meant.beat or not series.id):
        return "one good moment in a period hides all bad ones", "Minimum or Average"
    if (
        alarming
        and meant.kind == EVENTS
        and stat in ("Average", "Maximum", "Minimum")
        and series.namespace in SINGLE
    ):
        return "each point is a number of events: what happened is their sum", "Sum"
    return None


# Where an average is no rate: the services that publish a rate under the same name are not here.
SINGLE = frozenset({"AWS/Events", "AWS/IoT", "AWS/NATGateway", "AWS/Lambda", "AWS/ElastiCache", "AWS/SNS"})


@rule(
    "E9638",
    cause="{watcher} wants {metric} in {unit}, and it is published in {published}: there is no such data",
    remedy="leave Unit out",
    sources=(CREATE,),
)
def a_unit_in_which_nobody_publishes(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        meant = of_series(series)
        if meant is None or not isinstance(series.unit, str):
            continue
        published = UNITS[meant.kind]
        if series.unit not in published and not (
            meant.kind == LEVEL and series.unit in ("Count/Second", "Count")
        ):
            yield found(
                series.resource,
                *series.place("Unit"),
                watcher=series.resource,
                metric=series.name,
                unit=series.unit,
                published=" or ".join(sorted(published)),
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
