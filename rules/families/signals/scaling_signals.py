"""Alarms that scale: that a policy has its alarm, and that the alarm says more when there is more to do."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import policies_of
from rules.families.signals.alarm_answers import DOWNWARDS, UPWARDS, at, judged_bad, rings
from rules.families.signals.alarm_series import Alarm, alarms, number
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference

STEPS = "https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html"
APPLICATION = "AWS::ApplicationAutoScaling::ScalingPolicy"
STEP = "StepScalingPolicyConfiguration"


def _adjustments(site: Site, policy: Resource) -> list[tuple[float | None, float | None, float | None]]:
    """(lower, upper, adjustment) of each step; for EC2's groups too."""
    path = (STEP, "StepAdjustments") if policy.kind == APPLICATION else ("StepAdjustments",)
    listed = [one for one in site.items(policy, *path) if isinstance(one, dict)]
    if policy.kind != APPLICATION and not listed:
        return [(None, None, number(site.get(policy, "ScalingAdjustment")))]
    return [
        (
            number(one.get("MetricIntervalLowerBound")),
            number(one.get("MetricIntervalUpperBound")),
            number(one.get("ScalingAdjustment")),
        )
        for one in listed
    ]


def _direction(site: Site, policy: Resource) -> int:
    """1: more, -1: fewer, 0: not known."""
    kind = site.get(
        policy, *((STEP, "AdjustmentType") if policy.kind == APPLICATION else ("AdjustmentType",))
    )
    given = [one for _, _, one in _adjustments(site, policy) if one]
    if kind == "ExactCapacity" or not given:
        return 0
    return 1 if all(one > 0 for one in given) else -1 if all(one < 0 for one in given) else 0


