"""Thresholds against what the watched resource has: storage, memory, retention, timeout."""

from collections.abc import Callable, Iterator, Mapping

from rules.families.signals.alarm_answers import DOWNWARDS, UPWARDS
from rules.families.signals.alarm_series import alarms, number
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

GIB = 1024.0**3
# Memory of a class by its size: of the burstable ones, then of m, then of r.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
SIZES = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
SCALE = {"t": 1.0, "m": 1.0, "r": 2.0}


def _retention(site: Site, stream: Resource) -> float | None:
    hours = site.get(stream, "RetentionPeriodHours")
    kept = 24.0 if hours is None else number(hours)
    return None if kept is None else kept * 3600 * 1000


def _kept(site: Site, queue: Resource) -> float | None:
    seconds = site.get(queue, "MessageRetentionPeriod")
    return 345600.0 if seconds is None else number(seconds)


def _storage(site: Site, database: Resource) -> float | None:
    """What it may grow to."""
    sizes = [number(site.get(database, name)) for name in ("AllocatedStorage", "MaxAllocatedStorage")]
    given = [size for size in sizes if size is not None]
    return max(given) * GIB if given else None


def _memory(site: Site, database: Resource) -> float | None:
    parts = str(site.get(database, "DBInstanceClass")).split(".")
    if len(parts) != 3 or not parts[1]:
        return None
    family, size = parts[1][0], parts[2]
    times = int(size.removesuffix("xlarge")) if size.removesuffix("xlarge").isdigit() else 1
    base = SIZES.get("xlarge" if size.endswith("xlarge") else size)
    return SCALE[family] * base * times * GIB if family in SCALE and base else None


def _connections(site: Site, database: Resource) -> float | None:
    """The default of max_connections for PostgreSQL; whoever sets it in a parameter group is not judged."""
    memory = _memory(site, database)
    if memory is None or site.get(database, "Engine") != "postgres":
        return None
    group = site.target(site.get(database, "DBParameterGroupName"))
    if group is not None and site.get(group, "Parameters", "max_connections") is not None:
        return None
    return min(memory / 9531392, 5000.0)


def _timeout(site: Site, function: Resource) -> float | None:
    seconds = site.get(function, "Timeout")
    given = 3.0 if seconds is None else number(seconds)
    return None if given is None else given * 1000


def _reserved(site: Site, function: Resource) -> float | None:
    return number(site.get(function, "ReservedConcurrentExecutions"))


# (namespace, metric) -> the type, what it has of that, and how that is called.
LIMITS: Mapping[tuple[str, str], tuple[str, Callable[[Site, Resource], float | None], str]] = {
    ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds"): (
        "AWS::Kinesis::Stream",
        _retention,
        "milliseconds of retention",
    ),
    ("AWS/Kinesis", "IteratorAgeMilliseconds"): (
        "AWS::Kinesis::Stream",
        _retention,
        "milliseconds of retention",
    ),
    ("AWS/Kinesis", "SubscribeToShardEvent.MillisBehindLatest"): (
        "AWS::Kinesis::Stream",
        _retention,
        "milliseconds of retention",
    ),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("AWS::SQS::Queue", _kept, "seconds of retention"),
    ("AWS/RDS", "FreeStorageSpace"): ("AWS::RDS::DBInstance", _storage, "bytes of storage"),
    ("AWS/RDS", "FreeableMemory"): ("AWS::RDS::DBInstance", _memory, "bytes of memory"),
    ("AWS/RDS", "DatabaseConnections"): ("AWS::RDS::DBInstance", _connections, "connections at most"),
    ("AWS/Lambda", "Duration"): ("AWS::Lambda::Function", _timeout, "milliseconds until its timeout"),
    ("AWS/Lambda", "ConcurrentExecutions"): ("AWS::Lambda::Function", _reserved, "reserved executions"),
}
SOURCES = (
    "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html",
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html",
)


def _limited(site: Site) -> Iterator[tuple[Resource, Resource, str, str, float, float, str]]:
    """(alarm, resource, metric, operator, threshold, what the resource has, of what)."""
    for alarm in alarms(site):
        if len(alarm.series) != 1 or alarm.expressions or alarm.threshold is None:
            continue
        series = alarm.series[0]
        kind, read, of_what = LIMITS.get((str(series.namespace), str(series.name)), ("", None, ""))
        for resource in subjects(site, series).values() if read is not None else ():
            has = read(site, resource) if resource.kind == kind and read is not None else None
            if has is not None:
                yield (
                    alarm.resource,
                    resource,
                    str(series.name),
                    alarm.operator,
                    alarm.threshold,
                    has,
                    of_what,
                )


@rule(
    "E9615",
    cause="alarm {alarm} compares {metric} with {threshold}, and {about} has {has} {what}",
    remedy="give a threshold well within that, so that it rings while there is time left",
    sources=SOURCES,
)
def a_threshold_beyond_what_the_resource_has(site: Site) -> Iterator[Finding]:
    for alarm, resource, metric, operator, threshold, has, what in _limited(site):
        if (operator in UPWARDS and threshold >= has) or (operator in DOWNWARDS and threshold >= has):
            yield _far(alarm, resource, metric=metric, threshold=threshold, has=has, what=what)


@rule(
    "W9616",
    cause=(
        "alarm {alarm} compares {metric} with {threshold}, so near to the end of the {has} {what} of {about}"
    ),
    remedy="leave a quarter, so that it rings while there is time to do something",
    sources=SOURCES,
    demanding=True,
)
def a_threshold_that_leaves_no_time(site: Site) -> Iterator[Finding]:
    for alarm, resource, metric, operator, threshold, has, what in _limited(site):
        kept = "retention" in what and operator in UPWARDS and 0.85 * has < threshold < has
        free = metric.startswith("Free") and operator in DOWNWARDS and threshold < has / 1000
        crowded = metric.startswith("Free") and operator in DOWNWARDS and has / 2 < threshold < has
        if kept or free or crowded:
            yield _far(alarm, resource, metric=metric, threshold=threshold, has=has, what=what)


def _far(
    alarm: Resource, resource: Resource, *, metric: str, threshold: float, has: float, what: str
) -> Finding:
    return found(
        alarm,
        "Threshold",
        alarm=alarm,
        metric=metric,
        threshold=f"{threshold:.0f}",
        about=resource,
        has=f"{has:.0f}",
        what=what,
    )
