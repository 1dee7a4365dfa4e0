"""Alarms against their like: on the nodes of one group, of the dashboard, of one composite."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_series import COMPOSITE, Alarm, Series, alarms, number
from rules.families.signals.dashboard_series import widgets
from rules.families.signals.dead_letters import dead_letter_queues
from rules.families.signals.event_patterns import RULE
from rules.families.signals.event_targets import minutes
from rules.families.signals.metric_names import is_namespace
from rules.families.signals.watched_resources import member, subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known, references

CREATE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
DEAD = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html"
ALIKE = {
    "Threshold": "threshold",
    "ComparisonOperator": "operator",
    "TreatMissingData": "missing",
    "EvaluationPeriods": "periods",
    "DatapointsToAlarm": "points",
}


@rule(
    "W9631",
    cause=(
        "alarms {one} and {other} watch {metric} of two nodes of one group, and differ in "
        "{property}: {here} and {there}"
    ),
    remedy="give both the same {property}: whichever node is primary does the work",
    sources=(CREATE,),
)
def nodes_of_one_group_watched_differently(site: Site) -> Iterator[Finding]:
    first: dict[str, Alarm] = {}
    for alarm in alarms(site):
        if len(alarm.series) != 1:
            continue
        series = alarm.series[0]
        groups = [_group(value) for _, value in series.dimensions or ()]
        group = next((one for one in groups if one is not None), None)
        if group is None:
            continue
        other = first.setdefault(f"{group} {series.namespace} {series.name}", alarm)
        for name, here, there in _differing(alarm, other):
            yield found(
                alarm.resource,
                name,
                one=alarm.resource,
                other=other.resource,
                metric=series.name,
                property=name,
                here=here,
                there=there,
            )


def _group(value: object) -> Resource | None:
    node = member(value)  # type: ignore[arg-type]
    if node is not None:
        return node[0]
    return None


def _differing(one: Alarm, other: Alarm) -> Iterator[tuple[str, object, object]]:
    if one is other:
        return
    for name, field in ALIKE.items():
        here, there = getattr(one, field), getattr(other, field)
        if here != there:
            yield name, here, there
            return
    for name, here, there in (
        ("Statistic", one.series[0].stat, other.series[0].stat),
        ("Period", one.series[0].period, other.series[0].period),
    ):
        if here != there:
            yield name, here, there


@rule(
    "W9632",
    cause=(
        "alarm {alarm} watches {metric} of {value}, which dashboard {dashboard} does not show, "
        "though it shows that of {shown}"
    ),
    remedy="have both on the same resource, or add it to the widget",
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html",),
    demanding=True,
)
def an_alarm_beside_what_the_dashboard_shows(site: Site) -> Iterator[Finding]:
    shown: dict[str, list[Series]] = {}
    for widget in widgets(site):
        for series in widget.series:
            shown.setdefault(_metric(series), []).append(series)
    for alarm in alarms(site):
        for series in alarm.series:
            its = shown.get(_metric(series), [])
            if not series.dimensions or not its or not _clear(series) or not all(map(_clear, its)):
                continue
            if not any(_covers(one, series) for one in its):
                yield found(
                    alarm.resource,
                    *series.place("Dimensions"),
                    alarm=alarm.resource,
                    metric=series.name,
                    value=", ".join(str(value) for _, value in series.dimensions),
                    dashboard=its[0].resource,
                    shown=", ".join(str(value) for _, value in its[0].dimensions or ()),
                )


def _metric(series: Series) -> str:
    return repr((series.namespace, series.name))


def _clear(series: Series) -> bool:
    return all(known(value) for _, value in series.dimensions or ())


def _covers(shown: Series, watched: Series) -> bool:
    """The same dimensions, or fewer."""
    return {repr(pair) for pair in shown.dimensions or ()} <= {
        repr(pair) for pair in watched.dimensions or ()
    } or (len(shown.dimensions or ()) != len(watched.dimensions or ()))


@rule(
    "W9633",
    cause=(
        "composite alarm {composite} looks at {member}, and not at {other}, which rings earlier "
        "or later on the same {metric}"
    ),
    remedy="add it to the rule",
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html",),
    demanding=True,
)
def a_composite_alarm_that_leaves_its_like_out(site: Site) -> Iterator[Finding]:
    every = [one for one in alarms(site) if len(one.series) == 1 and not scaling_only(site, one)]
    for composite in site.all(COMPOSITE):
        members = {one.resource for one in references(site.get(composite, "AlarmRule"))}
        inside = [one for one in every if one.resource in members]
        for alarm in every:
            if alarm.resource in members or alarm.resource.stack != composite.stack:
                continue
            like = next((one for one in inside if _same(one.series[0], alarm.series[0])), None)
            if like is not None and like.operator == alarm.operator:
                yield found(
                    composite,
                    "AlarmRule",
                    composite=composite,
                    member=like.resource,
                    other=alarm.resource,
                    metric=alarm.series[0].name,
                )


def _same(one: Series, other: Series) -> bool:
    return _metric(one) == _metric(other) and repr(one.dimensions) == repr(other.dimensions)


@rule(
    "W9635",
    cause=(
        "alarm {alarm} lets {threshold} messages lie in {queue}, where {source} sets aside what "
        "it could not deliver"
    ),
    remedy="ring above 0: each of them is something lost for now",
    sources=(DEAD,),
    demanding=True,
)
def many_dead_letters_before_anybody_hears(site: Site) -> Iterator[Finding]:
    aside = dead_letter_queues(site)
    for alarm in alarms(site):
        for series in alarm.series:
            if series.name != "ApproximateNumberOfMessagesVisible" or (alarm.threshold or 0) <= 100:
                continue
            for queue in subjects(site, series).values():
                if queue in aside:
                    yield found(
                        alarm.resource,
                        "Threshold",
                        alarm=alarm.resource,
                        threshold=f"{alarm.threshold:.0f}",
                        queue=queue,
                        source=aside[queue],
                    )


@rule(
    "W9636",
    cause=(
        "alarm {alarm} waits for the first message in {queue}, and nothing of this tree sets "
        "anything aside there, as {source} does in {other}"
    ),
    remedy=(
        "name the queue where something fails (DeadLetterConfig, RedrivePolicy, ErrorAction), or "
        "take both out"
    ),
    sources=(DEAD,),
    demanding=True,
)
def an_alarm_on_a_queue_that_stays_empty(site: Site) -> Iterator[Finding]:
    aside = dead_letter_queues(site)
    for alarm in alarms(site):
        for series in alarm.series:
            first = series.name == "ApproximateNumberOfMessagesVisible" and alarm.threshold == 0
            for queue in subjects(site, series).values() if first and aside else ():
                consumers = site.uses(
                    queue,
                    "AWS::Lambda::EventSourceMapping",
                    "AWS::Serverless::Function",
                    "AWS::ECS::TaskDefinition",
                )
                writers = site.uses(queue, "AWS::SNS::Subscription", RULE)
                if queue.kind == "AWS::SQS::Queue" and queue not in aside and not consumers and not writers:
                    other, source = next(iter(aside.items()))
                    yield found(
                        alarm.resource,
                        *series.place("Dimensions"),
                        alarm=alarm.resource,
                        queue=queue,
                        source=source,
                        other=other,
                    )


@rule(
    "W9638",
    cause=(
        "alarm {alarm} rings for want of {metric} after {window} minutes, and {schedule} has it "
        "measured every {every}"
    ),
    remedy="let Period times EvaluationPeriods be longer than the time between two measurements",
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",),
)
def an_alarm_more_impatient_than_its_metric(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for series in alarm.series if alarm.missing == "breaching" else ():
            period, periods = number(series.period), alarm.points
            if is_namespace(str(series.namespace)) or period is None or periods is None:
                continue
            for schedule, every in _measuring(site, series):
                if period * periods < every * 60:
                    yield found(
                        alarm.resource,
                        "Period",
                        alarm=alarm.resource,
                        metric=series.name,
                        window=f"{period * periods / 60:g}",
                        schedule=schedule,
                        every=f"{every:g} minutes",
                    )


def _measuring(site: Site, series: Series) -> Iterator[tuple[Resource, float]]:
    """The scheduled rules that hand on what the series is about."""
    about = {value.resource for _, value in series.dimensions or () if isinstance(value, Reference)}
    for one in site.all(RULE):
        every = minutes(site.get(one, "ScheduleExpression"))
        given = {
            reference.resource
            for target in site.items(one, "Targets")
            if isinstance(target, dict)
            for reference in references(target.get("Input"))
        }
        if every is not None and about & given:
            yield one, every
