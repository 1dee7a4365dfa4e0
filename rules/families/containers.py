"""Containers: immutability, privileges, timeouts, health, roll-back."""

from collections.abc import Iterator

from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

TASK = "AWS::ECS::TaskDefinition"


@rule(
    "E9501",
    cause="container {container} can write to its own root file system",
    remedy="set ReadonlyRootFilesystem: true, and mount a volume where it must write",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html",
    ),
)
def a_container_that_writes_to_its_root(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        system = site.get(task, "RuntimePlatform", "OperatingSystemFamily")
        if str(system).startswith("WINDOWS") or not known(system):
            continue  # there the parameter is not supported
        for position, container in enumerate(site.items(task, "ContainerDefinitions")):
            if isinstance(container, dict):
                readonly = container.get("ReadonlyRootFilesystem")
                if known(readonly) and str(readonly).lower() != "true":
                    name = container.get("Name", position)
                    yield found(
                        task, "ContainerDefinitions", position, "ReadonlyRootFilesystem", container=name
                    )
