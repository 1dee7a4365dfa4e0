"""Logs of containers: that there are some, where they go, and that they never hold the program up."""

import re
from collections.abc import Iterator

from rules.families.containers.workloads import (
    Container,
    containers,
    containers_of,
    inside,
    memory_of,
    number,
    on_fargate,
)
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.values import Given, Reference, Value, known

LOGS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html"
GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html"
GROUP = "AWS::Logs::LogGroup"
OF_FARGATE = ("awslogs", "splunk", "awsfirelens")
OPTIONS = frozenset(
    {
        "awslogs-create-group",
        "awslogs-credentials-endpoint",
        "awslogs-datetime-format",
        "awslogs-endpoint",
        "awslogs-force-flush-interval-seconds",
        "awslogs-format",
        "awslogs-group",
        "awslogs-multiline-pattern",
        "awslogs-region",
        "awslogs-stream",
        "awslogs-stream-prefix",
        "cache-compress",
        "cache-disabled",
        "cache-max-file",
        "cache-max-size",
        "labels",
        "labels-regex",
        "max-buffer-size",
        "mode",
        "tag",
    }
)


def options(container: Container) -> dict[str, Value]:
    """The options of awslogs; nothing for another driver, or where a deployment decides."""
    said = container.get("LogConfiguration", "Options")
    driver = container.get("LogConfiguration", "LogDriver")
    return said if driver == "awslogs" and isinstance(said, dict) else {}


def to_cloudwatch(site: Site) -> Iterator[tuple[Container, dict[str, Value]]]:
    for container in containers(site):
        if container.get("LogConfiguration", "LogDriver") == "awslogs":
            yield container, options(container)


@rule(
    "E9551",
    cause="what container {container} writes is kept nowhere: {why}",
    remedy="give it a LogConfiguration with the driver awslogs and a log group",
    sources=(LOGS, GUIDE, CONTROLS),
    demanding=True,
)
def a_container_without_a_log(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        configuration = container.get("LogConfiguration")
        driver = container.get("LogConfiguration", "LogDriver")
        if configuration is None:
            yield container.found("LogConfiguration", why="it has no LogConfiguration")
        elif not known(driver):
            continue
        elif on_fargate(site, container.task) and driver not in OF_FARGATE:
            yield container.found("LogConfiguration", "LogDriver", why=f"Fargate has no driver {driver}")
        elif driver in (None, "none"):
            yield container.found("LogConfiguration", "LogDriver", why=f"its driver is {driver}")


@rule(
    "E9552",
    cause="the log of container {container} lacks {option}, without which {what}",
    remedy="set it among the Options of its LogConfiguration",
    sources=(LOGS, GUIDE),
)
def a_log_without_a_place(site: Site) -> Iterator[Finding]:
    for container, said in to_cloudwatch(site):
        if not known(container.get("LogConfiguration", "Options")) and not said:
            continue
        wanted = {"awslogs-group": "it has nowhere to go", "awslogs-region": "it has nowhere to go"}
        if on_fargate(site, container.task):
            wanted["awslogs-stream-prefix"] = "Fargate does not start the container"
        for option, what in wanted.items():
            if said.get(option) is None or said.get(option) == "":
                yield container.found("LogConfiguration", "Options", option, option=option, what=what)


@rule(
    "E9553",
    cause="the log of container {container} has {option}: {value}, which awslogs does not know",
    remedy="{allowed}",
    sources=(LOGS, GUIDE),
)
def a_log_option_that_is_none(site: Site) -> Iterator[Finding]:
    for container, said in to_cloudwatch(site):
        for option, value in said.items():
            allowed = _wrong(option, value)
            if allowed:
                yield container.found(
                    "LogConfiguration", "Options", option, option=option, value=value, allowed=allowed
                )


def _wrong(option: str, value: Value) -> str:
    if option not in OPTIONS:
        return "take an option of AWS's list"
    if option == "mode" and isinstance(value, str) and value not in ("blocking", "non-blocking"):
        return "write blocking or non-blocking"
    if option == "max-buffer-size" and not re.fullmatch(r"\d+[kmg]b?", str(value).lower()) and known(value):
        return "write a number and its unit: 4m"
    if option == "awslogs-region" and known(value) and not _region(value):
        return "write the region's name, or Ref AWS::Region"
    by_arn = isinstance(value, Reference) and value.resource.kind == GROUP and value.attribute != "Ref"
    return "write the group's name, which Ref answers" if option == "awslogs-group" and by_arn else ""


def _region(value: Value) -> bool:
    if isinstance(value, Given):
        return value.name == "AWS::Region"
    return isinstance(value, str) and re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", value) is not None


@rule(
    "W9554",
    cause="the log of container {container} is always in {region}; its group {group} is where the stack is",
    remedy="set awslogs-region to Ref AWS::Region",
    sources=(LOGS, GUIDE),
    demanding=True,
)
def a_log_in_a_fixed_region(site: Site) -> Iterator[Finding]:
    for container, said in to_cloudwatch(site):
        region = said.get("awslogs-region")
        group = site.target(said.get("awslogs-group"), GROUP)
        if group is not None and isinstance(region, str) and _region(region):
            yield container.found("LogConfiguration", "Options", "awslogs-region", region=region, group=group)


@rule(
    "W9555",
    cause="container {container} waits for its log: it stands while CloudWatch Logs cannot be reached",
    remedy="set mode: non-blocking, and a max-buffer-size",
    sources=(LOGS, GUIDE),
    demanding=True,
)
def a_container_that_waits_for_its_log(site: Site) -> Iterator[Finding]:
    for container, said in to_cloudwatch(site):
        if said.get("mode") == "blocking":
            yield container.found("LogConfiguration", "Options", "mode")


@rule(
    "W9556",
    cause="the log of container {container} may hold {size} of memory, and the task has {memory} MiB",
    remedy="set max-buffer-size to a few megabytes: 4m",
    sources=(LOGS, GUIDE),
    demanding=True,
)
def a_log_that_holds_too_much(site: Site) -> Iterator[Finding]:
    for container, said in to_cloudwatch(site):
        size = said.get("max-buffer-size")
        memory = memory_of(site, container)
        if isinstance(size, str) and memory and (parts := re.fullmatch(r"(\d+)([kmg])b?", size.lower())):
            held = (number(parts[1]) or 0) * {"k": 1 / 1024, "m": 1, "g": 1024}[parts[2]]
            if held * 4 > memory:
                yield container.found(
                    "LogConfiguration", "Options", "max-buffer-size", size=size, memory=f"{memory:g}"
                )


@rule(
    "E9558",
    cause="container {container} logs through FireLens, and no container of its task is a log router",
    remedy="add a container with FirelensConfiguration, or use the driver awslogs",
    sources=(
        LOGS,
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    ),
)
def a_log_without_a_router(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        if container.get("LogConfiguration", "LogDriver") == "awsfirelens":
            others = list(containers_of(site, container.task))
            routers = [inside(one.body, "FirelensConfiguration") for one in others]
            if not any(router is not None for router in routers):
                yield container.found("LogConfiguration", "LogDriver")
