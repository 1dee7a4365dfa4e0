"""What Application Auto Scaling scales, and how far: shared by rules on services and on scaling."""

from dataclasses import dataclass

from rules.families.containers.workloads import SERVICE, number
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, known, references

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"


@dataclass(frozen=True)
class Bounds:
    """How many tasks a service may have; None where nobody can tell."""

    least: int | None
    most: int | None


def services_in(value: Value) -> list[Resource]:
    return [one.resource for one in references(value) if one.resource.kind == SERVICE]


def targets_of(site: Site, service: Resource) -> list[Resource]:
    """The scalable targets that name a service, by reference or by its fixed name."""
    fixed = site.get(service, "ServiceName")
    found = []
    for target in site.all(TARGET):
        named = site.get(target, "ResourceId")
        by_name = isinstance(fixed, str) and str(_last(named)).endswith(f"/{fixed}")
        if service in services_in(named) or by_name:
            found.append(target)
    return found


def _last(value: Value) -> object:
    return value.parts[-1] if isinstance(value, Text) else value


def whole(value: Value) -> int | None:
    read = number(value)
    return int(read) if read is not None else None


def bounds(site: Site, service: Resource) -> Bounds:
    """From its scalable target, else from DesiredCount, which is 1 where it is left out."""
    targets = targets_of(site, service)
    if targets:
        return Bounds(*(whole(site.get(targets[0], name)) for name in ("MinCapacity", "MaxCapacity")))
    desired = site.get(service, "DesiredCount")
    count = 1 if desired is None else whole(desired)
    return Bounds(count, count)


def drives_scaling(site: Site, alarm: Resource) -> bool:
    """Whether an alarm asks for more or fewer of something: it goes off in the ordinary course of a day."""
    return any(
        isinstance(action, Reference) and action.resource.kind.endswith("::ScalingPolicy")
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for action in site.items(alarm, name)
    )


def alarms_on(site: Site, service: Resource) -> list[Resource]:
    """The alarms that watch a service itself and call people."""
    found = []
    for alarm in site.all(ALARM):
        watched = [site.get(alarm, "Dimensions"), site.get(alarm, "Metrics")]
        if any(service in services_in(value) for value in watched) and not drives_scaling(site, alarm):
            found.append(alarm)
    return found


def alarms_for(site: Site, policy: Resource) -> list[Resource]:
    """The alarms that start a scaling policy."""
    return [
        alarm
        for alarm in site.all(ALARM)
        if any(one.resource == policy for one in references(site.get(alarm, "AlarmActions")))
    ]


def seen_alarms(site: Site) -> bool:
    """Whether every alarm here says all that it does."""
    return all(known(site.get(alarm, "AlarmActions")) for alarm in site.all(ALARM))
