"""Whether an alarm tells somebody: enabled, with actions that can be carried out, at begin and end."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scales, topics_of
from rules.families.signals.alarm_series import ALARM, COMPOSITE, alarms
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Reference, Unknown, Value, known

ACTIONS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html"
CREATE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
USUAL = 6  # so many alarms show what is usual in a tree
LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")
# Type -> what of it an action names: its ARN.
ACTORS = {
    "AWS::SNS::Topic": ("Ref", "TopicArn"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("Ref", "Arn"),
    "AWS::AutoScaling::ScalingPolicy": ("Ref", "Arn", "PolicyARN"),
    "AWS::Lambda::Function": ("Arn",),
    "AWS::Lambda::Alias": ("Ref", "AliasArn"),
    "AWS::Lambda::Version": ("Ref", "FunctionArn"),
    "AWS::Serverless::Function": ("Arn",),
    "AWS::SSMIncidents::ResponsePlan": ("Ref", "Arn"),
}
# What an action's ARN may be of.
SERVICES = ("sns", "autoscaling", "lambda", "automate", "swf", "ssm", "ssm-incidents", "aiops")
FOREIGN = ("Custom::", "AWS::CloudFormation::", "AWS::SSM::")


@rule(
    "E9650",
    cause="alarm {alarm} has its actions disabled: it changes colour and tells nobody",
    remedy="set ActionsEnabled: true, or leave it out",
    sources=(CREATE,),
)
def an_alarm_with_its_actions_disabled(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM, COMPOSITE):
        if str(site.get(alarm, "ActionsEnabled")).lower() == "false":
            yield found(alarm, "ActionsEnabled", alarm=alarm)


@rule(
    "W9651",
    cause="alarm {alarm} has no action: nothing else looks at it, or all others of this tree have one",
    remedy="name a topic in AlarmActions, or let a composite alarm, a deployment or a dashboard use it",
    sources=(ACTIONS,),
    demanding=True,
)
def an_alarm_that_tells_nobody(site: Site) -> Iterator[Finding]:
    every = list(site.all(ALARM, COMPOSITE))
    silent = [alarm for alarm in every if not any(site.items(alarm, name) for name in LISTS)]
    for alarm in silent:
        alone = len(silent) == 1 and len(every) >= USUAL
        if alone or not (site.uses(alarm) or _known_elsewhere(site, alarm)):
            yield found(alarm, "AlarmActions", alarm=alarm)


def _known_elsewhere(site: Site, alarm: Resource) -> bool:
    """Whoever knows its name may look at it; so may whoever is given an output."""
    stack = site.tree.stacks[alarm.stack]
    return bool(site.get(alarm, "AlarmName")) or any(
        alarm.name in str(value) for value in stack.outputs.values()
    )


@rule(
    "E9652",
    cause="alarm {alarm} gives {action} as an action, which is nothing that an alarm can start",
    remedy="give the ARN of a topic, of a scaling policy or of a function; Ref of a topic is its ARN",
    sources=(CREATE, ACTIONS),
)
def an_action_that_is_none(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM, COMPOSITE):
        for name in LISTS:
            for position, action in enumerate(site.items(alarm, name)):
                if not _acts(action):
                    yield found(alarm, name, position, alarm=alarm, action=action)


def _acts(action: Value) -> bool:
    if isinstance(action, Reference):
        kind = action.resource.kind
        return kind.startswith(FOREIGN) or action.attribute in ACTORS.get(kind, ())
    if isinstance(action, Given | Unknown) or not known(action):
        return True
    parts = str(action).split(":")
    return parts[0] == "arn" and (len(parts) < 3 or parts[2] in SERVICES or parts[2].startswith("$"))


@rule(
    "E9653",
    cause="alarm {alarm} tells {whom} when it ends, and nobody when it begins",
    remedy="name the same in AlarmActions",
    sources=(ACTIONS,),
)
def an_alarm_that_tells_its_end_alone(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM, COMPOSITE):
        begins = site.items(alarm, "AlarmActions")
        ends = [one for one in site.items(alarm, "OKActions") if isinstance(one, Reference)]
        if ends and not begins:
            yield found(alarm, "AlarmActions", alarm=alarm, whom=ends[0])


@rule(
    "W9654",
    cause=(
        "alarm {alarm} tells {whom} when it begins and nobody when it ends, unlike every other "
        "alarm of that topic"
    ),
    remedy="name the topic in OKActions too",
    sources=(ACTIONS,),
    demanding=True,
)
def an_alarm_that_does_not_tell_its_end(site: Site) -> Iterator[Finding]:
    told: dict[Resource, dict[bool, list[Resource]]] = {}
    for alarm in site.all(ALARM, COMPOSITE):
        for action in site.items(alarm, "AlarmActions"):
            topic = site.target(action, "AWS::SNS::Topic")
            if topic is not None:
                ends = action in site.items(alarm, "OKActions")
                told.setdefault(topic, {True: [], False: []})[ends].append(alarm)
    for topic, by in told.items():
        if len(by[True]) >= 5 and len(by[False]) == 1:
            yield found(by[False][0], "OKActions", alarm=by[False][0], whom=topic)


@rule(
    "W9655",
    cause="alarm {alarm} tells {topic}, whereas every other alarm of this tree tells {usual}",
    remedy="tell {usual}, or give {topic} subscribers and alarms of its own",
    sources=(ACTIONS,),
    demanding=True,
)
def an_alarm_that_tells_another_topic(site: Site) -> Iterator[Finding]:
    told: dict[Resource, list[Resource]] = {}
    for alarm in alarms(site):
        for topic in dict.fromkeys(topics_of(site, alarm)):
            told.setdefault(topic, []).append(alarm.resource)
    usual = max(told, key=lambda topic: len(told[topic]), default=None)
    for topic, its in told.items():
        alone = len(its) == 1 and usual is not None and len(told[usual]) >= 5
        if alone and not any(site.uses(topic, "AWS::SNS::Subscription")) and topic != usual:
            yield found(its[0], "AlarmActions", alarm=its[0], topic=topic, usual=usual)


@rule(
    "W9656",
    cause=(
        "alarm {alarm} both scales and lies in {state}Actions under {action}, so that its end scales as well"
    ),
    remedy="start a scaling policy in AlarmActions alone",
    sources=(ACTIONS,),
)
def a_scaling_policy_that_an_alarm_s_end_starts(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for state in ("OK", "InsufficientData"):
            for position, action in enumerate(site.items(alarm.resource, f"{state}Actions")):
                if isinstance(action, Reference) and scales(action) and action in alarm.actions:
                    yield found(
                        alarm.resource,
                        f"{state}Actions",
                        position,
                        alarm=alarm.resource,
                        state=state,
                        action=action,
                    )
