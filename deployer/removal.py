"""What becomes of each resource when its stack is deleted, by the policies of the deployed templates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from deployer import drawing, templates
from deployer.changes import Action, Change, StackPlan
from deployer.holding import HOLDING_DATA
from deployer.stack import Stack, resources
from deployer.templates import NESTED
from deployer.wrapping import wrapped

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef

# Types whose default is a snapshot:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})

# The properties by which a resource refuses its own deletion, whoever asks for it, and what lifts them where
# the stack takes no change any more.
GUARDS = ("DeletionProtection", "DeletionProtectionEnabled")
LIFTED_BY = {
    "AWS::DynamoDB::Table": "aws dynamodb update-table --table-name {id} --no-deletion-protection-enabled",
    "AWS::RDS::DBCluster": (
        "aws rds modify-db-cluster --apply-immediately --no-deletion-protection --db-cluster-identifier {id}"
    ),
    "AWS::RDS::DBInstance": (
        "aws rds modify-db-instance --apply-immediately --no-deletion-protection"
        " --db-instance-identifier {id}"
    ),
}


class Fate(StrEnum):
    KEPT = "kept"
    SNAPSHOT = "lost, with a last snapshot"
    LOST = "lost"


POLICY_ACTIONS = {Fate.KEPT: "Retain", Fate.SNAPSHOT: "Snapshot", Fate.LOST: "Delete"}


@dataclass(frozen=True)
class Leaving:
    """One resource on its way out."""

    path: str
    type: str
    physical_id: str
    fate: Fate
    guarded: bool = False  # it would refuse to be deleted
    empties_itself: bool = False  # a repository that goes with its images

    @property
    def holds_data(self) -> bool:
        return self.type in HOLDING_DATA


@dataclass(frozen=True)
class Removal:
    """All that a removal would touch."""

    stack_name: str
    resources: tuple[Leaving, ...]
    region: str

    @property
    def named(self) -> tuple[Leaving, ...]:
        """What a person must see: all that is kept, and all that holds data."""
        return tuple(
            leaving for leaving in self.resources if leaving.fate is not Fate.LOST or leaving.holds_data
        )

    @property
    def guarded(self) -> tuple[str, ...]:
        """The paths of the resources that no deletion of the stack would get past."""
        return tuple(leaving.path for leaving in self.resources if leaving.guarded)

    @property
    def to_lift(self) -> tuple[str, ...]:
        """For each of them, the command after which it can be deleted."""
        return tuple(
            LIFTED_BY.get(leaving.type, "turn the deletion protection of {id} off").format(
                id=leaving.physical_id
            )
            for leaving in self.resources
            if leaving.guarded
        )

    def render(self, width: int = 100) -> str:
        lines = [f"{self.stack_name}: {drawing.counted(len(self.resources), 'resource')}"]
        for fate in Fate:
            several = [leaving for leaving in self.named if leaving.fate is fate]
            if several:
                lines.append(f"{fate}:")
                lines += [f"  {leaving.path}  {leaving.type}  {leaving.physical_id}" for leaving in several]
        if others := len(self.resources) - len(self.named):
            and_more = f"and {others} more" if self.named else f"{others}"
            lines.append(f"{and_more} without data: deleted")
        short = [drawing.cut(line, width) for line in lines]
        if self.to_lift:  # commands are never cut
            told = f"protected against deletion; unless done already, run in {self.region} first:"
            short += wrapped(told, width)
            short += [f"  {command}" for command in self.to_lift]
        return "\n".join(short)


def read(cloudformation: "CloudFormationClient", stack: Stack) -> Removal:
    """Ask each stack for its resources and its template as it was deployed."""
    resources = tuple(_leaving(cloudformation, stack.id, ""))
    return Removal(stack.name, resources, cloudformation.meta.region_name)


def planned(cloudformation: "CloudFormationClient", container: Change) -> StackPlan:
    """What is removed with a nested stack that leaves its parent: it has no change set that would tell."""
    changes, children = [], []
    if container.policy_action != POLICY_ACTIONS[Fate.KEPT]:
        for resource, declared in _standing(cloudformation, container.physical_id or ""):
            fate = fate_of(resource["ResourceType"], declared.get("DeletionPolicy"))
            change = Change(
                logical_id=resource["LogicalResourceId"],
                type=resource["ResourceType"],
                action=Action.REMOVE,
                policy_action=POLICY_ACTIONS[fate],
                physical_id=resource.get("PhysicalResourceId"),
                before=declared or None,
            )
            if change.type == NESTED and change.physical_id:
                children.append(planned(cloudformation, change))
            else:
                changes.append(change)
    return StackPlan(container.logical_id, tuple(changes), tuple(children), container)


def _leaving(cloudformation: "CloudFormationClient", stack: str, path: str) -> Iterator[Leaving]:
    for resource, declared in _standing(cloudformation, stack):
        title, kind = resource["LogicalResourceId"], resource["ResourceType"]
        physical = resource.get("PhysicalResourceId", "")
        fate = fate_of(kind, declared.get("DeletionPolicy"))
        if kind == NESTED and physical and fate is not Fate.KEPT:
            yield from _leaving(cloudformation, physical, f"{path}{title}/")
        else:
            properties = declared.get("Properties", {})
            guarded = fate is not Fate.KEPT and any(properties.get(name) is True for name in GUARDS)
            empties_itself = properties.get("EmptyOnDelete") is True
            yield Leaving(f"{path}{title}", kind, physical, fate, guarded, empties_itself)


def _standing(
    cloudformation: "CloudFormationClient", stack: str
) -> "Iterator[tuple[StackResourceSummaryTypeDef, Mapping[str, Any]]]":
    """Each resource that a stack has, with what its deployed template says of it."""
    present = resources(cloudformation, stack)
    if not present:
        return
    declared = templates.resources(templates.fetched(cloudformation, stack))
    for resource in present:
        yield resource, declared.get(resource["LogicalResourceId"], {})


def fate_of(kind: str, policy: str | None) -> Fate:
    """By the resource's DeletionPolicy, or its type's default."""
    if policy in {"Retain", "RetainExceptOnCreate"}:
        return Fate.KEPT
    if policy == "Snapshot" or (policy is None and kind in SNAPSHOT_BY_DEFAULT):
        return Fate.SNAPSHOT
    return Fate.LOST
