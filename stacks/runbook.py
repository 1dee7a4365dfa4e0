"""docs/runbook.md, made of the alarms themselves: what each means, where to look, what to do, when it begins.

Every alarm and every rule that tells people something has an entry, of whatever stack; one that lacks the
words is refused. What differs between environments is told apart, what does not is said once.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.alarm import DESCRIPTION_LIMIT, RUNBOOK, Guidance, family
from stacks.wiring import StackTemplate

__all__ = ["RUNBOOK", "WordsMissing", "page"]

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
RULE = "AWS::Events::Rule"
WORDS = re.compile(
    r"(?P<means>.+?)\s+Look: (?P<look>.+?)\s+Do: (?P<do>.+?)\s+Runbook: \S+#(?P<anchor>\w+)", re.S
)
COMPARED = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
}
HEAD = """\
# Runbook

Made by `python build.py` from the alarms in `stacks/`; change the words there.

Every entry is an alarm, or a rule that passes on what AWS reports. Its words are the mail's as well. All of
them speak to one topic (`stacks/alerts.py`), once when they begin and once when they end.

A pager hears `ReadingsStopped` alone: subscribe it to the topic with the filter policy
`{"AlarmName": ["millrace-<environment>-readings-stopped"]}` and the filter policy scope `MessageBody`
([SNS on payload filtering](https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering-scope.html)).
Everybody else reads the mails.

The dashboard shows the same from device to table, top to bottom: begin with the first row that is not as
usual.
"""


class WordsMissing(ValueError):
    """{where}: {what}"""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")


@dataclass(frozen=True)
class Entry:
    """One alarm or rule of one environment."""

    title: str
    stack: str
    environment: str
    guidance: Guidance
    begins: str


def page(templates: Iterable[StackTemplate]) -> str:
    """The whole file, from the templates of every environment. Raises WordsMissing."""
    by_title: dict[str, list[Entry]] = {}
    for template in templates:
        for entry in entries(template.environment, template.name, template.tree["Resources"]):
            by_title.setdefault(entry.title, []).append(entry)
    parts = [HEAD, "\n".join(_contents(by_title)) + "\n"]
    parts += ["\n".join(_section(title, found)) + "\n" for title, found in by_title.items()]
    return "\n".join(parts)


def entries(environment: str, stack: str, resources: Mapping[str, Any]) -> Iterator[Entry]:
    """One per family: alarms that differ in their number only watch the same thing on another node."""
    seen: set[str] = set()
    for title, resource in resources.items():
        words = _words(resource)
        if words is None or family(title) in seen:
            continue
        seen.add(family(title))
        yield Entry(
            title=family(title),
            stack=stack,
            environment=environment,
            guidance=read(f"{environment}/{stack}.{title}", family(title), words),
            begins=_begins(resource["Type"], resource["Properties"]),
        )


def read(where: str, title: str, words: str) -> Guidance:
    """The guidance in an alarm's description or a rule's message. Raises WordsMissing."""
    found = WORDS.match(words)
    if found is None:
        raise WordsMissing(
            where, "its words are not means, Look, Do and Runbook; make them with stacks.alarm.Guidance"
        )
    if found["anchor"] != title.lower():
        raise WordsMissing(
            where, f"points to the runbook's {found['anchor']}; its own entry is {title.lower()}"
        )
    if len(words) > DESCRIPTION_LIMIT:
        raise WordsMissing(where, f"says {len(words)} characters; CloudWatch takes {DESCRIPTION_LIMIT}")
    return Guidance(means=found["means"], look=found["look"], do=found["do"])


def _words(resource: Mapping[str, Any]) -> str | None:
    """What tells people something; a schedule is a rule that does not."""
    properties = resource["Properties"]
    if resource["Type"] in (ALARM, COMPOSITE):
        return str(properties.get("AlarmDescription", ""))
    if resource["Type"] == RULE and "EventPattern" in properties:
        transformer = properties["Targets"][0].get("InputTransformer", {})
        return str(transformer.get("InputTemplate", "")).strip('"')
    return None


def _begins(kind: str, properties: Mapping[str, Any]) -> str:
    if kind == RULE:
        return f"as AWS reports: {_pattern(properties['EventPattern'])}"
    if kind == COMPOSITE:
        names = re.findall(r"(\w+)\(\"\$\{(\w+)\.Arn\}\"\)", properties["AlarmRule"]["Fn::Sub"])
        return "while one of these is in alarm: " + ", ".join(
            f"[{name}](#{name.lower()})" for _, name in names
        )
    compared, threshold = COMPARED[properties["ComparisonOperator"]], properties["Threshold"]
    periods = properties["EvaluationPeriods"]
    seconds = properties.get("Period") or _period(properties["Metrics"])
    span = _span(seconds) if periods == 1 else f"each of {periods} periods of {_span(seconds)}"
    missing = {"breaching": "as a breach", "ignore": "as no change"}.get(
        properties["TreatMissingData"], "as no breach"
    )
    return f"{_measured(properties)} {compared} {threshold:,} over {span}; no data counts {missing}"


def _measured(properties: Mapping[str, Any]) -> str:
    if "MetricName" in properties:
        return f"{properties['Statistic']} of `{properties['Namespace']} {properties['MetricName']}`"
    terms = [query for query in properties["Metrics"] if "MetricStat" in query]
    (result,) = [query for query in properties["Metrics"] if query["ReturnData"]]
    expression = result["Expression"]
    if not isinstance(expression, str):
        return f"`{expression['Fn::Sub'][0].replace('${Value}', '…')}`"
    named = ", ".join(
        f"{term['Id']} is `{term['MetricStat']['Metric']['Namespace']} "
        f"{term['MetricStat']['Metric']['MetricName']}`"
        for term in terms
    )
    return f"`{expression}` ({named})"


def _period(queries: Sequence[Mapping[str, Any]]) -> int:
    """Of the terms, which share one, or of a query, which has its own; an expression over terms has none."""
    stated = [query.get("Period") or query.get("MetricStat", {}).get("Period") for query in queries]
    return int(next(seconds for seconds in stated if seconds))


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _pattern(pattern: Mapping[str, Any]) -> str:
    names = [
        value
        for values in pattern["detail"].values()
        if isinstance(values, list)
        for value in values
        if isinstance(value, str)
    ]
    return f"`{pattern['source'][0]}`, {json.dumps(pattern['detail-type'][0])}: {', '.join(names)}"


def _contents(by_title: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    yield "| entry | stack | where |"
    yield "|---|---|---|"
    for title, found in by_title.items():
        where = ", ".join(dict.fromkeys(entry.environment for entry in found))
        yield f"| [{title}](#{title.lower()}) | {found[0].stack} | {where} |"


def _section(title: str, found: Sequence[Entry]) -> Iterator[str]:
    yield f"## {title}\n"
    for guidance in dict.fromkeys(entry.guidance for entry in found):
        yield f"- **Means** {guidance.means}"
        yield f"- **Look** {guidance.look}"
        yield f"- **Do** {guidance.do}"
    begins: dict[str, list[str]] = {}
    for entry in found:
        begins.setdefault(entry.begins, []).append(entry.environment)
    for text, environments in begins.items():
        where = "" if len(begins) == 1 else f" in {' and '.join(environments)}"
        yield f"- **Begins**{where} {text}"
