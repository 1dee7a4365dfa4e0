"""Signals: alarms and event patterns name things that exist and would fire, and somebody is told."""

from collections.abc import Iterator

from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.metrics import SQS

ALARM = "AWS::CloudWatch::Alarm"


@rule(
    "E9601",
    cause="alarm {alarm} watches {metric} of a queue under {dimensions}, where SQS publishes nothing",
    remedy="give it the one dimension QueueName",
    sources=(SQS,),
)
def an_alarm_on_dimensions_that_no_queue_has(site: Site) -> Iterator[Finding]:
    for alarm in site.all(ALARM):
        if site.get(alarm, "Namespace") != "AWS/SQS":
            continue
        listed = [one.get("Name") for one in site.items(alarm, "Dimensions") if isinstance(one, dict)]
        names = [name for name in listed if isinstance(name, str)]
        if len(names) == len(site.items(alarm, "Dimensions")) and names != ["QueueName"]:
            yield found(
                alarm,
                "Dimensions",
                alarm=alarm,
                metric=site.get(alarm, "MetricName"),
                dimensions=", ".join(names) or "no dimension",
            )
