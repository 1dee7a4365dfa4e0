"""The way out of every state in which a stack takes no change: looked at and chosen, and not gone yet."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from deployer import failures, remnants, removal, stack, states
from deployer.causes import CANCELLED
from deployer.errors import Busy, DataLossNotAccepted, UsageError
from deployer.holding import HOLDING_DATA
from deployer.remnants import Remnant
from deployer.removal import Fate
from deployer.stack import Stack
from deployer.states import NEVER_CREATED, Readiness
from deployer.target import Target
from deployer.wrapping import wrapped


class NotBlocking(UsageError):
    """{option} names {path!r}, which blocks nothing in {stack}; what does: {blocking}"""


class WrongOption(UsageError):
    """{option} is for a stack that is {wanted}; {stack} is {status}: run `python deploy.py recover
    {environment}` without it"""


class DataAtStake(DataLossNotAccepted):
    """recovering {stack} deletes what holds data ({paths}): keep it with --retain, or accept each loss by its
    name with --accept-data-loss PATH; nothing was changed"""


class Way(StrEnum):
    """What `recover` does, as CloudFormation calls it."""

    NOTHING = "nothing to do"
    DELETE = "DeleteStack"
    CONTINUE = "ContinueUpdateRollback"
    ROLL_BACK = "RollbackStack"
    NONE = "none"  # it is stuck, and there is no call for that


@dataclass(frozen=True)
class Recovery:
    """A stack as it stands, and what `recover` would do about it."""

    environment: str
    stack: str
    stack_id: str
    status: str
    reason: str
    way: Way
    blocking: tuple[Remnant, ...] = ()  # what could not be put back, or not be deleted
    left: tuple[Remnant, ...] = ()  # what else still stands, and goes with the stack
    orphans: tuple[Remnant, ...] = ()  # what was kept, and belongs to no stack any more
    losing: tuple[str, ...] = ()  # paths of what holds data, and would be deleted with it

    def render(self, width: int = 100) -> str:
        """How it stands and why, what blocks, what goes, and last the commands, which are whole."""
        meaning = states.STUCK.get(self.status) or "an update failed, and was left as it was"
        lines = wrapped(f"{self.stack} is {self.status}: {meaning}", width)
        lines += wrapped(f"  {self.reason}" if self.reason else "", width)
        for title, several in (
            ("what blocks:", self.blocking),
            ("what is left, and would be deleted or kept by its DeletionPolicy:", self.left),
            ("kept, and in no stack any more; delete it or import it:", self.orphans),
        ):
            if several:
                lines += wrapped(title, width)
                lines += [line for remnant in several for line in wrapped(f"  {remnant}", width, further=4)]
        if self.losing:
            lines += ["data would be lost:", *(f"  {path}" for path in self.losing)]
        lines += wrapped(self._told(), width)
        return "\n".join([*lines, *(f"  {command}" for command in self._commands())])

    def _told(self) -> str:
        if self.way is Way.DELETE and self.status == "DELETE_FAILED":
            return (
                "recovering deletes it again: mend what blocks first, or keep it, or keep, as the last "
                "resort, whatever cannot be deleted:"
            )
        if self.way is Way.DELETE:
            return f"recovering deletes the stack; then create it with {self.plan}"
        if self.way is Way.CONTINUE and self.blocking:
            return (
                "recovering continues the roll-back: mend what blocks first; or skip it, which leaves it as "
                "it is, out of step with its template until "
                f"`python deploy.py drift {self.environment}` is clean:"
            )
        if self.way is Way.CONTINUE:
            return "recovering continues the roll-back"
        if self.way is Way.ROLL_BACK:
            return f"recovering rolls it back to where it was complete; or go on with {self.plan}"
        return ""

    def _commands(self) -> Iterator[str]:
        """The ways past what blocks, with its own paths: a stack that holds what blocks is none to keep."""
        again = states.command("recover", self.environment, self.stack)
        option = {"DELETE_FAILED": "--retain", "UPDATE_ROLLBACK_FAILED": "--skip"}.get(self.status)
        named = [
            remnant.path
            for remnant in self.blocking
            if not any(other.path.startswith(f"{remnant.path}/") for other in self.blocking)
        ]
        if option and named:
            yield " ".join((again, *(f"{option} {path}" for path in named)))
        if self.status == "DELETE_FAILED":
            yield f"{again} --force"

    @property
    def plan(self) -> str:
        return f"`{states.next_command('DELETE_COMPLETE', self.environment, self.stack)}`"


@dataclass(frozen=True)
class Choice:
    """What the person named: all of it blocks, and CloudFormation takes it in this state."""

    skip: tuple[Remnant, ...] = ()
    retain: tuple[Remnant, ...] = ()
    force: bool = False


def look(target: Target, stack_name: str) -> Recovery:
    """Raises MissingStack, and Busy while an operation is under way."""
    target.check_account()
    environment = target.environment.name
    present = stack.find(target.clients.cloudformation, stack_name)
    if present is None:
        raise target.missing(stack_name)
    if present.is_moving:
        raise Busy(stack=stack_name, status=present.status, environment=environment)
    way = _way(present)
    found = remnants.of(target.clients.cloudformation, present.id) if way is not Way.NOTHING else ()
    blocking = _with_reasons(target, present, [each for each in found if _blocks(each, way)])
    goes = way is Way.DELETE
    stuck = {each.path for each in blocking}
    left = tuple(each for each in found if goes and each.stands and each.path not in stuck)
    return Recovery(
        environment=environment,
        stack=stack_name,
        stack_id=present.id,
        status=present.status,
        reason=present.reason,
        way=way,
        blocking=blocking,
        left=left,
        orphans=tuple(each for each in found if each.kept),
        losing=_losing(target, present, (*blocking, *left)) if goes else (),
    )


def choose(recovery: Recovery, skip: Sequence[str], retain: Sequence[str], *, force: bool) -> Choice:
    """The resources that these paths name. Raises WrongOption, NotBlocking."""
    for option, given, wanted in (
        ("--skip", bool(skip), "UPDATE_ROLLBACK_FAILED"),
        ("--retain", bool(retain), "DELETE_FAILED"),
        ("--force", force, "DELETE_FAILED"),
    ):
        if given and recovery.status != wanted:
            raise WrongOption(
                option=option,
                wanted=wanted,
                stack=recovery.stack,
                status=recovery.status,
                environment=recovery.environment,
            )
    return Choice(_named(recovery, "--skip", skip), _named(recovery, "--retain", retain), force)


def refuse_losses(recovery: Recovery, choice: Choice, accepted: Iterable[str]) -> None:
    """What nobody was asked about must be named, as `destroy` has it. Raises DataAtStake."""
    kept = {remnant.path for remnant in choice.retain}
    named = set(accepted)
    losing = [
        path
        for path in recovery.losing
        if path not in named and not any(path == each or path.startswith(f"{each}/") for each in kept)
    ]
    if losing:
        raise DataAtStake(stack=recovery.stack, paths=", ".join(losing))


def _with_reasons(target: Target, present: Stack, blocking: Sequence[Remnant]) -> tuple[Remnant, ...]:
    """Where the list of resources tells no reason, the operation's events do."""
    if all(remnant.reason for remnant in blocking):
        return tuple(blocking)
    episode = failures.last(target.clients.cloudformation, present.id)
    events = episode.events if episode else ()
    told = {event.path: event.reason for event in events if event.failed and event.reason}
    return tuple(replace(each, reason=each.reason or told.get(each.path, "")) for each in blocking)


