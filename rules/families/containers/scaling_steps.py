"""Step scaling: steps without gaps, on the side where the alarm goes off, in the direction that helps."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.containers.scaled import POLICY, alarms_for, seen_alarms
from rules.families.containers.scaling_policies import STEPPED, adjustments
from rules.families.containers.workloads import false, inside, number
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, known

STEP = "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepAdjustment.html"
STEPS = (
    "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepScalingPolicyConfiguration.html"
)
GUIDE = "https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html"
OF_HOSTS = "AWS::AutoScaling::ScalingPolicy"
INFINITE = float("inf")
# The more of these, the more there is to do.
LOAD = re.compile(
    r"CPUUtilization|MemoryUtilization|IteratorAge|MillisBehindLatest|NumberOfMessagesVisible"
    r"|AgeOfOldestMessage|RequestCount|ResponseTime|ActiveConnectionCount|ConsumerLag|QueueDepth"
)
COMPARED = re.compile(r"\b([a-z]\w*)\s*([<>])=?\s*[\d.]+")


@dataclass(frozen=True)
class Step:
    """Between two distances from the alarm's threshold."""

    lower: float
    upper: float
    adjustment: float  # 0 where it is not known
    position: int


def steps(site: Site, policy: Resource) -> list[Step]:
    """In order; nothing where a bound of one is not known."""
    made = []
    for position, step in enumerate(site.items(policy, STEPPED, "StepAdjustments")):
        lower, upper = _bound(step, "Lower", -INFINITE), _bound(step, "Upper", INFINITE)
        if lower is None or upper is None:
            return []
        made.append(Step(lower, upper, number(inside(step, "ScalingAdjustment")) or 0, position))
    return sorted(made, key=lambda step: (step.lower, step.upper))


def _bound(step: Value, side: str, nothing: float) -> float | None:
    said = inside(step, f"MetricInterval{side}Bound")
    return nothing if said is None else number(said)


def upwards(site: Site, alarm: Resource) -> bool | None:
    """Whether an alarm goes off above its threshold; None where nobody can tell."""
    operator = site.get(alarm, "ComparisonOperator")
    return operator.startswith("Greater") if isinstance(operator, str) else None


