"""What a stack and its nested ones still hold, also those that are deleted: resource by resource."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import stack
from deployer.errors import is_absent
from deployer.stack import GONE
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef


@dataclass(frozen=True)
class Remnant:
    """One resource. `path` leads to it by logical ids; `stack_id` is the stack that has it."""

    path: str
    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str
    stack_id: str
    skip_as: str  # how ContinueUpdateRollback's ResourcesToSkip calls it
    nested_status: str = ""  # of a nested stack, its own

    @property
    def is_container(self) -> bool:
        return self.type == NESTED

    @property
    def kept(self) -> bool:
        """Its stack let go of it."""
        return self.status == "DELETE_SKIPPED"

    @property
    def stands(self) -> bool:
        return self.status not in GONE and bool(self.physical_id) and not self.is_container

    def __str__(self) -> str:
        told = "  ".join(filter(None, (self.path, self.type, self.physical_id, self.status)))
        return f"{told}: {self.reason}" if self.reason and self.status.endswith("_FAILED") else told


def of(cloudformation: "CloudFormationClient", stack_id: str) -> tuple[Remnant, ...]:
    """Of the root and all that it nests. A deleted stack tells of itself for ninety days, by its id."""
    return tuple(_walk(cloudformation, stack_id, "", root=True))


def statuses(cloudformation: "CloudFormationClient", stack_id: str) -> dict[str, str]:
    """Logical id → status in this stack alone; {} when it tells nothing any more."""
    found = _summaries(cloudformation, stack_id)
    return {summary["LogicalResourceId"]: summary["ResourceStatus"] for summary in found}


def _walk(cloudformation: "CloudFormationClient", stack_id: str, above: str, *, root: bool) -> list[Remnant]:
    found: list[Remnant] = []
    for summary in _summaries(cloudformation, stack_id):
        title = summary["LogicalResourceId"]
        physical = summary.get("PhysicalResourceId", "")
        nested = summary["ResourceType"] == NESTED and bool(physical)
        child = stack.find(cloudformation, physical) if nested else None
        if child is not None:
            found += _walk(cloudformation, child.id, f"{above}{title}/", root=False)
        if nested and summary["ResourceStatus"] == "DELETE_COMPLETE":
            continue
        # The stack's name at any depth, and never its logical id:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
        skip_as = title if root else f"{stack.name_of(stack_id)}.{title}"
        found.append(
            Remnant(
                path=f"{above}{title}",
                logical_id=title,
                type=summary["ResourceType"],
                physical_id=physical,
                status=summary["ResourceStatus"],
                reason=summary.get("ResourceStatusReason", ""),
                stack_id=stack_id,
                skip_as=skip_as,
                nested_status=child.status if child else "DELETE_COMPLETE" if nested else "",
            )
        )
    return found


def _summaries(cloudformation: "CloudFormationClient", stack_id: str) -> "list[StackResourceSummaryTypeDef]":
    try:
        return stack.summaries(cloudformation, stack_id)
    except ClientError as error:
        if is_absent(error):
            return []
        raise
