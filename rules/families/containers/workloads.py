"""How the rules of this family read task definitions, services and functions."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.seam.rule import Finding, found
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Unknown, Value, known

TASK = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
CLUSTER = "AWS::ECS::Cluster"
FUNCTION = "AWS::Lambda::Function"
FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})


@dataclass(frozen=True)
class Container:
    """One container of a task definition."""

    task: Resource
    position: int
    body: dict[str, Value] = field(hash=False, repr=False)

    @property
    def name(self) -> str:
        return str(self.body.get("Name", self.position))

    def get(self, *path: str | int) -> Value:
        """What lies there; None where it is left out, Unknown where a deployment decides."""
        return inside(self.body, *path)

    def items(self, *path: str | int) -> list[Value]:
        """A list; nothing where there is none."""
        value = self.get(*path)
        return value if isinstance(value, list) else [] if value is None else [value]

    def found(self, *path: str | int, **parts: object) -> Finding:
        """A finding at a property of the container."""
        parts.setdefault("container", self.name)
        return found(self.task, "ContainerDefinitions", self.position, *path, **parts)


def inside(value: Value, *path: str | int) -> Value:
    """What lies in a resolved value, as `Site.get` reads it."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        elif isinstance(value, Given | Unknown):
            return Unknown(f"{step}: lies in what only a deployment knows")
        else:
            return None
    return value


def containers(site: Site) -> Iterator[Container]:
    """Every container whose form is known."""
    for task in site.all(TASK):
        yield from containers_of(site, task)


def containers_of(site: Site, task: Resource) -> Iterator[Container]:
    for position, body in enumerate(site.items(task, "ContainerDefinitions")):
        if isinstance(body, dict):
            yield Container(task, position, body)


def windows(site: Site, task: Resource) -> bool:
    """Whether its containers are, or may be, Windows': many parameters do not exist there."""
    system = site.get(task, "RuntimePlatform", "OperatingSystemFamily")
    return str(system).startswith("WINDOWS") or not known(system)


def number(value: Value) -> float | None:
    """A number, also one that is written as text; None for whatever else it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def shown(value: float) -> str:
    """A number as people write it."""
    return f"{value:g}"


def true(value: Value) -> bool:
    return str(value).lower() == "true"


def false(value: Value) -> bool:
    """Said to be false; what is left out, or nobody knows, is not said."""
    return str(value).lower() == "false"


def lacks(value: Value) -> bool:
    """Known, and not true: said to be false, or left out."""
    return known(value) and not true(value)


def services_of(site: Site, task: Resource) -> list[Resource]:
    """The services here that run a task definition."""
    return [
        service
        for service in site.all(SERVICE)
        if site.target(site.get(service, "TaskDefinition"), TASK) == task
    ]


def providers(site: Site, service: Resource) -> list[dict[str, Value]]:
    """The entries of a service's own capacity provider strategy."""
    return [one for one in site.items(service, "CapacityProviderStrategy") if isinstance(one, dict)]


def serverless(site: Site, service: Resource) -> bool:
    """Whether it runs on Fargate for certain."""
    named = {str(one.get("CapacityProvider")) for one in providers(site, service)}
    return site.get(service, "LaunchType") == "FARGATE" or (bool(named) and named <= FARGATE)


def on_fargate(site: Site, task: Resource) -> bool:
    """Whether a task definition is meant for Fargate, by its own word or a service's."""
    if "FARGATE" in site.items(task, "RequiresCompatibilities"):
        return True
    return any(serverless(site, service) for service in services_of(site, task))


def rolling(site: Site, service: Resource) -> bool:
    """Whether ECS itself replaces its tasks."""
    kind = site.get(service, "DeploymentController", "Type")
    return known(kind) and kind in (None, "ECS")


def listed(names: object) -> str:
    """Names for a message."""
    return (
        ", ".join(sorted(map(str, names)))
        if isinstance(names, set | frozenset | list | tuple)
        else str(names)
    )


def memory_of(site: Site, container: Container) -> float | None:
    """The MiB that it can have at most: its own limit, or all that the task has."""
    own = number(container.get("Memory"))
    return own if own is not None else number(site.get(container.task, "Memory"))


def known_containers(site: Site, task: Resource) -> bool:
    """Whether all its containers have a form."""
    return len(list(containers_of(site, task))) == len(site.items(task, "ContainerDefinitions"))
