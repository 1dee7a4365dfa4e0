"""Dashboards: a body that can be read, widgets that lie beside each other and show what the alarms watch."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from rules.families.signals.alarm_series import ALARM, COMPOSITE, Series, alarms, number
from rules.families.signals.dashboard_series import DASHBOARD, Widget, body_of, widgets
from rules.families.signals.metric_names import is_namespace
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known

BODY = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"
TYPES = frozenset({"alarm", "custom", "explorer", "log", "metric", "text", "trace", "chart"})
WIDTH = 24


@rule(
    "E9690",
    cause="dashboard {dashboard} has a body that is {why}",
    remedy="write one JSON object with a list of widgets",
    sources=(BODY,),
)
def a_dashboard_body_that_nobody_can_read(site: Site) -> Iterator[Finding]:
    for dashboard in site.all(DASHBOARD):
        plain = body_of(site, dashboard)
        if plain is None or not known(site.get(dashboard, "DashboardBody")):
            continue
        try:
            body = plain.json()
        except ValueError as error:
            yield found(dashboard, "DashboardBody", dashboard=dashboard, why=f"no JSON ({error})")
            continue
        listed = body.get("widgets") if isinstance(body, dict) else None
        if not isinstance(listed, list):
            yield found(
                dashboard, "DashboardBody", dashboard=dashboard, why="no object with a list of widgets"
            )
        elif not listed:
            yield found(dashboard, "DashboardBody", dashboard=dashboard, why="without a widget")


@rule(
    "E9691",
    cause="widget {widget} of dashboard {dashboard} {wrong}",
    remedy="{remedy}",
    sources=(BODY,),
)
def a_widget_of_a_wrong_form(site: Site) -> Iterator[Finding]:
    for widget in widgets(site):
        kind, properties = widget.body.get("type"), widget.properties
        if kind not in TYPES:
            yield _at(widget, wrong=f"is of type {kind}", remedy=f"use one of {', '.join(sorted(TYPES))}")
        place, size = number(widget.body.get("x")), number(widget.body.get("width"))
        if (place or 0) + (size or 6) > WIDTH or (place or 0) < 0:
            yield _at(widget, wrong="reaches over the edge", remedy=f"keep x + width within {WIDTH} columns")
        if kind == "metric" and not any(properties.get(name) for name in ("metrics", "annotations")):
            yield _at(widget, wrong="shows no metric", remedy="give it metrics, or an alarm's annotation")
        elsewhere = any(
            "region" in one.properties for one in widgets(site) if one.dashboard == widget.dashboard
        )
        if kind == "metric" and properties.get("metrics") and "region" not in properties and elsewhere:
            yield _at(widget, wrong="names no region, as others do", remedy="write ${AWS::Region}")
        if kind == "text" and "markdown" not in properties:
            yield _at(widget, wrong="has no text", remedy="give it markdown, or take it out")
        if kind == "alarm" and not properties.get("alarms"):
            yield _at(widget, wrong="shows no alarm", remedy="give it the alarms' ARNs")


def _at(widget: Widget, **parts: object) -> Finding:
    return found(widget.dashboard, "DashboardBody", dashboard=widget.dashboard, widget=widget.title, **parts)


@rule(
    "W9692",
    cause="widgets {widget} and {other} of dashboard {dashboard} lie over each other",
    remedy="move one of them: x counts columns, y rows",
    sources=(BODY,),
)
def widgets_over_each_other(site: Site) -> Iterator[Finding]:
    before: dict[Resource, list[tuple[Widget, tuple[float, ...]]]] = {}
    for widget in widgets(site):
        box = [number(widget.body.get(name)) for name in ("x", "y", "width", "height")]
        if None in box:
            continue
        x, y, width, height = (one or 0 for one in box)
        for other, (a, b, c, d) in before.setdefault(widget.dashboard, []):
            if x < a + c and a < x + width and y < b + d and b < y + height:
                yield _at(widget, other=other.title)
        before[widget.dashboard].append((widget, (x, y, width, height)))


@rule(
    "E9693",
    cause="widget {widget} of dashboard {dashboard} shows {member}, which is no alarm's ARN",
    remedy="give Arn of an alarm",
    sources=(BODY,),
)
def a_widget_of_what_is_no_alarm(site: Site) -> Iterator[Finding]:
    for widget in widgets(site):
        listed = widget.properties.get("alarms")
        for one in listed if isinstance(listed, list) else []:
            value = widget.marks.back(str(one))
            if isinstance(value, Reference):
                foreign = value.resource.kind.startswith(("Custom::", "AWS::CloudFormation::"))
                if not foreign and (
                    value.resource.kind not in (ALARM, COMPOSITE) or value.attribute != "Arn"
                ):
                    yield _at(widget, member=value)
            elif isinstance(value, str) and not value.startswith("arn:"):
                yield _at(widget, member=value)


@rule(
    "W9694",
    cause="dashboard {dashboard} shows every alarm of {stack} but {alarm}",
    remedy="add it to the widget of alarms",
    sources=(BODY,),
    demanding=True,
)
def an_alarm_that_the_dashboard_leaves_out(site: Site) -> Iterator[Finding]:
    for widget in widgets(site):
        listed = widget.properties.get("alarms")
        values = [widget.marks.back(str(one)) for one in listed] if isinstance(listed, list) else []
        shown = [value.resource for value in values if isinstance(value, Reference)]
        stack = widget.dashboard.stack
        own = [one for one in site.all(ALARM, COMPOSITE) if one.stack == stack]
        missing = [one for one in own if one not in shown]
        if len(missing) == 1 and len(own) >= 6:
            yield _at(widget, alarm=missing[0], stack=stack or "the root")


@rule(
    "W9695",
    cause=(
        "widget {widget} of dashboard {dashboard} draws {label} at {value}, and the alarms on "
        "what it shows ring at {thresholds}"
    ),
    remedy="draw the line where the alarm rings, or have it ring where the line is",
    sources=(BODY,),
    demanding=True,
)
def a_line_that_is_no_threshold(site: Site) -> Iterator[Finding]:
    rings: dict[str, set[float]] = {}
    for alarm in alarms(site):
        for series in alarm.series:
            if (
                alarm.threshold is not None
                and not alarm.expressions
                and any(not _scales(one) for one in alarm.actions)
            ):
                rings.setdefault(_key(series), set()).add(alarm.threshold)
    for widget in widgets(site):
        thresholds = {one for series in widget.series for one in rings.get(_key(series), ())}
        for label, value in _lines(widget):
            if thresholds and value not in thresholds:
                yield _at(
                    widget,
                    label=label,
                    value=f"{value:.12g}",
                    thresholds=", ".join(f"{one:.12g}" for one in sorted(thresholds)),
                )


def _scales(action: Value) -> bool:
    return isinstance(action, Reference) and action.resource.kind.endswith("ScalingPolicy")


def _key(series: Series) -> str:
    return repr((series.namespace, series.name, sorted(map(repr, series.dimensions or ()))))


def _lines(widget: Widget) -> Iterator[tuple[str, float]]:
    """Horizontal lines that are said to be alarms'."""
    annotations = widget.properties.get("annotations")
    listed = annotations.get("horizontal") if isinstance(annotations, dict) else None
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and number(one.get("value")) is not None:
            label = str(one.get("label", ""))
            if any(word in label.lower() for word in ("alarm", "threshold", "limit", "alert")):
                yield label, number(one["value"]) or 0.0


