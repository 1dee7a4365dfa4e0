"""Health checks of containers: that there is one, that it can fail, and that it fails in time."""

import re
from collections.abc import Iterator

from rules.families.containers.workloads import (
    TASK,
    Container,
    containers,
    containers_of,
    false,
    inside,
    number,
    services_of,
    shown,
    true,
    windows,
)
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.values import Value, known

HEALTH = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"
GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html"
BREAKER = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"
# Least, most and default, in seconds; retries in attempts.
RANGES = {"Interval": (5, 300, 30), "Timeout": (2, 60, 5), "Retries": (1, 10, 3), "StartPeriod": (0, 300, 0)}
SLOWEST = 300  # seconds from the first failed check to the replacement
ALWAYS_WELL = re.compile(r"(^|;|\|\||&&)\s*(exit\s+0|true|:|echo\b[^;|&]*)\s*;?\s*$|\|\|\s*(true|exit\s+0|:)")
LOCAL = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)")


def command(container: Container) -> list[str] | None:
    """The words of its health check; None where there is none, or a part of it is not known."""
    words = container.get("HealthCheck", "Command")
    if not isinstance(words, list) or not known(words):
        return None
    return [str(word) for word in words]


def checked(container: Container) -> bool:
    return bool(command(container)) and command(container) != ["NONE"]


def setting(container: Container, name: str) -> float | None:
    """A number of the health check, or what ECS takes for it."""
    said = container.get("HealthCheck", name)
    return RANGES[name][2] if said is None else number(said)


@rule(
    "W9531",
    cause="nothing checks container {container}: service {service} counts it while it hangs",
    remedy="give it a HealthCheck that asks the program itself",
    sources=(GUIDE, HEALTH),
    demanding=True,
)
def a_service_whose_tasks_nobody_checks(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        unbalanced = [
            service
            for service in services_of(site, task)
            if site.get(service, "LoadBalancers") in (None, [])
            and site.get(service, "VpcLatticeConfigurations") in (None, [])
        ]
        essential = [one for one in containers_of(site, task) if not false(one.get("Essential"))]
        unchecked = [
            one for one in essential if one.get("HealthCheck") is None or command(one) in ([], ["NONE"])
        ]
        seen = all(known(one.get("HealthCheck")) for one in essential)
        if seen and unbalanced and unchecked and not any(map(checked, essential)):
            yield unchecked[0].found("HealthCheck", service=unbalanced[0])


@rule(
    "E9538",
    cause="the health check of container {container} {what}",
    remedy="write [CMD, program, argument, …], or [CMD-SHELL, the whole line]",
    sources=(HEALTH, GUIDE),
)
def a_health_check_that_is_no_command(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        words = command(container)
        said = container.get("HealthCheck")
        if said is not None and known(said) and not words:
            yield container.found("HealthCheck", "Command", what="runs no command")
        elif words and (what := _malformed(words)):
            yield container.found("HealthCheck", "Command", what=what)


def _malformed(words: list[str]) -> str:
    first, *rest = words
    if first == "NONE":
        return ""
    if first not in ("CMD", "CMD-SHELL"):
        return f"begins with {first}, neither CMD nor CMD-SHELL" if rest or " " not in first else ""
    if not rest or not "".join(rest).strip():
        return "runs no command"
    if first == "CMD" and len(rest) == 1 and " " in rest[0].strip():
        return f"has CMD and one text, so it looks for a program of that name: {rest[0]}"
    if first == "CMD-SHELL" and len(rest) > 1:
        return f"has CMD-SHELL and {len(rest)} parts, of which a shell runs only the first: {rest[0]}"
    return ""


@rule(
    "E9539",
    cause="the health check of container {container} is well whatever happens: {line}",
    remedy="let it end with 1 when the program does not answer",
    sources=(HEALTH, GUIDE),
)
def a_health_check_that_cannot_fail(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        words = command(container) or []
        line = " ".join(words[1:])
        if words[:1] in (["CMD-SHELL"], ["CMD"]) and ALWAYS_WELL.search(line):
            yield container.found("HealthCheck", "Command", line=line)


@rule(
    "E9540",
    cause="the health check of container {container} has {property}: {value}; ECS takes {least} to {most}",
    remedy="choose a number within",
    sources=(HEALTH,),
)
def a_health_check_out_of_range(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        for name, (least, most, _) in RANGES.items():
            value = number(container.get("HealthCheck", name))
            if value is not None and not least <= value <= most:
                yield container.found(
                    "HealthCheck", name, property=name, value=shown(value), least=least, most=most
                )


@rule(
    "W9541",
    cause="a health check of container {container} may take {timeout} s, and the next comes in {interval} s",
    remedy="let Timeout be shorter than Interval",
    sources=(HEALTH,),
)
def a_health_check_that_overtakes_itself(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        timeout, interval = setting(container, "Timeout"), setting(container, "Interval")
        if checked(container) and timeout is not None and interval is not None and timeout >= interval:
            yield container.found("HealthCheck", "Timeout", timeout=shown(timeout), interval=shown(interval))


@rule(
    "W9542",
    cause="container {container} is replaced {seconds} s after it hangs, or later",
    remedy="let Interval × Retries be at most 300 s",
    sources=(HEALTH, GUIDE),
    demanding=True,
)
def a_health_check_that_takes_too_long(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        interval, retries = setting(container, "Interval"), setting(container, "Retries")
        if not checked(container) or interval is None or retries is None:
            continue
        if (seconds := interval * retries) >= SLOWEST:
            name = "Interval" if interval > RANGES["Interval"][2] else "Retries"
            yield container.found("HealthCheck", name, seconds=shown(seconds))


@rule(
    "W9543",
    cause="one failed health check of container {container} ends it",
    remedy="let Retries be at least 2: one slow answer is no failure",
    sources=(HEALTH,),
    demanding=True,
)
def a_health_check_without_a_second_try(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        if checked(container) and setting(container, "Retries") == 1:
            yield container.found("HealthCheck", "Retries")


@rule(
    "W9544",
    cause="container {container} has {seconds} s to start; then service {service} rolls back",
    remedy="set HealthCheck.StartPeriod to as long as it takes to start at worst",
    sources=(HEALTH, BREAKER),
    demanding=True,
)
def a_start_that_counts_as_a_failure(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        if not checked(container) or setting(container, "StartPeriod") != 0 or windows(site, container.task):
            continue
        interval, retries = setting(container, "Interval"), setting(container, "Retries")
        for service in services_of(site, container.task):
            breaker: Value = site.get(service, "DeploymentConfiguration", "DeploymentCircuitBreaker")
            if true(inside(breaker, "Enable")) and interval is not None and retries is not None:
                seconds = shown(interval * retries)
                yield container.found("HealthCheck", "StartPeriod", seconds=seconds, service=service)


@rule(
    "W9545",
    cause="the health check of container {container} asks port {port}, on which it does not listen",
    remedy="ask one of its ports, {ports}, or one that its environment names",
    sources=(HEALTH, GUIDE),
)
def a_health_check_of_another_port(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        ports = [inside(one, "ContainerPort") for one in container.items("PortMappings")]
        settings = [inside(one, "Value") for one in container.items("Environment")]
        if not ports or not known(ports) or not known(settings):
            continue
        has = {str(value) for value in (*ports, *settings)}
        for port in LOCAL.findall(" ".join(command(container) or [])):
            if port not in has:
                yield container.found("HealthCheck", "Command", port=port, ports=", ".join(map(str, ports)))
