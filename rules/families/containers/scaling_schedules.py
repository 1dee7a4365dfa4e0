"""Scheduled scaling: times that come, and bounds that are set back."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.families.containers.scaled import TARGET, whole
from rules.families.containers.scaling_policies import policies_of
from rules.families.containers.workloads import inside
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, known

SCHEDULE = (
    "https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html",
    "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html",
)
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# Each field of a cron expression: its least and most, and the names of its values.
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minutes", 0, 59, []),
    ("hours", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of week", 1, 7, DAYS),
    ("year", 1970, 2199, []),
)
UNITS = ("minute", "hour", "day")


def actions(site: Site) -> Iterator[tuple[Resource, int, Value]]:
    for target in site.all(TARGET):
        for position, action in enumerate(site.items(target, "ScheduledActions")):
            if isinstance(action, dict):
                yield target, position, action


def misread(expression: str) -> str:
    """What is wrong with the expression of a schedule; empty where nothing is."""
    read = re.fullmatch(r"(cron|rate|at)\((.*)\)", expression.strip())
    if read is None:
        return "it is no cron(…), rate(…) or at(…)"
    kind, inner = read[1], read[2].strip()
    return {"cron": _cron, "rate": _rate, "at": _at}[kind](inner)


def _rate(inner: str) -> str:
    read = re.fullmatch(r"(\d+)\s+([a-z]+)", inner)
    if read is None or read[2].removesuffix("s") not in UNITS or int(read[1]) == 0:
        return "a rate is a number and minutes, hours or days"
    return "" if (int(read[1]) == 1) != read[2].endswith("s") else "1 takes the unit in the singular"


def _at(inner: str) -> str:
    try:
        datetime.strptime(inner, "%Y-%m-%dT%H:%M:%S").astimezone()
    except ValueError:
        return "a time is written yyyy-mm-ddThh:mm:ss"
    return ""


def _cron(inner: str) -> str:
    fields = inner.split()
    if len(fields) != len(FIELDS):
        return f"it has {len(fields)} fields, not 6: minutes, hours, day of month, month, day of week, year"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "one of day of month and day of week is ?, the other is not"
    for field, (name, least, most, names) in zip(fields, FIELDS, strict=True):
        for value in field.split(","):
            if not _within(value.upper(), least, most, names):
                return f"its {name} is {field}"
    return ""


def _within(value: str, least: int, most: int, names: list[str]) -> bool:
    span, _, step = value.partition("/")
    if step and not step.isdigit():
        return False
    if span in ("*", "?", "L", "LW") or re.fullmatch(r"(\d+|[A-Z]{3})(L|W|#[1-5])", span):
        return True
    ends = [
        names.index(end) + 1 if end in names else int(end) if end.isdigit() else -1 for end in span.split("-")
    ]
    return len(ends) <= 2 and all(least <= end <= most for end in ends)


@rule(
    "E9543",
    cause="scheduled action {action} of {target} is at {expression}, which never comes: {why}",
    remedy="write cron(minutes hours day-of-month month day-of-week year), rate(value unit) or at(time)",
    sources=SCHEDULE,
)
def a_time_that_never_comes(site: Site) -> Iterator[Finding]:
    for target, position, action in actions(site):
        expression = inside(action, "Schedule")
        why = misread(expression) if isinstance(expression, str) else ""
        if why:
            place = ("ScheduledActions", position, "Schedule")
            parts = {"action": inside(action, "ScheduledActionName"), "expression": expression, "why": why}
            yield found(target, *place, target=target, **parts)


@cache
def _zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@rule(
    "E9544",
    cause="scheduled action {action} of {target} is in the time zone {zone}, which there is not",
    remedy="write a name of the IANA database: Europe/London",
    sources=SCHEDULE,
)
def a_time_zone_that_is_none(site: Site) -> Iterator[Finding]:
    for target, position, action in actions(site):
        zone = inside(action, "Timezone")
        if isinstance(zone, str) and _zone("Europe/London") and not _zone(zone):
            place = ("ScheduledActions", position, "Timezone")
            yield found(
                target, *place, target=target, zone=zone, action=inside(action, "ScheduledActionName")
            )


@rule(
    "E9545",
    cause="scheduled action {action} of {target} {what}",
    remedy="let each have a name and a time of its own, and set MinCapacity or MaxCapacity",
    sources=SCHEDULE,
)
def a_scheduled_action_that_does_nothing(site: Site) -> Iterator[Finding]:
    names: set[tuple[Resource, str]] = set()
    times: set[tuple[Resource, str]] = set()
    for target, position, action in actions(site):
        name = inside(action, "ScheduledActionName")
        time = f"{inside(action, 'Schedule')} {inside(action, 'Timezone')}"
        bounds = inside(action, "ScalableTargetAction")
        what = "has the name of another" if (target, str(name)) in names and known(name) else ""
        if (target, time) in times and known(inside(action, "Schedule")):
            what = what or "comes at the time of another"
        if known(bounds) and not (inside(bounds, "MinCapacity") or inside(bounds, "MaxCapacity")):
            unset = inside(bounds, "MinCapacity") is None and inside(bounds, "MaxCapacity") is None
            what = what or ("sets no bound" if unset else "")
        names.add((target, str(name)))
        times.add((target, time))
        if what:
            yield found(target, "ScheduledActions", position, target=target, action=name, what=what)


@rule(
    "W9501",
    cause="the schedule of {target} sets {bound} to {values}, and never back to {own}",
    remedy="let one action lift the bound and another set it back; each deployment sets what the target says",
    sources=SCHEDULE,
    demanding=True,
)
def a_bound_that_is_never_set_back(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        planned = [inside(one, "ScalableTargetAction") for one in site.items(target, "ScheduledActions")]
        for bound in ("MinCapacity", "MaxCapacity"):
            own = whole(site.get(target, bound))
            values = {whole(inside(one, bound)) for one in planned if inside(one, bound) is not None}
            if own is not None and values and None not in values and own not in values:
                listed = ", ".join(map(str, sorted(value for value in values if value is not None)))
                parts = {"bound": bound, "values": listed, "own": own}
                yield found(target, "ScheduledActions", target=target, **parts)


@rule(
    "W9502",
    cause="the schedule of {target} changes nothing: every action sets the bounds that it has",
    remedy="add the action that it was to undo, or leave the schedule out",
    sources=SCHEDULE,
    demanding=True,
)
def a_schedule_without_a_change(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        planned = [inside(one, "ScalableTargetAction") for one in site.items(target, "ScheduledActions")]
        own = {name: whole(site.get(target, name)) for name in ("MinCapacity", "MaxCapacity")}
        pairs = [
            (whole(inside(one, name)), own[name]) for one in planned for name in own if inside(one, name)
        ]
        if pairs and all(new is not None and new == old for new, old in pairs):
            yield found(target, "ScheduledActions", target=target)


@rule(
    "W9503",
    cause="scheduled actions of {target} are in different time zones: {zones}",
    remedy="give all of them one Timezone; without one it is UTC",
    sources=SCHEDULE,
    demanding=True,
)
def a_schedule_in_two_time_zones(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        zones = [inside(one, "Timezone") for one in site.items(target, "ScheduledActions")]
        named = {str(zone or "UTC") for zone in zones}
        if known(zones) and len(named) > 1:
            yield found(target, "ScheduledActions", target=target, zones=", ".join(sorted(named)))


@rule(
    "W9505",
    cause="scheduled action {action} of {target} leaves its policies nothing to scale: it is always {count}",
    remedy="let MaxCapacity be more than MinCapacity",
    sources=SCHEDULE,
    demanding=True,
)
def a_schedule_that_stops_scaling(site: Site) -> Iterator[Finding]:
    for target, position, action in actions(site):
        bounds = inside(action, "ScalableTargetAction")
        least, most = whole(inside(bounds, "MinCapacity")), whole(inside(bounds, "MaxCapacity"))
        if least is not None and least == most and policies_of(site, target):
            place = ("ScheduledActions", position, "ScalableTargetAction")
            parts = {"action": inside(action, "ScheduledActionName"), "count": least}
            yield found(target, *place, target=target, **parts)
