"""What `drift --json` prints."""

from dataclasses import dataclass

from deployer.drift import Drift, ResourceDrift


@dataclass(frozen=True)
class Document:
    """Paths name the nested stacks that lead to a resource."""

    environment: str
    stack: str
    exit_code: int
    drifted: tuple[str, ...]
    tags_only: tuple[str, ...]
    failed: dict[str, str]
    """Stack → why CloudFormation could not check all of it."""
    resources: tuple[ResourceDrift, ...]


def document(found: Drift) -> Document:
    return Document(
        environment=found.environment,
        stack=found.stack_name,
        exit_code=found.verdict,
        drifted=tuple(resource.path for resource in found.drifted),
        tags_only=tuple(resource.path for resource in found.drifted if resource.tags_only),
        failed={"/".join(each.path) or each.name: each.why for each in found.stacks if each.why},
        resources=found.resources,
    )
