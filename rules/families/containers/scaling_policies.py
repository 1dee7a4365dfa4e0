"""Policies of scaling: of which target, by which metric, up as well as down."""

from collections.abc import Iterator

from rules.families.containers.scaled import ALARM, POLICY, TARGET, alarms_for, whole
from rules.families.containers.workloads import inside, number, shown, true
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known, references

PUT = "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html"
TRACKING = "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html"
METRICS = (
    "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html"
)
STEPS = (
    "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepScalingPolicyConfiguration.html"
)
COOLDOWN = "https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html"
TRACKED = "TargetTrackingScalingPolicyConfiguration"
STEPPED = "StepScalingPolicyConfiguration"
PREDICTED = "PredictiveScalingPolicyConfiguration"
TYPES = {"TargetTrackingScaling": TRACKED, "StepScaling": STEPPED, "PredictiveScaling": PREDICTED}
OF_ECS = (
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilizationHighResolution",
    "ALBRequestCountPerTarget",
)


def target_of(site: Site, policy: Resource) -> Resource | None:
    """The scalable target of a policy, by its id or by the same ResourceId."""
    named = site.target(site.get(policy, "ScalingTargetId"), TARGET)
    by_id = site.get(policy, "ResourceId")
    if named is None and by_id is not None and known(by_id):
        return next((one for one in site.all(TARGET) if site.get(one, "ResourceId") == by_id), None)
    return named


def policies_of(site: Site, target: Resource) -> list[Resource]:
    return [one for one in site.all(POLICY) if target_of(site, one) == target]


def scales_ecs(site: Site, target: Resource | None) -> bool:
    return target is not None and site.get(target, "ServiceNamespace") == "ecs"


def predefined(site: Site, policy: Resource) -> Value:
    return site.get(policy, TRACKED, "PredefinedMetricSpecification", "PredefinedMetricType")


