"""What is written under one name and looked for under another, and topics that nobody hears."""

from collections.abc import Iterator
from difflib import get_close_matches

from rules.families.signals.alarm_series import ALARM, COMPOSITE
from rules.families.signals.composite_alarms import members
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.notifications import TOPIC, subscriptions, telling
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import Reference, known, references

FILTER = "AWS::Logs::MetricFilter"
FILTERS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html"
MANY = 3  # where so many speak to a topic, it is how the team hears of them
RULES = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
SUBSCRIBE = "https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"


@rule(
    "W9600",
    cause="{filter} counts {metric} in {namespace}, at which nothing looks, and {watcher} looks at {other} "
    "in {elsewhere}, which no filter counts",
    remedy="write one name in both: the alarm never has data",
    sources=(FILTERS,),
)
def a_filter_that_counts_under_another_name(site: Site) -> Iterator[Finding]:
    every = list(every_series(site))
    made = [
        (one, position, namespace, name)
        for one in site.all(FILTER)
        for position, at in enumerate(site.items(one, "MetricTransformations"))
        if isinstance(at, dict)
        for namespace, name in [(at.get("MetricNamespace"), at.get("MetricName"))]
    ]
    if not all(known(one[2]) and known(one[3]) for one in made):
        return
    written = {(str(namespace), str(name)) for _, _, namespace, name in made}
    looked = {(str(series.namespace), str(series.name)) for series in every}
    orphans = [
        series
        for series in every
        if known(series.namespace)
        and known(series.name)
        and series.name is not None
        and not str(series.namespace).startswith("AWS/")
        and (str(series.namespace), str(series.name)) not in written
    ]
    for one, position, namespace, name in made:
        if (str(namespace), str(name)) in looked:
            continue
        for series in orphans:
            apart = (series.namespace == namespace) != (series.name == name)
            own = site.target(site.get(one, "LogGroupName"), "AWS::Logs::LogGroup") is not None
            if apart and (own or _alike(str(series.name), str(name))):
                yield found(
                    one,
                    *("MetricTransformations", position),
                    filter=one,
                    metric=name,
                    namespace=namespace,
                    watcher=series.resource,
                    other=series.name,
                    elsewhere=series.namespace,
                )
                break


def _alike(one: str, other: str) -> bool:
    return bool(get_close_matches(one, [other], cutoff=0.75)) or one in other or other in one


@rule(
    "E9600",
    cause="composite alarm {alarm} looks at {name}, and none here is called so; {other} is called {close}",
    remedy="write the name as the alarm has it, or refer to the alarm",
    sources=(RULES,),
)
def a_member_that_is_called_otherwise(site: Site) -> Iterator[Finding]:
    named = {
        str(name): one
        for one in site.all(ALARM, COMPOSITE)
        if (name := site.get(one, "AlarmName")) is not None and known(name)
    }
    for alarm in site.all(COMPOSITE):
        for member in members(site, alarm):
            name = member.name
            if isinstance(name, Reference) or not known(name) or str(name) in named:
                continue
            text = str(name).rpartition(":alarm:")[2] or str(name)
            close = get_close_matches(text, named, n=1, cutoff=0.75) if text not in named else []
            if close:
                yield found(alarm, "AlarmRule", alarm=alarm, name=text, other=named[close[0]], close=close[0])


@rule(
    "W9601",
    cause="nobody subscribes to {topic} here, to which {count} alarms and rules speak, among them {user}",
    remedy="subscribe whoever should be told, where the alarms are made",
    sources=(SUBSCRIBE,),
    demanding=True,
)
def a_topic_of_a_plant_to_which_nobody_subscribes(site: Site) -> Iterator[Finding]:
    """Also one of a fixed name, or that an output tells people of; not one that is exported to stacks."""
    root = site.tree.root
    exported = {
        reference.resource
        for name, output in (root.body.get("Outputs") or {}).items()
        if isinstance(output, dict) and "Export" in output
        for reference in references(site.resolver.value(output.get("Value"), root.address, name))
    }
    heard = {resource for resource, _, _ in subscriptions(site) if resource.kind == TOPIC}
    told = [one.get("TopicArn") for resource, _, one in subscriptions(site) if resource.kind != TOPIC]
    heard |= {reference.resource for reference in references(told)}
    unknown = not known(told) or any(not known(site.get(one, "Subscription")) for one in site.all(TOPIC))
    for topic, users in telling(site).items():
        if topic not in heard | exported and not unknown and len(users) >= MANY:
            yield found(topic, "Subscription", topic=topic, count=len(users), user=users[0])


@rule(
    "E9607",
    cause="{watcher} looks at {metric} of the role {role}, and a cluster has a WRITER and READERs",
    remedy="set the dimension Role to WRITER or READER",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/dimensions.html",),
)
def a_role_that_no_instance_has(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        for name, value in series.dimensions or () if series.namespace == "AWS/RDS" else ():
            if str(name) == "Role" and isinstance(value, str) and value not in ("WRITER", "READER"):
                place = series.place("Dimensions")
                yield found(series.resource, *place, watcher=series.resource, metric=series.name, role=value)


@rule(
    "E9661",
    cause="{filter} filters by {pattern}, {why}",
    remedy='write JSON as {{ $.level = "FATAL" }}, fields as [a, b], words as they are',
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",),
)
def a_filter_pattern_that_cannot_be_read(site: Site) -> Iterator[Finding]:
    for one in site.all(FILTER, "AWS::Logs::SubscriptionFilter"):
        pattern = site.get(one, "FilterPattern")
        text = pattern.strip() if isinstance(pattern, str) else ""
        ends = {"{": "}", "[": "]"}.get(text[:1])
        why = ""
        if ends and not text.endswith(ends):
            why = f"which begins with {text[0]} and does not end with {ends}"
        elif text.startswith("{") and "$." not in text and "$[" not in text:
            why = "which selects nothing: a field of JSON begins with $."
        if why:
            yield found(one, "FilterPattern", filter=one, pattern=pattern, why=why)
