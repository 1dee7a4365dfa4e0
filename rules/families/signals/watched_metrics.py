"""Whether the metrics that alarms and widgets name are published, and under the dimensions that they name."""

from collections.abc import Iterator, Mapping

from rules.families.signals.alarm_series import Series
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.metric_names import (
    dimensions_of,
    is_metric,
    is_namespace,
    nearest_metric,
    nearest_namespace,
    of_aws,
    published,
    sets_of,
)
from rules.families.signals.watched_resources import KINDS, member
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.values import Reference, Text, Value, references

METRICS = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html"
)
CONCEPTS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html"


@rule(
    "E9601",
    cause="{watcher} watches {metric} of {namespace} under {dimensions}, where nobody publishes it",
    remedy="a metric is one set of dimensions and no other: name {allowed}",
    sources=(CONCEPTS, METRICS),
)
def a_metric_under_dimensions_that_it_does_not_have(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        named = _dimension_names(series)
        if named is None or not isinstance(series.namespace, str) or not isinstance(series.name, str):
            continue
        sets = sets_of(series.namespace, series.name)
        allowed = [" and ".join(sorted(one)) or "no dimension" for one in sets]
        if sets and not _fits(series, named, sets):
            what = ", ".join(named or series.schema) or "no dimension"
            yield _at(series, "Dimensions", dimensions=what, allowed=", or ".join(allowed))
        elif not sets and (strange := [one for one in named if _strange(series.namespace, one)]):
            have = ", ".join(sorted(dimensions_of(series.namespace)))
            yield _at(series, "Dimensions", dimensions=", ".join(strange), allowed=f"some of {have}")


def _fits(series: Series, named: list[str], sets: tuple[frozenset[str], ...]) -> bool:
    if series.schema:
        return frozenset(series.schema) in sets and set(named) <= set(series.schema)
    if not series.whole:
        return any(set(named) <= one for one in sets)
    return len(named) == len(set(named)) and frozenset(named) in sets


def _strange(namespace: str, dimension: str) -> bool:
    """No dimension of the namespace, as far as its dimensions are listed."""
    listed = of_aws(namespace) and published().get(namespace, {}).get("metrics")
    have = dimensions_of(namespace) if listed else frozenset()
    return bool(have) and dimension not in have


def _dimension_names(series: Series) -> list[str] | None:
    """None where one of them is not known."""
    if series.dimensions is None:
        return None
    names = [name for name, _ in series.dimensions]
    return (
        [name for name in names if isinstance(name, str)]
        if all(isinstance(name, str) for name in names)
        else None
    )


def _at(series: Series, step: str, **parts: object) -> Finding:
    return found(
        series.resource,
        *series.place(step),
        watcher=series.resource,
        metric=series.name,
        namespace=series.namespace,
        **parts,
    )


@rule(
    "E9602",
    cause="{watcher} watches {metric} in {namespace}, and AWS has no such namespace",
    remedy="{instead}",
    sources=(METRICS,),
)
def a_namespace_of_aws_that_there_is_not(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        where = series.namespace
        if not isinstance(where, str) or is_namespace(where):
            continue
        near = nearest_namespace(where)
        # A namespace that is like none of those may be of a service that is newer than the list.
        if near and (of_aws(where) or near.lower() == where.lower()):
            yield _at(series, "Namespace", instead=f"write {near}")


@rule(
    "E9603",
    cause="{watcher} watches {metric}, and {namespace} publishes no metric of that name",
    remedy="{instead}; names are case-sensitive",
    sources=(METRICS,),
)
def a_metric_that_its_namespace_does_not_have(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        where, name = series.namespace, series.name
        if isinstance(where, str) and isinstance(name, str) and is_metric(where, name) is False:
            near = nearest_metric(where, name)
            yield _at(
                series,
                "MetricName",
                instead=f"write {near}" if near else "take one from the service's page on its metrics",
            )


@rule(
    "E9604",
    cause="{watcher} gives {reference} as {dimension}, and {namespace} publishes nothing under that",
    remedy="{instead}",
    sources=(CONCEPTS, METRICS),
)
def a_dimension_that_names_something_else(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        for position, (name, value) in enumerate(series.dimensions or ()):
            instead = _instead(site, series.namespace, name, value)
            if instead:
                place: Steps = series.path
                if series.whole and series.place("Dimensions")[-1:] == ("Dimensions",):
                    place = (*series.path, "Dimensions", position, "Value")
                yield found(
                    series.resource,
                    *place,
                    watcher=series.resource,
                    reference=value,
                    dimension=name,
                    namespace=series.namespace,
                    instead=instead,
                )


def _instead(site: Site, namespace: Value, name: Value, value: Value) -> str:
    """What belongs there; empty where the value is right, or nobody knows."""
    if name == "Protocol" and namespace == "AWS/IoT":
        return "give MQTT or HTTP" if isinstance(value, str) and value.upper() not in PROTOCOLS else ""
    allowed = KINDS.get((str(namespace), str(name)))
    if allowed is None:
        return ""
    if isinstance(value, str):
        wrong = _addressed(str(name), value)
    elif isinstance(value, Text):
        wrong = _other_text(str(name), value, frozenset(allowed))
    else:
        wrong = isinstance(value, Reference) and not _foreign(value) and not _answers(value, allowed)
    answers = "; ".join(f"{' or '.join(answer)} of an {kind}" for kind, answer in allowed.items())
    return f"give a name, no ARN and no address: {answers}" if wrong else ""


def _foreign(reference: Reference) -> bool:
    """Answers what nobody sees in a template."""
    return reference.resource.kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::SSM::"))


def _answers(reference: Reference, allowed: Mapping[str, tuple[str, ...]]) -> bool:
    return reference.attribute in allowed.get(reference.resource.kind, ())


def _other_text(name: str, value: Text, allowed: frozenset[str]) -> bool:
    """A name that is made of what has another name, or with a sign that no name has."""
    if member(value) is not None:
        return name != "CacheClusterId"
    about = list(references(value))
    if name == "DBInstanceIdentifier" and any(one.resource.kind == "AWS::RDS::DBCluster" for one in about):
        return False  # a cluster over several zones names its instances after itself
    strange = not any(map(_foreign, about)) and not any(one.resource.kind in allowed for one in about)
    return (bool(about) and strange) or _impossible(name, value)


PROTOCOLS = frozenset({"HTTP", "HTTPS", "MQTT", "WEBSOCKET", "WEBSOCKETS", "WSS"})
PATHLESS = frozenset(
    {
        "CacheClusterId",
        "ClusterName",
        "DBInstanceIdentifier",
        "FunctionName",
        "NatGatewayId",
        "QueueName",
        "ServiceName",
        "StreamName",
    }
)


def _impossible(name: str, value: Text) -> bool:
    """A sign in it that no such name has."""
    words = "".join(part for part in value.parts if isinstance(part, str))
    return name in PATHLESS and any(sign in words for sign in "/@: ")


def _addressed(name: str, value: str) -> bool:
    return value.startswith(("arn:", "https://")) and not name.endswith("Arn")


@rule(
    "W9605",
    cause=(
        "{watcher} watches {metric} of everything that the account has in {namespace}: it names no dimension"
    ),
    remedy="name {wanted}, as this tree has a {kind} of its own",
    sources=(CONCEPTS,),
    demanding=True,
)
def a_metric_of_the_whole_account(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        if series.dimensions != () or series.schema or not isinstance(series.namespace, str):
            continue
        sets = sets_of(series.namespace, str(series.name))
        for (namespace, dimension), kinds in KINDS.items():
            own = next(site.all(*kinds), None)
            if (
                namespace == series.namespace
                and own is not None
                and (not sets or frozenset() in sets or not series.whole)
            ):
                yield _at(series, "Dimensions", wanted=dimension, kind=own.kind)
                break
