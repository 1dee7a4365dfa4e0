"""Topic rules: a statement that parses, a filter that matches, a rule that is on and does something."""

from collections.abc import Iterator

from rules.families.ingest.topic_filters import wrong_with
from rules.families.ingest.topic_sql import BadSql, Query, parse
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, known

RULE = "AWS::IoT::TopicRule"
PAYLOAD = "TopicRulePayload"
REFERENCE = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html"
FUNCTIONS = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html"
FROM = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-from.html"
TOPICS = "https://docs.aws.amazon.com/iot/latest/developerguide/topics.html"
VERSIONS = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-sql-version.html"
CREATING = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-create-rule.html"
NEWEST = "2016-03-23"
NEVER = (["false"], ["1", "=", "0"], ["0", "=", "1"])


def statement(site: Site, one: Resource) -> Query | None:
    """What a rule's SQL comes to; None where it is unknown, or none."""
    sql = site.get(one, PAYLOAD, "Sql")
    if sql is None or not known(sql):
        return None
    try:
        return parse(plain(sql))
    except BadSql:
        return None


def plain(value: Value) -> str:
    """A known text, in which a reference is one word: its address would bring slashes of its own."""
    parts = value.parts if isinstance(value, Text) else (value,)
    return "".join(
        str(part).replace("/", ".") if isinstance(part, Reference) else str(part) for part in parts
    )


@rule(
    "E9700",
    cause="the SQL of {rule} {wrong}",
    remedy="write SELECT … FROM 'topic/filter' WHERE …, with the functions of IoT SQL",
    sources=(REFERENCE, FUNCTIONS),
)
def a_statement_that_does_not_parse(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        sql = site.get(one, PAYLOAD, "Sql")
        if not known(sql):
            continue
        try:
            parse(plain(sql or ""))
        except BadSql as wrong:
            yield found(one, PAYLOAD, "Sql", rule=one, wrong=str(wrong))


@rule(
    "E9701",
    cause="{rule} listens to {filter}, which {wrong}",
    remedy="take + for one whole level, # for all that follow, and at most seven slashes",
    sources=(TOPICS, FROM),
)
def a_filter_that_is_none(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        wrong = wrong_with(query.source) if query and query.source is not None else ""
        if query is not None and wrong:
            yield found(one, PAYLOAD, "Sql", rule=one, filter=query.source, wrong=wrong)


@rule(
    "E9702",
    cause="the SQL of {rule} asks for topic({level}), and {filter} has {count} levels",
    remedy="ask for a level that every topic of the filter has; they are counted from 1",
    sources=(FUNCTIONS, FROM),
)
def a_level_that_no_topic_has(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        if query is None or query.source is None:
            continue
        for level in sorted(set(query.levels)):
            if not has_level(query.source, level):
                count = levels_of(query.source)
                yield found(one, PAYLOAD, "Sql", rule=one, level=level, filter=query.source, count=count)


def levels_of(filter: str) -> int:
    """Without the prefix of Basic Ingest, which topic() does not count."""
    return len(_levels(filter))


def has_level(filter: str, level: int) -> bool:
    """Whether topics of a filter have that level; `#` may stand for any number of them."""
    levels = _levels(filter)
    return level >= 1 and (level <= len(levels) or levels[-1] == "#")


def level_at(filter: str, level: int) -> str:
    """What a filter has at a level: + or #, or the one text that stands there always."""
    levels = _levels(filter)
    return levels[level - 1] if 1 <= level <= len(levels) else ""


def _levels(filter: str) -> list[str]:
    levels = filter.split("/")
    return levels[3:] if levels[:2] == ["$aws", "rules"] else levels


@rule(
    "W9703",
    cause="{rule} is evaluated by version {version} of the SQL engine",
    remedy=f"set AwsIotSqlVersion: '{NEWEST}'; without it the engine is that of 2015-10-08",
    sources=(VERSIONS,),
    demanding=True,
)
def an_engine_of_another_time(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        version = site.get(one, PAYLOAD, "AwsIotSqlVersion")
        if known(version) and isinstance(site.get(one, PAYLOAD), dict) and str(version) != NEWEST:
            yield found(one, PAYLOAD, "AwsIotSqlVersion", rule=one, version=version or "2015-10-08")


@rule(
    "W9704",
    cause="{rule} is off, and what devices publish to it is dropped without a word",
    remedy="set RuleDisabled: false, or take the rule out",
    sources=(CREATING,),
    demanding=True,
)
def a_rule_that_is_off(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        if str(site.get(one, PAYLOAD, "RuleDisabled")).lower() == "true":
            yield found(one, PAYLOAD, "RuleDisabled", rule=one)


@rule(
    "E9705",
    cause="{rule} does nothing with what it selects",
    remedy="give it an action",
    sources=(CREATING,),
)
def a_rule_without_an_action(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        if site.get(one, PAYLOAD, "Actions") in ([], None) and isinstance(site.get(one, PAYLOAD), dict):
            yield found(one, PAYLOAD, "Actions", rule=one)


@rule(
    "E9706",
    cause="{rule} never acts: its condition is {condition}",
    remedy="write a condition that some message meets, or none",
    sources=(REFERENCE, FUNCTIONS),
)
def a_condition_that_never_holds(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        if query is None or query.source is None:
            continue
        condition = [token.lower() for token in query.condition]
        if condition in NEVER or _contradicts(query.condition, query.source):
            yield found(one, PAYLOAD, "Sql", rule=one, condition=" ".join(query.condition))


def _contradicts(condition: list[str], filter: str) -> bool:
    """topic(1) = 'x', where the filter has another text at that level."""
    if len(condition) != 6 or condition[0].lower() != "topic" or condition[4] != "=":
        return False
    has = level_at(filter, int(condition[2])) if condition[2].isdigit() else "+"
    wanted = condition[5].strip("'\"")
    return has not in ("+", "#", "") and has != wanted


@rule(
    "W9707",
    cause="{rule} listens to everything that anybody publishes",
    remedy="name the first levels of the topics that are meant for it",
    sources=(FROM, TOPICS),
    demanding=True,
)
def a_rule_for_every_topic(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        if query is not None and query.source in ("#", "+/#"):
            yield found(one, PAYLOAD, "Sql", rule=one)


@rule(
    "W9701",
    cause="{rule} leaves out what does not meet {condition}, and no other rule takes it",
    remedy="take every message, and sort later; or give what is left out a rule of its own",
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-where.html",),
    demanding=True,
)
def a_condition_that_drops_messages(site: Site) -> Iterator[Finding]:
    queries = {one: statement(site, one) for one in site.all(RULE)}
    for one, query in queries.items():
        others = [other for another, other in queries.items() if another != one]
        if query is None or not query.condition or None in others:
            continue
        if not any(other is not None and other.source == query.source for other in others):
            yield found(one, PAYLOAD, "Sql", rule=one, condition=" ".join(query.condition))
