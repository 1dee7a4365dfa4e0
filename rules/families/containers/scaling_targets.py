"""What is scaled and how far: scalable targets name their service, and stay within what is of use."""

from collections.abc import Iterator

from rules.families.containers.scaled import POLICY, TARGET, services_in, whole
from rules.families.containers.workloads import (
    CLUSTER,
    SERVICE,
    TASK,
    containers_of,
    inside,
    true,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Reference, Text, Unknown, Value, known, references

REGISTER = (
    "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html",
)
SHARDS = (
    "https://docs.aws.amazon.com/streams/latest/dev/kinesis-record-processor-scaling.html",
    *REGISTER,
)
OF_ECS = "ecs:service:DesiredCount"


@rule(
    "E9504",
    cause="scalable target {target} names {named}, {why}",
    remedy="write service/<cluster>/<service>: Ref of the cluster, GetAtt Name of the service",
    sources=REGISTER,
)
def a_target_that_names_no_service(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        named = site.get(target, "ResourceId")
        if site.get(target, "ServiceNamespace") != "ecs" or named is None or not _followed(named):
            continue
        why = _unnamed(site, named)
        if why:
            yield found(target, "ResourceId", target=target, named=named, why=why)


def _followed(value: Value) -> bool:
    parts = value.parts if isinstance(value, Text) else (value,)
    return not any(isinstance(part, Unknown) for part in parts)


def _steps(value: Value) -> list[list[object]]:
    """The parts of a resource id between its slashes."""
    steps: list[list[object]] = [[]]
    for part in value.parts if isinstance(value, Text) else (value,):
        if isinstance(part, str):
            first, *rest = part.split("/")
            steps[-1] += [first] if first else []
            steps += [[one] if one else [] for one in rest]
        else:
            steps[-1].append(part)
    return steps


def _unnamed(site: Site, named: Value) -> str:
    steps = _steps(named)
    given = any(isinstance(part, Given) for step in steps for part in step)
    if len(steps) != 3 or steps[0] != ["service"]:
        return "" if given and len(steps) < 3 else "which is no service/<cluster>/<service>"
    cluster, service = (step[0] if len(step) == 1 else None for step in steps[1:])
    if isinstance(cluster, Reference) and not (
        cluster.resource.kind == CLUSTER and cluster.attribute == "Ref"
    ):
        return "in which a cluster's name should stand second"
    if isinstance(service, Reference) and not (
        service.resource.kind == SERVICE and service.attribute == "Name"
    ):
        return "in which a service's name should stand third"
    return _other(site, cluster, service)


def _other(site: Site, cluster: object, service: object) -> str:
    """What is wrong between a cluster and a service that are what they should be."""
    if isinstance(service, Reference):
        own = site.get(service.resource, "Cluster")
        if isinstance(own, Reference) and isinstance(cluster, Reference) and own.resource != cluster.resource:
            return f"and the service is in {own.resource}"
        fixed = site.get(own.resource, "ClusterName") if isinstance(own, Reference) else own
        if isinstance(cluster, str) and isinstance(fixed, str | None) and cluster != (fixed or "default"):
            return f"and the service is in {own or 'the default cluster'}"
        return ""
    names = [site.get(one, "ServiceName") for one in site.all(SERVICE)]
    clusters = [site.get(one, "ClusterName") for one in site.all(CLUSTER)]
    here = (isinstance(cluster, Reference) or cluster in clusters) and known(names)
    if isinstance(service, str) and here and service not in names:
        return "and no service here has that name"
    return ""


@rule(
    "E9506",
    cause="scalable target {target} has the dimension {dimension}, which {namespace} does not have",
    remedy="write {allowed}",
    sources=REGISTER,
)
def a_dimension_of_another_service(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        dimension, namespace = site.get(target, "ScalableDimension"), site.get(target, "ServiceNamespace")
        if not isinstance(dimension, str) or not isinstance(namespace, str):
            continue
        about_service = bool(services_in(site.get(target, "ResourceId")))
        wrong = dimension.partition(":")[0] != namespace
        wrong |= "ecs" in (namespace, dimension.partition(":")[0]) and dimension != OF_ECS
        wrong |= about_service and namespace != "ecs"
        if wrong:
            allowed = f"ecs and {OF_ECS}" if about_service else f"a dimension of {namespace}"
            parts = {"dimension": dimension, "namespace": namespace, "allowed": allowed}
            yield found(target, "ScalableDimension", target=target, **parts)


@rule(
    "E9507",
    cause="{where} of {target} may have {least} at least and {most} at most",
    remedy="let MinCapacity be at most MaxCapacity, and MaxCapacity more than 0",
    sources=REGISTER,
)
def a_target_without_room(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        least, most = whole(site.get(target, "MinCapacity")), whole(site.get(target, "MaxCapacity"))
        if most == 0 or (least is not None and most is not None and least > most):
            yield found(target, "MaxCapacity", where="what is scaled", target=target, least=least, most=most)
        for position, action in enumerate(site.items(target, "ScheduledActions")):
            bounds = inside(action, "ScalableTargetAction")
            floor = whole(inside(bounds, "MinCapacity"))
            ceiling = whole(inside(bounds, "MaxCapacity"))
            top = most if ceiling is None else ceiling
            bottom = least if floor is None else floor
            if bottom is not None and top is not None and bottom > top:
                place = ("ScheduledActions", position, "ScalableTargetAction")
                where = f"the scheduled action {inside(action, 'ScheduledActionName')}"
                yield found(target, *place, where=where, target=target, least=bottom, most=top)


def _everywhere(
    site: Site, target: Resource, name: str
) -> Iterator[tuple[tuple[str | int, ...], int | None]]:
    """A bound of the target, and the same of each of its scheduled actions."""
    yield (name,), whole(site.get(target, name))
    for position in range(len(site.items(target, "ScheduledActions"))):
        place = ("ScheduledActions", position, "ScalableTargetAction", name)
        yield place, whole(site.get(target, *place))


@rule(
    "W9595",
    cause="scalable target {target} may scale service {service} to nothing, and then nothing asks for more",
    remedy="let MinCapacity be 1 at least, where the policies go by what running tasks measure",
    sources=REGISTER,
    demanding=True,
)
def a_service_that_is_scaled_to_nothing(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        services = services_in(site.get(target, "ResourceId"))
        if not services:
            continue
        for place, floor in _everywhere(site, target, "MinCapacity"):
            if floor == 0:
                yield found(target, *place, target=target, service=services[0])


@rule(
    "W9596",
    cause="scalable target {target} leaves nothing to scale: it is always {count}",
    remedy="let MaxCapacity be more than MinCapacity, or do without the target",
    sources=REGISTER,
    demanding=True,
)
def a_target_that_never_moves(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        least, most = whole(site.get(target, "MinCapacity")), whole(site.get(target, "MaxCapacity"))
        fixed = least is not None and least == most and most != 0
        # Where nothing must last, this is how scaling is put off.
        if fixed and site.durable(target) and not _by_schedule(site, target):
            yield found(target, "MaxCapacity", target=target, count=least)


def _by_schedule(site: Site, target: Resource) -> bool:
    ceilings = {
        whole(inside(one, "ScalableTargetAction", "MaxCapacity"))
        for one in site.items(target, "ScheduledActions")
    }
    return len(ceilings - {None, whole(site.get(target, "MaxCapacity"))}) > 0


@rule(
    "W9597",
    cause="scalable target {target} may run {most} tasks, and stream {stream} has {shards} shards",
    remedy="let MaxCapacity be at most ShardCount: a shard has one reader, and the rest idle",
    sources=SHARDS,
    demanding=True,
)
def more_tasks_than_shards(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        for service in services_in(site.get(target, "ResourceId")):
            for stream, shards in _streams(site, service):
                for place, most in _everywhere(site, target, "MaxCapacity"):
                    if most is not None and most > shards:
                        parts = {"most": most, "stream": stream, "shards": shards}
                        yield found(target, *place, target=target, **parts)


def _streams(site: Site, service: Resource) -> Iterator[tuple[Resource, int]]:
    """The streams of a fixed number of shards that a service's containers are told of."""
    task = site.target(site.get(service, "TaskDefinition"), TASK)
    told = [container.get("Environment") for container in containers_of(site, task)] if task else []
    for stream in {one.resource for one in references(told) if one.resource.kind == "AWS::Kinesis::Stream"}:
        shards = whole(site.get(stream, "ShardCount"))
        if shards is not None and site.get(stream, "StreamModeDetails", "StreamMode") != "ON_DEMAND":
            yield stream, shards


@rule(
    "W9598",
    cause="scaling of {target} is suspended: {what}",
    remedy="leave SuspendedState out once it is mended",
    sources=REGISTER,
    demanding=True,
)
def a_target_that_is_suspended(site: Site) -> Iterator[Finding]:
    for target in site.all(TARGET):
        state = site.get(target, "SuspendedState")
        for name, value in state.items() if isinstance(state, dict) else ():
            if true(value):
                yield found(target, "SuspendedState", name, target=target, what=name)


@rule(
    "E9509",
    cause="{target} and {other} scale the same: the last to be made decides the bounds",
    remedy="register it once",
    sources=REGISTER,
)
def two_targets_of_one_service(site: Site) -> Iterator[Finding]:
    seen: dict[str, Resource] = {}
    for target in site.all(TARGET):
        named = site.get(target, "ResourceId")
        what = f"{named} {site.get(target, 'ScalableDimension')}"
        if named is None or not known(named):
            continue
        if what in seen:
            yield found(target, "ResourceId", target=target, other=seen[what])
        seen.setdefault(what, target)


@rule(
    "W9599",
    cause="nothing scales {target}: it has neither a policy nor a schedule",
    remedy="give it a policy, or leave the target out and set DesiredCount",
    sources=REGISTER,
)
def a_target_without_a_policy(site: Site) -> Iterator[Finding]:
    policies = list(site.all(POLICY))
    named = [site.target(site.get(one, "ScalingTargetId"), TARGET) for one in policies]
    # A policy may name what it scales by ResourceId instead, and so may one of another stack.
    for target in site.all(TARGET):
        by_id = any(site.get(one, "ResourceId") == site.get(target, "ResourceId") for one in policies)
        alone = target not in named and not by_id and not site.items(target, "ScheduledActions")
        if alone and all(one is not None for one in named):
            yield found(target, "ResourceId", target=target)
