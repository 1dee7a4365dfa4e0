"""Volumes of tasks: what of the host is let in, and whether mounts and volumes meet."""

from collections.abc import Iterator

from rules.families.containers.workloads import TASK, containers_of, inside, on_fargate, true
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, known

BIND = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html"
EFS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html"
# Whoever writes to one of these is root on the host.
HOST_ITSELF = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd", "/var/run")
WHOLE_HOST = frozenset({"/", "/etc", "/root", "/var/lib/docker", "/proc"})


def volumes(site: Site, task: Resource) -> list[tuple[int, dict[str, Value]]]:
    return [
        (position, volume)
        for position, volume in enumerate(site.items(task, "Volumes"))
        if isinstance(volume, dict)
    ]


@rule(
    "E9532",
    cause="task {task} mounts {path} of its host: whoever is in the container is root there",
    remedy="leave the volume out, or mount a directory of the task's own",
    sources=(
        BIND,
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-tasks-containers.html",
    ),
)
def a_task_that_mounts_the_host(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for position, volume in volumes(site, task):
            path = inside(volume, "Host", "SourcePath")
            if (
                isinstance(path, str)
                and ((path.rstrip("/") or "/") in WHOLE_HOST or path.startswith(HOST_ITSELF))
                and (_written(site, task, volume.get("Name")) or "docker.sock" in path)
            ):
                yield found(task, "Volumes", position, "Host", "SourcePath", task=task, path=path)


def _written(site: Site, task: Resource, name: Value) -> bool:
    """Whether a container mounts it other than read-only, or none mounts it yet."""
    mounts = [
        mount
        for container in containers_of(site, task)
        for mount in container.items("MountPoints")
        if inside(mount, "SourceVolume") == name
    ]
    return not mounts or any(inside(mount, "ReadOnly") is not True for mount in mounts)


@rule(
    "E9533",
    cause="task {task} has a volume of its host or of Docker, and Fargate has neither",
    remedy="name the volume alone, for a directory that lives as long as the task",
    sources=(BIND, "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"),
)
def a_volume_that_fargate_has_not(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if on_fargate(site, task):
            for position, volume in volumes(site, task):
                for path in (("Host", "SourcePath"), ("DockerVolumeConfiguration",)):
                    said = inside(volume, *path)
                    if known(said) and said not in (None, {}, ""):
                        yield found(task, "Volumes", position, *path, task=task)


@rule(
    "E9534",
    cause="container {container} mounts the volume {volume}, which its task does not have",
    remedy="declare it among the task's Volumes, or mount one of those: {declared}",
    sources=(BIND,),
)
def a_mount_of_no_volume(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        names = [volume.get("Name") for _, volume in volumes(site, task)]
        if not known(site.get(task, "Volumes")):
            continue
        for container in containers_of(site, task):
            for position, mount in enumerate(container.items("MountPoints")):
                name = inside(mount, "SourceVolume")
                if known(name) and name not in names:
                    yield container.found(
                        "MountPoints", position, "SourceVolume",
                        volume=name, declared=", ".join(map(str, names)) or "none yet",
                    )  # fmt: skip


@rule(
    "W9535",
    cause="no container of task {task} mounts its volume {volume}",
    remedy="mount it where it is needed, or leave it out",
    sources=(BIND,),
    demanding=True,
)
def a_volume_that_nothing_mounts(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        whole = len(list(containers_of(site, task))) == len(site.items(task, "ContainerDefinitions"))
        if not whole or not all(known(one.get("MountPoints")) for one in containers_of(site, task)):
            continue
        mounted = [
            inside(mount, "SourceVolume")
            for container in containers_of(site, task)
            for mount in container.items("MountPoints")
        ]
        for position, volume in volumes(site, task):
            if known(volume.get("Name")) and volume.get("Name") not in mounted:
                yield found(task, "Volumes", position, task=task, volume=volume.get("Name"))


@rule(
    "E9536",
    cause="task {task} reads and writes the file system of volume {volume} in the clear",
    remedy="set TransitEncryption: ENABLED in its EFSVolumeConfiguration",
    sources=(EFS, "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html"),
    by_default=True,
)
def a_file_system_in_the_clear(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for position, volume in volumes(site, task):
            configuration = volume.get("EFSVolumeConfiguration")
            said = inside(configuration, "TransitEncryption")
            if isinstance(configuration, dict) and known(said) and said != "ENABLED":
                yield found(
                    task, "Volumes", position, "EFSVolumeConfiguration", "TransitEncryption",
                    task=task, volume=volume.get("Name"),
                )  # fmt: skip


@rule(
    "E9537",
    cause="the volume {volume} of task {task} is empty when the task starts, and every container mounts it "
    "read-only: nothing is ever in it",
    remedy="leave ReadOnly out where the program writes",
    sources=(BIND,),
)
def a_volume_that_nobody_writes(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        listed = list(containers_of(site, task))
        if len(listed) != len(site.items(task, "ContainerDefinitions")):
            continue
        mounts = [mount for one in listed for mount in one.items("MountPoints")]
        if not known(mounts) or any(one.items("VolumesFrom") for one in listed):
            continue
        for position, volume in volumes(site, task):
            name = volume.get("Name")
            mounted = [mount for mount in mounts if inside(mount, "SourceVolume") == name]
            read_only = all(true(inside(mount, "ReadOnly")) for mount in mounted)
            if set(volume) == {"Name"} and mounted and read_only:
                yield found(task, "Volumes", position, task=task, volume=name)
