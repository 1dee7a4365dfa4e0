"""What one device says stays in order: its records go to one shard, and none is lost on the way."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import declared, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind, texts
from topology.tree import Resource
from topology.values import REF, Reference

ACTION = "https://docs.aws.amazon.com/iot/latest/developerguide/kinesis-rule-action.html"
CONCEPTS = "https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html"
FUNCTIONS = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html"
ERRORS = "https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html"
RULE = "AWS::IoT::TopicRule"
FILTER = re.compile(r"\bFROM\s+'([^']*)'", re.IGNORECASE)
SUBSTITUTED = re.compile(r"\$\{(.+?)\}")
SEGMENT = re.compile(r"topic\(\s*(\d+)\s*\)")
FRESH = re.compile(r"\b(newuuid|timestamp|rand|traceid|parse_time)\s*\(")
THING = re.compile(r"\$\{iot:(Connection\.Thing\.ThingName|ClientId)\}")


def _keys(site: Site) -> Iterator[tuple[Resource, int, str | None]]:
    """Each Kinesis action of a rule: the rule, its position, its partition key; None where it is left out."""
    for topic_rule in site.all(RULE):
        for position, action in enumerate(site.items(topic_rule, "TopicRulePayload", "Actions")):
            kinesis = action.get("Kinesis") if isinstance(action, dict) else None
            if isinstance(kinesis, dict):
                key = kinesis.get("PartitionKey")
                if key is None or isinstance(key, str):
                    yield topic_rule, position, key


def _segments(site: Site, topic_rule: Resource) -> list[str]:
    sql = word(site, topic_rule, "TopicRulePayload", "Sql")
    read = FILTER.search(sql) if sql else None
    return read[1].split("/") if read else []


def _at(topic_rule: Resource, position: int, **parts: object) -> Finding:
    path = ("TopicRulePayload", "Actions", position, "Kinesis", "PartitionKey")
    return found(topic_rule, *path, rule=topic_rule, **parts)


@rule(
    "E9465",
    cause="rule {rule} gives every record the partition key {key}, so all devices share one shard",
    remedy="take the key from what tells devices apart, such as the segment of the topic that names one",
    sources=(ACTION, CONCEPTS),
)
def one_partition_key_for_all(site: Site) -> Iterator[Finding]:
    for topic_rule, position, key in _keys(site):
        if key is None:
            continue
        levels, numbers = _segments(site, topic_rule), [int(one) for one in SEGMENT.findall(key)]
        inside = SUBSTITUTED.findall(key)
        fixed = all(number <= len(levels) and levels[number - 1] not in "+#" for number in numbers)
        only = bool(inside) and all(SEGMENT.fullmatch(one.strip()) for one in inside)
        if not inside or (only and numbers and levels and "#" not in levels and fixed and 0 not in numbers):
            yield _at(topic_rule, position, key=key)


@rule(
    "E9466",
    cause="rule {rule} takes its partition key from segment {number} of topics that have {levels}",
    remedy="count the segments of the topic filter from 1",
    sources=(FUNCTIONS, ACTION),
)
def a_segment_that_no_topic_has(site: Site) -> Iterator[Finding]:
    for topic_rule, position, key in _keys(site):
        levels = _segments(site, topic_rule)
        for number in map(int, SEGMENT.findall(key or "")):
            if levels and "#" not in levels and not 1 <= number <= len(levels):
                yield _at(topic_rule, position, number=number, levels=len(levels))


@rule(
    "W9452",
    cause="rule {rule} gives each record its own partition key ({key}), so devices lose their order",
    remedy="take the key from what names the device, such as a segment of its topic",
    sources=(ACTION, CONCEPTS),
)
def a_partition_key_of_its_own_for_each(site: Site) -> Iterator[Finding]:
    for topic_rule, position, key in _keys(site):
        if key is None or FRESH.search(key):
            yield _at(topic_rule, position, key="left out" if key is None else key)


def _device_segments(site: Site, levels: list[str]) -> set[int]:
    """Where device policies put the thing's name, in topics that this filter takes; none where unclear."""
    found: set[int] = set()
    for policy in site.policies:
        if policy.kind != Kind.DEVICE:
            continue
        for statement in policy.statements:
            for resource in texts(statement.document.get("Resource")):
                _, is_topic, topic = resource.partition(":topic/")
                parts = topic.split("/")
                if is_topic and THING.fullmatch(parts[-1]) and _fits(parts, levels):
                    found.add(len(levels))
    return found


def _fits(parts: list[str], levels: list[str]) -> bool:
    """Whether the fixed beginning of a topic agrees with the filter's."""
    for part, level in zip(parts[:-1], levels, strict=False):
        if "${" in part or "*" in part or level == "#":
            return True
        if level not in ("+", part):
            return False
    return len(parts) <= len(levels)


@rule(
    "W9453",
    cause="rule {rule} is keyed by segment {number}, and device policies name the device in segment {device}",
    remedy="use topic({device}), so that each device keeps its order and devices spread over the shards",
    sources=(ACTION, CONCEPTS),
)
def a_partition_key_of_something_else(site: Site) -> Iterator[Finding]:
    for topic_rule, position, key in _keys(site):
        levels = _segments(site, topic_rule)
        numbers = {int(one) for one in SEGMENT.findall(key or "")}
        if not numbers or not levels or "#" in levels or max(numbers) > len(levels):
            continue
        devices = _device_segments(site, levels)
        if len(devices) == 1 and not devices & numbers:
            yield _at(topic_rule, position, number=min(numbers), device=next(iter(devices)))


@rule(
    "W9454",
    cause="rule {rule} drops what an action refuses: it has no error action",
    remedy="set ErrorAction to a queue, a bucket or a stream that somebody watches",
    sources=(ERRORS,),
    demanding=True,
)
def a_rule_that_drops_what_fails(site: Site) -> Iterator[Finding]:
    for topic_rule in site.all(RULE):
        if site.get(topic_rule, "TopicRulePayload", "ErrorAction") is None and declared(site, topic_rule):
            yield found(topic_rule, "TopicRulePayload", rule=topic_rule)


@rule(
    "W9455",
    cause="rule {rule} is disabled: what devices say is dropped",
    remedy="set RuleDisabled: false",
    sources=("https://docs.aws.amazon.com/iot/latest/apireference/API_TopicRulePayload.html",),
    demanding=True,
)
def a_rule_that_is_disabled(site: Site) -> Iterator[Finding]:
    for topic_rule in site.all(RULE):
        if str(site.get(topic_rule, "TopicRulePayload", "RuleDisabled")).lower() == "true":
            yield found(topic_rule, "TopicRulePayload", "RuleDisabled", rule=topic_rule)


@rule(
    "E9467",
    cause="rule {rule} names {queue} by its {attribute}, where its URL is asked for",
    remedy="give the queue's Ref, which is its URL",
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/sqs-rule-action.html",),
)
def a_queue_that_is_not_named_by_its_url(site: Site) -> Iterator[Finding]:
    for topic_rule in site.all(RULE):
        path = ("TopicRulePayload", "ErrorAction", "Sqs", "QueueUrl")
        value = site.get(topic_rule, *path)
        if isinstance(value, Reference) and value.attribute not in (REF, "QueueUrl"):
            yield found(topic_rule, *path, rule=topic_rule, queue=value.resource, attribute=value.attribute)
