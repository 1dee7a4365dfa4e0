"""What becomes of each resource when its stack is deleted, by the policies of the deployed templates."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deployer import templates
from deployer.changes import HOLDING_DATA
from deployer.stack import Stack
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

# Types whose default is a snapshot:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})


class Fate(StrEnum):
    KEPT = "kept"
    SNAPSHOT = "lost, with a last snapshot"
    LOST = "lost"


@dataclass(frozen=True)
class Leaving:
    """One resource on its way out."""

    path: str
    type: str
    physical_id: str
    fate: Fate

    @property
    def holds_data(self) -> bool:
        return self.type in HOLDING_DATA


@dataclass(frozen=True)
class Removal:
    """All that a removal would touch."""

    stack_name: str
    resources: tuple[Leaving, ...]

    @property
    def named(self) -> tuple[Leaving, ...]:
        """What a person must see: all that is kept, and all that holds data."""
        return tuple(
            leaving for leaving in self.resources if leaving.fate is not Fate.LOST or leaving.holds_data
        )

    def render(self, width: int = 100) -> str:
        lines = [f"{self.stack_name}: {len(self.resources)} resources"]
        for fate in Fate:
            several = [leaving for leaving in self.named if leaving.fate is fate]
            if several:
                lines.append(f"{fate}:")
                lines += [f"  {leaving.path}  {leaving.type}  {leaving.physical_id}" for leaving in several]
        others = len(self.resources) - len(self.named)
        lines.append(f"and {others} more that hold no data are deleted")
        return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines)


def read(cloudformation: "CloudFormationClient", stack: Stack) -> Removal:
    """Ask each stack for its resources and its template as it was deployed."""
    return Removal(stack.name, tuple(_leaving(cloudformation, stack.id, "")))


def _leaving(cloudformation: "CloudFormationClient", stack: str, path: str) -> Iterator[Leaving]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    present = [
        resource
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    if not present:
        return
    tree = templates.fetched(cloudformation, stack)
    declared = templates.resources(tree)
    for resource in present:
        title, kind = resource["LogicalResourceId"], resource["ResourceType"]
        physical = resource.get("PhysicalResourceId", "")
        if kind == NESTED and physical:
            yield from _leaving(cloudformation, physical, f"{path}{title}/")
        else:
            fate = fate_of(kind, declared.get(title, {}).get("DeletionPolicy"))
            yield Leaving(f"{path}{title}", kind, physical, fate)


def fate_of(kind: str, policy: str | None) -> Fate:
    """By the resource's DeletionPolicy, or its type's default."""
    if policy in {"Retain", "RetainExceptOnCreate"}:
        return Fate.KEPT
    if policy == "Snapshot" or (policy is None and kind in SNAPSHOT_BY_DEFAULT):
        return Fate.SNAPSHOT
    return Fate.LOST