def _losing(target: Target, present: Stack, standing: Sequence[Remnant]) -> tuple[str, ...]:
    """By the policies of the deployed templates, which are read only where something holds data."""
    holding = {remnant.path for remnant in standing if remnant.type in HOLDING_DATA}
    if not holding:
        return ()
    resources = removal.read(target.clients.cloudformation, present).resources
    lost = (leaving.path for leaving in resources if leaving.fate is Fate.LOST)
    return tuple(path for path in lost if path in holding)


def _way(present: Stack) -> Way:
    if present.status in NEVER_CREATED or present.status == "DELETE_FAILED":
        return Way.DELETE
    if present.status == "UPDATE_ROLLBACK_FAILED":
        return Way.CONTINUE
    if present.status == "UPDATE_FAILED":
        return Way.ROLL_BACK
    return Way.NONE if states.readiness(present.status) is Readiness.STUCK else Way.NOTHING


def _blocks(remnant: Remnant, way: Way) -> bool:
    """Of a roll-back only what failed in it: what was cancelled before it may not be skipped.

    A nested stack may be skipped when it is gone or could not go:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
    """
    if way is Way.CONTINUE:
        cancelled = any(words in remnant.reason for words in CANCELLED)
        if remnant.is_container and not remnant.nested_status.startswith("DELETE"):
            return False
        return remnant.status == "UPDATE_FAILED" and not cancelled
    return remnant.status.endswith("_FAILED") and remnant.status != "CREATE_FAILED"


def _named(recovery: Recovery, option: str, paths: Iterable[str]) -> tuple[Remnant, ...]:
    by_path = {remnant.path: remnant for remnant in recovery.blocking}
    for path in paths:
        if path not in by_path:
            blocking = ", ".join(by_path) or "nothing"
            raise NotBlocking(option=option, path=path, stack=recovery.stack, blocking=blocking)
    return tuple(by_path[path] for path in dict.fromkeys(paths))
