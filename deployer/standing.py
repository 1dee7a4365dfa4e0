"""What stands: each stack with its resources, and what CloudFormation remembers of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import attachment, drawing, stack
from deployer.errors import is_absent
from deployer.stack import REVIEW, Stack, StackTree
from deployer.target import Target
from deployer.templates import NESTED
from deployer.wrapping import wrapped

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

UNCHECKED = "NOT_CHECKED"


@dataclass(frozen=True)
class Resource:
    """One resource, nested stacks apart."""

    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str = ""
    drift: str = UNCHECKED


@dataclass(frozen=True)
class Standing:
    """One stack and those it nests. `drift` and `policy` are of this stack alone; times are in UTC."""

    name: str  # the logical id in its parent; the stack's name for the root
    stack_id: str
    status: str
    reason: str
    changed: datetime
    drift: str
    drift_checked: datetime | None
    policy: bool
    protected: bool
    resources: tuple[Resource, ...]
    children: tuple["Standing", ...] = ()

    def walk(self) -> Iterator["Standing"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def tree(self) -> StackTree:
        """What is drawn of it."""
        unsettled = (
            "  ".join((each.logical_id, each.status, each.reason)).rstrip()
            for each in self.resources
            if not each.status.endswith("_COMPLETE")
        )
        children = tuple(child.tree() for child in self.children)
        return StackTree(self.name, self.status, self.reason, len(self.resources), tuple(unsettled), children)


@dataclass(frozen=True)
class LastOperation:
    """`token` is the one with which it was begun, empty where it had none; `at` when it ended, or began."""

    token: str
    status: str
    at: datetime


@dataclass(frozen=True)
class Report:
    """What `status --json` prints. A stack is null where there is none."""

    environment: str
    region: str
    bootstrap: Standing | None
    platform: Standing | None
    last_operation: LastOperation | None
    running: bool

    def render(self, width: int) -> str:
        """Both trees, then what is remembered of the platform."""
        lines = [each.tree().render(width) for each in (self.bootstrap, self.platform) if each]
        if self.platform is None:
            return "\n".join([*lines, f"millrace-{self.environment}  there is none yet"])
        notes = (line for note in self._notes(self.platform) for line in wrapped(note, width))
        return "\n".join([*lines, *notes])

    def _notes(self, platform: Standing) -> Iterator[str]:
        stacks = list(platform.walk())
        if self.last_operation is not None:
            last = self.last_operation
            by = f", {last.token}" if last.token else ""
            kind = "running" if self.running else "last operation"
            yield f"{kind}: {last.status}{by}, {_time(last.at)}"
        yield f"termination protection: {'on' if platform.protected else 'off'}"
        policies = sum(each.policy for each in stacks)
        yield f"stack policy: on {policies} of {drawing.counted(len(stacks), 'stack')}"
        yield f"drift, as last detected: {_drift(stacks)}"


def read(target: Target) -> Report:
    """Ask every stack once."""
    target.check_account()
    cloudformation = target.clients.cloudformation
    platform = _standing(cloudformation, target.stack_name, target.stack_name)
    return Report(
        environment=target.environment.name,
        region=target.environment.region,
        bootstrap=_standing(cloudformation, target.bootstrap_name, target.bootstrap_name),
        platform=platform,
        last_operation=_last_operation(target, platform) if platform else None,
        running=platform is not None and platform.status.endswith("_IN_PROGRESS"),
    )


def _standing(cloudformation: "CloudFormationClient", stack_id: str, name: str) -> Standing | None:
    try:
        found = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    if found["StackStatus"] == REVIEW:
        return None
    resources, children = [], []
    for told in stack.resources(cloudformation, stack_id):
        physical_id, logical_id = told.get("PhysicalResourceId", ""), told["LogicalResourceId"]
        if told["ResourceType"] == NESTED and physical_id:
            if child := _standing(cloudformation, physical_id, logical_id):
                children.append(child)
            continue
        resources.append(
            Resource(
                logical_id=logical_id,
                type=told["ResourceType"],
                physical_id=physical_id,
                status=told["ResourceStatus"],
                reason=told.get("ResourceStatusReason", ""),
                drift=told.get("DriftInformation", {}).get("StackResourceDriftStatus", UNCHECKED),
            )
        )
    drift = found.get("DriftInformation")
    return Standing(
        name=name,
        stack_id=found.get("StackId", stack_id),
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        changed=found.get("LastUpdatedTime", found["CreationTime"]),
        drift=drift["StackDriftStatus"] if drift else UNCHECKED,
        drift_checked=drift.get("LastCheckTimestamp") if drift else None,
        policy=bool(cloudformation.get_stack_policy(StackName=stack_id).get("StackPolicyBody")),
        protected=found.get("EnableTerminationProtection", False),
        resources=tuple(resources),
        children=tuple(children),
    )


def _last_operation(target: Target, root: Standing) -> LastOperation | None:
    told = next(attachment.operations(target, Stack(root.name, root.stack_id, root.status)), None)
    return LastOperation(told.token, told.status, told.ended or told.since) if told else None


def _drift(stacks: list[Standing]) -> str:
    """`2 DRIFTED, 9 IN_SYNC, since 2026-01-01 10:00 UTC`: of stacks, and by the oldest look."""
    counted = Counter(each.drift for each in stacks)
    looked = [each.drift_checked for each in stacks if each.drift_checked]
    told = ", ".join(f"{number} {state}" for state, number in sorted(counted.items()))
    return f"{told}, since {_time(min(looked))}" if looked else told


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
