"""Composite alarms: a rule that can be read, of alarms that there are, that rings when one of them does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.signals.alarm_series import ALARM, COMPOSITE
from rules.families.signals.marked_text import Marked, marked
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Unknown, Value, known

RULES = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s()"']+))\s*\)
    |(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<sign>[()])|(?P<atleast>AT_LEAST\s*\([^()]*(?:\([^()]*\)[^()]*)*\)))""",
    re.VERBOSE,
)


class BadRule(ValueError):
    """{what cannot be read in it}"""


@dataclass(frozen=True, eq=False)
class Member:
    state: str
    name: Value
    negated: bool
    joined: str  # the operators around it, from the outside: "", "OR", "AND"


def _members(text: Marked) -> list[Member]:
    """Raises BadRule."""
    tokens: list[re.Match[str]] = []
    at = 0
    while text.text[at:].strip():
        token = TOKEN.match(text.text, at)
        if token is None:
            raise BadRule(f"does not expect {text.text[at:].strip()[:20]!r}")
        tokens.append(token)
        at = token.end()
    found_, rest = _either(tokens, text, False)
    if rest:
        raise BadRule(f"does not expect {rest[0][0].strip()[:20]!r}")
    return found_


def _either(
    tokens: list[re.Match[str]], text: Marked, negated: bool
) -> tuple[list[Member], list[re.Match[str]]]:
    """Operands joined by AND and OR; AND binds first."""
    groups: list[list[Member]] = []
    operators: list[str] = []
    while True:
        operand, tokens = _operand(tokens, text, negated)
        groups.append(operand)
        if not tokens or tokens[0]["word"] not in ("AND", "OR"):
            break
        operators.append(tokens[0]["word"])
        tokens = tokens[1:]
    joined = "AND" if "AND" in operators else "OR" if operators else ""
    members = [
        Member(one.state, one.name, one.negated, joined or one.joined) for group in groups for one in group
    ]
    return members, tokens


def _operand(
    tokens: list[re.Match[str]], text: Marked, negated: bool
) -> tuple[list[Member], list[re.Match[str]]]:
    if not tokens:
        raise BadRule("ends too early")
    first, rest = tokens[0], tokens[1:]
    if first["word"] == "NOT":
        return _operand(rest, text, not negated)
    if first["word"] in ("TRUE", "FALSE") or first["atleast"]:
        return [], rest
    if first["state"]:
        name = next(one for one in (first["quoted"], first["single"], first["bare"]) if one is not None)
        return [Member(first["state"], text.back(name), negated, "")], rest
    if first["sign"] == "(":
        inside, rest = _either(rest, text, negated)
        if not rest or rest[0]["sign"] != ")":
            raise BadRule("wants a closing bracket")
        return inside, rest[1:]
    raise BadRule(f"does not expect {first[0].strip()!r}")


def members(site: Site, alarm: Resource) -> list[Member]:
    """The alarms that its rule looks at; none where it cannot be read."""
    text = marked(site.get(alarm, "AlarmRule"))
    try:
        return _members(text) if text is not None else []
    except BadRule:
        return []


@rule(
    "E9657",
    cause="the rule of composite alarm {alarm} cannot be read: it {why}",
    remedy='write ALARM("name or ARN"), OK(…), INSUFFICIENT_DATA(…), joined by AND, OR, NOT and brackets',
    sources=(RULES,),
)
def a_composite_rule_that_nobody_can_read(site: Site) -> Iterator[Finding]:
    for alarm in site.all(COMPOSITE):
        text = marked(site.get(alarm, "AlarmRule"))
        why = ""
        if text is not None and not any(isinstance(part, Unknown) for part in text.parts):
            try:
                _members(text)
            except BadRule as error:
                why = str(error)
        if why:
            yield found(alarm, "AlarmRule", alarm=alarm, why=why)


@rule(
    "E9658",
    cause="composite alarm {alarm} looks at {member}, which is no alarm",
    remedy="name an alarm by its name (Ref) or its ARN",
    sources=(RULES,),
)
def a_member_that_is_no_alarm(site: Site) -> Iterator[Finding]:
    for alarm in site.all(COMPOSITE):
        for name in (*(member.name for member in members(site, alarm)), site.get(alarm, "ActionsSuppressor")):
            if isinstance(name, Reference):
                kind, foreign = (
                    name.resource.kind,
                    name.resource.kind.startswith(("Custom::", "AWS::CloudFormation::")),
                )
                if not foreign and (kind not in (ALARM, COMPOSITE) or name.attribute not in ("Ref", "Arn")):
                    yield found(alarm, "AlarmRule", alarm=alarm, member=name)
            elif (
                isinstance(name, Text)
                and len(name.parts) > 1
                and known(name)
                and not str(name).startswith("arn:")
            ):
                ends = [
                    part
                    for part in name.parts
                    if isinstance(part, Reference) and part.resource.kind in (ALARM, COMPOSITE)
                ]
                if ends:
                    yield found(alarm, "AlarmRule", alarm=alarm, member=name)