@rule(
    "E9618",
    cause="alarm {alarm} starts {policy}, which {does}, when there is {load} to do",
    remedy="let an alarm on more load start what adds, and one on little of everything start what takes away",
    sources=(STEPS,),
)
def an_alarm_that_scales_the_wrong_way(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        best, worst = at(alarm, worst=False), at(alarm, worst=True)
        if best is None or worst is None or not judged_bad(alarm):
            continue
        for policy in policies_of(site, alarm):
            way = _direction(site, policy)
            quiet, busy = rings(alarm, best), rings(alarm, worst)
            if None in (quiet, busy) or not way:
                continue
            if way > 0 and (quiet or not busy):
                yield _wrong(alarm, policy, "adds", "little" if quiet else "nothing more")
            elif way < 0 and not busy and any(rings(alarm, one) for one in _half(alarm)):
                yield _wrong(alarm, policy, "takes away", "still much by one of its metrics")
            elif way < 0 and (busy or not quiet):
                yield _wrong(alarm, policy, "takes away", "much" if busy else "nothing less")


def _half(alarm: Alarm) -> Iterator[dict[str, float]]:
    """All calm, but one."""
    for series in alarm.series if len(alarm.series) > 1 else ():
        given = at(alarm, worst=False, except_for=series.id)
        if given is not None:
            yield given


def _wrong(alarm: Alarm, policy: Resource, does: str, load: str) -> Finding:
    return found(alarm.resource, "AlarmActions", alarm=alarm.resource, policy=policy, does=does, load=load)


@rule(
    "E9619",
    cause=(
        "alarm {alarm} starts {policy} when {operator}, and its steps are {bounds}, so that no step applies"
    ),
    remedy="bounds are counted from the threshold: from 0 upwards for Greater…, from 0 downwards for Less…",
    sources=(STEPS,),
)
def steps_on_the_other_side_of_the_threshold(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for policy in policies_of(site, alarm):
            steps = [
                (lower, upper)
                for lower, upper, _ in _adjustments(site, policy)
                if (lower, upper) != (None, None)
            ]
            above = bool(steps) and all(lower is not None and lower >= 0 for lower, _ in steps)
            below = bool(steps) and all(upper is not None and upper <= 0 for _, upper in steps)
            late = (
                bool(steps)
                and alarm.operator in UPWARDS
                and above
                and min(lower or 0 for lower, _ in steps) > 0
            )
            if (above and alarm.operator in DOWNWARDS) or (below and alarm.operator in UPWARDS) or late:
                bounds = "above it" if above and not late else "below it" if below else "beyond it"
                yield found(
                    alarm.resource,
                    "ComparisonOperator",
                    alarm=alarm.resource,
                    policy=policy,
                    operator=alarm.operator,
                    bounds=bounds,
                )


@rule(
    "W9627",
    cause=(
        "alarms {more} and {fewer} ring together: one adds and the other takes away, in turn and without end"
    ),
    remedy="let there be room between the two thresholds",
    sources=(STEPS,),
)
def scaling_out_and_in_at_once(site: Site) -> Iterator[Finding]:
    ways: dict[int, list[Alarm]] = {1: [], -1: []}
    for alarm in alarms(site):
        for policy in policies_of(site, alarm):
            ways.setdefault(_direction(site, policy), []).append(alarm)
    for more in ways[1]:
        for fewer in ways[-1]:
            same = [(one, other) for one in more.series for other in fewer.series if _key(one) == _key(other)]
            shared = len(more.series) == 1 and len(same) == 1 and _target(site, more) & _target(site, fewer)
            if shared and any(_both(more, fewer, same[0][1].id, value) for value in _tries(more, fewer)):
                yield found(fewer.resource, "Threshold", more=more.resource, fewer=fewer.resource)


def _key(series: object) -> tuple[str, ...]:
    return tuple(repr(getattr(series, name)) for name in ("namespace", "name", "dimensions"))


def _target(site: Site, alarm: Alarm) -> set[str]:
    return {
        str(site.get(one, "ScalingTargetId") or site.get(one, "AutoScalingGroupName"))
        for one in policies_of(site, alarm)
    }


def _tries(more: Alarm, fewer: Alarm) -> list[float]:
    given = [one for one in (more.threshold, fewer.threshold) if one is not None]
    return [one * times for one in given for times in (1, 1.001, 0.999)] + [one + 1 for one in given]


def _both(more: Alarm, fewer: Alarm, shared: str, value: float) -> bool:
    calm = at(fewer, worst=False)
    if calm is None:
        return False
    return bool(rings(more, {more.series[0].id: value})) and bool(rings(fewer, {**calm, shared: value}))


@rule(
    "W9628",
    cause="alarm {alarm} scales {scaled} by what it sees at {watched}, which is another",
    remedy="watch what is scaled",
    sources=(STEPS,),
)
def scaling_by_another_service_s_load(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for policy in policies_of(site, alarm):
            target = site.target(site.get(policy, "ScalingTargetId"))
            named = site.get(target, "ResourceId") if target is not None else None
            services = {
                part.resource
                for part in getattr(named, "parts", ())
                if isinstance(part, Reference) and part.resource.kind == "AWS::ECS::Service"
            }
            for series in alarm.series:
                seen = {one for one in subjects(site, series).values() if one.kind == "AWS::ECS::Service"}
                if services and seen and not services & seen:
                    yield found(
                        alarm.resource,
                        "AlarmActions",
                        alarm=alarm.resource,
                        scaled=min(services, key=str),
                        watched=min(seen, key=str),
                    )


@rule(
    "W9641",
    cause=(
        "alarm {alarm} takes tasks away while {tracking} adds them to come down to {target}: one "
        "undoes the other"
    ),
    remedy="take away well below the target value",
    sources=(
        STEPS,
        "https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html",
    ),
)
def tasks_taken_away_at_the_target(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        targets_ = {
            repr(site.get(one, "ScalingTargetId"))
            for one in policies_of(site, alarm)
            if _direction(site, one) < 0
        }
        for tracking in site.all(APPLICATION) if targets_ else ():
            path = ("TargetTrackingScalingPolicyConfiguration",)
            metric = TRACKED.get(
                str(site.get(tracking, *path, "PredefinedMetricSpecification", "PredefinedMetricType"))
            )
            target = number(site.get(tracking, *path, "TargetValue"))
            calm = at(alarm, worst=False)
            mine = next(
                (series for series in alarm.series if (series.namespace, series.name) == metric), None
            )
            if (
                repr(site.get(tracking, "ScalingTargetId")) not in targets_
                or target is None
                or calm is None
                or mine is None
            ):
                continue
            if rings(alarm, {**calm, mine.id: target}):
                yield found(alarm.resource, alarm=alarm.resource, tracking=tracking, target=f"{target:g}")


TRACKED = {
    "ECSServiceAverageCPUUtilization": ("AWS/ECS", "CPUUtilization"),
    "ECSServiceAverageMemoryUtilization": ("AWS/ECS", "MemoryUtilization"),
}
