"""Whether an alarm's threshold can be reached, is reached always, and says what is bad."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_answers import DOWNWARDS, UPWARDS, at, judged_bad, of_series, rings
from rules.families.signals.alarm_series import Alarm, Series, alarms
from rules.families.signals.metric_meanings import (
    BYTES,
    HIGH,
    LEVEL,
    LOW,
    MILLISECONDS,
    PERCENT,
    SECONDS,
    Meaning,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

CREATE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
RECOMMENDED = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"


@rule(
    "E9610",
    cause="alarm {alarm} rings when {what} is well and is silent when it is bad ({operator} {threshold})",
    remedy="turn the comparison or the expression round: {bad}",
    sources=(RECOMMENDED, CREATE),
)
def an_alarm_that_rings_when_all_is_well(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        if not judged_bad(alarm) or scaling_only(site, alarm):
            continue
        best, worst = at(alarm, worst=False), at(alarm, worst=True)
        if best is None or worst is None or _idle(alarm):
            continue
        if rings(alarm, worst) is False and rings(alarm, best) is True:
            yield found(
                alarm.resource,
                "ComparisonOperator",
                alarm=alarm.resource,
                what=", ".join(dict.fromkeys(str(series.name) for series in alarm.series)),
                operator=alarm.operator,
                threshold=_plain(alarm.threshold),
                bad="; ".join(dict.fromkeys(_bad(series) for series in alarm.series if _bad(series))),
            )


def _idle(alarm: Alarm) -> bool:
    """Asks whether anything happens at all, which is a question of its own."""
    meant = [of_series(series) for series in alarm.series]
    return (
        alarm.operator in DOWNWARDS
        and alarm.threshold is not None
        and alarm.threshold <= 1
        and all(one is not None and one.kind == LEVEL and not one.top for one in meant)
        and all(
            series.name in ("DatabaseConnections", "CurrConnections", "ConcurrentExecutions")
            for series in alarm.series
        )
    )


def _bad(series: Series) -> str:
    meant = of_series(series)
    return (
        f"{series.name} is bad when it is {meant.bad}"
        if meant is not None and meant.bad in (HIGH, LOW)
        else ""
    )


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if abs(number) < 1e6 else f"{number:.0f}"


@rule(
    "E9611",
    cause="alarm {alarm} never rings: {metric} never is {operator} {threshold}",
    remedy="give a threshold within what the metric can be: {range}",
    sources=(CREATE, RECOMMENDED),
)
def a_threshold_that_nothing_reaches(site: Site) -> Iterator[Finding]:
    for alarm, series, meant in _single(site):
        least, most = _range(meant)
        low, high = rings(alarm, {series.id: least}), rings(alarm, {series.id: most})
        if low is False and high is False:
            yield _of(alarm, series, meant)
    for alarm, quiet, bad in _together(site):
        if quiet is False and bad is False and not _by_one_alone(alarm):
            yield _of_math(alarm)


@rule(
    "E9612",
    cause="alarm {alarm} always rings: {metric} always is {operator} {threshold}",
    remedy="give a threshold within what the metric can be: {range}",
    sources=(CREATE, RECOMMENDED),
)
def a_threshold_that_everything_reaches(site: Site) -> Iterator[Finding]:
    for alarm, series, meant in _single(site):
        least, most = _range(meant)
        if rings(alarm, {series.id: least}) and rings(alarm, {series.id: most}):
            yield _of(alarm, series, meant)
    for alarm, quiet, bad in _together(site):
        if quiet and bad:
            yield _of_math(alarm)


def _together(site: Site) -> Iterator[tuple[Alarm, bool | None, bool | None]]:
    """What each alarm on several series answers when all is well, and when all is bad."""
    for alarm in alarms(site):
        best, worst = at(alarm, worst=False), at(alarm, worst=True)
        if (
            best is not None
            and worst is not None
            and alarm.expressions
            and judged_bad(alarm)
            and alarm.series
        ):
            yield alarm, rings(alarm, best), rings(alarm, worst)


def _by_one_alone(alarm: Alarm) -> bool:
    """Whether it rings where one of its metrics is bad, and not the others."""
    mixed = (at(alarm, worst=worst, except_for=one.id) for one in alarm.series for worst in (False, True))
    return any(rings(alarm, given) is not False for given in mixed if given is not None)


def _of_math(alarm: Alarm) -> Finding:
    return found(
        alarm.resource,
        "Threshold",
        alarm=alarm.resource,
        metric="what it makes of " + ", ".join(dict.fromkeys(str(series.name) for series in alarm.series)),
        operator=alarm.operator,
        threshold=_plain(alarm.threshold),
        range="between what it is when all is well and when all is bad",
    )


def _single(site: Site) -> Iterator[tuple[Alarm, Series, Meaning]]:
    for alarm in alarms(site):
        if len(alarm.series) == 1 and not alarm.expressions:
            meant = of_series(alarm.series[0])
            if meant is not None:
                yield alarm, alarm.series[0], meant


def _range(meant: Meaning) -> tuple[float, float]:
    return 0.0, 100.0 if meant.kind == PERCENT else meant.top or 1e18


def _of(alarm: Alarm, series: Series, meant: Meaning) -> Finding:
    least, most = _range(meant)
    text = f"{least:g} to {most:g}" if most < 1e18 else f"{least:g} and more, in {meant.kind}"
    return found(
        alarm.resource,
        "Threshold",
        alarm=alarm.resource,
        metric=series.name,
        operator=alarm.operator,
        threshold=_plain(alarm.threshold),
        range=text,
    )


LAGS = ("IteratorAge", "IteratorAgeMilliseconds", "MillisBehindLatest")
MEBIBYTE = 1024 * 1024


@rule(
    "W9613",
    cause="alarm {alarm} compares {metric} with {threshold}, and the metric is in {kind}",
    remedy="give the threshold in {kind}; {hint}",
    sources=(CREATE, RECOMMENDED),
)
def a_threshold_in_another_unit(site: Site) -> Iterator[Finding]:
    for alarm, series, meant in _single(site):
        hint = _other_unit(alarm, series, meant)
        if hint:
            yield found(
                alarm.resource,
                "Threshold",
                alarm=alarm.resource,
                metric=series.name,
                threshold=_plain(alarm.threshold),
                kind=meant.kind,
                hint=hint,
            )


def _other_unit(alarm: Alarm, series: Series, meant: Meaning) -> str:
    limit = alarm.threshold
    if limit is None or limit < 0 or (limit == 0 and meant.kind != PERCENT):
        return ""
    upwards = alarm.operator in UPWARDS
    hints = (
        (
            meant.kind == MILLISECONDS and str(series.name).endswith(LAGS) and limit < 1000,
            "a reader that asks once a second is always that far behind: 60000 is a minute",
        ),
        (meant.kind == BYTES and meant.bad == LOW and limit < MEBIBYTE, "1073741824 is one GiB"),
        (
            meant.kind == SECONDS and str(series.name).endswith(WAITS) and limit >= 100,
            "a tenth of a second is 0.1",
        ),
        (meant.kind == PERCENT and 0 < limit < 1, "a half is 50"),
        (meant.kind == PERCENT and meant.bad == HIGH and upwards and limit <= 5, "so little is everyday"),
        (
            series.name == "MaximumUsedTransactionIDs" and upwards and limit < EVERYDAY_IDS,
            "vacuum begins its work at 200 million, so that many are everyday",
        ),
    )
    return next((hint for holds, hint in hints if holds), "")


WAITS = ("Latency", "ResponseTime")
EVERYDAY_IDS = 250e6


@rule(
    "W9614",
    cause=(
        "alarm {alarm} lets {threshold} {metric} pass before it rings, and each one is something that failed"
    ),
    remedy="use GreaterThanThreshold with 0, or with few enough that somebody can still look at each",
    sources=(RECOMMENDED,),
    demanding=True,
)
def an_alarm_that_lets_many_failures_pass(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        series = alarm.series[0] if alarm.series else None
        meant = of_series(series) if series is not None else None
        if series is None or meant is None or str(series.namespace).endswith("ELB") or not meant.counts:
            continue  # behind a load balancer a thousandth of all requests may be as many
        if meant.bad == HIGH and alarm.operator in UPWARDS and (alarm.threshold or 0) > 1000:
            yield found(
                alarm.resource,
                "Threshold",
                alarm=alarm.resource,
                metric=series.name,
                threshold=_plain(alarm.threshold),
            )
