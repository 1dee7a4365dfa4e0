"""Why the last operation failed: its first cause, where that was made, what there is to see of it, and the
one command that is safe now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deployer import evidence, failures, findings, stack, states
from deployer.causes import first_cause
from deployer.errors import NoSuchOperation
from deployer.estimate import duration
from deployer.evidence.question import Evidence, Question
from deployer.failures import Episode, Event
from deployer.origins import UNKNOWN, Origins
from deployer.states import Readiness
from deployer.target import Target
from deployer.wrapping import wrapped

FAILED_PLANS = 3  # of change sets that failed, the newest


@dataclass(frozen=True)
class Failing:
    """A resource that failed, and where it was made."""

    path: str
    type: str
    status: str
    reason: str
    physical_id: str = ""
    template: str | None = None  # file:line
    python: str | None = None  # file:line; None where nobody knows, or the template has changed since

    def __str__(self) -> str:
        return f"{self.path} ({self.type}) {self.status}: {self.reason or 'no reason given'}"


@dataclass(frozen=True)
class Diagnosis:
    """`cause` is None where nothing failed, as far back as the stack tells.

    `operation` is the token or id by which the operation can be asked for again.
    """

    environment: str
    stack: str
    status: str
    operation: str
    began: datetime | None
    ended: datetime | None
    cause: Failing | None
    also: tuple[Failing, ...]
    cancelled: int  # resources that failed only because of these
    going_back: tuple[Failing, ...]  # the roll-back's own failures
    findings: tuple[str, ...]  # of change sets that could not be made
    evidence: tuple[Evidence, ...]
    next: str

    def render(self, width: int = 100) -> str:
        """The cause first, whole; then where it was made and what else there is; then the next command."""
        if self.cause is None and not self.findings:
            return "\n".join(
                wrapped(f"{self.stack} is {self.status}: nothing failed that it still tells of", width)
            )
        return "\n".join(line for told in self._told() for line in wrapped(told, width))

    def _told(self) -> Iterator[str]:
        if self.cause is not None:
            yield "first cause:"
            yield f"  {self.cause}"
            if place := _place(self.cause):
                yield "made at:"
                yield f"  {place}"
        for title, several in (("also failed:", self.also), ("failed in the roll-back:", self.going_back)):
            if several:
                yield title
            for failing in several:
                yield f"  {failing}"
                if place := _place(failing):
                    yield f"    made at {place}"
        if self.cancelled:
            yield f"cancelled because of that: {self.cancelled}"
        if self.findings:
            yield "change sets that could not be made:"
            yield from (f"  {finding}" for finding in self.findings)
        for each in self.evidence:
            yield f"{each.about}:"
            yield from (f"  {line}" for line in each.lines)
        if self.began is not None and self.ended is not None:
            took = duration((self.ended - self.began).total_seconds())
            yield f"operation {self.operation} began {self.began:%Y-%m-%d %H:%M:%S %Z} and took {took}"
        yield f"{self.stack} is {self.status}; next: {self.next}"


def diagnose(
    target: Target, templates: Path, *, stack_name: str | None = None, operation: str | None = None
) -> Diagnosis:
    """The last operation that failed, or `operation` by its token or id, of the platform or another stack.

    `templates` is the directory of the environment's emitted templates. Raises MissingStack,
    NoSuchOperation. Evidence that AWS refuses is told as such, and fails nothing.
    """
    target.check_account()
    name = stack_name or target.stack_name
    environment = target.environment.name
    cloudformation = target.clients.cloudformation
    present = stack.find(cloudformation, name)
    if present is None:
        raise target.missing(name)
    origins = Origins.of(templates, bootstrap=name == target.bootstrap_name)
    episode = failures.last(cloudformation, present.id, operation)
    if episode is None and operation is not None:
        raise NoSuchOperation(stack=name, operation=operation, command="diagnose", environment=environment)
    cause = first_cause(episode.events, lambda event: event.going_back) if episode else None
    return Diagnosis(
        environment=environment,
        stack=name,
        status=present.status,
        operation=episode.token if episode else "",
        began=episode.began if episode else None,
        ended=episode.ended if episode else None,
        cause=_failing(cause.first, origins) if cause else None,
        also=tuple(_failing(event, origins) for event in cause.others) if cause else (),
        cancelled=cause.cancelled if cause else 0,
        going_back=tuple(_failing(event, origins) for event in cause.going_back) if cause else (),
        findings=() if cause else tuple(_failed_plans(target, present, origins)),
        evidence=_evidence(target, cause.first, episode) if cause and episode else (),
        next=_next(present, environment, failed=cause is not None),
    )


def _failing(event: Event, origins: Origins) -> Failing:
    at_root = event.about_stack and not event.stack
    # What a nested stack says of itself is declared in its parent.
    stack_path, title = (
        (event.stack[:-1], event.stack[-1])
        if event.about_stack and event.stack
        else (event.stack, event.logical_id)
    )
    place = None if at_root else origins.place(stack_path, title)
    return Failing(
        path=event.path,
        type=event.type,
        status=event.status,
        reason=event.reason,
        physical_id=event.physical_id,
        template=f"{place.template}:{place.line}" if place else None,
        python=place.python if place else None,
    )


def _place(failing: Failing) -> str:
    """`templates/dev/stream.yaml:12, by stacks/stream.py:30`; empty where nobody knows."""
    if failing.template is None:
        return ""
    return f"{failing.template}, {f'by {failing.python}' if failing.python else UNKNOWN}"


def _evidence(target: Target, first: Event, episode: Episode) -> tuple[Evidence, ...]:
    region = target.environment.region
    return evidence.gather(Question(target.clients, first, episode.began, episode.ended, region))


def _failed_plans(target: Target, present: stack.Stack, origins: Origins) -> Iterator[str]:
    """Change sets that stand there FAILED, with what validation or a hook found."""
    cloudformation = target.clients.cloudformation
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=present.id)
    failed = [each for page in pages for each in page["Summaries"] if each.get("Status") == "FAILED"]
    failed.sort(key=lambda each: str(each.get("CreationTime", "")), reverse=True)
    for each in failed[:FAILED_PLANS]:
        yield f"{each['ChangeSetName']}: {each.get('StatusReason', 'no reason given')}"
        for finding in findings.of_change_sets(cloudformation, [each["ChangeSetId"]]):
            yield f"  {finding.told(origins)}"


def _next(present: stack.Stack, environment: str, *, failed: bool) -> str:
    told = f"`{states.next_command(present.status, environment, present.name)}`"
    if failed and states.readiness(present.status) is Readiness.RESTING:
        return f"mend the cause, then {told}"
    return told