@rule(
    "E9517",
    cause="the steps of policy {policy} {why}",
    remedy="let each begin where the last one ends, the outermost without a bound",
    sources=(STEP,),
)
def steps_that_do_not_meet(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        ordered = steps(site, policy)
        why = _apart(ordered)
        if ordered and why:
            yield found(policy, STEPPED, "StepAdjustments", policy=policy, why=why)


def _apart(ordered: list[Step]) -> str:
    for step in ordered:
        if step.lower >= step.upper or (step.lower == -INFINITE and step.upper == INFINITE):
            return "have one without an interval"
    for before, after in itertools.pairwise(ordered):
        if before.upper > after.lower:
            return f"overlap from {after.lower:g} to {min(before.upper, after.upper):g}"
        if before.upper < after.lower:
            return f"leave a gap from {before.upper:g} to {after.lower:g}"
    if ordered and 0 < ordered[-1].upper < INFINITE:
        return f"end at {ordered[-1].upper:g}: beyond, nothing happens"
    if ordered and -INFINITE < ordered[0].lower < 0:
        return f"begin at {ordered[0].lower:g}: below, nothing happens"
    return ""


@rule(
    "E9518",
    cause="alarm {alarm} goes off {side} its threshold, and policy {policy} has no step there{where}",
    remedy="let the steps begin at the threshold, which is 0, and lead away from it on the alarm's side",
    sources=(STEP, GUIDE),
)
def steps_on_the_other_side(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        ordered = steps(site, policy)
        for alarm in alarms_for(site, policy):
            up = upwards(site, alarm)
            if up is None or not ordered or _apart(ordered):
                continue
            side = "above" if up else "below"
            reached = any(
                step.lower <= 0 < step.upper if up else step.lower < 0 <= step.upper for step in ordered
            )
            some = any(step.upper > 0 if up else step.lower < 0 for step in ordered)
            if not reached:
                where = " until far from it" if some else ""
                parts = {"alarm": alarm, "side": side, "policy": policy, "where": where}
                yield found(policy, STEPPED, "StepAdjustments", **parts)


@rule(
    "E9519",
    cause="no alarm starts scaling policy {policy}",
    remedy="name it in the AlarmActions of an alarm, by Ref, and let ActionsEnabled be true",
    sources=(GUIDE,),
)
def a_policy_that_nothing_starts(site: Site) -> Iterator[Finding]:
    exported = {str(value) for value in site.tree.root.outputs.values()}
    for policy in site.all(POLICY, OF_HOSTS):
        by_steps = site.get(policy, "PolicyType") == "StepScaling" or site.get(policy, STEPPED) is not None
        if not by_steps or not seen_alarms(site):
            continue
        starting = [one for one in alarms_for(site, policy) if not false(site.get(one, "ActionsEnabled"))]
        handed = any(f"'{policy.name}'" in text for text in exported)
        # Whatever else names it may call ExecutePolicy.
        handed |= any(not use.user.kind.startswith("AWS::CloudWatch::") for use in site.uses(policy))
        if not starting and not handed:
            yield found(policy, "PolicyType", policy=policy)


def load(site: Site, alarm: Resource) -> bool | None:
    """Whether an alarm goes off when there is much to do (True) or little; None where nobody can tell."""
    up = upwards(site, alarm)
    metric = site.get(alarm, "MetricName")
    if up is None:
        return None
    if isinstance(metric, str):
        return up if LOAD.search(metric) else None
    return _computed(site, alarm, up)


def _computed(site: Site, alarm: Resource, up: bool) -> bool | None:
    """Of metric math: the comparisons within IF(…, 1, 0), where they all point one way."""
    metrics = [one for one in site.items(alarm, "Metrics") if isinstance(one, dict)]
    much = {
        str(one.get("Id"))
        for one in metrics
        if LOAD.search(str(inside(one, "MetricStat", "Metric", "MetricName")))
    }
    for one in metrics:
        text = one.get("Expression")
        if isinstance(text, str) and re.fullmatch(r"IF\(.*,\s*1\s*,\s*0\s*\)", text.strip()):
            sides = {side for name, side in COMPARED.findall(text) if name in much}
            if len(sides) == 1:
                return (sides == {">"}) == up
    return None


@rule(
    "E9521",
    cause="alarm {alarm} goes off when there is {amount} to do, and its policy {policy} {what} tasks",
    remedy="turn the sign of ScalingAdjustment, or let the alarm start the other policy",
    sources=(STEP, GUIDE),
)
def a_policy_that_makes_it_worse(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        moved = adjustments(site, policy)
        if site.get(policy, STEPPED, "AdjustmentType") not in ("ChangeInCapacity", "PercentChangeInCapacity"):
            continue
        for alarm in alarms_for(site, policy):
            much = load(site, alarm)
            wrong = [one for one in moved if (one < 0) == much and one]
            if much is not None and wrong:
                parts = {"amount": "much" if much else "little", "what": "takes away" if much else "adds"}
                yield found(policy, STEPPED, "StepAdjustments", alarm=alarm, policy=policy, **parts)


@rule(
    "E9522",
    cause="scaling policy {policy} has a step that {what}",
    remedy="let every step go one way, the further from the threshold the more",
    sources=(STEP, STEPS),
)
def a_step_that_leads_nowhere(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        ordered = steps(site, policy)
        relative = site.get(policy, STEPPED, "AdjustmentType") != "ExactCapacity"
        moved = adjustments(site, policy)
        if not relative or not moved:
            continue
        what = "changes nothing" if 0 in moved else ""
        if min(moved) < 0 < max(moved):
            what = "goes the other way"
        above = [abs(step.adjustment) for step in ordered if step.lower >= 0]
        below = [abs(step.adjustment) for step in reversed(ordered) if step.upper <= 0]
        if above != sorted(above) or below != sorted(below):
            what = what or "does less the further the metric is from the threshold"
        if what:
            yield found(policy, STEPPED, "StepAdjustments", policy=policy, what=what)


@rule(
    "W9538",
    cause="policy {policy} takes the {aggregation} of what alarm {alarm} sees as {statistic}",
    remedy="let MetricAggregationType be the Statistic of the alarm: the steps are measured by it",
    sources=(STEPS,),
    demanding=True,
)
def a_policy_that_measures_otherwise(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        said = site.get(policy, STEPPED, "MetricAggregationType")
        if site.get(policy, STEPPED) is None or not known(said) or len(steps(site, policy)) < 2:
            continue
        for alarm in alarms_for(site, policy):
            statistic = site.get(alarm, "Statistic")
            if statistic in ("Average", "Minimum", "Maximum") and statistic != (said or "Average"):
                place = (STEPPED, "MetricAggregationType")
                parts = {"aggregation": said or "Average", "alarm": alarm, "statistic": statistic}
                yield found(policy, *place, policy=policy, **parts)


@rule(
    "W9540",
    cause="alarm {alarm} takes missing data for its threshold, and {policy} then takes tasks away",
    remedy="set TreatMissingData: notBreaching; when nothing is measured, nothing is known to be idle",
    sources=(
        GUIDE,
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
    ),
    demanding=True,
)
def an_alarm_that_takes_silence_for_idleness(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        moved = adjustments(site, policy)
        relative = site.get(policy, STEPPED, "AdjustmentType") in (
            "ChangeInCapacity",
            "PercentChangeInCapacity",
        )
        if relative and moved and max(moved) < 0:
            for alarm in alarms_for(site, policy):
                if site.get(alarm, "TreatMissingData") == "breaching":
                    yield found(alarm, "TreatMissingData", alarm=alarm, policy=policy)
