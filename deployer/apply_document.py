"""What `apply --json` and `bootstrap --json` print: what was planned, what came of it, and why it failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from deployer import plan_document
from deployer.course import Course
from deployer.diagnosis import Diagnosis
from deployer.errors import Cancelled, DeployerError, Diagnosed, LetRun, LostSight, TookTooLong
from deployer.events import Progress
from deployer.plan import Plan
from deployer.plan_document import PlanDocument


class Result(StrEnum):
    UNCHANGED = "unchanged"  # there was nothing to do
    DONE = "done"
    REFUSED = "refused"  # no change of a stack was begun
    FAILED = "failed"
    CANCELLED = "cancelled"  # and rolled back, as somebody asked
    RUNNING = "running"  # nobody looks any more, and AWS goes on: `attach`


@dataclass(frozen=True)
class ResourceDocument:
    """One resource, or a nested stack, by its path. `seconds` is null where its beginning was not told."""

    resource: str
    type: str
    status: str
    reason: str
    at: float  # seconds after the operation began
    seconds: float | None


@dataclass(frozen=True)
class Document:
    """`operation` is the token of what was begun, as `attach` and `diagnose` take it; null where nothing was.

    `status` and `seconds` are the stack's, as its events told them. `outputs` are null unless it ended well.
    `error` is what stderr says; `diagnosis` what `diagnose` knows, its `next` the command that is safe now.
    """

    environment: str
    stack_name: str
    result: Result
    exit_code: int
    operation: str | None
    status: str | None
    seconds: float | None
    resources: list[ResourceDocument]
    outputs: dict[str, str] | None
    error: str | None
    diagnosis: Diagnosis | None
    plan: PlanDocument


def of(
    made: Plan,
    course: Course,
    *,
    outputs: Mapping[str, str] | None = None,
    error: DeployerError | None = None,
    diagnosis: Diagnosis | None = None,
) -> Document:
    return Document(
        environment=made.environment,
        stack_name=made.stack_name,
        result=_result(made, course, error),
        exit_code=0 if error is None else error.exit_code,
        operation=made.token if course.begun else None,
        status=course.status,
        seconds=course.seconds,
        resources=[_resource(event) for event in course.ends],
        outputs=None if outputs is None else dict(outputs),
        # A document has nothing that stands above it.
        error=None if error is None else str(error.__cause__ if isinstance(error, Diagnosed) else error),
        diagnosis=diagnosis,
        plan=plan_document.of(made),
    )


def _result(made: Plan, course: Course, error: DeployerError | None) -> Result:
    if error is None:
        return Result.UNCHANGED if made.is_empty else Result.DONE
    if not course.begun:
        return Result.REFUSED
    if isinstance(error, Cancelled):
        return Result.CANCELLED
    return Result.RUNNING if isinstance(error, LetRun | LostSight | TookTooLong) else Result.FAILED


def _resource(event: Progress) -> ResourceDocument:
    return ResourceDocument(event.path, event.type, event.status, event.reason, event.elapsed, event.took)
