"""Event patterns: they wait for events that are sent, by keys and values that these have."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.signals.event_names import (
    OUTER,
    SERVICE,
    TRAIL,
    UNLISTED,
    is_sent,
    keys_of,
    nearest,
    sent,
)
from rules.families.signals.event_values import VALUES, WITHIN
from rules.families.signals.marked_text import marked
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value

RULE = "AWS::Events::Rule"
PATTERNS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"
OPERATORS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
REFERENCE = "https://docs.aws.amazon.com/eventbridge/latest/ref/welcome.html"
MATCHERS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}
)
SIGNS = frozenset({"<", "<=", "=", ">", ">="})


@dataclass(frozen=True, eq=False)
class Pattern:
    rule: Resource
    body: dict[str, Value]
    path: Steps  # of the property

    def listed(self, *keys: str) -> list[str]:
        node: Value = self.body
        for key in keys:
            node = node.get(key) if isinstance(node, dict) else None
        return [one for one in node if isinstance(one, str)] if isinstance(node, list) else []

    @property
    def one(self) -> tuple[str, str]:
        """Source and detail type, where it waits for one of each."""
        source, kind = self.listed("source"), self.listed("detail-type")
        return (source[0], kind[0]) if len(source) == len(kind) == 1 else ("", "")


def patterns(site: Site) -> Iterator[Pattern]:
    for resource in site.all(RULE):
        body = site.get(resource, "EventPattern")
        plain = marked(body) if isinstance(body, str | Text) else None
        if plain is not None:
            try:
                body = json.loads(plain.text)
            except ValueError:
                continue
        if isinstance(body, dict):
            yield Pattern(resource, body, ("EventPattern",))


def leaves_of(node: Value, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """(keys, what stands there), down to lists."""
    if isinstance(node, dict):
        for key, inside in node.items():
            yield from leaves_of(inside, (*path, str(key)))
    else:
        yield path, node


def at_pattern(pattern: Pattern, *keys: str, **parts: object) -> Finding:
    return found(pattern.rule, *pattern.path, *keys, rule=pattern.rule, **parts)


@rule(
    "E9662",
    cause="rule {rule} waits for {kind} of {source}, which is never sent",
    remedy="{instead}; both are case-sensitive",
    sources=(REFERENCE, PATTERNS),
)
def a_pattern_for_what_is_never_sent(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        sources, kinds = pattern.listed("source"), pattern.listed("detail-type")
        for source in sources:
            near = nearest(source, sent(), 0.88)
            if source.startswith("aws.") and source not in {*sent(), *UNLISTED} and near:
                yield at_pattern(pattern, "source", kind="any event", source=source, instead=f"write {near}")
            elif source.lower().startswith("aws.") and source != source.lower():
                yield at_pattern(
                    pattern, "source", kind="any event", source=source, instead=f"write {source.lower()}"
                )
        for kind in kinds:
            answers = [is_sent(source, kind) for source in sources]
            if answers and all(answer is False for answer in answers):
                near = nearest(
                    kind, {**sent()[""], **{one: () for source in sources for one in sent().get(source, {})}}
                )
                instead = f"write {near}" if near else "take the detail type from the service's own page"
                yield at_pattern(
                    pattern, "detail-type", kind=kind, source=" and ".join(sources), instead=instead
                )
            elif not sources and kind not in sent()[""] and not any(kind in one for one in sent().values()):
                every = {one: () for types in sent().values() for one in types}
                if nearest(kind, every):
                    yield at_pattern(
                        pattern,
                        "detail-type",
                        kind=kind,
                        source="any source",
                        instead=f"write {nearest(kind, every)}",
                    )


@rule(
    "E9663",
    cause="rule {rule} looks at {key}, which {kind} does not have",
    remedy="{instead}; keys are case-sensitive",
    sources=(REFERENCE, PATTERNS),
)
def a_pattern_on_a_key_that_the_event_lacks(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        for key in pattern.body:
            if key not in OUTER:
                yield at_pattern(
                    pattern, key, key=key, kind="an event", instead=f"write {nearest(key, OUTER) or 'detail'}"
                )
        source, kind = pattern.one
        keys, detail = keys_of(source, kind), pattern.body.get("detail")
        for key, inside in detail.items() if isinstance(detail, dict) else ():
            if keys and key not in keys and not key.startswith("$"):
                instead = f"write {nearest(key, keys) or ', '.join(sorted(keys))}"
                yield at_pattern(pattern, "detail", key, key=f"detail.{key}", kind=kind, instead=instead)
            within = WITHIN.get((source, kind, key))
            for each in inside if within and isinstance(inside, dict) else ():
                if within and each not in within and not each.startswith("$"):
                    instead = f"write {nearest(each, within) or ', '.join(sorted(within))}"
                    yield at_pattern(
                        pattern, "detail", key, each, key=f"detail.{key}.{each}", kind=kind, instead=instead
                    )


@rule(
    "E9664",
    cause="rule {rule} waits for {value} in {key} of {kind}, which it never has",
    remedy="{instead}",
    sources=(REFERENCE, PATTERNS),
)
def a_pattern_for_a_value_that_never_comes(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        source, kind = pattern.one
        for keys, values in leaves_of(pattern.body.get("detail")):
            allowed = _allowed(source, kind, keys[-1], values) if keys else None
            for value in values if allowed and isinstance(values, list) else ():
                if isinstance(value, str) and allowed and value not in allowed:
                    near = nearest(value, allowed)
                    many = ", ".join(sorted(allowed)) if len(allowed) < 20 else "an operation of the service"
                    instead = f"write {near}" if near else f"write {many}"
                    yield at_pattern(
                        pattern,
                        "detail",
                        *keys,
                        value=value,
                        key=f"detail.{'.'.join(keys)}",
                        kind=kind,
                        instead=instead,
                    )


def _allowed(source: str, kind: str, key: str, values: Value) -> frozenset[str] | None:
    """What a key may have; none of another service's operations, where the source's own are not listed."""
    own = VALUES.get((source, kind, key))
    if own is not None or kind not in (TRAIL, SERVICE) or key != "eventName" or not isinstance(values, list):
        return own
    texts = {value for value in values if isinstance(value, str)} - COMMON
    for (other, what, name), theirs in VALUES.items():
        if texts and (what, name) == (kind, key) and other != source and texts <= theirs:
            return frozenset({f"an operation of {source}"})
    return None


COMMON = frozenset({"TagResource", "UntagResource", "Decrypt", "Encrypt", "Sign", "Verify"})


@rule(
    "E9665",
    cause="rule {rule} has {what} at {key} of its pattern",
    remedy="each key leads to a list, of values or of matchers such as prefix, numeric and anything-but",
    sources=(PATTERNS, OPERATORS),
)
def a_pattern_of_a_wrong_form(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        for keys, values in leaves_of(pattern.body):
            what = ""
            if not isinstance(values, list):
                what = (
                    "a value alone, and no list,"
                    if isinstance(values, str | int | float | bool | Reference)
                    else ""
                )
            elif not values:
                what = "an empty list, which nothing matches,"
            else:
                what = next(filter(None, map(_matcher, values)), "")
            if what and "$or" not in keys:
                yield at_pattern(pattern, *keys, what=what, key=".".join(keys))


def _matcher(value: Value) -> str:
    """What is wrong with a matcher."""
    if not isinstance(value, dict):
        return ""
    strange = [name for name in value if name not in MATCHERS]
    if strange:
        return f"the unknown matcher {strange[0]}"
    return _numeric(value["numeric"]) if "numeric" in value else ""


def _numeric(numeric: Value) -> str:
    if not isinstance(numeric, list):
        return "a numeric matcher that is no list"
    pairs = list(zip(numeric[::2], numeric[1::2], strict=False))
    if len(numeric) % 2 or not pairs or any(sign not in SIGNS for sign, _ in pairs):
        return "a numeric matcher without pairs of a sign and a number"
    if any(isinstance(one, str) for _, one in pairs):
        return "a numeric matcher with a text"
    for sign, one in pairs:
        if isinstance(one, int | float) and ((sign == "<" and one <= 0) or (sign == "<=" and one < 0)):
            return "a numeric matcher for less than nothing"
    return ""
