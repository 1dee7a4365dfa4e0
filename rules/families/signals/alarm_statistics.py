"""Statistics and units: that there are such, and that they say what is bad."""

import re
from collections.abc import Iterator

from rules.families.signals.alarm_answers import is_age, of_series
from rules.families.signals.alarm_series import ALARM, Series
from rules.families.signals.alarm_shapes import CREATE
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.metric_meanings import (
    BYTES,
    EITHER,
    EVENTS,
    HIGH,
    LEVEL,
    LOW,
    PERCENT,
    UNITS,
    Meaning,
    meaning,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

STATISTICS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html"
RECOMMENDED = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"
PLAIN = frozenset({"Average", "Maximum", "Minimum", "SampleCount", "Sum"})
EXTENDED = re.compile(r"(p|tm|wm|tc|ts)\d{1,2}(\.\d+)?|p100|IQM|(TM|WM|PR|TC|TS)\([^()]*\)")


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
    demanding=True,
)
def a_statistic_that_says_something_else(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        why = _misfit(series)
        if why:
            yield _stat(series, why=why[0], better=why[1])


def _misfit(series: Series) -> tuple[str, str] | None:
    """Why a statistic says something else, and what says it instead."""
    meant = meaning(series.namespace, series.name)
    stat = str(series.stat)
    stat = SHORT.get(stat.upper(), stat)
    if is_age(series) and stat in ("Sum", "SampleCount"):
        return "an age is no number of things", "Maximum or Minimum"
    if meant is None:
        return None
    counted = _counted(series, meant, stat)
    return counted if counted is not None or series.resource.kind != ALARM else _hidden(series, meant, stat)


WAITING = ("IteratorAge", "IteratorAgeMilliseconds", "MillisBehindLatest", "AgeOfOldestMessage")
# As queries write them.
SHORT = {"AVG": "Average", "MAX": "Maximum", "MIN": "Minimum", "COUNT": "SampleCount", "SUM": "Sum"}
# Where the number of reports is the number of requests.
REPORTING = ("AWS/ApplicationELB", "AWS/ApiGateway", "AWS/Kinesis", "AWS/Lambda")


def _counted(series: Series, meant: Meaning, stat: str) -> tuple[str, str] | None:
    if stat == "SampleCount" and meant.kind != EVENTS:
        return "that is how often it was measured", "Average, Maximum or Minimum"
    if stat == "SampleCount" and (series.namespace not in REPORTING or meant.bad == HIGH):
        return "that is how often it was reported, zeros too", "Sum"
    if stat == "Sum" and meant.kind == PERCENT:
        return "hundred percent twice is no two hundred", "Average or Maximum"
    if stat == "Sum" and meant.kind != EVENTS and not (meant.kind == BYTES and meant.bad == EITHER):
        better = "Maximum" if meant.bad == HIGH else "Minimum"
        return "it is a level: its sum grows with the number of points", better
    return None


def _hidden(series: Series, meant: Meaning, stat: str) -> tuple[str, str] | None:
    checked = str(series.name).startswith("StatusCheck")  # a machine is recovered when all checks fail
    if stat == "Minimum" and meant.bad == HIGH and not series.id and not checked:
        better = "Sum" if meant.kind == EVENTS else "Maximum or Average"
        return "one good moment in a period hides all bad ones", better
    if stat == "Average" and str(series.name).endswith(WAITING):
        return "one shard or message that waits is lost among all that do not", "Maximum"
    if stat == "Maximum" and meant.bad == LOW and (meant.beat or not series.id):
        return "one good moment in a period hides all bad ones", "Minimum or Average"
    counted = series.namespace in SINGLE or series.name == "IncomingRecords"
    if meant.kind == EVENTS and stat in ("Average", "Maximum", "Minimum") and counted:
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
