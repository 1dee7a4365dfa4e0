"""Event patterns: they wait for events that are sent, by keys and values that these have."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.signals.event_names import (
    OUTER,
    TOGETHER,
    VALUES,
    WITHIN,
    is_sent,
    keys_of,
    nearest,
    sent,
)
from rules.families.signals.marked_text import marked
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.rendering import NoForm
from topology.resolution import Unresolvable
from topology.tree import Resource
from topology.values import Reference, Text, Value, known, references

RULE = "AWS::Events::Rule"
PATTERNS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"
OPERATORS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
REFERENCE = "https://docs.aws.amazon.com/eventbridge/latest/ref/welcome.html"
MATCHERS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}
)
SIGNS = frozenset({"<", "<=", "=", ">", ">="})
# What names a resource in an event: (source, key) -> type, and the answers that are it.
NAMED: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    ("aws.secretsmanager", "SecretId"): {
        "AWS::SecretsManager::Secret": ("Ref", "Id"),
        "AWS::RDS::DBInstance": ("MasterUserSecret.SecretArn",),
        "AWS::RDS::DBCluster": ("MasterUserSecret.SecretArn",),
    },
    ("aws.kms", "ARN"): {"AWS::KMS::Key": ("Arn",), "AWS::KMS::ReplicaKey": ("Arn",)},
    ("aws.rds", "SourceArn"): {
        "AWS::RDS::DBInstance": ("DBInstanceArn",),
        "AWS::RDS::DBCluster": ("DBClusterArn",),
    },
    ("aws.rds", "SourceIdentifier"): {"AWS::RDS::DBInstance": ("Ref",), "AWS::RDS::DBCluster": ("Ref",)},
    ("aws.ecs", "clusterArn"): {"AWS::ECS::Cluster": ("Arn",)},
    ("aws.ecs", "resources"): {"AWS::ECS::Service": ("Ref", "ServiceArn"), "AWS::ECS::Cluster": ("Arn",)},
    ("aws.ecr", "repository-name"): {"AWS::ECR::Repository": ("Ref",)},
}
RDS_KINDS = {
    "RDS DB Instance Event": ":db:",
    "RDS DB Cluster Event": ":cluster:",
    "RDS DB Snapshot Event": ":snapshot:",
}


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


def _at(pattern: Pattern, *keys: str, **parts: object) -> Finding:
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
            near = nearest(source, sent())
            if source.startswith("aws.") and source not in sent() and near:
                yield _at(pattern, "source", kind="any event", source=source, instead=f"write {near}")
            elif source.lower().startswith("aws.") and source != source.lower():
                yield _at(
                    pattern, "source", kind="any event", source=source, instead=f"write {source.lower()}"
                )
        for kind in kinds:
            answers = [is_sent(source, kind) for source in sources]
            if answers and all(answer is False for answer in answers):
                near = nearest(
                    kind, {**sent()[""], **{one: () for source in sources for one in sent().get(source, {})}}
                )
                instead = f"write {near}" if near else "take the detail type from the service's own page"
                yield _at(pattern, "detail-type", kind=kind, source=" and ".join(sources), instead=instead)
            elif not sources and kind not in sent()[""] and not any(kind in one for one in sent().values()):
                every = {one: () for types in sent().values() for one in types}
                if nearest(kind, every):
                    yield _at(
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
                yield _at(
                    pattern, key, key=key, kind="an event", instead=f"write {nearest(key, OUTER) or 'detail'}"
                )
        source, kind = pattern.one
        keys, detail = keys_of(source, kind), pattern.body.get("detail")
        for key, inside in detail.items() if isinstance(detail, dict) else ():
            if keys and key not in keys and not key.startswith("$"):
                instead = f"write {nearest(key, keys) or ', '.join(sorted(keys))}"
                yield _at(pattern, "detail", key, key=f"detail.{key}", kind=kind, instead=instead)
            within = WITHIN.get((source, kind, key))
            for each in inside if within and isinstance(inside, dict) else ():
                if within and each not in within and not each.startswith("$"):
                    instead = f"write {nearest(each, within) or ', '.join(sorted(within))}"
                    yield _at(
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
            allowed = VALUES.get((source, kind, keys[-1])) if keys else None
            for value in values if allowed and isinstance(values, list) else ():
                if isinstance(value, str) and allowed and value not in allowed:
                    near = nearest(value, allowed)
                    many = ", ".join(sorted(allowed)) if len(allowed) < 20 else "an operation of the service"
                    instead = f"write {near}" if near else f"write {many}"
                    yield _at(
                        pattern,
                        "detail",
                        *keys,
                        value=value,
                        key=f"detail.{'.'.join(keys)}",
                        kind=kind,
                        instead=instead,
                    )


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
                yield _at(pattern, *keys, what=what, key=".".join(keys))


def _matcher(value: Value) -> str:
    """What is wrong with a matcher."""
    if not isinstance(value, dict):
        return ""
    strange = [name for name in value if name not in MATCHERS]
    if strange:
        return f"the unknown matcher {strange[0]}"
    numeric = value.get("numeric")
    if isinstance(numeric, list):
        pairs = list(zip(numeric[::2], numeric[1::2], strict=False))
        if len(numeric) % 2 or not pairs or any(sign not in SIGNS for sign, _ in pairs):
            return "a numeric matcher without pairs of a sign and a number"
        if any(isinstance(one, str) for _, one in pairs):
            return "a numeric matcher with a text"
        if any(
            sign in ("<", "<=") and isinstance(one, int | float) and (one < 0 or (one == 0 and sign == "<"))
            for sign, one in pairs
        ):
            return "a numeric matcher for less than nothing"
    elif "numeric" in value:
        return "a numeric matcher that is no list"
    return ""


@rule(
    "E9666",
    cause="rule {rule} gives {value} as {key} of {source}, which names something else there",
    remedy="give {wanted}",
    sources=(REFERENCE, PATTERNS),
)
def a_pattern_on_another_resource(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        sources = pattern.listed("source")
        for keys, values in leaves_of(pattern.body):
            allowed = NAMED.get((sources[0] if len(sources) == 1 else "", keys[-1] if keys else ""))
            for value in values if allowed and isinstance(values, list) else ():
                wanted = _wanted(site, pattern, value, allowed or {}, keys[-1])
                if wanted:
                    yield _at(
                        pattern, *keys, value=value, key=".".join(keys), source=sources[0], wanted=wanted
                    )


def _wanted(
    site: Site, pattern: Pattern, value: Value, allowed: Mapping[str, tuple[str, ...]], key: str
) -> str:
    answers = "; ".join(f"{' or '.join(one)} of an {kind}" for kind, one in allowed.items())
    if isinstance(value, Reference):
        if value.resource.kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::SSM::")):
            return ""
        return "" if value.attribute in allowed.get(value.resource.kind, ()) else answers
    if not isinstance(value, str | Text) or not known(value):
        return ""
    if not (key.lower().endswith("arn") or key in ("resources", "SecretId")):
        return ""
    text = site.renderer.text(value)
    if not text.startswith("arn:"):
        return "an ARN" if "*" not in text else ""
    kind = RDS_KINDS.get(pattern.one[1])
    if kind and key == "SourceArn" and kind not in text:
        return f"an ARN with {kind}"
    named = [reference.resource for reference in references(value)]
    about = [one for one in named if one.kind in allowed]
    if named and not about:
        return answers
    return "" if not about or _is(site, text, about[-1]) else f"the ARN of {about[-1]}"


def _is(site: Site, text: str, resource: Resource) -> bool:
    """Whether a text is a resource's ARN, or begins like one of what lies in it; also where nobody knows its form."""
    try:
        arn = site.renderer.arn(resource)
    except (NoForm, Unresolvable):
        return True
    if text == arn or text.startswith((f"{arn}/", f"{arn}:")) or "*" in text:
        return True
    # An attribute such as Name is the name in other words.
    return re.split(r"[/:](?=[^/:]*$)", text)[0] == re.split(r"[/:](?=[^/:]*$)", arn)[0]


