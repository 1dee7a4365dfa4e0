"""What a task is given: compatibilities, processor and memory, disk, network mode, architecture."""

from collections.abc import Iterator

from rules.families.containers.workloads import (
    FUNCTION,
    SERVICE,
    TASK,
    containers_of,
    listed,
    number,
    on_fargate,
    serverless,
    services_of,
    shown,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Unknown, Value, known

REGISTER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"
FARGATE_TASKS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"
CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
ARM = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html"
# CPU units → the least and the most memory in MiB, and its step.
SIZES: dict[int, tuple[int, int, int]] = {
    256: (512, 2048, 1024),  # and 512 itself
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
LEAST_MEMORY = 6  # MiB, of a container


def units(value: Value, unit: str) -> float | None:
    """CPU units or MiB, however they are written: 1024, `1 vCPU`, `2GB`."""
    if isinstance(value, str):
        written = value.strip().lower().replace(" ", "")
        if written.endswith(unit.lower()):
            amount = number(written.removesuffix(unit.lower()))
            return None if amount is None else amount * 1024
    return number(value)


@rule(
    "E9523",
    cause="task {task} asks for {cpu} CPU units and {memory} MiB, which Fargate has not; {allowed}",
    remedy="choose a pair of AWS's table",
    sources=(REGISTER, FARGATE_TASKS),
)
def a_size_that_fargate_has_not(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        cpu, memory = units(site.get(task, "Cpu"), "vCPU"), units(site.get(task, "Memory"), "GB")
        if not on_fargate(site, task) or cpu is None:
            continue
        if cpu not in SIZES:
            yield found(
                task, "Cpu", task=task, cpu=shown(cpu), memory=site.get(task, "Memory"),
                allowed=f"CPU is one of {', '.join(map(str, SIZES))}",
            )  # fmt: skip
        elif memory is not None and not _fits(int(cpu), memory):
            least, most, step = SIZES[int(cpu)]
            yield found(
                task, "Memory", task=task, cpu=shown(cpu), memory=shown(memory),
                allowed=f"with this CPU it is {least} to {most} MiB in steps of {step}",
            )  # fmt: skip


def _fits(cpu: int, memory: float) -> bool:
    least, most, step = SIZES[cpu]
    return least <= memory <= most and (memory % step == 0 or memory == least)


@rule(
    "E9524",
    cause="task {task} is meant for Fargate and does not say its {property}",
    remedy="set Cpu and Memory at the task, to a pair of AWS's table",
    sources=(REGISTER, FARGATE_TASKS),
)
def a_fargate_task_without_a_size(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if on_fargate(site, task):
            for name in ("Cpu", "Memory"):
                if site.get(task, name) is None:
                    yield found(task, name, task=task, property=name)


@rule(
    "E9525",
    cause="the containers of task {task} take {taken} of {property}, and the task has {has}",
    remedy="give the task more, or the containers less",
    sources=(CONTAINER, REGISTER),
)
def containers_that_need_more_than_their_task(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        limits = (
            ("Cpu", units(site.get(task, "Cpu"), "vCPU")),
            ("Memory", units(site.get(task, "Memory"), "GB")),
        )
        for name, has in limits:
            found_here = [number(container.get(name)) for container in containers_of(site, task)]
            asked = [one for one in found_here if one is not None]
            # Hard limits of memory may add up to more, but none may be more alone.
            taken = sum(asked) if name == "Cpu" else max(asked, default=0)
            if has is not None and taken > has:
                yield found(task, name, task=task, property=name, taken=shown(taken), has=shown(has))


@rule(
    "E9526",
    cause="container {container} {what}",
    remedy="reserve no more than the limit, and give a container more than it needs to start",
    sources=(CONTAINER,),
)
def a_container_whose_memory_cannot_be(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for container in containers_of(site, task):
            limit, soft = number(container.get("Memory")), number(container.get("MemoryReservation"))
            if limit is not None and soft is not None and soft > limit:
                yield container.found(
                    "MemoryReservation", what=f"reserves {soft:g} MiB of the {limit:g} that it may have"
                )
            if limit is not None and limit < LEAST_MEMORY:
                yield container.found("Memory", what=f"has {limit:g} MiB; Docker wants {LEAST_MEMORY}")


@rule(
    "E9527",
    cause="task {task} has network mode {mode}, and Fargate gives tasks no other than awsvpc",
    remedy="set NetworkMode: awsvpc",
    sources=(REGISTER, FARGATE_TASKS),
)
def a_fargate_task_without_an_interface(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        mode = site.get(task, "NetworkMode")
        if on_fargate(site, task) and known(mode) and mode != "awsvpc":
            yield found(task, "NetworkMode", task=task, mode=mode or "bridge, since it names none")


@rule(
    "E9528",
    cause="service {service} runs task {task} on Fargate, for which the task is not made",
    remedy="add FARGATE to its RequiresCompatibilities, so that it is checked when it is registered",
    sources=(REGISTER, FARGATE_TASKS),
)
def a_task_that_is_not_made_for_fargate(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        if task is None or not serverless(site, service):
            continue
        made = site.get(task, "RequiresCompatibilities")
        if known(made) and "FARGATE" not in site.items(task, "RequiresCompatibilities"):
            yield found(task, "RequiresCompatibilities", service=service, task=task)


@rule(
    "E9529",
    cause="task {task} asks for {size} GiB of ephemeral storage; Fargate has 21 to 200",
    remedy="ask for 21 to 200 GiB, or leave EphemeralStorage out for 20",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html",),
)
def a_disk_that_fargate_has_not(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        size = number(site.get(task, "EphemeralStorage", "SizeInGiB"))
        if size is not None and not 21 <= size <= 200:
            yield found(task, "EphemeralStorage", "SizeInGiB", task=task, size=shown(size))


def architecture(site: Site, workload: Resource) -> str | None:
    """arm64 or x86_64, also where it is left out; None where nobody can tell, or the code is no package."""
    if workload.kind == TASK:
        said = site.get(workload, "RuntimePlatform", "CpuArchitecture")
    else:
        if site.get(workload, "Code", "S3Key") is None or site.get(workload, "PackageType") == "Image":
            return None
        said = next(iter(site.items(workload, "Architectures")), None)
    return str(said or "x86_64").lower() if known(said) else None


@rule(
    "W9530",
    cause="{workload} runs on x86_64, and all else here that brings code on arm64: {others}",
    remedy="say for which processor the code is made: ARM64 with its image or package, or X86_64 for all",
    sources=(ARM, "https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html"),
    demanding=True,
)
def a_workload_on_another_processor(site: Site) -> Iterator[Finding]:
    found_here = {one: architecture(site, one) for one in site.all(TASK, FUNCTION)}
    tasks = [one for one in found_here if one.kind == TASK]
    other = [one for one, kind in found_here.items() if kind == "x86_64"]
    if len(other) != 1 or not tasks:
        return
    others = [one for one, kind in found_here.items() if kind == "arm64"]
    if others and len(others) == sum(kind is not None for kind in found_here.values()) - 1:
        place = ("RuntimePlatform", "CpuArchitecture") if other[0].kind == TASK else ("Architectures",)
        yield found(other[0], *place, workload=other[0], others=listed(others))


@rule(
    "E9531",
    cause="task {task} is for {system}, and {what}",
    remedy="set OperatingSystemFamily: LINUX, or leave out what Windows has not",
    sources=(
        REGISTER,
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/windows_task_definitions.html",
    ),
)
def a_windows_task_with_linux_parameters(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        system = str(site.get(task, "RuntimePlatform", "OperatingSystemFamily"))
        if not system.startswith("WINDOWS"):
            continue
        place = ("RuntimePlatform", "OperatingSystemFamily")
        if site.get(task, "RuntimePlatform", "CpuArchitecture") == "ARM64":
            yield found(task, *place, task=task, system=system, what="Windows runs on X86_64 alone")
        for container in containers_of(site, task):
            for name in ("LinuxParameters", "ReadonlyRootFilesystem", "Ulimits", "SystemControls"):
                said = container.get(name)
                if not isinstance(said, Given | Unknown) and said not in (None, False, "false", [], {}):
                    what = f"container {container.name} has {name}"
                    yield found(task, *place, task=task, system=system, what=what)
        for service in services_of(site, task):
            strategy = site.items(service, "CapacityProviderStrategy")
            if any(
                isinstance(one, dict) and one.get("CapacityProvider") == "FARGATE_SPOT" for one in strategy
            ):
                yield found(task, *place, task=task, system=system, what="FARGATE_SPOT runs Linux alone")
