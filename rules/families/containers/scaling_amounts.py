"""How much a step of scaling changes: within the bounds, and enough to make a difference."""

from collections.abc import Iterator

from rules.families.containers.scaled import POLICY, alarms_for, whole
from rules.families.containers.scaling_policies import STEPPED, adjustments, target_of
from rules.families.containers.scaling_steps import STEP, STEPS, load, steps
from rules.families.containers.workloads import shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site


@rule(
    "E9542",
    cause="scaling policy {policy} sets the number itself to {value}, {why}",
    remedy="set AdjustmentType: ChangeInCapacity, or a number within the bounds of its target",
    sources=(STEP, STEPS),
)
def an_exact_number_that_does_not_help(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        target = target_of(site, policy)
        if site.get(policy, STEPPED, "AdjustmentType") != "ExactCapacity" or target is None:
            continue
        least, most = whole(site.get(target, "MinCapacity")), whole(site.get(target, "MaxCapacity"))
        busy = [load(site, alarm) for alarm in alarms_for(site, policy)]
        for value in adjustments(site, policy):
            why = "which is less than nothing" if value < 0 else ""
            if not why and ((least or 0) > value or (most is not None and value > most)):
                why = f"and its target has {least} to {most}"
            if not why and True in busy and value == least:
                why = "the least that there is, when there is much to do"
            if why:
                yield found(policy, STEPPED, "AdjustmentType", policy=policy, value=shown(value), why=why)
                break


@rule(
    "W9539",
    cause="one step of policy {policy} goes by {value}, more than between {least} and {most}, the bounds",
    remedy="go in smaller steps: what is too much at once swings back",
    sources=(STEP,),
    demanding=True,
)
def a_step_over_everything(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        target = target_of(site, policy)
        if target is None or site.get(policy, STEPPED, "AdjustmentType") != "ChangeInCapacity":
            continue
        least, most = whole(site.get(target, "MinCapacity")), whole(site.get(target, "MaxCapacity"))
        for step in steps(site, policy):
            far = (
                least is not None
                and most is not None
                and least < most
                and abs(step.adjustment) > most - least
            )
            # An outer step may well go to the bound; the first one is the usual one.
            if far and step.position == 0:
                place = (STEPPED, "StepAdjustments", step.position)
                parts = {"value": shown(step.adjustment), "least": least, "most": most}
                yield found(policy, *place, policy=policy, **parts)


@rule(
    "W9513",
    cause="policy {policy} changes {count} tasks by {value} %, less than one: every step is the same",
    remedy="set AdjustmentType: ChangeInCapacity, or a percentage that makes a difference",
    sources=(STEPS,),
    demanding=True,
)
def a_percentage_of_nothing(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        target = target_of(site, policy)
        most = whole(site.get(target, "MaxCapacity")) if target else None
        if site.get(policy, STEPPED, "AdjustmentType") != "PercentChangeInCapacity" or most is None:
            continue
        if site.get(policy, STEPPED, "MinAdjustmentMagnitude") is not None:
            continue
        for step in steps(site, policy):
            if 0 < abs(step.adjustment) * most < 100:
                parts = {"count": most, "value": shown(step.adjustment)}
                yield found(policy, STEPPED, "AdjustmentType", policy=policy, **parts)
                break
