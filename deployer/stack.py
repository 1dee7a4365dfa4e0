"""A stack as it stands, its nested ones, and whether it takes a change now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import drawing, states
from deployer.errors import Busy, Stuck, is_absent
from deployer.plan import Kind
from deployer.states import Readiness
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

REVIEW = states.REVIEW
GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})  # a resource: deleted, or kept and let go


@dataclass(frozen=True)
class Stack:
    """What DescribeStacks says of one stack."""

    name: str
    id: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False

    @property
    def is_moving(self) -> bool:
        return states.readiness(self.status) is Readiness.MOVING

    @property
    def is_stuck(self) -> bool:
        """It rests, and takes no change before somebody has mended it."""
        return states.readiness(self.status) is Readiness.STUCK


@dataclass(frozen=True)
class StackTree:
    """A stack, the state of its own resources, and its nested stacks by their logical ids."""

    name: str
    status: str
    reason: str
    resources: int
    unsettled: tuple[str, ...] = ()  # logical id, status and reason of each that is not complete
    children: tuple["StackTree", ...] = ()

    def render(self, width: int = 100) -> str:
        return "\n".join(drawing.cut(line, width) for line in drawing.branches(list(self._lines(0))))

    def _lines(self, depth: int) -> list[tuple[int, str]]:
        reason = f"  {self.reason}" if self.reason and not self.status.endswith("_COMPLETE") else ""
        lines = [
            (depth, f"{self.name}  {self.status}  {drawing.counted(self.resources, 'resource')}{reason}")
        ]
        lines += [(depth + 1, resource) for resource in self.unsettled]
        for child in self.children:
            lines += child._lines(depth + 1)
        return lines


def find(cloudformation: "CloudFormationClient", name: str) -> Stack | None:
    """The stack with this name or id, None if there is none."""
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return _read(found[0]) if found else None


def summaries(cloudformation: "CloudFormationClient", stack_id: str) -> "list[StackResourceSummaryTypeDef]":
    """What one stack alone tells of its resources, those that are gone too."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
    return [summary for page in pages for summary in page["StackResourceSummaries"]]


def resources(cloudformation: "CloudFormationClient", stack_id: str) -> "list[StackResourceSummaryTypeDef]":
    """The resources that one stack alone has now, nested stacks among them."""
    return [each for each in summaries(cloudformation, stack_id) if each["ResourceStatus"] not in GONE]


def _read(stack: "StackTypeDef") -> Stack:
    return Stack(
        name=stack["StackName"],
        id=stack.get("StackId", stack["StackName"]),
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        parameters={
            parameter["ParameterKey"]: parameter.get("ParameterValue", "")
            for parameter in stack.get("Parameters", [])
        },
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
        protected=stack.get("EnableTerminationProtection", False),
    )


def tree(cloudformation: "CloudFormationClient", stack: Stack, name: str | None = None) -> StackTree:
    """The stack and all that it nests. `name` is how its parent calls it."""
    number = 0
    unsettled = []
    children = []
    for resource in resources(cloudformation, stack.id):
        child_id = resource.get("PhysicalResourceId")
        if resource["ResourceType"] == NESTED and child_id:
            if child := find(cloudformation, child_id):
                children.append(tree(cloudformation, child, resource["LogicalResourceId"]))
            continue
        number += 1
        if not resource["ResourceStatus"].endswith("_COMPLETE"):
            told = [resource["LogicalResourceId"], resource["ResourceStatus"]]
            unsettled.append("  ".join([*told, resource.get("ResourceStatusReason", "")]).rstrip())
    return StackTree(
        name or stack.name, stack.status, stack.reason, number, tuple(unsettled), tuple(children)
    )


def name_of(stack_id: str) -> str:
    """arn:…:stack/<name>/<uuid>: the name that CloudFormation gave a nested stack."""
    return stack_id.split("/")[1] if "/" in stack_id else stack_id


def kind_of_change(stack: Stack | None, name: str, environment: str) -> Kind:
    """CREATE or UPDATE. Raises Busy or Stuck, with the command that mends it, when it takes neither."""
    if stack is None or states.readiness(stack.status) is Readiness.NOTHING:
        return Kind.CREATE
    if stack.is_moving:
        raise Busy(stack=name, status=stack.status, environment=environment)
    if not stack.is_stuck:
        return Kind.UPDATE
    why = f" ({stack.reason})" if stack.reason else ""
    raise Stuck(
        stack=name,
        status=stack.status,
        why=why,
        meaning=states.STUCK.get(stack.status, "nothing is known of this status"),
        look=states.command("diagnose", environment, name),
        mend=states.command("recover", environment, name),
    )
