"""Change sets: made with all their nested ones, waited for, read whole, removed.

A nested change set can be executed and deleted from its root only, and the root can fail before its
children have settled; so each is waited for, and the first cause is looked for from the leaves up.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import described, findings, removal
from deployer.changes import Action, Change, StackPlan
from deployer.clock import Clock
from deployer.errors import ChangeSetFailed, NeverSettled, PlanOutdated, is_absent
from deployer.origins import Origins
from deployer.plan import Kind
from deployer.request import Request
from deployer.target import PREFIX
from deployer.templates import NESTED
from deployer.told import Told

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import (
        ChangeSetSummaryTypeDef,
        DescribeChangeSetInputTypeDef,
        DescribeChangeSetOutputTypeDef,
        ExecuteChangeSetInputTypeDef,
        ResourceChangeTypeDef,
    )

MINUTES = 30.0  # a nested change set takes one or two
SETTLING_MINUTES = 5.0
EXECUTABLE = frozenset({"", "AVAILABLE", "UNAVAILABLE"})  # what FAILED is read as well, for its reason
UNSETTLED = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
# CloudFormation's two ways of saying that nothing changes: with a template's own, and with a nested stack's.
EMPTY = ("didn't contain changes", "No updates are to be performed")
CHANGE_SET_ARN = re.compile(r"arn:[-a-z]+:cloudformation:[-a-zA-Z0-9:/]*:changeSet/[-a-zA-Z0-9:/]*")


@dataclass(frozen=True)
class Failure:
    """A change set that FAILED for another reason than having no changes."""

    stack: str
    reason: str
    change_set_id: str


@dataclass(frozen=True)
class Reading:
    """A root change set and all below it. `empty`: there is nothing to execute."""

    stacks: StackPlan
    empty: bool
    told: Told


class ChangeSets:
    """Change sets of one account and region."""

    def __init__(
        self,
        cloudformation: "CloudFormationClient",
        clock: Clock,
        poll: float,
        origins: Origins | None = None,
    ) -> None:
        """`origins` are the templates that a finding is traced to."""
        self._cloudformation = cloudformation
        self._clock = clock
        self._poll = poll
        self._origins = origins

    def create(self, request: Request) -> str:
        """Its id."""
        return self._cloudformation.create_change_set(**request.arguments())["Id"]

    def read(self, change_set_id: str, stack_name: str | None = None) -> Reading:
        """The whole tree, once everything in it has settled. `stack_name` goes with a name instead of an id.

        Raises ChangeSetFailed with the first cause, PlanOutdated when there is no such change set.
        """
        root = self._executable(change_set_id, stack_name)
        failures: list[Failure] = []
        stacks = self._tree(root, root["StackName"], None, failures)
        reason = root.get("StatusReason", "")
        failed = root["Status"] == "FAILED"
        # Every leaf below was seen: when none failed and none changes, the root's "Nested change set …
        # was not successfully created" says no more than that nothing changes.
        if failed and not failures and not is_empty(reason) and any(stacks.walk()):
            failures = [Failure(root["StackName"], reason, root["ChangeSetId"])]
        if failures:
            cause = failures[0]
            where = f"{cause.stack}: " if cause.stack != root["StackName"] else ""
            asked = dict.fromkeys((cause.change_set_id, root["ChangeSetId"]))
            found = findings.of_change_sets(self._cloudformation, asked)
            told = dict.fromkeys(finding.told(self._origins) for finding in found)
            raise ChangeSetFailed(stack=root["StackName"], why="; ".join([where + cause.reason, *told]))
        return Reading(
            stacks=stacks,
            empty=failed,
            told=Told.of(root),
        )

    def tell(self, change_set_id: str, stack_name: str | None = None) -> Told:
        """As it stands now. `stack_name` goes with a name instead of an id. Raises PlanOutdated."""
        return Told.of(self._executable(change_set_id, stack_name))

    def execute(self, change_set_id: str, kind: Kind, token: str, stack_name: str) -> None:
        """Start it. `token` is stamped on every event of the operation. Raises PlanOutdated."""
        arguments: ExecuteChangeSetInputTypeDef = {
            "ChangeSetName": change_set_id,
            "ClientRequestToken": token,
            # What an operation made and rolls back goes whatever its DeletionPolicy, or the next one finds
            # its names taken. Of a nested stack that was complete already AWS's pages do not say so.
            "RetainExceptOnCreate": True,
        }
        if kind is Kind.UPDATE:
            arguments["DisableRollback"] = False
        try:
            self._cloudformation.execute_change_set(**arguments)
        except ClientError as error:
            if is_absent(error) or error.response["Error"]["Code"] == "InvalidChangeSetStatus":
                why = error.response["Error"].get("Message", "")
                raise PlanOutdated(stack=stack_name, why=why) from error
            raise

    def delete(self, change_set_id: str) -> None:
        """Remove it with its nested ones, and wait until it is gone: deletion is asynchronous."""
        deadline = self._clock.now() + MINUTES * 60
        try:
            self.begin_deletion(change_set_id)
            while self._clock.now() < deadline:
                status = self._cloudformation.describe_change_set(ChangeSetName=change_set_id)["Status"]
                if status in {"DELETE_COMPLETE", "DELETE_FAILED"}:
                    return
                self._clock.sleep(self._poll)
        except ClientError as error:
            if not is_absent(error):
                raise

    def begin_deletion(self, change_set_id: str) -> None:
        """It is refused while a nested one is still being made, which can outlast a root that failed."""
        deadline = self._clock.now() + SETTLING_MINUTES * 60
        while True:
            try:
                self._cloudformation.delete_change_set(ChangeSetName=change_set_id)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code != "InvalidChangeSetStatus" or self._clock.now() >= deadline:
                    raise
                self._clock.sleep(self._poll)
            else:
                return

    def remove(self, summary: "ChangeSetSummaryTypeDef") -> None:
        """Remove a listed one, once it has settled.

        Deleted while it is being made, it leaves a stack that nothing can delete any more:
        https://github.com/aws-cloudformation/rain/issues/477
        """
        try:
            if summary.get("Status") in UNSETTLED:
                self._settled(summary["ChangeSetId"])
        except PlanOutdated:  # somebody else was quicker
            return
        self.delete(summary["ChangeSetId"])

    def remove_ours(self, stack_name: str) -> None:
        """Every plan of ours for a stack that is nothing yet, whoever reads them."""
        for one in self.listed(stack_name):
            if one["ChangeSetName"].startswith(PREFIX):
                self.remove(one)

    def listed(self, stack_name: str) -> "list[ChangeSetSummaryTypeDef]":
        """Every root change set of a stack; [] when there is no such stack."""
        pages = self._cloudformation.get_paginator("list_change_sets").paginate(StackName=stack_name)
        try:
            return [summary for page in pages for summary in page["Summaries"]]
        except ClientError as error:
            if is_absent(error):
                return []
            raise

    def _executable(
        self, change_set_id: str, stack_name: str | None = None
    ) -> "DescribeChangeSetOutputTypeDef":
        root = self._settled(change_set_id, stack_name)
        # Executed again with its token, it would count as begun, and nothing would ever come of it.
        if (execution := root.get("ExecutionStatus", "")) not in EXECUTABLE:
            raise PlanOutdated(stack=root["StackName"], why=f"its change set is {execution}")
        return root

    def _settled(self, change_set_id: str, stack_name: str | None = None) -> "DescribeChangeSetOutputTypeDef":
        where: DescribeChangeSetInputTypeDef = {"ChangeSetName": change_set_id}
        if stack_name is not None:
            where["StackName"] = stack_name
        deadline = self._clock.now() + MINUTES * 60
        while self._clock.now() < deadline:
            try:
                description = self._cloudformation.describe_change_set(**where)
            except ClientError as error:
                if not is_absent(error):
                    raise
                why = f"its change set {change_set_id} is gone"
                raise PlanOutdated(stack=stack_name or "the stack", why=why) from error
            if description["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return description
            if description["Status"].startswith("DELETE"):
                raise PlanOutdated(
                    stack=description["StackName"], why=f"its change set is {description['Status']}"
                )
            self._clock.sleep(self._poll)
        region = self._cloudformation.meta.region_name
        raise NeverSettled(change_set=change_set_id, minutes=MINUTES, region=region)

    def _tree(
        self,
        description: "DescribeChangeSetOutputTypeDef",
        name: str,
        container: Change | None,
        failures: list[Failure],
    ) -> StackPlan:
        changes, children, seen = [], [], set()
        for raw in self._all_changes(description["ChangeSetId"]):
            change = described.change(raw)
            if change.type != NESTED:
                changes.append(change)
            elif child_id := raw.get("ChangeSetId"):
                seen.add(child_id)
                children.append(self._tree(self._settled(child_id), change.logical_id, change, failures))
            elif change.action is Action.REMOVE and change.physical_id:
                children.append(removal.planned(self._cloudformation, change))
            else:
                children.append(StackPlan(change.logical_id, container=change))
        reason = description.get("StatusReason", "")
        if description["Status"] == "FAILED":
            # A root that failed early lists no changes; its reason still names the child that failed.
            mentioned = set(CHANGE_SET_ARN.findall(reason)) - seen - {description["ChangeSetId"]}
            for child_id in sorted(mentioned):
                child = self._settled(child_id)
                children.append(self._tree(child, child["StackName"], None, failures))
            if not is_empty(reason) and not mentioned and not seen:
                failures.append(Failure(name, reason, description["ChangeSetId"]))
        return StackPlan(
            name=name,
            changes=tuple(changes),
            children=tuple(children),
            container=container,
            stack_id=description["StackId"],
            change_set_id=description["ChangeSetId"],
        )

    def _all_changes(self, change_set_id: str) -> "list[ResourceChangeTypeDef]":
        """Described twice and merged: with property values, whole resources can be missing without a word.

        https://github.com/aws/aws-cdk-cli/issues/1780
        """
        complete = self._pages(change_set_id, values=False)
        with_values = {change["LogicalResourceId"]: change for change in self._pages(change_set_id, True)}
        names = {change["LogicalResourceId"] for change in complete}
        both = [described.merged(change, with_values.get(change["LogicalResourceId"])) for change in complete]
        return both + [change for name, change in with_values.items() if name not in names]

    def _pages(self, change_set_id: str, values: bool) -> "list[ResourceChangeTypeDef]":
        # botocore's own paginator for it leaves IncludePropertyValues to us and pages alike.
        pages = self._cloudformation.get_paginator("describe_change_set").paginate(
            ChangeSetName=change_set_id, IncludePropertyValues=values
        )
        return [
            described.with_hooks(change)
            for page in pages
            for change in page.get("Changes", [])
            if "ResourceChange" in change
        ]


def is_empty(reason: str) -> bool:
    """Whether a FAILED change set says that nothing would change."""
    return any(words in reason for words in EMPTY)
