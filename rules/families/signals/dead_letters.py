"""Queues of what could not be delivered, and whether anybody watches them."""

from collections.abc import Iterator, Mapping

from rules.families.signals.site_memory import once
from rules.families.signals.watch_coverage import telling_series
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, references


@once
def dead_letter_queues(site: Site) -> Mapping[Resource, Resource]:
    """Queue -> what sets aside into it."""
    into: dict[Resource, Resource] = {}
    for resource in site.tree.resources():
        for use in _setting_aside(site, resource):
            if use.kind == "AWS::SQS::Queue":
                into.setdefault(use, resource)
    return into


PLACES = ("RedrivePolicy", "DeadLetterConfig", "DeadLetterQueue", "ErrorAction", "OnFailure")


def _setting_aside(site: Site, resource: Resource) -> Iterator[Resource]:
    if resource.kind in ("AWS::CloudFormation::Stack", "AWS::CloudWatch::Dashboard"):
        return
    for name, value in site.properties(resource).items():
        for key, inside in _named(name, value):
            if key in PLACES:
                yield from (one.resource for one in references(inside))


def _named(name: str, value: Value) -> Iterator[tuple[str, Value]]:
    yield name, value
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _named(str(key), inside)
    elif isinstance(value, list):
        for inside in value:
            if isinstance(inside, dict):
                yield from _named("", inside)


@rule(
    "W9608",
    cause="{source} sets aside in {queue} what it cannot deliver, and no alarm watches the queue",
    remedy=(
        "add an alarm on ApproximateNumberOfMessagesVisible above 0: what lies there is lost "
        "when its retention ends"
    ),
    sources=(
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html",
    ),
    demanding=True,
)
def dead_letters_that_nobody_watches(site: Site) -> Iterator[Finding]:
    kinds = {one.kind for _, about in telling_series(site) for one in about}
    if len(kinds) < 2:
        return
    watched = {
        one
        for series, about in telling_series(site)
        for one in about
        if str(series.name) in ("ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent")
    }
    for queue, source in dead_letter_queues(site).items():
        if queue not in watched:
            yield found(queue, queue=queue, source=source)