@rule(
    "E9660",
    cause="composite alarm {alarm} looks at an alarm called {member}, and {meant} is called so in templates "
    "alone",
    remedy="write ${{{meant_by}}} in Fn::Sub, or the AlarmName of it: CloudWatch knows no logical ids",
    sources=(RULES,),
)
def a_member_by_its_logical_id(site: Site) -> Iterator[Finding]:
    for alarm, name in _in_words(site):
        meant = next((one for one in site.all(ALARM, COMPOSITE) if one.name == name), None)
        if meant is not None:
            yield found(alarm, "AlarmRule", alarm=alarm, member=name, meant=meant, meant_by=meant.name)


@rule(
    "W9658",
    cause="composite alarm {alarm} looks at an alarm called {member}, and none of this tree is called so, "
    "as all others are that it looks at",
    remedy="refer to the alarm, so that its name cannot be another: CloudWatch takes no rule on one that is "
    "not there",
    sources=(RULES,),
    demanding=True,
)
def a_member_that_nothing_here_is(site: Site) -> Iterator[Finding]:
    logical = {one.name for one in site.all(ALARM, COMPOSITE)}
    for alarm, name in _in_words(site):
        others = [one.name for one in members(site, alarm) if str(one.name) != name]
        if others and name not in logical and all(_is_here(site, one) for one in others):
            yield found(alarm, "AlarmRule", alarm=alarm, member=name)


def _is_here(site: Site, name: Value) -> bool:
    """Whether it is surely an alarm of this tree."""
    if isinstance(name, Reference):
        return name.resource.kind in (ALARM, COMPOSITE)
    return any(site.named(kind, "AlarmName", _by_name(name)) is not None for kind in (ALARM, COMPOSITE))


def _by_name(name: Value) -> Value:
    text = str(name)
    return text.rpartition(":alarm:")[2] if text.startswith("arn:") else name


def _in_words(site: Site) -> Iterator[tuple[Resource, str]]:
    """(composite alarm, name) of each member that is literal text, and the AlarmName of no alarm here."""
    for alarm in site.all(COMPOSITE):
        given = [member.name for member in members(site, alarm)]
        suppressor = site.get(alarm, "ActionsSuppressor")
        for name in dict.fromkeys(
            one for one in (*given, suppressor) if isinstance(one, str) and "${" not in one
        ):
            if not _is_here(site, name):
                yield alarm, str(_by_name(name))


@rule(
    "E9659",
    cause="composite alarm {alarm} looks at itself, by way of {way}",
    remedy=(
        "take one of them out: alarms that hang on each other neither begin nor end, nor can they be deleted"
    ),
    sources=(RULES,),
)
def a_composite_alarm_in_a_circle(site: Site) -> Iterator[Finding]:
    looks = {
        alarm: [one.name.resource for one in members(site, alarm) if isinstance(one.name, Reference)]
        for alarm in site.all(COMPOSITE)
    }
    for alarm in looks:
        way = _circle(alarm, alarm, looks, ())
        if way:
            yield found(alarm, "AlarmRule", alarm=alarm, way=" and ".join(map(str, way)))


def _circle(
    start: Resource, at: Resource, looks: dict[Resource, list[Resource]], seen: tuple[Resource, ...]
) -> tuple[Resource, ...]:
    for one in looks.get(at, ()):
        if one == start:
            return (*seen, at)
        if one not in (*seen, at):
            further = _circle(start, one, looks, (*seen, at))
            if further:
                return further
    return ()


@rule(
    "W9660",
    cause="composite alarm {alarm} rings {when} {member}",
    remedy="join ALARM(…) of each member by OR, so that one that rings is enough and one that is calm is not",
    sources=(RULES,),
)
def a_composite_alarm_that_rings_at_the_wrong_time(site: Site) -> Iterator[Finding]:
    for alarm in site.all(COMPOSITE):
        looked_at = members(site, alarm)
        for member in looked_at:
            calm = (member.state == "OK") != (member.negated and member.state == "ALARM")
            if calm and member.joined in ("", "OR") and not (member.state == "OK" and member.negated):
                yield _at(alarm, "on the good news of", member.name)
        names = [str(member.name) for member in looked_at if member.state == "ALARM" and not member.negated]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield _at(alarm, f"{names.count(name)} times over on", name)
        together = [
            member
            for member in looked_at
            if member.joined == "AND" and member.state == "ALARM" and not member.negated
        ]
        if len(together) >= 3 and len(together) == len(looked_at):
            yield _at(alarm, f"only when all {len(together)} of its members do, among them", together[0].name)


def _at(alarm: Resource, when: str, member: object) -> Finding:
    return found(alarm, "AlarmRule", alarm=alarm, when=when, member=member)


@rule(
    "W9661",
    cause="two alarms are called {name}: {one} and {other}",
    remedy=(
        "give each a name of its own, or none: CloudWatch has one alarm of a name, and the "
        "second overwrites the first"
    ),
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",),
)
def two_alarms_of_one_name(site: Site) -> Iterator[Finding]:
    seen: dict[str, Resource] = {}
    for alarm in site.all(ALARM, COMPOSITE):
        name = site.get(alarm, "AlarmName")
        if isinstance(name, str | Text) and known(name):
            first = seen.setdefault(str(name), alarm)
            if first is not alarm:
                yield found(alarm, "AlarmName", name=name, one=alarm, other=first)