@rule(
    "W9668",
    cause="rule {rule} waits for {key} of {named} of this tree's {kind}, and not of {missing}",
    remedy="name {missing} too, or whatever happens to it is told to nobody",
    sources=(PATTERNS,),
)
def a_pattern_that_leaves_one_out(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        for keys, values in leaves_of(pattern.body):
            named = (
                [value.resource for value in values if isinstance(value, Reference)]
                if isinstance(values, list)
                else []
            )
            kinds = {one.kind for one in named}
            every = list(site.all(*kinds)) if len(kinds) == 1 else []
            missing = [one for one in every if one not in named]
            if len(named) >= 2 and len(missing) == 1:
                yield _at(
                    pattern,
                    *keys,
                    key=".".join(keys),
                    named=len(named),
                    kind=named[0].kind,
                    missing=missing[0],
                )


@rule(
    "W9669",
    cause="rule {rule} waits for {given} in {key}, and not for {missing}, which is as bad",
    remedy="add {missing}",
    sources=(REFERENCE,),
)
def a_pattern_that_hears_half_of_the_news(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        source, kind = pattern.one
        for keys, values in leaves_of(pattern.body.get("detail")):
            news = TOGETHER.get((source, kind, keys[-1])) if keys else None
            given = [one for one in news or () if isinstance(values, list) and one in values]
            missing = [one for one in news or () if one not in given]
            enough = len(news) / 2 if news else 1
            if given and len(given) >= min(enough, 2) and missing:
                yield _at(
                    pattern,
                    "detail",
                    *keys,
                    given=" and ".join(given),
                    key=f"detail.{'.'.join(keys)}",
                    missing=" and ".join(missing),
                )


@rule(
    "E9667",
    cause="rule {rule} waits for a failed deployment of {service}, which never says that one failed",
    remedy=(
        "switch on the deployment circuit breaker of the service: only then is SERVICE_DEPLOYMENT_FAILED sent"
    ),
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html",
    ),
)
def a_failed_deployment_that_nobody_declares_failed(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        if "SERVICE_DEPLOYMENT_FAILED" not in pattern.listed("detail", "eventName"):
            continue
        for one in dict.fromkeys(references(pattern.body.get("resources"))):
            breaker = site.get(one.resource, "DeploymentConfiguration", "DeploymentCircuitBreaker", "Enable")
            if one.resource.kind == "AWS::ECS::Service" and known(breaker) and str(breaker).lower() != "true":
                yield _at(pattern, "detail", "eventName", service=one.resource)


@rule(
    "W9662",
    cause="rule {rule} takes {kind} from any source",
    remedy="name the source: whoever may put events on the bus can send that detail type too",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-best-practices.html",
        PATTERNS,
    ),
)
def a_pattern_without_a_source(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        kinds = pattern.listed("detail-type")
        if "source" not in pattern.body and kinds:
            yield _at(pattern, kind=kinds[0])


@rule(
    "W9663",
    cause="rule {rule} tells {topic} of every {kind}, good news and all",
    remedy="name in detail what is worth a message",
    sources=(PATTERNS,),
)
def a_pattern_for_all_that_happens(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        source, kind = pattern.one
        told = [
            target.get("Arn") for target in site.items(pattern.rule, "Targets") if isinstance(target, dict)
        ]
        topic = next(
            (one for one in (site.target(arn, "AWS::SNS::Topic") for arn in told) if one is not None), None
        )
        chatty = any(where == source and what == kind for where, what, _ in VALUES)
        if topic is not None and chatty and not pattern.body.get("detail"):
            yield _at(pattern, topic=topic, kind=kind)


@rule(
    "W9664",
    cause="rule {rule} waits for scans with no finding of {severity}",
    remedy="write numeric: ['>', 0]",
    sources=("https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html", OPERATORS),
)
def a_pattern_for_scans_without_findings(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        for keys, values in leaves_of(pattern.body.get("detail")):
            nothing = isinstance(values, list) and any(one in ({"numeric": ["=", 0]}, 0) for one in values)
            if keys[:1] == ("finding-severity-counts",) and nothing:
                yield _at(pattern, "detail", *keys, severity=keys[-1])


@rule(
    "W9665",
    cause=(
        "rule {rule} waits for scans of {repository}, and every image that this tree runs is "
        "from elsewhere: {image}"
    ),
    remedy="name the repository that is deployed",
    sources=("https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html",),
)
def scans_of_a_repository_that_nothing_runs(site: Site) -> Iterator[Finding]:
    images = [
        site.renderer.text(container["Image"])
        for task in site.all("AWS::ECS::TaskDefinition")
        for container in site.items(task, "ContainerDefinitions")
        if isinstance(container, dict) and isinstance(container.get("Image"), str | Text)
    ]
    own = [image for image in images if ".dkr.ecr." in image]
    for pattern in patterns(site):
        for name in (
            pattern.listed("detail", "repository-name") if "aws.ecr" in pattern.listed("source") else ()
        ):
            if own and not any(
                f"/{name}@" in image or f"/{name}:" in image or image.endswith(f"/{name}") for image in own
            ):
                yield _at(pattern, "detail", "repository-name", repository=name, image=own[0])
