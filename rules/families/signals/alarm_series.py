"""What alarms and widgets watch: each series with its place, resolved."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.signals.marked_text import Marked, marked
from rules.families.signals.site_memory import once
from rules.seam.rule import Steps
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
QUERY = re.compile(
    r"""\s*SELECT\s+(?P<stat>\w+)\(\s*"?(?P<name>[^")]+?)"?\s*\)\s+FROM\s+
    (?:SCHEMA\(\s*"?(?P<schema>[^",)]+)"?\s*(?P<dimensions>(?:,\s*[^),]+)*)\)|"?(?P<namespace>[^"\s]+)"?)
    (?:\s+WHERE\s+(?P<where>.*?))?\s*(?:GROUP\s+BY.*|ORDER\s+BY.*|LIMIT.*)?$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
EQUALS = re.compile(r"\"?([\w.% -]+?)\"?\s*=\s*'([^']*)'")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
SEARCH = re.compile(
    r"""SEARCH\(\s*(?P<quote>['"])\s*\{(?P<schema>[^}]+)\}(?P<terms>.*?)(?P=quote)\s*,\s*(['"])(?P<stat>[\w.]+)\4\s*
    (?:,\s*(?P<period>\d+)\s*)?\)""",
    re.VERBOSE | re.DOTALL,
)
TERM = re.compile(r'"?([\w.]+)"?\s*=\s*"([^"]*)"')


@dataclass(frozen=True, eq=False)
class Series:
    """One metric of one set of dimensions, or all that a query or a search finds."""

    resource: Resource
    path: Steps  # within the properties, where it is written
    namespace: Value
    name: Value
    dimensions: tuple[tuple[Value, Value], ...] | None  # None: nobody can read them
    stat: Value = None
    period: Value = None
    unit: Value = None
    id: str = ""
    whole: bool = True  # False: these are some dimensions of the set, and it is of all that have them
    schema: tuple[str, ...] = ()  # of a search: the whole set

    def place(self, step: str) -> Steps:
        """Where a part of it stands; a query and a widget are one text."""
        if not self.whole or self.resource.kind != ALARM:
            return self.path
        inside = ("Period", "Stat", "Unit")
        return (
            (*self.path[:-1], step)
            if self.path[-1:] == ("Metric",) and step in inside
            else (*self.path, step)
        )


@dataclass(frozen=True, eq=False)
class Expression:
    path: Steps
    id: str
    text: Value
    returned: bool
    period: Value


@dataclass(frozen=True, eq=False)
class Alarm:
    resource: Resource
    series: tuple[Series, ...]
    expressions: tuple[Expression, ...]
    returned: str  # the id of the query that it judges, where it has queries
    operator: str
    threshold: float | None
    missing: Value  # TreatMissingData, with its default
    periods: float | None
    points: float | None
    actions: tuple[Value, ...]
    relief: tuple[Value, ...]  # OKActions


def number(value: Value) -> float | None:
    """A number, also one that is written in quotes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


@once
def alarms(site: Site) -> tuple[Alarm, ...]:
    return tuple(_alarm(site, resource) for resource in site.all(ALARM))


def _alarm(site: Site, resource: Resource) -> Alarm:
    series: list[Series] = []
    expressions: list[Expression] = []
    if site.get(resource, "MetricName") is not None:
        series.append(
            _stated(resource, (), site.properties(resource), site.get(resource, "Period"), resource)
        )
    returned = ""
    for position, query in enumerate(site.items(resource, "Metrics")):
        if not isinstance(query, dict):
            continue
        path, name = ("Metrics", position), str(query.get("Id"))
        shown = str(query.get("ReturnData", True)).lower() == "true"
        returned = name if shown else returned
        stated = query.get("MetricStat")
        if isinstance(stated, dict) and isinstance(stated.get("Metric"), dict):
            metric: dict[str, Value] = stated["Metric"]  # type: ignore[assignment]
            series.append(
                _stated(
                    resource,
                    (*path, "MetricStat", "Metric"),
                    {**metric, **stated},
                    stated.get("Period"),
                    resource,
                    name,
                )
            )
        elif "Expression" in query:
            text = query["Expression"]
            expressions.append(Expression((*path, "Expression"), name, text, shown, query.get("Period")))
            series += asked_for(resource, (*path, "Expression"), text, query.get("Period"), name)
    missing = site.get(resource, "TreatMissingData")
    periods = number(site.get(resource, "EvaluationPeriods"))
    points = site.get(resource, "DatapointsToAlarm")
    return Alarm(
        resource,
        tuple(series),
        tuple(expressions),
        returned,
        str(site.get(resource, "ComparisonOperator")),
        number(site.get(resource, "Threshold")),
        "missing" if missing is None else missing,
        periods,
        periods if points is None else number(points),
        tuple(site.items(resource, "AlarmActions")),
        tuple(site.items(resource, "OKActions")),
    )


def _stated(
    resource: Resource, path: Steps, stated: Mapping[str, Value], period: Value, _: object, name: str = ""
) -> Series:
    listed = stated.get("Dimensions")
    dimensions: tuple[tuple[Value, Value], ...] | None = ()
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
        dimensions = tuple((one.get("Name"), one.get("Value")) for one in listed if isinstance(one, dict))
    elif listed is not None:
        dimensions = None
    stat = stated.get("Stat", stated.get("Statistic", stated.get("ExtendedStatistic")))
    return Series(
        resource,
        path,
        stated.get("Namespace"),
        stated.get("MetricName"),
        dimensions,
        stat,
        period,
        stated.get("Unit"),
        name,
    )


def asked_for(resource: Resource, path: Steps, text: Value, period: Value, name: str) -> Iterator[Series]:
    """What a query or a search in an expression asks for."""
    plain = marked(text)
    if plain is None:
        return
    query = QUERY.match(plain.text)
    if query is not None:
        where = tuple((one, plain.back(given)) for one, given in EQUALS.findall(query["where"] or ""))
        also = tuple(part.strip(' "') for part in (query["dimensions"] or "").split(",") if part.strip())
        namespace = plain.back((query["schema"] or query["namespace"]).strip())
        yield Series(
            resource,
            path,
            namespace,
            plain.back(query["name"]),
            where,
            query["stat"],
            period,
            None,
            name,
            False,
            also,
        )
    for search in SEARCH.finditer(plain.text):
        yield _searched(resource, path, search, plain, name)


def _searched(resource: Resource, path: Steps, search: re.Match[str], plain: Marked, name: str) -> Series:
    namespace, *schema = (part.strip(' "') for part in search["schema"].split(","))
    given = {one: plain.back(what) for one, what in TERM.findall(search["terms"])}
    metric = given.pop("MetricName", None)
    period = int(search["period"]) if search["period"] else None
    return Series(
        resource,
        path,
        plain.back(namespace),
        metric,
        tuple(given.items()),
        search["stat"],
        period,
        None,
        name,
        False,
        tuple(schema),
    )
