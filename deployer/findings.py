"""What validation and hooks found in a change set; only DescribeEvents tells it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import stack
from deployer.origins import Origins

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import OperationEventTypeDef

PAGES = 5  # a change set has a handful of findings; nobody reads more


@dataclass(frozen=True)
class Finding:
    """One thing that a validation or a hook refuses, or warns of.

    `path` is the ValidationPath within the template, `by` the validation's or the hook's name.
    """

    logical_id: str
    path: str
    reason: str
    by: str
    warns: bool
    stack_name: str

    def told(self, origins: Origins | None) -> str:
        """One line, with the template's line and the Python line where they are known."""
        place = None
        if origins is not None and self.logical_id:
            place = origins.by_stack_name(self.stack_name, self.logical_id, self.path)
        parts = [self.logical_id, self.path, self.reason]
        if self.by:
            parts.append(f"[{'warning of ' if self.warns else ''}{self.by}]")
        if place is not None:
            parts.append(f"({place})")
        return " ".join(filter(None, parts))


def of_change_sets(cloudformation: "CloudFormationClient", change_sets: Iterable[str]) -> tuple[Finding, ...]:
    """Each change set's, those that fail it first. None where the endpoint has no such operation."""
    found: dict[Finding, None] = {}
    for change_set in change_sets:
        try:
            pages = cloudformation.get_paginator("describe_events").paginate(
                ChangeSetName=change_set, Filters={"FailedEvents": True}
            )
            for _, page in zip(range(PAGES), pages, strict=False):
                found |= {each: None for event in page["OperationEvents"] if (each := _read(event))}
        except ClientError:  # the reason stands without it; not every endpoint has this operation
            continue
    return tuple(sorted(found, key=lambda finding: finding.warns))


def _read(event: "OperationEventTypeDef") -> Finding | None:
    reason = event.get("ValidationStatusReason") or event.get("HookStatusReason")
    if not reason:
        return None
    mode = event.get("ValidationFailureMode") or event.get("HookFailureMode")
    return Finding(
        logical_id=event.get("LogicalResourceId", ""),
        path=event.get("ValidationPath", ""),
        reason=reason,
        by=event.get("ValidationName") or event.get("HookType") or "",
        warns=mode == "WARN",
        stack_name=stack.name_of(event.get("StackId", "")),
    )
