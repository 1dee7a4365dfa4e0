"""What an alarm's actions are: a topic, a scaling policy, or something else."""

from rules.families.signals.alarm_series import Alarm
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value

TOPIC = "AWS::SNS::Topic"
STEP_POLICIES = ("AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::AutoScaling::ScalingPolicy")


def policies_of(site: Site, alarm: Alarm) -> list[Resource]:
    """The scaling policies that it starts."""
    return [one for one in (site.target(value, *STEP_POLICIES) for value in alarm.actions) if one is not None]


def scaling_only(site: Site, alarm: Alarm) -> bool:
    """Whether it tells nobody: it scales. Low load is good news for who pays."""
    return bool(alarm.actions) and all(scales(value) for value in alarm.actions)


def scales(value: Value) -> bool:
    if isinstance(value, Reference):
        return value.resource.kind in STEP_POLICIES
    return ":scalingPolicy:" in str(value) or ":automate:" in str(value)


def topics_of(site: Site, alarm: Alarm) -> list[Resource]:
    return [
        one
        for one in (site.target(value, TOPIC) for value in (*alarm.actions, *alarm.relief))
        if one is not None
    ]
