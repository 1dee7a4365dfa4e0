"""Whether what stands is still what the templates say, in the root and in every stack that it nests.

CloudFormation detects drift of one stack at a time and never of what that stack nests, so each is asked:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackDrift.html
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import stack
from deployer.errors import Busy, DeployerError, TookTooLong
from deployer.naming import meant
from deployer.stack import REVIEW
from deployer.target import Target
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackResourceDriftTypeDef

AT_ONCE = 4  # each detection reads every resource of its stack, with its service's own quotas
LONGEST_MINUTES = 30.0  # "up to several minutes", says the page above, of one stack
IN_SYNC, DRIFTED, UNTOLD = 0, 2, 1  # what `drift` exits with


class CannotDetect(DeployerError):
    """drift of {stack} cannot be detected ({why}): see its state with `python deploy.py status
    {environment}`"""


class Drifted(DeployerError):
    """{stack} has drifted, and a change would build on what nobody reviewed: {paths}. See what differs with
    `python deploy.py drift {environment}`; put it back or into the templates, or go on knowingly with
    --accept-drift PATH for each"""


class Status(StrEnum):
    """CloudFormation's StackResourceDriftStatus."""

    IN_SYNC = "IN_SYNC"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    NOT_CHECKED = "NOT_CHECKED"  # CloudFormation cannot detect drift of this type
    UNKNOWN = "UNKNOWN"  # it tried, and failed
    UNSUPPORTED = "UNSUPPORTED"


UNCHECKED = (Status.NOT_CHECKED, Status.UNSUPPORTED)


@dataclass(frozen=True)
class Difference:
    """One property, as a JSON pointer. `kind` is CloudFormation's: ADD, REMOVE or NOT_EQUAL."""

    path: str
    kind: str
    expected: str
    actual: str

    @property
    def is_tag(self) -> bool:
        return self.path.split("/")[1:2] == ["Tags"]

    def line(self) -> str:
        """`RetentionPeriodHours: 24 → 48`; what stands although no template names it is `nothing → …`."""
        expected = "nothing" if self.kind == "ADD" else self.expected
        actual = "nothing" if self.kind == "REMOVE" else self.actual
        return f"{self.path.removeprefix('/')}: {expected} → {actual}"


@dataclass(frozen=True)
class ResourceDrift:
    """One resource. `path` names the nested stacks that lead to it: Stream/Readings."""

    path: str
    type: str
    physical_id: str
    status: Status
    reason: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def drifted(self) -> bool:
        return self.status in {Status.MODIFIED, Status.DELETED}

    @property
    def tags_only(self) -> bool:
        return bool(self.differences) and all(difference.is_tag for difference in self.differences)


@dataclass(frozen=True)
class StackDrift:
    """One stack's own resources. `why` says why some of them could not be checked."""

    path: tuple[str, ...]  # () for the root
    name: str
    resources: tuple[ResourceDrift, ...]
    why: str = ""

    @property
    def drifted(self) -> tuple[ResourceDrift, ...]:
        return tuple(resource for resource in self.resources if resource.drifted)


@dataclass(frozen=True)
class Drift:
    """A root and all that it nests, parents before children."""

    environment: str
    stack_name: str
    stacks: tuple[StackDrift, ...]

    @property
    def resources(self) -> tuple[ResourceDrift, ...]:
        return tuple(resource for each in self.stacks for resource in each.resources)

    @property
    def drifted(self) -> tuple[ResourceDrift, ...]:
        return tuple(resource for resource in self.resources if resource.drifted)

    @property
    def verdict(self) -> int:
        """0 in sync, 2 drifted, 1 where CloudFormation could not tell."""
        if self.drifted:
            return DRIFTED
        untold = any(resource.status is Status.UNKNOWN for resource in self.resources)
        return UNTOLD if untold or any(each.why for each in self.stacks) else IN_SYNC


def detect(target: Target) -> Drift:
    """Detect drift of the platform's stacks, a few at a time. Raises MissingStack, Busy, CannotDetect."""
    target.check_account()
    cloudformation = target.clients.cloudformation
    environment = target.environment
    root = stack.find(cloudformation, target.stack_name)
    if root is None or root.status == REVIEW:
        raise target.missing(target.stack_name)
    if root.is_moving:
        raise Busy(stack=root.name, status=root.status, environment=environment.name)
    found = tuple(_listed(cloudformation, root.id, (), root.name))
    failures = _detected(target, [each.stack_id for each in found])
    stacks = (_compared(cloudformation, each, failures.get(each.stack_id, "")) for each in found)
    return Drift(environment.name, root.name, tuple(stacks))


