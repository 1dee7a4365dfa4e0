"""Where a program can write whose own file system is read-only, and how long it has to end."""

import re
from collections.abc import Iterator

from rules.families.containers.workloads import (
    TASK,
    Container,
    containers,
    containers_of,
    inside,
    known_containers,
    number,
    shown,
    true,
    windows,
)
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.values import Value, known

BIND = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html"
CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
SHORTEST = 10  # seconds in which a program can end what it is at
# What a program writes, by where such files lie, and what of it is there without being written.
WRITTEN = re.compile(
    r"(?<![\w./])(/(?:tmp|run|var/(?:run|tmp|lib|log|cache)|data|home|scratch|work)(?:/[\w.-]+)+)"
)
HOMES = frozenset(
    {"HOME", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "PYTHONPYCACHEPREFIX"}
)


def sealed(site: Site, container: Container) -> bool:
    """Whether its root is read-only, and all its mounts are known."""
    readable = known(container.get("MountPoints")) and known(container.get("VolumesFrom"))
    return (
        true(container.get("ReadonlyRootFilesystem"))
        and not windows(site, container.task)
        and readable
        and not container.items("VolumesFrom")
    )


def _writable(container: Container, path: str) -> bool:
    """Whether the innermost mount around a path can be written to."""
    around = [
        (str(inside(mount, "ContainerPath")).rstrip("/"), not true(inside(mount, "ReadOnly")))
        for mount in _mounts(container)
    ]
    holding = [one for one in around if path == one[0] or path.startswith(f"{one[0]}/")]
    return bool(holding) and max(holding, key=lambda one: len(one[0]))[1]


def _mounts(container: Container) -> list[Value]:
    """Mounts, and what of memory is mounted as a file system."""
    return [*container.items("MountPoints"), *container.items("LinuxParameters", "Tmpfs")]


def _places(container: Container) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """(where it is said, path, what it is for)"""
    command = " ".join(
        str(word) for word in container.items("HealthCheck", "Command") if isinstance(word, str)
    )
    for path in dict.fromkeys(WRITTEN.findall(command)):
        yield ("HealthCheck", "Command"), path, "its health check looks there for what the program writes"
    for position, entry in enumerate(container.items("Environment")):
        name, value = inside(entry, "Name"), inside(entry, "Value")
        if name in HOMES and isinstance(value, str) and value.startswith("/"):
            yield ("Environment", position, "Value"), value.rstrip("/") or "/", f"{name} is there"


@rule(
    "E9500",
    cause="container {container} cannot write to {path}, and {why}: its root is read-only, and no volume "
    "that it may write to is mounted there",
    remedy="mount a volume there, without ReadOnly: true",
    sources=(BIND, CONTAINER),
)
def a_place_to_write_that_is_read_only(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        for at, path, why in _places(container) if sealed(site, container) else ():
            if not _writable(container, path) and not _shared(site, container, path):
                yield container.found(*at, path=path, why=why)


def _shared(site: Site, container: Container, path: str) -> bool:
    """Whether another container of the task writes into what this one mounts read-only."""
    if not known_containers(site, container.task):
        return True
    named = {
        str(inside(mount, "SourceVolume"))
        for mount in container.items("MountPoints")
        if path.startswith(f"{str(inside(mount, 'ContainerPath')).rstrip('/')}/")
    }
    return any(
        str(inside(mount, "SourceVolume")) in named and not true(inside(mount, "ReadOnly"))
        for other in containers_of(site, container.task)
        if other.position != container.position
        for mount in other.items("MountPoints")
    )


@rule(
    "W9558",
    cause="container {container} is killed {seconds} s after it is told to stop",
    remedy="leave StopTimeout out, which is 30, or give it the time that ending what is under way takes",
    sources=(CONTAINER,),
    demanding=True,
)
def a_container_that_is_killed_at_once(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for container in containers_of(site, task):
            seconds = number(container.get("StopTimeout"))
            essential = str(container.get("Essential")).lower() != "false"
            if seconds is not None and 2 <= seconds < SHORTEST and essential:
                yield container.found("StopTimeout", seconds=shown(seconds))
