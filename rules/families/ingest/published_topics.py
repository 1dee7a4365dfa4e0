"""What devices may publish, and what rules listen to, are the same topics."""

from collections.abc import Iterator

from rules.families.ingest.device_statements import (
    ATTRIBUTE,
    THING,
    Allowed,
    On,
    pattern,
    statements,
    variables,
)
from rules.families.ingest.rule_actions import SUBSTITUTED, actions
from rules.families.ingest.topic_filters import fewest_levels, meet, of_filter, of_glob
from rules.families.ingest.topic_rules import PAYLOAD, RULE, statement
from rules.families.ingest.topic_sql import BadSql, expression
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import known

FROM = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-from.html"
PUBSUB = "https://docs.aws.amazon.com/iot/latest/developerguide/pub-sub-policy.html"
THING_VARIABLES = "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"
BASIC = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-basic-ingest.html"
KINESIS = "https://docs.aws.amazon.com/iot/latest/developerguide/kinesis-rule-action.html"


def _publishing(site: Site) -> list[tuple[Allowed, int, On]]:
    """What devices may publish to."""
    return [
        (one, position, resource)
        for one in statements(site)
        if one.allows and {"iot:Publish", "iot:*", "*"} & set(one.actions)
        for position, resource in enumerate(one.resources)
        if resource.kind in ("topic", "", "?")
    ]


def _others_publish(site: Site) -> bool:
    """Whether somebody with a role may publish as well, or a policy could not be read."""
    roles = (one for policy in site.policies if policy.kind is Kind.IDENTITY for one in policy.statements)
    may = {"iot:Publish", "iot:*", "*", "iot:Pub*"}
    return any(one.allows and may & set(one.actions) for one in roles) or any(
        site.tree.resource(address).kind == "AWS::IoT::Policy" for address in site.unread_policies
    )


@rule(
    "E9734",
    cause="{rule} listens to {filter}, and no device here may publish there: {may}",
    remedy="let the filter of the rule and the topics of the device's policy be the same",
    sources=(FROM, PUBSUB),
)
def a_rule_that_hears_nobody(site: Site) -> Iterator[Finding]:
    publishing = _publishing(site)
    if not publishing or _others_publish(site):
        return
    for one in site.all(RULE):
        query = statement(site, one)
        if query is None:
            continue
        filter = query.source or f"$aws/rules/{_name(site, one)}/#"
        if filter.startswith("$") and query.source:
            continue  # what AWS itself publishes
        if not any(_meets(filter, one, on) for one, _, on in publishing):
            may = ", ".join(dict.fromkeys(on.name for _, _, on in publishing))
            yield found(one, PAYLOAD, "Sql", rule=one, filter=filter, may=may)


def _name(site: Site, one: Resource) -> str:
    name = site.get(one, "RuleName")
    return str(name) if isinstance(name, str) else "\0"


def _meets(filter: str, one: Allowed, on: On) -> bool:
    if on.kind in ("", "?"):
        return True
    of = of_glob(filter.replace("\0", "*")) if filter.startswith("$") else of_filter(filter)
    return meet(of, pattern(on, one.conditions))


@rule(
    "W9735",
    cause="{statement} of {policy} lets a device publish to {topic} with {fewest} levels, and {rule} "
    "listens to {count}",
    remedy="hold the attribute to its number of levels by a condition: StringLike ?*/?*",
    sources=(PUBSUB, THING_VARIABLES, FROM),
)
def a_topic_that_may_fall_short(site: Site) -> Iterator[Finding]:
    for one, position, on in _publishing(site):
        if not ATTRIBUTE.search(on.name) or "\0" in on.name:
            continue
        fewest = fewest_levels(pattern(on, one.conditions))
        for listening in site.all(RULE):
            query = statement(site, listening)
            filter = query.source if query else None
            if not filter or "#" in filter or not _meets(filter, one, on):
                continue
            count = filter.count("/") + 1
            if fewest < count:
                yield found(
                    one.policy,
                    *one.path,
                    "Resource",
                    position,
                    policy=one.policy,
                    statement=one.name,
                    topic=on.name,
                    fewest=fewest,
                    rule=listening,
                    count=count,
                )


@rule(
    "W9736",
    cause="{rule} partitions by {key}, and the name of the device stands at level {level} of its topic",
    remedy="partition by that level: whole groups of devices share a shard otherwise",
    sources=(KINESIS, PUBSUB),
)
def a_partition_by_another_level(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        if query is None or not query.source or "#" in query.source:
            continue
        levels = {_level_of_thing(query.source, by, on) for by, _, on in _publishing(site)} - {0}
        for path, kind, properties in actions(site, one):
            key = properties.get("PartitionKey")
            if kind != "Kinesis" or not isinstance(key, str) or not known(key) or len(levels) != 1:
                continue
            asked = _levels(key)
            if asked and not asked & levels:
                yield found(one, *path, "PartitionKey", rule=one, key=key, level=min(levels))


def _levels(key: str) -> set[int]:
    """The levels that a key is made of; none where it is made of more."""
    found: set[int] = set()
    for inside in SUBSTITUTED.findall(key):
        try:
            query = expression(inside)
        except BadSql:
            return set()
        levels = set(query.levels)
        if not levels or any(call.name != "topic" for call in query.calls):
            return set()
        found |= levels
    return found


def _level_of_thing(filter: str, one: Allowed, on: On) -> int:
    """The level of the filter at which the thing's name stands; 0 where it stands nowhere for certain."""
    last = on.name.rpartition("/")[2]
    if last == f"${{{THING}}}" and _meets(filter, one, on):
        return filter.count("/") + 1
    before = on.name.partition(f"${{{THING}}}")[0]
    plain = THING in on.name and not variables(On("", before, None)) and "*" not in before
    return before.count("/") + 1 if plain and before.endswith("/") and _meets(filter, one, on) else 0


@rule(
    "W9738",
    cause="{rule} listens to {filter}, and all that its devices publish has {text} at level {level}",
    remedy="write that in place of the wildcard, or what others publish comes in as well",
    sources=(FROM, PUBSUB),
    demanding=True,
)
def a_rule_that_hears_others(site: Site) -> Iterator[Finding]:
    publishing = _publishing(site)
    for one in site.all(RULE):
        query = statement(site, one)
        filter = query.source if query else None
        meeting = [on for by, _, on in publishing if filter and _meets(filter, by, on)]
        if not filter or not meeting or any(on.kind != "topic" for on in meeting):
            continue
        for position, level in enumerate(filter.split("/")):
            texts = {_fixed(on, position) for on in meeting}
            if level in ("+", "#") and len(texts) == 1 and "" not in texts:
                parts = {"rule": one, "filter": filter, "text": texts.pop(), "level": position + 1}
                yield found(one, PAYLOAD, "Sql", **parts)
                break


def _fixed(on: On, position: int) -> str:
    """What a topic always has at a level; empty where something else may stand there, or before it."""
    levels = on.name.split("/")[: position + 1]
    plain = all(not any(sign in level for sign in ("$", "*", "?", "\0")) for level in levels)
    return levels[position] if len(levels) > position and plain else ""
