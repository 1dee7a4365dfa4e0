"""Alarms on several queries: that they can be read, name each other, and come to one answer."""

import re
from collections.abc import Iterator

from rules.families.signals.alarm_series import ALARM, QUERY, Alarm, Expression, alarms
from rules.families.signals.marked_text import MARK, marked
from rules.families.signals.metric_math import FUNCTIONS, BadExpression, Node, calls, names, parsed
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

MATH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"
CREATE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
QUERIES = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-alarms.html"
)
ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


def _plain(one: Expression) -> str | None:
    """The expression with a name in place of each reference; None where nobody can read it."""
    text = marked(one.text)
    return MARK.sub("x", text.text) if text is not None and known(one.text) else None


def math_of(one: Expression) -> Node | None:
    text = _plain(one)
    if text is None or text.lstrip().upper().startswith("SELECT"):
        return None
    try:
        return parsed(text)
    except BadExpression:
        return None


@rule(
    "E9640",
    cause="expression {id} of alarm {alarm} cannot be read: it {why}",
    remedy="write it as metric math, or as SELECT … FROM … of Metrics Insights",
    sources=(MATH, QUERIES),
)
def an_expression_that_nobody_can_read(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for one in alarm.expressions:
            text = _plain(one)
            if text is None:
                continue
            why = ""
            if text.lstrip().upper().startswith("SELECT"):
                why = "" if QUERY.match(text) else "is no SELECT function(metric) FROM namespace"
            else:
                try:
                    parsed(text)
                except BadExpression as error:
                    why = str(error)
            if why:
                yield at_expression(alarm, one, why=why)


def at_expression(alarm: Alarm, one: Expression, **parts: object) -> Finding:
    return found(alarm.resource, *one.path, alarm=alarm.resource, id=one.id, **parts)


@rule(
    "E9641",
    cause="expression {id} of alarm {alarm} calls {function}, and metric math has no such function",
    remedy="functions are written in capitals: ABS, AVG, FILL, IF, MAX, MIN, RATE, SUM and so on",
    sources=(MATH,),
)
def a_function_that_metric_math_does_not_have(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for one in alarm.expressions:
            node = math_of(one)
            for call in calls(node) if node is not None else ():
                if call.text not in FUNCTIONS:
                    yield at_expression(alarm, one, function=call.text)


@rule(
    "E9642",
    cause=(
        "expression {id} of alarm {alarm} names {name}, and the alarm has no query of that id; it has {have}"
    ),
    remedy="name a query by its Id",
    sources=(MATH,),
)
def an_expression_on_a_query_that_there_is_not(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        ids = _ids(site, alarm)
        for one in alarm.expressions:
            node = math_of(one)
            for name in dict.fromkeys(names(node)) if node is not None else ():
                if name not in ids and name not in ("REPEAT", "LINEAR", "ASC", "DSC", "x"):
                    yield at_expression(alarm, one, name=name, have=", ".join(ids))


def _ids(site: Site, alarm: Alarm) -> list[str]:
    return [
        str(query.get("Id")) for query in site.items(alarm.resource, "Metrics") if isinstance(query, dict)
    ]


@rule(
    "W9643",
    cause="alarm {alarm} asks for {id}, and nothing that it judges names it",
    remedy="name it in the expression, or take the query out",
    sources=(MATH,),
)
def a_query_that_nothing_uses(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        nodes = [math_of(one) for one in alarm.expressions]
        if not nodes or any(node is None for node in nodes):
            continue
        named = {name for node in nodes if node is not None for name in names(node)}
        everything = any(call.text == "METRICS" for node in nodes if node is not None for call in calls(node))
        for position, query in enumerate(site.items(alarm.resource, "Metrics")):
            if not isinstance(query, dict) or everything:
                continue
            kept, name = str(query.get("ReturnData", True)).lower() == "false", str(query.get("Id"))
            if kept and name not in named:
                yield found(alarm.resource, "Metrics", position, "Id", alarm=alarm.resource, id=name)


@rule(
    "E9644",
    cause="alarm {alarm} returns {count} of its queries ({ids}), and an alarm judges exactly one",
    remedy="set ReturnData: false on all queries but the one that it judges",
    sources=(CREATE,),
)
def an_alarm_that_judges_not_exactly_one_query(site: Site) -> Iterator[Finding]:
    for resource in site.all(ALARM):
        queries = [query for query in site.items(resource, "Metrics") if isinstance(query, dict)]
        if not queries or not known([query.get("ReturnData") for query in queries]):
            continue
        judged = [
            str(query.get("Id")) for query in queries if str(query.get("ReturnData", True)).lower() == "true"
        ]
        banded = site.get(resource, "ThresholdMetricId") is not None
        if len(judged) != 1 and not (banded and len(judged) == 2):
            yield found(
                resource, "Metrics", alarm=resource, count=len(judged), ids=", ".join(judged) or "none"
            )


@rule(
    "E9645",
    cause="alarm {alarm} has a query {id}: {why}",
    remedy=(
        "give each query an Id of its own that begins with a small letter, and exactly one of "
        "MetricStat and Expression"
    ),
    sources=(CREATE, MATH),
)
def a_query_of_a_wrong_form(site: Site) -> Iterator[Finding]:
    for resource in site.all(ALARM):
        seen: set[str] = set()
        for position, query in enumerate(site.items(resource, "Metrics")):
            if not isinstance(query, dict) or not isinstance(query.get("Id"), str):
                continue
            name = str(query["Id"])
            both = ("MetricStat" in query) == ("Expression" in query)
            why = (
                "two have this id"
                if name in seen
                else ""
                if ID.fullmatch(name)
                else "an id begins with a small letter"
            )
            why = why or ("it wants one of MetricStat and Expression" if both else "")
            seen.add(name)
            if why:
                yield found(resource, "Metrics", position, "Id", alarm=resource, id=name, why=why)


@rule(
    "E9646",
    cause="query {id} of alarm {alarm} is a SELECT without Period",
    remedy="give it a Period: that of a query is nowhere else",
    sources=(QUERIES,),
)
def a_query_without_period(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        for one in alarm.expressions:
            text = _plain(one)
            if text is not None and text.lstrip().upper().startswith("SELECT") and one.period is None:
                yield at_expression(alarm, one)
