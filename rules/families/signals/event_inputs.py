"""What event rules hand to their targets: templates that are filled, of what the event has."""

import json
import re
from collections.abc import Iterator

from rules.families.signals.event_names import OUTER, keys_of, nearest
from rules.families.signals.event_patterns import patterns
from rules.families.signals.event_targets import targets
from rules.families.signals.marked_text import MARK, marked
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value

TRANSFORM = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"
PLACE = re.compile(r"<([^<>\s]+)>")
OWN = re.compile(r"aws\.events\..+")


@rule(
    "E9673",
    cause="rule {rule} writes <{name}> in its InputTemplate, and no path of InputPathsMap is called so",
    remedy="name one of {have}, or add the path",
    sources=(TRANSFORM,),
)
def a_template_with_a_place_that_nothing_fills(site: Site) -> Iterator[Finding]:
    for resource, position, _, paths, text in _transformers(site):
        for name in dict.fromkeys(PLACE.findall(text)):
            if (
                name not in paths
                and not OWN.fullmatch(name)
                and "\ue000" not in name
                and re.fullmatch(r"[\w.-]+", name)
            ):
                have = ", ".join(paths) or "none"
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputTemplate",
                    rule=resource,
                    name=name,
                    have=have,
                )


def _transformers(site: Site) -> Iterator[tuple[Resource, int, dict[str, Value], dict[str, Value], str]]:
    for resource, position, target in targets(site):
        transformer = target.get("InputTransformer")
        if not isinstance(transformer, dict):
            continue
        paths = transformer.get("InputPathsMap")
        text = marked(transformer.get("InputTemplate"))
        if text is not None:
            yield resource, position, transformer, paths if isinstance(paths, dict) else {}, text.text


@rule(
    "W9674",
    cause="rule {rule} reads {name} from the event, and its InputTemplate does not say it",
    remedy="write <{name}> in the template, or take the path out",
    sources=(TRANSFORM,),
)
def a_path_that_the_template_does_not_use(site: Site) -> Iterator[Finding]:
    for resource, position, _, paths, text in _transformers(site):
        for name in paths:
            if f"<{name}>" not in text:
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputPathsMap",
                    name,
                    rule=resource,
                    name=name,
                )


@rule(
    "E9675",
    cause="rule {rule} reads {path} from the event, which has no such key",
    remedy="begin with $. and name a key that the event has: {instead}",
    sources=(TRANSFORM,),
)
def a_path_into_nothing(site: Site) -> Iterator[Finding]:
    of_rule = {pattern.rule: pattern for pattern in patterns(site)}
    for resource, position, _, paths, _ in _transformers(site):
        pattern = of_rule.get(resource)
        keys = keys_of(*pattern.one) if pattern is not None else frozenset()
        for name, path in paths.items():
            if not isinstance(path, str):
                continue
            steps = path.split(".")
            instead = ""
            if steps[0] != "$" or (len(steps) > 1 and steps[1].partition("[")[0] not in OUTER):
                instead = "$.detail, $.time, $.resources and so on"
            elif len(steps) > 2 and steps[1] == "detail" and keys and steps[2].partition("[")[0] not in keys:
                instead = (
                    f"$.detail.{nearest(steps[2], keys)}"
                    if nearest(steps[2], keys)
                    else ", ".join(sorted(keys))
                )
            if instead:
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputPathsMap",
                    name,
                    rule=resource,
                    path=path,
                    instead=instead,
                )


@rule(
    "E9676",
    cause="rule {rule} {wrong}",
    remedy=(
        "write valid JSON: an object, or a text in double quotes; a target has one of Input, "
        "InputPath and InputTransformer"
    ),
    sources=(TRANSFORM,),
)
def an_input_of_a_wrong_form(site: Site) -> Iterator[Finding]:
    for resource, position, target in targets(site):
        given = [name for name in ("Input", "InputPath", "InputTransformer") if name in target]
        if len(given) > 1:
            yield found(
                resource,
                "Targets",
                position,
                given[1],
                rule=resource,
                wrong=f"gives a target both {given[0]} and {given[1]}",
            )
        plain = marked(target.get("Input"))
        if plain is not None and not _json(plain.text):
            yield found(
                resource,
                "Targets",
                position,
                "Input",
                rule=resource,
                wrong="gives a target an Input that is no JSON",
            )
    for resource, position, _, _, text in _transformers(site):
        if not _template(text):
            yield found(
                resource,
                "Targets",
                position,
                "InputTransformer",
                "InputTemplate",
                rule=resource,
                wrong="has an InputTemplate that is no JSON",
            )


def _template(text: str) -> bool:
    """An object, a text in quotes or several of them, or words that are taken as they are."""
    if not text.lstrip().startswith(('"', "{")):
        return True
    lines = [line.strip() for line in text.strip().splitlines()]
    quoted = all(len(line) > 1 and line[0] == line[-1] == '"' for line in lines)
    return quoted or _json(PLACE.sub("0", text)) or _json(PLACE.sub('"0"', text))


def _json(text: str) -> bool:
    try:
        json.loads(MARK.sub("0", text))
    except ValueError:
        return False
    return True
