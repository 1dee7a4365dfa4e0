"""What a container may do to itself, to its neighbours and to the host."""

from collections.abc import Iterator

from rules.families.containers.workloads import (
    TASK,
    Container,
    containers,
    lacks,
    listed,
    on_fargate,
    services_of,
    true,
    windows,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html"
SECURITY = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-tasks-containers.html"
LINUX = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html"
CAPABILITIES = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html"
REGISTER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"
ROOT = frozenset({"0", "root"})
# Those of the host itself, which no task has on Fargate.
OF_THE_HOST = ("Devices", "MaxSwap", "SharedMemorySize", "Swappiness")


def linux(site: Site) -> Iterator[Container]:
    """Windows has none of what is asked here."""
    return (container for container in containers(site) if not windows(site, container.task))


@rule(
    "E9501",
    cause="container {container} can write to its own root file system",
    remedy="set ReadonlyRootFilesystem: true, and mount a volume where it must write",
    sources=(CONTAINER, CONTROLS),
    demanding=True,
)
def a_container_that_writes_to_its_root(site: Site) -> Iterator[Finding]:
    for container in linux(site):
        if lacks(container.get("ReadonlyRootFilesystem")):
            yield container.found("ReadonlyRootFilesystem")


@rule(
    "E9502",
    cause="container {container} is privileged: it is root on its host, and Fargate refuses it",
    remedy="leave Privileged out, or set it to false",
    sources=(CONTAINER, CONTROLS),
)
def a_privileged_container(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        if true(container.get("Privileged")):
            yield container.found("Privileged")


@rule(
    "E9503",
    cause="container {container} runs as {user}, with the rights of root",
    remedy="give User a number that is not 0, and a group that is not 0: 65532:65532",
    sources=(CONTAINER, SECURITY, CONTROLS),
)
def a_container_that_runs_as_root(site: Site) -> Iterator[Finding]:
    for container in linux(site):
        user = container.get("User")
        if isinstance(user, str | int) and ROOT & set(str(user).strip().lower().split(":")):
            yield container.found("User", user=user)


@rule(
    "W9504",
    cause="container {container} names no user, so its image decides, and most run as root",
    remedy="set User to a number that is not 0: 65532:65532",
    sources=(CONTAINER, SECURITY, CONTROLS),
    demanding=True,
)
def a_container_without_a_user(site: Site) -> Iterator[Finding]:
    for container in linux(site):
        user = container.get("User")
        if user is None or user == "":
            yield container.found("User")


@rule(
    "E9505",
    cause="container {container} is given the Linux capabilities {added}",
    remedy="leave Capabilities.Add out; Fargate takes none but SYS_PTRACE, which reads other processes",
    sources=(CAPABILITIES, SECURITY),
)
def a_container_with_more_capabilities(site: Site) -> Iterator[Finding]:
    for container in linux(site):
        added = [one for one in container.items("LinuxParameters", "Capabilities", "Add") if known(one)]
        if added:
            yield container.found("LinuxParameters", "Capabilities", "Add", added=listed(added))


@rule(
    "W9506",
    cause="container {container} keeps Linux capabilities that programs rarely need",
    remedy="drop them: LinuxParameters.Capabilities.Drop: [ALL]",
    sources=(CAPABILITIES, SECURITY),
    demanding=True,
)
def a_container_that_drops_no_capabilities(site: Site) -> Iterator[Finding]:
    for container in linux(site):
        dropped = container.get("LinuxParameters", "Capabilities", "Drop")
        if known(dropped) and not (isinstance(dropped, list) and "ALL" in dropped):
            yield container.found("LinuxParameters", "Capabilities", "Drop")


@rule(
    "W9507",
    cause="in container {container} nothing reaps the processes that {starts} leaves, or forwards signals",
    remedy="set LinuxParameters.InitProcessEnabled: true",
    sources=(LINUX, "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"),
    demanding=True,
)
def a_container_without_an_init_process(site: Site) -> Iterator[Finding]:
    for container in linux(site):
        init = container.get("LinuxParameters", "InitProcessEnabled")
        if not lacks(init):
            continue
        services = services_of(site, container.task)
        if any(true(site.get(service, "EnableExecuteCommand")) for service in services):
            yield container.found("LinuxParameters", "InitProcessEnabled", starts="ECS Exec")
        elif container.items("HealthCheck", "Command") not in ([], ["NONE"]):
            yield container.found("LinuxParameters", "InitProcessEnabled", starts="its health check")
        elif init is not None:
            yield container.found("LinuxParameters", "InitProcessEnabled", starts="its program")


@rule(
    "E9508",
    cause="task {task} has {property}: host, so its containers see the {what} of all that runs there",
    remedy="leave {property} out",
    sources=(REGISTER, CONTROLS),
)
def a_task_that_shares_with_its_host(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for name, what in (("PidMode", "processes"), ("IpcMode", "shared memory")):
            if site.get(task, name) == "host":
                yield found(task, name, task=task, property=name, what=what)


@rule(
    "W9509",
    cause="task {task} has the network of its host: no security group of its own, and the host's credentials",
    remedy="use NetworkMode: awsvpc, which gives the task an interface and security groups",
    sources=(REGISTER, CONTROLS),
    demanding=True,
)
def a_task_in_the_network_of_its_host(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if site.get(task, "NetworkMode") == "host":
            yield found(task, "NetworkMode", task=task)


@rule(
    "E9510",
    cause="container {container} asks for {asked}, which Fargate has not",
    remedy="leave it out, or run the task on instances",
    sources=(
        LINUX,
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    ),
)
def a_container_that_needs_a_host(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        if not on_fargate(site, container.task):
            continue
        for name in OF_THE_HOST:
            asked = container.get("LinuxParameters", name)
            if known(asked) and asked not in (None, []):
                yield container.found("LinuxParameters", name, asked=name)
        for name in ("DockerSecurityOptions", "ExtraHosts", "Links", "DisableNetworking"):
            asked = container.get(name)
            if known(asked) and asked not in (None, [], False, "false"):
                yield container.found(name, asked=name)