def gate(found: Drift, accepted: Sequence[str]) -> None:
    """Refuse to go on over drift that nobody accepted by name. Raises Drifted, and what `meant` does."""
    paths = [resource.path for resource in found.drifted]
    known = meant("--accept-drift", accepted, paths)
    if left := [path for path in paths if path not in known]:
        raise Drifted(stack=found.stack_name, paths=", ".join(left), environment=found.environment)
    if untold := [each for each in found.stacks if each.why]:
        name = "/".join(untold[0].path) or untold[0].name
        raise CannotDetect(stack=name, why=untold[0].why, environment=found.environment)


@dataclass(frozen=True)
class _Listed:
    """A stack and the resources that it has: (logical id, type, physical id)."""

    path: tuple[str, ...]
    name: str
    stack_id: str
    resources: tuple[tuple[str, str, str], ...]


def _listed(
    cloudformation: "CloudFormationClient", stack_id: str, path: tuple[str, ...], name: str
) -> Iterator[_Listed]:
    resources = tuple(
        (each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
        for each in stack.resources(cloudformation, stack_id)
    )
    yield _Listed(path, name, stack_id, resources)
    for logical_id, kind, physical_id in resources:
        if kind == NESTED and physical_id:
            yield from _listed(cloudformation, physical_id, (*path, logical_id), logical_id)


def _detected(target: Target, stack_ids: Sequence[str]) -> dict[str, str]:
    """Wait until each was looked at; why it failed of those where it did, for some resource at least."""
    cloudformation, clock = target.clients.cloudformation, target.clock
    waiting = deque(stack_ids)
    running: dict[str, str] = {}
    failures: dict[str, str] = {}
    deadline = clock.now() + LONGEST_MINUTES * 60
    while waiting or running:
        while waiting and len(running) < AT_ONCE and (begun := _begin(target, waiting[0])):
            running[begun] = waiting.popleft()
        clock.sleep(target.poll)
        for detection, stack_id in list(running.items()):
            told = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if told["DetectionStatus"] == "DETECTION_IN_PROGRESS":
                continue
            del running[detection]
            if told["DetectionStatus"] == "DETECTION_FAILED":
                failures[stack_id] = told.get("DetectionStatusReason", "no reason was told")
        if clock.now() > deadline:
            what = ", ".join([*running.values(), *waiting])
            raise TookTooLong(what=what, minutes=LONGEST_MINUTES, environment=target.environment.name)
    return failures


def _begin(target: Target, stack_id: str) -> str | None:
    """The detection's id; None while somebody else's runs, since a stack has one at a time."""
    try:
        return target.clients.cloudformation.detect_stack_drift(StackName=stack_id)["StackDriftDetectionId"]
    except ClientError as error:
        why = error.response["Error"].get("Message", "")
        if "already in progress" in why:
            return None
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        environment = target.environment.name
        raise CannotDetect(stack=stack_id, why=why, environment=environment) from error


def _compared(cloudformation: "CloudFormationClient", listed: _Listed, why: str) -> StackDrift:
    """Every resource of the stack: those that were not checked are in no answer, and not left out."""
    told = {each["LogicalResourceId"]: each for each in _told(cloudformation, listed.stack_id)}
    resources = []
    for logical_id, kind, physical_id in listed.resources:
        path = "/".join((*listed.path, logical_id))
        if logical_id in told:
            resources.append(_resource(path, told[logical_id]))
        elif kind != NESTED:  # a nested stack was looked at itself
            status = Status.UNKNOWN if why else Status.NOT_CHECKED
            resources.append(ResourceDrift(path, kind, physical_id, status))
    return StackDrift(listed.path, listed.name, tuple(resources), why)


def _told(cloudformation: "CloudFormationClient", stack_id: str) -> "Iterator[StackResourceDriftTypeDef]":
    """DescribeStackResourceDrifts, of which botocore has no paginator."""
    page = cloudformation.describe_stack_resource_drifts(StackName=stack_id)
    yield from page["StackResourceDrifts"]
    while token := page.get("NextToken"):
        page = cloudformation.describe_stack_resource_drifts(StackName=stack_id, NextToken=token)
        yield from page["StackResourceDrifts"]


def _resource(path: str, told: "StackResourceDriftTypeDef") -> ResourceDrift:
    return ResourceDrift(
        path=path,
        type=told["ResourceType"],
        physical_id=told.get("PhysicalResourceId", ""),
        status=Status(told["StackResourceDriftStatus"]),
        reason=told.get("DriftStatusReason", ""),
        differences=tuple(
            Difference(
                each["PropertyPath"], each["DifferenceType"], each["ExpectedValue"], each["ActualValue"]
            )
            for each in told.get("PropertyDifferences", [])
        ),
    )