@rule(
    "W9696",
    cause="widget {widget} of dashboard {dashboard} looks at {region}, where nothing of this stack is",
    remedy="write ${{AWS::Region}}",
    sources=(BODY,),
)
def a_widget_of_another_region(site: Site) -> Iterator[Finding]:
    for widget in widgets(site):
        region = widget.properties.get("region")
        value = widget.marks.back(region) if isinstance(region, str) else None
        others = {
            one.properties.get("region") for one in widgets(site) if one.dashboard == widget.dashboard
        } - {None, region}
        global_ = any(
            str(series.namespace) in ("AWS/Billing", "AWS/CloudFront", "AWS/Route53")
            for series in widget.series
        )
        if isinstance(value, str) and any("\ue000" in str(one) for one in others) and not global_:
            yield _at(widget, region=value)


@rule(
    "W9697",
    cause="{here} is on {one}, and {there} on {other}: one of them is published by nobody",
    remedy="write both alike, as whoever publishes the metric does",
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html",),
)
def one_metric_of_ours_written_in_two_ways(site: Site) -> Iterator[Finding]:
    """Of alarms and widgets, for metrics that no service publishes and so no list has."""
    watched = _ours(series for alarm in alarms(site) for series in alarm.series)
    shown = _ours(series for widget in widgets(site) for series in widget.series)
    for key in watched.keys() - shown.keys():
        for other in shown.keys() - watched.keys():
            if _alike(key, other):
                series, there = watched[key], shown[other].resource
                yield found(
                    series.resource,
                    *series.path,
                    here=series.resource,
                    one=_named(key),
                    there=there,
                    other=_named(other),
                )


Key = tuple[str, str, frozenset[str]]


def _ours(every: Iterable[Series]) -> dict[Key, Series]:
    """By namespace, name and the names of the dimensions."""
    ours: dict[Key, Series] = {}
    for series in every:
        where, name, pairs = series.namespace, series.name, series.dimensions
        if not isinstance(where, str) or not isinstance(name, str) or pairs is None or not series.whole:
            continue
        if not is_namespace(where) and not where.startswith("AWS/"):
            ours.setdefault((where, name, frozenset(str(one) for one, _ in pairs)), series)
    return ours


def _alike(key: Key, other: Key) -> bool:
    """The same but for one part, and that nearly so."""
    differing = [place for place in range(3) if key[place] != other[place]]
    if differing == [2]:
        return True
    return len(differing) == 1 and _near(str(key[differing[0]]), str(other[differing[0]]))


DIGITS = re.compile(r"\d")


def _named(key: Key) -> str:
    return f"{key[0]} {key[1]} under {', '.join(sorted(key[2]))}"


def _near(one: str, other: str) -> bool:
    """Alike but for case, or for a letter or two."""
    if one.lower() == other.lower():
        return True
    if DIGITS.sub("", one) == DIGITS.sub("", other):
        return False  # 4xx and 5xx are two metrics
    return SequenceMatcher(None, one, other).ratio() >= 0.75