@rule(
    "E9511",
    cause="scaling policy {policy} scales {named}, which is no scalable target",
    remedy="set ScalingTargetId to Ref of the target",
    sources=(PUT,),
)
def a_policy_of_no_target(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        named, by_id = site.get(policy, "ScalingTargetId"), site.get(policy, "ResourceId")
        if isinstance(named, Reference) and (
            named.resource.kind != TARGET or named.attribute not in ("Ref", "Id")
        ):
            yield found(policy, "ScalingTargetId", policy=policy, named=named)
        elif named is None and by_id is None:
            yield found(policy, "ScalingTargetId", policy=policy, named="nothing")


@rule(
    "E9512",
    cause="scaling policy {policy} is of type {type}, {why}",
    remedy="let PolicyType and configuration agree: TargetTrackingScaling or StepScaling, each with its own",
    sources=(PUT,),
)
def a_policy_of_another_type(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        kind = site.get(policy, "PolicyType")
        has = [name for name in TYPES.values() if site.get(policy, name) is not None]
        if not isinstance(kind, str):
            continue
        why = "which there is not" if kind not in TYPES else ""
        if kind in TYPES and TYPES[kind] not in has:
            why = f"and has no {TYPES[kind]}"
        elif len(has) > 1:
            why = f"and has {' and '.join(has)}"
        if why:
            yield found(policy, "PolicyType", policy=policy, type=kind, why=why)


@rule(
    "E9514",
    cause="scaling policy {policy} goes by {metric}, {why}",
    remedy="take a predefined metric of ECS, or a customized one",
    sources=(METRICS,),
)
def a_metric_that_the_target_has_not(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        metric = predefined(site, policy)
        specified = site.get(policy, TRACKED, "PredefinedMetricSpecification")
        place = (TRACKED, "PredefinedMetricSpecification", "PredefinedMetricType")
        if not scales_ecs(site, target_of(site, policy)) or not isinstance(metric, str):
            continue
        if metric not in OF_ECS:
            why = "which is no predefined metric of ECS services"
            yield found(policy, *place, policy=policy, metric=metric, why=why)
        elif metric == "ALBRequestCountPerTarget" and inside(specified, "ResourceLabel") is None:
            why = "without the ResourceLabel that says of which target group"
            yield found(policy, *place, policy=policy, metric=metric, why=why)
        elif metric != "ALBRequestCountPerTarget" and inside(specified, "ResourceLabel") is not None:
            why = "which takes no ResourceLabel"
            yield found(policy, *place, policy=policy, metric=metric, why=why)


@rule(
    "E9515",
    cause="scaling policy {policy} keeps {metric} at {value}, {why}",
    remedy="choose a percentage that leaves room for what comes while tasks start: 40 to 80",
    sources=(TRACKING,),
)
def a_utilisation_that_cannot_be_kept(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        metric, value = predefined(site, policy), number(site.get(policy, TRACKED, "TargetValue"))
        if not isinstance(metric, str) or "Utilization" not in metric or value is None:
            continue
        why = "which is no percentage" if not 0 < value <= 100 else ""
        why = "so full that it scales too late or never" if 90 < value <= 100 else why
        why = "so little that it adds all the tasks there may be" if 0 < value < 5 else why
        if why:
            parts = {"metric": metric, "value": shown(value), "why": why}
            yield found(policy, TRACKED, "TargetValue", policy=policy, **parts)


@rule(
    "E9516",
    cause="scaling policies {policy} and {other} have one name and one target, so one overwrites the other",
    remedy="give each a PolicyName of its own",
    sources=(PUT,),
)
def two_policies_of_one_name(site: Site) -> Iterator[Finding]:
    seen: dict[tuple[object, object], Resource] = {}
    for policy in site.all(POLICY):
        target, name = target_of(site, policy), site.get(policy, "PolicyName")
        if target is not None and isinstance(name, str):
            if (target, name) in seen:
                yield found(policy, "PolicyName", policy=policy, other=seen[target, name])
            seen.setdefault((target, name), policy)


def adjustments(site: Site, policy: Resource) -> list[float]:
    """By how much each of its steps changes the number; nothing where a step is not known."""
    steps = site.items(policy, STEPPED, "StepAdjustments")
    read = [number(inside(step, "ScalingAdjustment")) for step in steps]
    return [] if None in read else [one for one in read if one is not None]


def _moves(site: Site, policy: Resource) -> set[str]:
    """Whether a policy adds, takes away, or does both; `?` where nobody can tell."""
    if site.get(policy, TRACKED) is not None:
        only_out = site.get(policy, TRACKED, "DisableScaleIn")
        return {"out"} if true(only_out) else {"out", "in"} if known(only_out) else {"?"}
    change = site.get(policy, STEPPED, "AdjustmentType")
    steps = adjustments(site, policy)
    if change == "ExactCapacity" or not steps or not known(change):
        return {"?"}
    return {"out" if step > 0 else "in" for step in steps if step}


@rule(
    "W9536",
    cause="the policies of {target} only {what}: it ends at its {bound}, and stays there",
    remedy="add what goes the other way: a step policy with its alarm, or target tracking that may scale in",
    sources=(TRACKING, STEPS),
    demanding=True,
)
def a_target_that_moves_one_way(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        policies = policies_of(site, target)
        moves = {move for policy in policies for move in _moves(site, policy)}
        if not policies or "?" in moves or moves == {"in", "out"}:
            continue
        # Without wiring, a policy of another stack may go the other way.
        if moves == {"out"} and whole(site.get(target, "MinCapacity")) != whole(
            site.get(target, "MaxCapacity")
        ):
            yield found(target, "MaxCapacity", target=target, what="add", bound="MaxCapacity")
        elif moves == {"in"}:
            yield found(target, "MinCapacity", target=target, what="take away", bound="MinCapacity")


@rule(
    "W9529",
    cause="scaling policy {policy} waits {seconds} s after it acted, {why}",
    remedy="wait for at least as long as a task takes to start and to show in the metric",
    sources=(STEPS, TRACKING, COOLDOWN),
    demanding=True,
)
def a_policy_that_does_not_wait(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        period = max(
            (whole(site.get(alarm, "Period")) or 60 for alarm in alarms_for(site, policy)), default=60
        )
        for place in ((STEPPED, "Cooldown"), (TRACKED, "ScaleOutCooldown"), (TRACKED, "ScaleInCooldown")):
            seconds = number(site.get(policy, *place))
            if seconds is None or not scales_ecs(site, target_of(site, policy)):
                continue
            if seconds < 0:
                yield found(policy, *place, policy=policy, seconds=shown(seconds), why="which is no time")
            elif place[0] == STEPPED and seconds < period:
                why = f"and its metric comes every {period} s: it acts twice on the same"
                yield found(policy, *place, policy=policy, seconds=shown(seconds), why=why)
            elif seconds == 0:
                why = "so it acts again before what it did can show"
                yield found(policy, *place, policy=policy, seconds=shown(seconds), why=why)


@rule(
    "E9541",
    cause="alarm {alarm} is to start {policy}, by {named}, which no alarm can call",
    remedy="name the policy by Ref, which answers its ARN",
    sources=(PUT, "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),
)
def an_alarm_that_calls_a_target(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM):
        for name in ("AlarmActions", "OKActions"):
            for position, action in enumerate(site.items(alarm, name)):
                for one in references(action):
                    by_name = one.resource.kind == POLICY and one.attribute not in ("Ref", "Arn")
                    if by_name or one.resource.kind == TARGET:
                        yield found(
                            alarm, name, position, alarm=alarm, policy=one.resource, named=one.attribute
                        )


@rule(
    "W9508",
    cause="policy {policy} takes tasks away by its own metric, though {other} is there to do it",
    remedy="set DisableScaleIn: true, so that only what sees the whole takes tasks away",
    sources=(TRACKING,),
    demanding=True,
)
def two_policies_that_take_away(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        policies = policies_of(site, target)
        stepped = [
            one for one in policies if site.get(one, STEPPED) is not None and _moves(site, one) == {"in"}
        ]
        for policy in policies:
            if stepped and site.get(policy, TRACKED) is not None and "in" in _moves(site, policy):
                yield found(policy, TRACKED, "DisableScaleIn", policy=policy, other=stepped[0])
