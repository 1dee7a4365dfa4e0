"""Event patterns: of the right resources, of all of them, and of the news that matters."""

import re
from collections.abc import Iterator, Mapping

from rules.families.signals.event_patterns import (
    OPERATORS,
    PATTERNS,
    REFERENCE,
    Pattern,
    at_pattern,
    leaves_of,
    patterns,
)
from rules.families.signals.event_values import TOGETHER, VALUES
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.rendering import NoForm
from topology.resolution import Unresolvable
from topology.tree import Resource
from topology.values import Reference, Text, Value, known, references

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
    ("aws.ecs", "resources"): {"AWS::ECS::Service": ("Ref", "ServiceArn")},
    ("aws.ecr", "repository-name"): {"AWS::ECR::Repository": ("Ref",)},
}
RDS_KINDS = {
    "RDS DB Instance Event": ":db:",
    "RDS DB Cluster Event": ":cluster:",
    "RDS DB Snapshot Event": ":snapshot:",
}


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
                    yield at_pattern(
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
    by_arn = key.lower().endswith("arn") or key in ("resources", "SecretId")
    if not by_arn or not isinstance(value, str | Text) or not known(value):
        return ""
    return _wanted_arn(site, pattern, value, allowed, key) or ""


def _wanted_arn(
    site: Site, pattern: Pattern, value: str | Text, allowed: Mapping[str, tuple[str, ...]], key: str
) -> str | None:
    text = site.renderer.text(value)
    if not text.startswith("arn:"):
        return "an ARN" if "*" not in text else None
    kind = RDS_KINDS.get(pattern.one[1])
    if kind and key == "SourceArn" and kind not in text:
        return f"an ARN with {kind}"
    named = [reference.resource for reference in references(value)]
    about = [one for one in named if one.kind in allowed]
    if named and not about:
        return "the ARN of an " + " or an ".join(allowed)
    return f"the ARN of {about[-1]}" if about and not _is(site, text, about[-1]) else None


def _is(site: Site, text: str, resource: Resource) -> bool:
    """Whether a text is a resource's ARN, or of what lies in it; also where nobody knows its form."""
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
    demanding=True,
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
                yield at_pattern(
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
    demanding=True,
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
                yield at_pattern(
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
                yield at_pattern(pattern, "detail", "eventName", service=one.resource)


@rule(
    "W9662",
    cause="rule {rule} takes {kind} from any source",
    remedy="name the source: whoever may put events on the bus can send that detail type too",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-best-practices.html",
        PATTERNS,
    ),
    demanding=True,
)
def a_pattern_without_a_source(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        kinds = pattern.listed("detail-type")
        if "source" not in pattern.body and kinds:
            yield at_pattern(pattern, kind=kinds[0])


@rule(
    "W9663",
    cause="rule {rule} tells {topic} of every {kind}, good news and all",
    remedy="name in detail what is worth a message",
    sources=(PATTERNS,),
    demanding=True,
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
            yield at_pattern(pattern, topic=topic, kind=kind)


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
                yield at_pattern(pattern, "detail", *keys, severity=keys[-1])


@rule(
    "W9665",
    cause=(
        "rule {rule} waits for scans of {repository}, and every image that this tree runs is "
        "from elsewhere: {image}"
    ),
    remedy="name the repository that is deployed",
    sources=("https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html",),
    demanding=True,
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
                yield at_pattern(pattern, "detail", "repository-name", repository=name, image=own[0])
