"""How containers of a task start, depend on each other and stop."""

import re
from collections.abc import Iterator

from rules.families.containers.health_checks import checked
from rules.families.containers.workloads import (
    TASK,
    Container,
    containers_of,
    false,
    inside,
    number,
    on_fargate,
    providers,
    services_of,
    shown,
    true,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
DEPENDENCY = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"
SPOT = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html"
NOTICE = 120  # seconds between Spot's warning and the end
CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")


@rule(
    "E9546",
    cause="container {container} has StopTimeout: {seconds}, and Fargate takes 2 to 120",
    remedy="choose a number within",
    sources=(CONTAINER,),
)
def a_stop_that_fargate_has_not(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if on_fargate(site, task):
            for container in containers_of(site, task):
                seconds = number(container.get("StopTimeout"))
                if seconds is not None and not 2 <= seconds <= NOTICE:
                    yield container.found("StopTimeout", seconds=shown(seconds))


@rule(
    "W9547",
    cause="container {container} is killed {seconds} s after it is told to stop, and Spot would leave it 120",
    remedy="set StopTimeout: 120, so that what is under way is finished or handed back",
    sources=(CONTAINER, SPOT),
    demanding=True,
)
def a_stop_in_less_than_spot_leaves(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        used = [
            one.get("CapacityProvider")
            for service in services_of(site, task)
            for one in providers(site, service)
        ]
        if "FARGATE_SPOT" not in used:
            continue
        for container in containers_of(site, task):
            said = container.get("StopTimeout")
            seconds = 30 if said is None else number(said)
            if seconds is not None and 2 <= seconds < NOTICE and not false(container.get("Essential")):
                yield container.found("StopTimeout", seconds=shown(seconds))


@rule(
    "E9548",
    cause="no container of task {task} is essential, so ECS does not register it",
    remedy="leave Essential out, or set it to true, where the container is what the task is for",
    sources=(CONTAINER,),
)
def a_task_without_an_essential_container(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        listed = list(containers_of(site, task))
        whole = len(listed) == len(site.items(task, "ContainerDefinitions"))
        if listed and whole and all(false(container.get("Essential")) for container in listed):
            yield found(task, "ContainerDefinitions", 0, "Essential", task=task)


@rule(
    "E9549",
    cause="container {container} waits for {other}, {why}",
    remedy="wait for another container of the task, by a condition that will hold",
    sources=(DEPENDENCY,),
)
def a_container_that_waits_for_ever(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        named = {str(one.body.get("Name")): one for one in containers_of(site, task)}
        if not known(list(named)) or len(named) != len(site.items(task, "ContainerDefinitions")):
            continue
        for container in named.values():
            for position, entry in enumerate(container.items("DependsOn")):
                other = inside(entry, "ContainerName")
                why = _never(container, str(other), inside(entry, "Condition"), named)
                if known(entry) and why:
                    yield container.found("DependsOn", position, other=other, why=why)


def _never(container: Container, other: str, condition: object, named: dict[str, Container]) -> str:
    if other not in named:
        return "which its task does not have"
    if container.name in _waits(named[other], named, {other}):
        return "which waits for it"
    if condition not in CONDITIONS:
        return f"until {condition}, which is no condition"
    if condition == "HEALTHY" and not checked(named[other]) and known(named[other].get("HealthCheck")):
        return "until it is HEALTHY, and it has no health check"
    essential = named[other].get("Essential")
    if condition in ("COMPLETE", "SUCCESS") and known(essential) and not false(essential):
        return f"until {condition}, and it is essential: when it ends, so does the task"
    return ""


def _waits(container: Container, named: dict[str, Container], seen: set[str]) -> set[str]:
    """The names of all that a container waits for, directly or not, and its own."""
    for entry in container.items("DependsOn"):
        name = str(inside(entry, "ContainerName"))
        if name in named and name not in seen:
            seen.add(name)
            _waits(named[name], named, seen)
    return seen


@rule(
    "E9550",
    cause="task {task} has two containers of the name {name}",
    remedy="give each a name of its own",
    sources=(CONTAINER,),
)
def two_containers_of_one_name(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        seen: set[str] = set()
        for container in containers_of(site, task):
            name = container.body.get("Name")
            if isinstance(name, str) and name in seen:
                yield container.found("Name", task=task, name=name)
            seen.add(str(name))


@rule(
    "W9546",
    cause="container {container} is told to run {command}, which does nothing and never ends",
    remedy="leave Command and EntryPoint out, so that the image's own program runs",
    sources=(CONTAINER,),
    demanding=True,
)
def a_container_that_only_waits(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for container in containers_of(site, task):
            for name in ("EntryPoint", "Command"):
                words = " ".join(str(word) for word in container.items(name))
                if re.search(r"(^|\s|/)(sleep\s+(infinity|inf|\d+)|tail\s+-f\s+/dev/null)\s*$", words):
                    yield container.found(name, command=words)


@rule(
    "W9548",
    cause="task {task} takes faults that are injected into it, and is in use",
    remedy="leave EnableFaultInjection out where nobody is trying it",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fault-injection.html",),
    demanding=True,
)
def a_lasting_task_that_takes_faults(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if true(site.get(task, "EnableFaultInjection")) and site.durable(task):
            yield found(task, "EnableFaultInjection", task=task)
